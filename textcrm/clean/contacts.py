"""What a line of a signature holds: a phone, an address, a web page, a title, a company."""

from __future__ import annotations

import re

from textcrm.clean.boilerplate import is_device, is_rule
from textcrm.clean.footers import is_register
from textcrm.clean.lines import bare

_PHONE = re.compile(r"(?<![\w-])(?:\+|00)?\(?\d[\d ().\-/–]{5,22}\d(?![\w-])")
_EXTENSION = re.compile(r"(?:^|\s)(?:x|ext\.?|extension|durchwahl|dw|poste|int\.?)[ .:-]{0,2}\d{2,6}\b", re.IGNORECASE)
_MAIL = re.compile(r"[^\s@<>]{1,64}@[^\s@<>]{1,100}\.[A-Za-z]{2,24}")
_URL = re.compile(
    r"(?:https?://|www\.)[^\s<>]{3,200}|(?<![@\w.])[a-z0-9-]{2,40}\.(?:com|net|org|io|de|fr|es|it|nl|pl|ru"
    r"|cn|jp|co\.uk|pt|br|eu|ch|at)\b/?"
)
_LABELLED = re.compile(
    r"\A(?:tel(?:e(?:phone|fon|foon|fono|fone))?|ph(?:one)?|mob(?:ile|il|iel)?|cell(?:ular|phone)?|fax"
    r"|telefax|office|direct|work|home|desk|handy|portable|fixe"
    r"|m[óo]vil|celular|cellulare|telemóvel|kom(?:órka)?|тел(?:ефон)?|моб|факс|电话|手机|传真|邮箱|電話|携帯|e-?mail"
    r"|mail|web(?:site)?|skype|linkedin|twitter|icq|aim|msn|whatsapp"
    r"|url|住所|地址|[tfmpeowc])\s{0,2}[.:|)\]-]{1,2}\s?\S",
    re.IGNORECASE,
)
_LABEL_AFTER = re.compile(
    r"\d\W{0,4}(?:\(?(?:cell|mobile|home|work|office|fax|direct|desk|phone|main|tel|voice|pager|c|h|w|o|f"
    r"|m)\)?)\s*$",
    re.IGNORECASE,
)
_PLACE = re.compile(
    r"\b\d{1,5}[a-z]?,?\s(?:[^\W\d_][\w.'-]{0,20}\s){1,4}(?:st|street|ave?|avenue|rd|road|blvd|boulevard"
    r"|dr|drive|ln|lane|way|suite|ste|floor|fl|plaza|square|court|ct|nw|sw|ne|se)\b"
    r"|[\w-]{3,30}(?:stra(?:ß|ss)e|str\.|weg|platz|allee|gasse|straat|laan|plein)\s?\d{1,4}|\b(?:rue"
    r"|avenue|boulevard|place|calle|avda?\.?|plaza|via|viale|piazza|rua|ul\.|ulica"
    r"|ул\.)\s[\w. '-]{3,40}\d{0,5}"
    r"|\b[A-Z]{2}\.?,?\s{1,3}\d{5}(?:-\d{4})?\b|\b(?:[A-Z]-)?\d{4,5}\s[A-ZÀ-Ž][\w-]{2,30}\s*$"
    r"|\b[A-Z]{1,2}\d[A-Z\d]?\s\d[A-Z]{2}\b|\b\d{2}-\d{3}\s[A-ZŁŚŻ]|〒\d{3}-\d{4}|p\.?\s?o\.? box \d",
    re.IGNORECASE,
)
_TITLE = re.compile(
    r"\b(?:manager|director|president|vice president|vp|svp|evp|ceo|cto|cfo|coo|cio|founder|co-founder"
    r"|owner|partner|engineer|developer|consultant|analyst|assistant|secretary"
    r"|administrator|coordinator|specialist|supervisor|executive|officer|recruiter|representative"
    r"|professor|ph\.?d|attorney|counsel|accountant|architect|designer|editor|sales"
    r"|marketing|trader|trading|scheduler|originat(?:ion|or)|associate|advisor|technician|head of"
    r"|team lead|lead|chief|chairman|department|dept|division|desk|group|services|support team"
    r"|customer (?:service|care|success)"
    r"|geschäftsführer(?:in)?|geschäftsleitung|leiter(?:in)?|leitung|vertrieb|einkauf|buchhaltung"
    r"|sachbearbeiter(?:in)?|assistent(?:in)?|abteilung|prokurist(?:in)?|berater(?:in)?|vorstand"
    r"|inhaber(?:in)?"
    r"|directeur|directrice|responsable|gérante?|chargée? de|ingénieur|assistante?|comptable|commerciale?"
    r"|président|gerente|director[ae]?|jef[ea]|encargad[oa]|ingenier[oa]|coordinador[ae]?|contable"
    r"|diretor[a]?|gestor[a]?|engenheir[oa]|analista|responsabile|direttore|direttrice|impiegat[oa]"
    r"|ufficio|amministrazione|ingegnere|titolare|bedrijfsleider|medewerker|directie|afdeling|adviseur"
    r"|kierownik|dyrektor|specjalista|specjalistka|prezes|księgow[ay]|dział|директор|менеджер|инженер"
    r"|бухгалтер|специалист|начальник|отдел|руководитель)\b"
    r"|经理|主任|总监|工程师|董事长|部长|助理|部門|課長|部長|主任|係長|営業部|担当|取締役|総務",
    re.IGNORECASE,
)
_COMPANY = re.compile(
    r"\b(?:inc|llc|ltd|limited|corp|corporation|company|co\.|plc|llp|gmbh|ag|kg|ohg|e\.?k|ug|mbh"
    r"|s\.?a\.?r?\.?l?|sas|sarl|s\.?l\.?u?|s\.?p\.?a|s\.?r\.?l|b\.?v|n\.?v|sp\. z o\.?o|lda|ltda|ооо|оао"
    r"|зао|ип)\b\.?"
    r"|株式会社|有限会社|有限公司|集团|公司|university|universität|université|universidad|institute|hospital|school|bank"
    r"|energy|technologies|solutions|systems|networks|consulting|group\b",
    re.IGNORECASE,
)
_BARS = re.compile(r"\s[|•·*/]\s|\s{3,}|\t")
_SENTENCE_END = re.compile(r"[.!?。！？][\"')\]]?$")
_ABBREVIATED = re.compile(
    r"\b(?:inc|ltd|corp|co|jr|sr|ph\.?d|m\.?d|esq|st|ave|blvd|dept|tel|ext|llc|dr|mr|mrs|ms|[A-Z])\.$", re.IGNORECASE
)
_MOST_LINE = 110


