"""Lines that programs, lawyers and mailing lists add: "Sent from my phone", disclaimers, list and scanner footers."""

from __future__ import annotations

import re
from collections.abc import Sequence

from textcrm.clean.lines import Line, bare

_DEVICE = re.compile(
    r"\A(?:(?:this (?:e-?mail|message) was )?(?:sent|delivered|written|typed)(?: (?:wirelessly"
    r"|securely))? (?:from|via|with|using|by|on) "
    r"(?:my |an? |the )?[^,;:!?]{2,60}|get outlook for (?:ios|android|mac)|via mobile"
    r"|(?:please )?excuse (?:my )?(?:typos|brevity)[^,;:?]{0,50}"
    r"|(?:diese (?:nachricht|e-?mail|mail) wurde )?(?:von|aus|mit) (?:meine[mr]|unterwegs|der|einem|mobil"
    r"|outlook)\b[^,;:!?]{0,60}"
    r"(?:gesendet|geschickt|versendet|verschickt|geschrieben)|gesendet (?:von|mit|aus|über"
    r"|via)\b[^,;:!?]{2,60}"
    r"|(?:outlook für (?:ios|android)|holen sie sich outlook|laden sie outlook)[^,;:!?]{0,30}"
    r"|(?:envoyé|expédié) (?:de|depuis|à partir|avec|par|via)\b[^,;:!?]{2,60}|(?:télécharge[rz]|obtenez"
    r"|obtenir) outlook pour [^,;:!?]{2,20}"
    r"|provenance ?: courrier pour windows[^,;!?]{0,10}"
    r"|enviad[oa] (?:desde|con|a través|de|do|da|pel[oa]|via|a partir|por|usando)\b[^,;:!?]{2,60}"
    r"|(?:obtener|obtén|descargar?|obter o?|baixar o?|transferir o) ?outlook par[ao] [^,;:!?]{2,20}"
    r"|inviat[oa] (?:da|dal|dalla|con|tramite|via|dall['’])\b[^,;:!?]{1,60}|(?:scarica"
    r"|ottieni) outlook per [^,;:!?]{2,20}"
    r"|(?:verzonden|verstuurd) (?:vanaf|vanuit|van|met|via|door)\b[^,;:!?]{2,60}"
    r"|(?:download )?outlook voor [^,;:!?]{2,30}"
    r"|wysłan[eoay] (?:z|za|przy|ze|przez|przez)\b[^,;:!?]{2,60}"
    r"|pobierz (?:aplikację )?outlook [^,;:!?]{2,30}"
    r"|отправлено (?:с|со|из|через|при)\b[^,;:!?]{2,60}|(?:скачать|загрузить|получить) outlook [^,;:!?]{2,30}"
    r"|(?:发自|發自|来自|來自|从|從|由)[^。，！？]{0,3}(?:我的|windows|outlook|yahoo|iphone|网易|qq|邮箱|雅虎)[^。，！？]{0,30}"
    r"|发送自[^。，！？]{2,30}"
    r"|(?:获取|下載|取得|下载)\s?outlook[^。，！？]{0,20}|[^。、！？]{2,25}(?:から|より)送信(?:しました|されました|しています)?"
    r"|outlook for [^。、]{2,12}を入手"
    r"|skickat från [^,;:!?]{2,50}|sendt fra [^,;:!?]{2,50}|lähetetty [^,;:!?]{2,50}|(?:odesláno"
    r"|odoslané) z [^,;:!?]{2,50})"
    r"[.。]?(?:[ ]?[(<]https?:[^\s]{1,200})?",
    re.IGNORECASE,
)
# "Sent from ..." may start a sentence of one's own: then it has a verb in it.
_SENTENCE = re.compile(
    r"\b(?:is|was|are|were|has|have|will|and then|but|ist|war|sind|est|était|es|fue|é|foi|è|was|jest)\b", re.IGNORECASE
)
_MOST_WORDS = 12

