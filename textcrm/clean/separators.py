"""The lines by which mail programs set a quoted or forwarded message apart, in the languages they speak.

Forms as written by Gmail, Outlook, Outlook on the web, Apple Mail, Thunderbird, Yahoo, AOL, GMX, mail.ru, Yandex, QQ,
163, Lotus Notes and their relatives.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from textcrm.clean.lines import bare

# "On <date>, <name> wrote:" by the verb at its end; the colon may be missing its blank or be a wide one.
_VERBS = re.compile(
    r"(?:wrote|writes|said|schrieb|schreibt|schrieben|(?:a|ont) [ée]crit|escribi[óo]|escribe|escreveu"
    r"|ha scritto|scrisse|scrive"
    r"|schreef|heeft geschreven|het volgende geschreven|napisa[łl]\(?a?\)?|napisa[łl]/a|pisze"
    r"|написал\(?а?\)?|написали|пишет"
    r"|写道|寫道|写到|写了|のメール|が書きました|は書きました|さんからのメール|skrev|skriver|kirjoitti|napsal\(?a?\)?|yazdı|shkroi|scris"
    r"|wrote the following|schrieb folgendes)[ ]{0,3}[:：]?$",
    re.IGNORECASE,
)
# The verb stands before the name in German, Dutch and Chinese forms.
_VERB_INSIDE = re.compile(
    r"\b(?:wrote|schrieb|schreef|geschreven|skrev|escribi[óo]|escreveu"
    r"|a [ée]crit|ha scritto|napisa[łl]\(?a?\)?|napisana przez"
    r"|написал\(?а?\)?|от|пользователь)(?=\W)|写道|寫道|書きました",
    re.IGNORECASE,
)
_START = re.compile(
    r"(?:on|at|in|am|um|der|die|le|la|el|em|no dia|il|il giorno|in data|op|w dniu|dnia|den|dne|pada|в"
    r"|on the|mensaje de"
    r"|от|at)\b|[于於在]|\"?[^\s<>@]{1,60}@|[\[(<\"'„«“]"
    r"|[A-ZÀ-ŽА-ЯŁŚŻ\u0590-\u06ff\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7a3]|\d|[а-яa-z]{2,3}[.,]",
    re.IGNORECASE,
)
_TIME = r"\d{1,2}\s?[:.hH時时点]\s?\d{2}"
_YEAR = r"(?:19|20)\d{2}"
_NUMERIC = r"\d{1,4}[./-]\d{1,2}[./-]\d{2,4}"
_DATED = re.compile(rf"{_YEAR}|{_TIME}|\d{{1,2}}[./-]\d{{1,2}}[./-]\d{{2,4}}")
_FULL_DATE = re.compile(
    rf"(?:{_YEAR}|\d{{1,2}}[./-]\d{{1,2}}[./-]\d{{2}}).{{0,60}}{_TIME}|{_TIME}.{{0,60}}(?:{_YEAR}"
    rf"|\d{{1,2}}[./-]\d{{1,2}})"
)
_ADDRESS = re.compile(r"[^\s@<>()\"]{1,64}@[^\s@<>()\"]{1,190}")
_ENDS_IN_ADDRESS = re.compile(r"[>)\]\"][ ]{0,2}[:：]$")
_MOST_ATTRIBUTION = 400
_MOST_VERB = 40

_DASHES = r"[-_=*~—–\u2010\u2011\u2500]"
_QUOTED_WORDS = (
    r"original message|original appointment|originalmessage|reply message|original email|urspr(?:ü"
    r"|ue)ngliche (?:nachricht|mail)"
    r"|original[- ]?nachricht|message d['’]origine|message (?:original|initial|précédent)"
    r"|e-?mail d['’]origine"
    r"|mensaje original|mensagem original|messaggio (?:originale|originario)|oorspronkelijk bericht"
    r"|origineel bericht"
    r"|wiadomo(?:ść|sc) (?:oryginalna|pierwotna)|oryginalna wiadomo(?:ść|sc)|исходное сообщение"
    r"|оригинальное сообщение"
    r"|первоначальное сообщение|原始邮件|邮件原件|原始郵件|原邮件|原始信息"
    r"|元のメッセージ|元のメール|オリジナルメッセージ|受信メール"
    r"|oprindelig (?:meddelelse|besked)|opprinnelig melding|ursprungligt meddelande|alkuperäinen viesti"
    r"|původní (?:zpráva|e-?mail)|orijinal (?:mesaj|ileti)"
)
_FORWARD_WORDS = (
    r"forwarded (?:message|by|mail|e-?mail)|begin forwarded message|start of forwarded message"
    r"|weitergeleitete (?:nachricht|mail|e-?mail)"
    r"|weitergeleitet (?:von|durch)|anfang der weitergeleiteten (?:nachricht|e-?mail)|message (?:transféré"
    r"|réexpédié|transmis)"
    r"|(?:transféré|transmis|réexpédié) par|début du message (?:réexpédié|transféré)|mensaje reenviado"
    r"|reenviado por"
    r"|inicio del mensaje reenviado|mensagem (?:encaminhada|reencaminhada)|(?:en|reen)caminhad[oa] por"
    r"|início da mensagem (?:encaminhada|reencaminhada)|messaggio inoltrato|inoltrato da"
    r"|inizio (?:del )?messaggio inoltrato"
    r"|doorgestuurd (?:bericht|door)|begin doorgestuurd bericht|(?:wiadomość przekazana"
    r"|przekazana wiadomość|wiadomość przesłana dalej)"
    r"|przekazane przez|początek przekazywanej wiadomości|treść przekazanej wiadomości|пересланное сообщение"
    r"|пересылаемое сообщение|переслано|начало (?:переадресованного|пересылаемого) сообщения|转发的?邮件"
    r"|轉寄(?:的)?郵件|转发邮件信息"
    r"|已转发邮件|开始转发的邮件|下面是被转发的邮件"
    r"|転送(?:された)?(?:メッセージ|メール)|転送開始|下記は転送メール|videresendt (?:meddelelse|melding)"
    r"|vidarebefordrat meddelande|välitetty viesti|přeposlaná zpráva|iletilen (?:mesaj|ileti)"
    r"|repassado por|réacheminé par|doorgezonden door|inoltrato da"
)
_QUOTED = re.compile(rf"\A{_DASHES}{{1,80}}+[ ]?(?:{_QUOTED_WORDS})[ ]?[:：]?[ ]?{_DASHES}{{0,80}}$", re.IGNORECASE)
_FORWARDED = re.compile(
    rf"\A(?:{_DASHES}{{2,80}}+[ ]?(?:{_FORWARD_WORDS})\b.{{0,200}}"
    rf"|(?:{_FORWARD_WORDS})[ ]?[:：][ ]?{_DASHES}{{0,80}})$",
    re.IGNORECASE,
)
_FORWARDED_CJK = re.compile(rf"\A{_DASHES}{{2,80}}+[ ]?(?:{_FORWARD_WORDS})", re.IGNORECASE)


# GroupWise: "Name <address> 12/03/24 09:41AM >>>".
_GROUPWISE = re.compile(r"\A(?:>>> ?)?[^>]{2,80}(?:>[^>]{0,60})?\d{1,2}[:.]\d{2} ?(?:[AaPp][Mm])? ?>>>$")
# Zoho, Notes, Yahoo: "---- On <date> <name> wrote ----", "-----<name> schrieb: -----", "--- On <date>, <name> wrote:".
_DASHED_VERB = re.compile(
    rf"\A{_DASHES}{{2,20}} ?(?=[^\n]{{2,240}}(?:@|\d))[^\n]{{2,240}}?"
    r" (?:wrote|schrieb|a écrit|escribió|escreveu|ha scritto|schreef|napisał\(?a?\)?|написал\(?а?\)?) ?:?"
    rf"(?: ?{_DASHES}{{2,20}})?$"
)
# Notes: "<name> ---<date and time>---<first words>".
_NOTES_LINE = re.compile(rf"\A[^\n]{{2,80}}? ?---{_NUMERIC} \d{{1,2}}[:.]\d{{2}}[^\n-]{{0,12}}---")
# Ticket systems ask for the answer above a line of theirs: a word for it, a word for the place, and a drawn line.
_ANSWER = re.compile(
    r"repl|respon|answer|comment|write|type|antwort|répon|respuesta|risposta|risponde|rispondi|resposta|antwoord"
    r"|reageer|odpowied|odpisz|ответ|回复|回覆|答复|返信",
    re.IGNORECASE,
)
_PLACE = re.compile(
    r"(?:above|before) (?:this|the) (?:line|text)|(?:über|oberhalb) (?:dieser|der) (?:zeile|linie)"
    r"|au[- ]dessus de (?:cette|la) ligne|(?:encima|arriba) de (?:esta|la) línea|acima (?:desta|da) linha"
    r"|sopra (?:a )?(?:questa|la) (?:riga|linea)|boven deze (?:regel|lijn)|(?:nad tą|powyżej tej) lini"
    r"|(?:выше|над) этой (?:строк|лини)|(?:此|本|这|該)(?:条)?(?:行|线|線)(?:的)?(?:上方|以上|之上|上面)"
    r"|この(?:行|線)(?:より|の)上",
    re.IGNORECASE,
)
_DRAWN = re.compile(r"[#=*_\-—–\u2500]{2,}")
_ABOVE = re.compile(
    r"\A(?:please )?(?:(?:type|write|enter|add) your )?(?:reply|response|answer) above (?:this|the) line\b", re.I
)
# A date and an address at the end of a line are the head of a quote without any verb.
_HEAD_BY_ADDRESS = re.compile(r"<[^\s@<>]{1,64}@[^\s<>]{1,190}>[^<>@]{0,60}$")


# What a drawn line is made of: the dashes of above, and the marks of ticket systems.
_DRAWING = "-_=*~—–\u2010\u2011\u2500# "
_COLONS = (":", "：")


def separator(text: str) -> str | None:
    """Return ``quoted`` or ``forwarded`` for a line that announces another message, or None."""
    line = bare(text)
    if not 4 <= len(line) <= 300:
        return None
    drawn = line[0] in _DRAWING
    if drawn and not line.strip(_DRAWING):
        return None
    if (
        (drawn and (_QUOTED.match(line) or _DASHED_VERB.match(line)))
        or (line.endswith(">>>") and _GROUPWISE.match(line))
        or ((drawn or "bove" in line or "BOVE" in line) and _above(line))
        or ("---" in line and _NOTES_LINE.match(line))
    ):
        return "quoted"
    # without a drawn line, a forward ends in a colon
    if (drawn or line.rstrip(_DRAWING)[-1:] in _COLONS) and (_FORWARDED.match(line) or _FORWARDED_CJK.match(line)):
        return "forwarded"
    return None


def _above(line: str) -> bool:
    """Return whether a ticket system says with *line* that answers go above it."""
    if _ABOVE.match(line):
        return True
    return (
        len(line) <= 140
        and _DRAWN.match(line) is not None
        and _PLACE.search(line) is not None
        and _ANSWER.search(line) is not None
    )


def dated(text: str) -> bool:
    """Return whether a line has a year, a date or a time in it."""
    return _DATED.search(text) is not None


def attribution(lines: Sequence[str], quote_follows: bool) -> bool:
    """Return whether *lines* (one to four, in a row) together say who wrote what follows, and when.

    Parameters
    ----------
    lines
        Visible texts, none blank.
    quote_follows
        A quoted line comes next; weaker forms will then do.
    """
    text = " ".join(bare(line) for line in lines)
    if not 4 <= len(text) <= _MOST_ATTRIBUTION or not _START.match(text):
        return False
    verb, colon = _VERBS.search(text[-_MOST_VERB:]) is not None, text.endswith((":", "："))
    if not verb and not colon and not (quote_follows and "@" in text):
        return False
    has_date, address = dated(text), "@" in text and _ADDRESS.search(text) is not None
    if verb:
        # a sentence of one's own that ends in "wrote" has no colon and is no head of a quote
        if colon:
            return has_date or quote_follows or (address and len(lines) == 1)
        return has_date and quote_follows
    if quote_follows and has_date and len(lines) <= 2 and _HEAD_BY_ADDRESS.search(text):
        return True  # "<date> <name> <address>", whatever the language says after it
    return colon and _colon_only(text, has_date=has_date, quote_follows=quote_follows, single=len(lines) == 1)


def _colon_only(text: str, *, has_date: bool, quote_follows: bool, single: bool) -> bool:
    """Heads that end in a colon and in no verb: "26.06.2024, 14:41, "Name" <address>:", or the verb before the name."""
    ends_in_address = bool(_ENDS_IN_ADDRESS.search(text) and _ADDRESS.search(text))
    if not has_date:
        return quote_follows and single and ends_in_address
    full = quote_follows or _FULL_DATE.search(text) is not None
    if _VERB_INSIDE.search(text):
        return full or _ADDRESS.search(text) is not None
    return ends_in_address and full