def is_contact(text: str) -> bool:
    """Return whether a line holds a way to reach somebody and little else."""
    line = bare(text)
    if not 3 <= len(line) <= 160:
        return False
    rest = line
    found = False
    for pattern in (_MAIL, _URL, _PHONE):
        shorter = pattern.sub(" ", rest)
        found = found or shorter != rest
        rest = shorter
    words = len(rest.split())
    if found and words <= 5 and not (_SENTENCE_END.search(rest) and words > 2):
        return True
    if _EXTENSION.search(line) and len(line.split()) <= 4:
        return True
    return bool((_LABELLED.match(line) and (found or words <= 3)) or (_LABEL_AFTER.search(line) and words <= 6))


def is_link(text: str) -> bool:
    """Return whether a line is a web address and nothing else."""
    line = bare(text)
    rest = _URL.sub("", line)
    return rest != line and not rest.strip("[]()<>*-0123456789. ")


def is_place(text: str) -> bool:
    """Return whether a line is part of a postal address."""
    line = bare(text)
    return (
        len(line) <= _MOST_LINE
        and len(line.split()) <= 12
        and _PLACE.search(line) is not None
        and not is_sentence(line)
    )


def is_role(text: str) -> bool:
    """Return whether a line names a title, a department or a company."""
    line = bare(text)
    if not 2 <= len(line) <= 80 or len(line.split()) > 9 or is_sentence(line):
        return False
    return _TITLE.search(line) is not None or _COMPANY.search(line) is not None


def is_sentence(text: str) -> bool:
    """Return whether a line reads like running text."""
    line = bare(text)
    words = line.split()
    if line.endswith("?") or line.endswith(("!", "！", "？", "。")):
        return True
    if len(words) >= 4 and _SENTENCE_END.search(line) and not _ABBREVIATED.search(line):
        return True
    lower = sum(word[:1].islower() for word in words)
    return len(words) >= 7 and lower >= len(words) * 0.5 and not _BARS.search(line)


def signature_like(text: str) -> bool:
    """Return whether a line could stand in a signature, going by its form alone."""
    line = bare(text)
    if not line or is_rule(line):
        return True
    if len(line) > _MOST_LINE:
        return False
    if is_contact(line) or is_place(line) or is_role(line) or is_device(line):
        return True
    if line.startswith(('"', "“", "„", "«")) and len(line) <= _MOST_LINE:
        return True  # a motto
    if len(line) <= 60 and len(line.split()) <= 8 and not is_sentence(line) and not line.endswith((":", ",")):
        return True
    return is_register(line)