_LEGAL = re.compile(
    r"\A(?:confidentiality (?:notice|note|statement|caution)|(?:legal |email |e-mail )?disclaimer\b"
    r"|important notice\b|legal notice|privileged and confidential"
    r"|(?:this|the) (?:e-?mail|electronic mail|message|communication|transmission|correspondence)\b.{0,160}"
    r"(?:confidential|privileged|intended (?:only|solely|for)|sole use|named (?:addressee|recipient)"
    r"|addressee)"
    r"|(?:the )?(?:information|content|contents|contained) (?:contained |transmitted |included )?(?:in|of"
    r"|by) this (?:e-?mail|message|communication)"
    r"|if you (?:are not|have received) (?:the intended|this (?:e-?mail|message))"
    r"|(?:please )?consider the environment before"
    r"|think before you print|before printing|registered (?:office|in england)"
    r"|company (?:registration )?(?:no|number)\b"
    r"|(?:diese|dieses|die in dieser|der inhalt dieser)\b.{0,60}(?:e-?mail|nachricht"
    r"|mail)\b.{0,120}(?:vertraulich|ausschlie(?:ß|ss)lich|bestimmt)"
    r"|vertraulichkeitshinweis|(?:haftungsausschluss|rechtlicher hinweis|hinweis zum datenschutz)\b"
    r"|bitte (?:denken|prüfen) sie.{0,40}(?:umwelt|drucken)"
    r"|(?:ce (?:message|courriel|mail)|cet? e-?mail|les informations contenues)\b.{0,160}(?:confidentiel"
    r"|destinataire|strictement|usage exclusif)"
    r"|(?:avis|avertissement|clause) de confidentialité|pensez à l['’]environnement|n['’]imprimez"
    r"|(?:este (?:mensaje|correo|e-?mail)|la información contenida"
    r"|esta comunicación)\b.{0,160}(?:confidencial|destinatari|privilegiad|exclusiv)"
    r"|aviso (?:legal|de confidencial|de privacidad)|antes de imprimir|piense (?:en el|antes)"
    r"|(?:esta (?:mensagem|comunicação)|este (?:e-?mail|correio)"
    r"|as informações contidas)\b.{0,160}(?:confidencia|destinatári|exclusiv|sigilos)"
    r"|(?:questo (?:messaggio|documento)|questa (?:e-?mail|comunicazione)|le informazioni contenute"
    r"|la presente)\b.{0,160}(?:riservat|confidenzial|destinatari)"
    r"|(?:avviso di riservatezza|nota di riservatezza|ai sensi del)|prima di stampare|rispetta l['’]ambiente"
    r"|(?:dit (?:e-?mail)?(?:bericht)?|deze e-?mail|de informatie in"
    r"|de inhoud van)\b.{0,160}(?:vertrouwelijk|bestemd|geadresseerde)"
    r"|(?:niniejsza|ta|treść tej|informacje zawarte w)\b.{0,60}(?:wiadomoś|korespondencj"
    r"|e-?mail).{0,160}(?:pouf|adresat|zastrzeż|przeznaczon)|klauzula poufności"
    r"|(?:это|данное|настоящее|информация.{0,30}(?:письм|сообщени))\b.{0,160}(?:конфиденциальн|предназначен)"
    r"|(?:本|此|这封|該|该)(?:电子)?(?:邮件|郵件|電子郵件).{0,60}(?:保密|机密|機密|收件人|授权)|(?:本|この|当)(?:電子)?(?:メール"
    r"|メッセージ).{0,60}(?:機密|秘密|宛先|受信者)"
    r")",
    re.IGNORECASE,
)
_LIST = re.compile(
    r"\A(?:reply to this e-?mail directly or view|you (?:are receiving|received|are getting"
    r"|have received) this (?:e-?mail|message|mail)?\s?(?:because|since|as)"
    r"|(?:to|click here to) unsubscribe\b|unsubscribe[:\s]|to (?:post|subscribe|leave"
    r"|manage your subscription|stop receiving|opt out)\b.{0,80}(?:list|email|group|http|mail)"
    r"|.{0,60}\bmailing list\s?[-:]?\s?$|.{0,80}mailman/listinfo|if you (?:no longer"
    r"|do not) wish to receive|yahoo! groups? (?:links|sponsor)"
    r"|this (?:e-?mail|message) (?:has been|was) (?:checked|scanned)|virus-free\b|scanned by"
    r"|no virus found|checked by avg"
    r"|diese e-?mail wurde.{0,40}(?:viren|avast)|virenfrei|cet? (?:e-?mail|courrier).{0,40}(?:virus|avast)"
    r"|sans virus|libre de virus"
    r"|(?:um|wenn sie).{0,60}(?:abmelden|abbestellen)\b|newsletter abbestellen|se désabonner"
    r"|pour vous désabonner|se désinscrire"
    r"|(?:darse|dar) de baja|cancelar (?:la|a) (?:suscripción|inscrição|assinatura)"
    r"|annulla l['’]iscrizione|uitschrijven|afmelden voor"
    r"|wypisz się|отписаться|退订|取消订阅|配信停止|do you yahoo!\?|get your (?:own )?free .{0,60}(?:hotmail|msn"
    r"|e-?mail)|join msn|chat with friends online"
    r"|msn (?:photos|messenger|explorer).{0,60}http)",
    re.IGNORECASE,
)
_PGP = re.compile(r"-----(?:BEGIN PGP SIGNATURE|END PGP SIGNATURE)-----")
_PGP_HEAD = re.compile(r"-----BEGIN PGP SIGNED MESSAGE-----")
_BANNER = re.compile(
    r"[\[*( ]{0,3}(?:external(?: e-?mail| message| sender)?\b|caution\b|warning: (?:this|external)"
    r"|extern(?:e e-?mail|al)?\b|achtung: externe"
    r"|courriel externe|correo externo|e-?mail externo)[^\n]{0,200}(?:click|link|attach|sender|outside"
    r"|organi[sz]ation|absender|link|anh[aä]ng|pièce|adjunt)",
    re.IGNORECASE,
)
_RULE = re.compile(r"[-_=*~+#\u2500—–. ]{4,200}")
_MOST_LINE = 2_000


