"""Organisations, told by the form of the firm in their name or by the phrase before them."""

# ruff: noqa: E501 (lists of words inside patterns read better unbroken)
from __future__ import annotations

import re
from collections.abc import Iterator

from textcrm.entities.found import Found, Options
from textcrm.entities.letters import CAPITAL, GAP, LETTER, START, UPPER, any_of
from textcrm.entities.lexicon import BRANDS, NATIONALITIES, NOT_NAMES, common_words, is_common, names

_FORM = (
    r"Inc\.?|Incorporated|Corp\.?|Corporation|Ltd\.?|Limited|LLC|L\.L\.C\.|LLP|LP|PLC|plc|Co\.|Company|GmbH(?: & Co\. KG)?|AG|KG|OHG|UG|e\.V\.|SE|"
    r"S\.?A\.?R?\.?L\.?|SARL|SAS|S\.A\.S\.|S\.A\.|SA|S\.p\.A\.|SpA|S\.r\.l\.|Srl|S\.L\.|B\.V\.|BV|N\.V\.|NV|AB|A/S|ApS|ASA|AS|Oy|Oyj|Kft\.?|Zrt\.?|s\.r\.o\.|a\.s\.|"
    r"Sp\. z o\.o\.|S\.A|Pty|Group|Holdings?|Partners|Associates|Industries|Technologies|Solutions|Systems|Consulting|Bank|Insurance|Airlines|University|"
    r"Foundation|Institute|Hospital|Laboratories|Pharmaceuticals|and Sons|& Sons|& Co\.?|Ltda\.?"
)
_LOWER_FORM = r"inc\.?|ltd\.?|llc|corp\.?|gmbh|plc"
_JOB = re.compile(r"(?i)(?:er|or|ist|ian|eer|ant|ive|man|woman|clerk|officer|nurse|agent|assistant|driver)\Z")
_JOIN = rf"(?:{GAP}|,[ ]|[ ]?&[ ]|[ ]and[ ]|[ ]of[ ])"
_FIRM = re.compile(rf"{START}(?P<name>{CAPITAL}(?:{_JOIN}{CAPITAL}){{0,3}}?(?:,?{GAP}(?:{_FORM})){{1,2}})(?![\w])")
_LOWER = re.compile(rf"(?<![\w])(?P<name>\w{{2,30}}(?:[ -]\w{{2,30}}){{0,2}}?,?[ ](?:{_LOWER_FORM}))(?![\w])")
# Three family names are a firm behind "at", alone on a line, or before a verb of one; else they are three persons.
_LAW = re.compile(
    rf"(?m)(?:(?<![\w])(?:(?i:at|for|from|with|the|by|of|join(?:ed)?|called) )|^[ \t?>*]{{0,6}})(?P<name>{CAPITAL}, {CAPITAL} and {CAPITAL})"
    rf"(?=[ \t]*(?:$|[.,;]| (?:is|was|has|inc|ltd|llc|orchestra|office|group|songwriter|employee|which|where|in|and|as)(?![\w])))",
    re.IGNORECASE,
)
_PHRASE = re.compile(
    rf"(?<![\w]){LETTER}(?i:works? (?:for|at)|working (?:for|at)|worked (?:for|at)|employed (?:by|at)|job at|position at|year at|company (?:called|named)|joined|hired by|ceo of|founder of|"
    rf"employee of|employees of|customer of|client of|shares? of|company[ ]?:|firm[ ]?:|organi[sz]ation[ ]?:|employer[ ]?:|firma[ ]?:|société[ ]?:|empresa[ ]?:|"
    rf"arbeite (?:bei|für)|travaille chez|trabajo en|lavoro per|werk bij)[ ](?P<name>{CAPITAL}(?:{_JOIN}{CAPITAL}){{0,3}})"
)


_SUBJECT = re.compile(
    rf"{START}(?:[Tt]he )?(?P<name>{CAPITAL}(?:{_JOIN}{CAPITAL}){{0,3}}?)(?= (?:was founded|is the brainchild|(?:is|was) (?:a|an|the|one of the) (?:[\w-]{{2,20}} ){{0,3}}?"
    rf"(?:agency|company|firm|startup|start-up|provider|bank|retailer|manufacturer|supplier|shop|store|brand|charity|business|corporation|vendor|carrier|airline)"
    rf"|(?:Orchestra|office|headquarters|store|shop|branch|website|helpdesk|hotline|customer service|support team|employee|employees|songwriter|spokesman|spokesperson|resignation)(?![\w])))"
)
_AT = re.compile(rf"(?<![\w])at (?P<name>{CAPITAL}(?:[ ](?:&[ ])?{CAPITAL}){{0,3}})(?![\w'’-]|[ ]\d)")
_BECAME = re.compile(
    rf"(?<![\w])(?:became|acquired by|merged with|bought by|owned by|partnered with|hired by|fired from|invoice from|order from|ordered from|bought from|purchased from|subscription (?:to|with)) (?P<name>{CAPITAL}(?:{_JOIN}{CAPITAL}){{0,3}})"
)
# The second or third line of a signature or a letterhead, before its address or telephone line.
_BLOCK = re.compile(
    rf"(?m)^[ \t?>*]{{0,6}}(?P<name>{CAPITAL}(?:[ &]{{1,3}}{CAPITAL}){{0,3}})[ \t]{{0,3}}\n(?=[ \t?>*]{{0,6}}(?:\d|(?i:the corner|unit|psc|p\.?o\.? ?box|phone|tel|mobile|fax|desk|e-?mail|www|http)))"
)


