"""Lines that programs, lawyers and lists add to a mail: which of its own lines they are."""

from __future__ import annotations

import re
from collections.abc import Sequence

from textcrm.clean.footers import is_banner, is_legal, is_list, is_long_register, may_begin_footer
from textcrm.clean.lines import Line, bare

_DEVICE = re.compile(
    r"\A(?:(?:this (?:e-?mail|message) was )?(?:sent|delivered|written|typed)(?: (?:wirelessly"
    r"|securely))? (?:from|via|with|using|by|on) "
    r"(?:my |an? |the )?[^,;:!?]{2,60}|get (?:outlook|[a-z]{2,12} ?mail) for (?:ios|android|mac|windows)|via mobile"
    r"|(?:please )?excuse (?:my )?(?:typos|brevity)[^,;:?]{0,50}"
    r"|(?:diese (?:nachricht|e-?mail|mail) wurde )?(?:von|aus|mit) (?:meine[mr]|unterwegs|der|einem|mobil"
    r"|outlook|samsung|huawei|xiaomi|iphone|ipad|android)\b[^,;:!?]{0,60}"
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
    r"|[^,;:!?]{2,30}gönderildi|skickat från [^,;:!?]{2,50}|sendt fra [^,;:!?]{2,50}"
    r"|lähetetty [^,;:!?]{2,50}|(?:odesláno"
    r"|odoslané) z [^,;:!?]{2,50})"
    r"[.。]?(?:[ ]?[(<]https?:[^\s]{1,200})?",
    re.IGNORECASE,
)
# What a device line may carry: the address of its link, brackets round it, an excuse for its brevity.
_LINKED = re.compile(r"<https?://[^<>\s]{1,300}>|(?<=\])\(https?://[^()\s]{1,300}\)|[\[\]]")
_EXCUSE = re.compile(
    r"(?:[,.;–-]|\s-) ?(?:(?:please |bitte )?(?:excuse|pardon|forgive|sorry|entschuldig|verzeih)"
    r"|veuillez|excusez|désolé"
    r"|disculp|perdon|desculp|scus|excuses|sorry voor|przepraszam|извините|(?:secure|encrypted) )[^\n]{0,60}$",
    re.IGNORECASE,
)
# "Sent from ..." may start a sentence of one's own: then it has a verb in it.
_SENTENCE = re.compile(
    r"\b(?:is|was|are|were|has|have|will|and then|but|ist|war|sind|est|était|es|fue|é|foi|è|was|jest)\b", re.IGNORECASE
)
_MOST_WORDS = 12

_PGP = re.compile(r"-----(?:BEGIN PGP SIGNATURE|END PGP SIGNATURE)-----")
_PGP_HEAD = re.compile(r"-----BEGIN PGP SIGNED MESSAGE-----")
_RULE = re.compile(r"[-_=*~+#\u2500—–. ]{4,200}")
_MOST_LINE = 2_000
_MOST_FOLLOWING = 4


def is_device(text: str) -> bool:
    """Return whether a line is what a phone or a mail program adds: "Sent from my iPhone" and its translations."""
    if not 6 <= len(text) <= 450:
        return False
    line = bare(_LINKED.sub("", text)).strip("-–—•~()* ")
    if len(line) > 12:
        line = _EXCUSE.sub("", line)
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
    near_end = _near_end(lines)
    index = 0
    while index < len(lines):
        line = lines[index]
        if line.kind != "own" or line.blank:
            index += 1
            continue
        text = bare(line.text)[:_MOST_LINE]
        drawn = text.startswith("-----")
        if drawn and _PGP_HEAD.match(text):
            while index < len(lines) and not lines[index].blank:
                lines[index].mark("footer", "pgp")
                index += 1
            continue
        footer = may_begin_footer(text)
        if drawn and _PGP.match(text):
            index = _to_end(lines, index, "pgp")
        elif (
            (footer and is_legal(text, _below(lines, index))) or (near_end[index] and is_long_register(text))
        ) and _later_half(lines, index):
            index = _to_end(lines, _above(lines, index), "legal")
        elif footer and is_list(text) and _later_half(lines, index):
            index = _to_end(lines, _above(lines, index), "list")
        else:
            if near_end[index] and is_device(text):
                line.mark("device", "sent_from")
            index += 1


def _mark_banner(lines: Sequence[Line]) -> None:
    first = next((i for i, line in enumerate(lines) if not line.blank), None)
    if first is None or not is_banner(lines[first].text):
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


def _below(lines: Sequence[Line], index: int) -> str:
    """Return the own line right below, for sentences that are wrapped."""
    below = lines[index + 1] if index + 1 < len(lines) else None
    return bare(below.text)[:_MOST_LINE] if below is not None and below.kind == "own" else ""


def _later_half(lines: Sequence[Line], index: int) -> bool:
    """A footer has own text above it."""
    return any(not line.blank and line.kind == "own" for line in lines[:index])


def _near_end(lines: Sequence[Line]) -> list[bool]:
    """Return for each line whether at most a few own lines follow in its stretch (a name, an advertisement)."""
    near = [False] * len(lines)
    following = 0
    for index in range(len(lines) - 1, -1, -1):
        near[index] = following <= _MOST_FOLLOWING
        line = lines[index]
        following = 0 if line.kind != "own" else following + (not line.blank)
    return near