def is_device(text: str) -> bool:
    """Return whether a line is what a phone or a mail program adds: "Sent from my iPhone" and its translations."""
    line = bare(text).lstrip("-–—• ").strip()
    if not 6 <= len(line) <= 110 or len(line.split()) > _MOST_WORDS:
        return False
    return _DEVICE.fullmatch(line) is not None and _SENTENCE.search(line[10:]) is None


def is_rule(text: str) -> bool:
    """Return whether a line is drawn: dashes, underscores, equal signs, stars."""
    stripped = text.strip()
    return len(stripped) >= 4 and _RULE.fullmatch(stripped) is not None


def mark_boilerplate(lines: Sequence[Line]) -> None:
    """Mark device lines and footers among the own lines of *lines*, in place.

    A disclaimer and a list footer reach to the end of the own stretch that they stand in; a warning banner at the
    top is its paragraph.
    """
    _mark_banner(lines)
    index = 0
    while index < len(lines):
        line = lines[index]
        if line.kind != "own" or line.blank:
            index += 1
            continue
        text = bare(line.text)[:_MOST_LINE]
        if _PGP_HEAD.match(text):
            while index < len(lines) and not lines[index].blank:
                lines[index].mark("footer", "pgp")
                index += 1
            continue
        if _PGP.match(text):
            index = _to_end(lines, index, "pgp")
        elif _LEGAL.match(text) and _later_half(lines, index):
            index = _to_end(lines, _above(lines, index), "legal")
        elif _LIST.match(text) and _later_half(lines, index):
            index = _to_end(lines, _above(lines, index), "list")
        else:
            if is_device(text) and _near_end(lines, index):
                line.mark("device", "sent_from")
            index += 1


def _mark_banner(lines: Sequence[Line]) -> None:
    first = next((i for i, line in enumerate(lines) if not line.blank), None)
    if first is None or not _BANNER.match(lines[first].text):
        return
    for line in lines[first:]:
        if line.blank:
            break
        line.mark("footer", "banner")


def _above(lines: Sequence[Line], index: int) -> int:
    """A line drawn right above a footer, or one line naming the list, belongs to it."""
    for step in range(1, 4):
        if index - step < 0 or lines[index - step].kind != "own":
            break
        text = lines[index - step].text
        if is_rule(text) or text.strip() in {"—", "--", "-- "}:
            return index - step
        if lines[index - step].blank and step > 1:
            break
    return index


def _to_end(lines: Sequence[Line], index: int, rule: str) -> int:
    while index < len(lines) and lines[index].kind == "own":
        lines[index].mark("footer", rule)
        index += 1
    return index


def _later_half(lines: Sequence[Line], index: int) -> bool:
    """A footer has own text above it."""
    return any(not line.blank and line.kind == "own" for line in lines[:index])


def _near_end(lines: Sequence[Line], index: int) -> bool:
    """Return whether at most a few own lines follow in the same stretch (a name, an app's advertisement)."""
    following = 0
    for line in lines[index + 1 :]:
        if line.kind != "own":
            break
        following += not line.blank
        if following > 4:
            return False
    return True