_BRAND = re.compile(rf"(?<![\w@#.-]){LETTER}{any_of(BRANDS)}(?![\w]|-[a-z])")
# Brands that are also words: they count only where no sentence begins.
_ALSO_WORDS = frozenset(
    {"Sky", "Wise", "Chase", "Zoom", "Slack", "Stripe", "Meta", "Otto", "Hermes", "Delta", "Fiat", "Sap"}
)
_COINED = re.compile(rf"(?<![\w@#.'’-])[{UPPER}][a-z]{{5,24}}(?![\w'’-]|\.\w)")
_VERB = re.compile(r" (?:is|was|has|have|had|are|will|does|did|can)(?![\w])|['’]s ")
_CAMEL = re.compile(rf"(?<![\w@#.'’-])(?:[{UPPER}][a-z]{{2,15}}){{2,3}}(?![\w'’-]|\.\w)")
_COINED_END = re.compile(
    r"(?:ify|tech|soft|ware|data|labs|corp|mart|media|works|hub|space|systems|software|health|pay|bank|net|gram|cloud|coder)\Z"
)
_TOWN_END = re.compile(
    r"(?:field|ford|ton|ham|wood|bridge|burgh?|land|port|ville|stadt?|berg|dale|by|worth|bury|mouth|pool|wick|heim|hausen|dorf|feld|kirchen|haven|view|shire|side|town|veld|hill|stone|house|man|son|sen|ism|ness|ing|ment|tion|able|ful|less)s?\Z"
)


def find(text: str, options: Options) -> Iterator[Found]:  # noqa: ARG001 (one signature for all)
    """Yield the organisations."""
    for match in _BRAND.finditer(text):
        if match.group() not in _ALSO_WORDS:
            yield Found(match.start(), match.end(), "ORG", 0.66, "organisation")
    for match in _COINED.finditer(text):
        if _mid_sentence(text, match) and _is_coined(match.group().lower()):
            yield Found(match.start(), match.end(), "ORG", 0.605, "organisation")
    for match in _CAMEL.finditer(text):
        if not match.group().startswith(("Mc", "Mac", "De", "Di", "La", "Le", "Van", "Fitz", "Du")):
            yield Found(match.start(), match.end(), "ORG", 0.56, "organisation")
    for pattern, score in (
        (_FIRM, 0.8),
        (_LOWER, 0.6),
        (_LAW, 0.66),
        (_PHRASE, 0.64),
        (_SUBJECT, 0.67),
        (_BECAME, 0.66),
        (_BLOCK, 0.56),
        (_AT, 0.55),
    ):
        for match in pattern.finditer(text):
            start, end = match.span("name")
            words = text[start:end].replace(",", " ").split()
            while len(words) > 1 and words[0].lower() in NOT_NAMES:
                start += len(words.pop(0)) + 1
            if pattern is _AT and ("g" in names().get(words[0].lower(), "") or all(map(is_common, words))):
                continue
            if pattern is _BLOCK and (match.start() == 0 or all(map(is_common, words)) or _JOB.search(words[-1])):
                continue
            if words[0].lower() not in NOT_NAMES and words[0].lower() not in NATIONALITIES:
                yield Found(start, end, "ORG", score, "organisation")


def _mid_sentence(text: str, match: re.Match[str]) -> bool:
    """Say whether a word before makes the capital tell something, or a verb behind does."""
    before = text[max(0, match.start() - 2) : match.start()]
    return (len(before) == 2 and before[1] == " " and (before[0].isalnum() or before[0] in ",;")) or bool(
        _VERB.match(text, match.end())
    )


def _is_coined(word: str) -> bool:
    """Say whether *word* (lower case) looks made for a firm: two common words in one, or a firm's ending on one."""
    if word in names() or is_common(word) or _TOWN_END.search(word):
        return False
    if _COINED_END.search(word):
        return True
    known = common_words()
    return any(
        word[:cut] in known and word[cut:] in known for cut in range(3, len(word) - 2) if cut > 3 or len(word) - cut > 3
    )
