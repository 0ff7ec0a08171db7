"""Organisations, told by the form of the firm in their name or by the phrase before them."""

# ruff: noqa: E501 (lists of words inside patterns read better unbroken)
from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import dropwhile

from textcrm.entities.found import Found, Options
from textcrm.entities.letters import CAPITAL, GAP, LETTER, START, UPPER, WIDE, any_of
from textcrm.entities.lexicon import BRANDS, COUNTRIES, NATIONALITIES, NOT_NAMES, common_words, is_common, names

_FORM = (
    r"Inc\.?|Incorporated|Corp\.?|Corporation|Ltd\.?|Limited|LLC|L\.L\.C\.|LLP|LP|PLC|plc|Co\.|Company|GmbH(?: & Co\. KG)?|AG|KG|OHG|UG|e\.V\.|SE|"
    r"S\.?A\.?R?\.?L\.?|SARL|SAS|S\.A\.S\.|S\.A\.|SA|S\.p\.A\.|SpA|S\.r\.l\.|Srl|S\.L\.|B\.V\.|BV|N\.V\.|NV|AB|A/S|ApS|ASA|AS|Oy|Oyj|Kft\.?|Zrt\.?|s\.r\.o\.|a\.s\.|"
    r"Sp\. z o\.o\.|S\.A|Pty|Group|Holdings?|Partners|Associates|Industries|Technologies|Solutions|Systems|Consulting|Bank|Insurance|Airlines|University|"
    r"Foundation|Institute|Hospital|Laboratories|Pharmaceuticals|and Sons|& Sons|& Co\.?|Ltda\.?"
)
_WIDE_FIRM = re.compile(
    rf"(?:株式会社|有限会社|合同会社)[{WIDE}A-Za-z]{{1,12}}|[{WIDE}]{{2,14}}?(?:株式会社|有限公司|股份公司|集团公司)"
)
_LOWER_FORM = r"inc\.?|ltd\.?|llc|corp\.?|gmbh|plc"
_JOB = re.compile(r"(?i)(?:er|or|ist|ian|eer|ant|ive|man|woman|clerk|officer|nurse|agent|assistant|driver)\Z")
_JOIN = rf"(?:{GAP}|[ ]?&[ ]|[ ]and[ ]|[ ]of(?: the)?[ ])"
# One word of a firm's name: Xignite, eBay, Booking.com, 3M; a number only before a word with a capital.
_PART = rf"(?:{CAPITAL}(?:\.(?:com|org|net|io|ai|co)(?![\w]))?|[a-z]{{1,2}}[{UPPER}]\w{{1,30}}|\d{{1,4}}(?:[{UPPER}]\w{{0,30}}|(?=[ ][{UPPER}])))"
_TRIO = rf"{CAPITAL}, {CAPITAL},? and {CAPITAL}"
_NAME = rf"(?:{_TRIO}|{_PART}(?:{_JOIN}{_PART}){{0,3}})"
_FIRM = re.compile(
    rf"{START}(?P<name>(?:\d{{1,4}}[ ])?(?:{_TRIO}|{CAPITAL}(?:{_JOIN}{CAPITAL}){{0,3}}?)(?:,?{GAP}(?:{_FORM})){{1,2}})(?![\w])"
)
_LOWER = re.compile(rf"(?<![\w])(?P<name>\w{{2,30}}(?:[ -]\w{{2,30}}){{0,2}}?,?[ ](?:{_LOWER_FORM}))(?![\w])")
# Three family names are a firm behind "at", alone on a line, or before a verb of one; else they are three persons.
_LAW = re.compile(
    rf"(?m)(?:(?<![\w])(?:(?i:at|for|from|with|the|by|of|join(?:ed)?|called) )|^[ \t?>*]{{0,6}})(?P<name>{_TRIO})"
    rf"(?=[ \t]*(?:$|[.,;]| (?:is|was|has|inc|ltd|llc|orchestra|office|group|songwriter|employee|which|where|in|and|as)(?![\w])))",
    re.IGNORECASE,
)
_PHRASE = re.compile(
    rf"(?<![\w]){LETTER}(?i:works? (?:for|at)|working (?:for|at)|worked (?:for|at)|employed (?:by|at)|job at|position at|year at|company (?:called|named)|joined|hired by|ceo of|founder of|"
    rf"employee of|employees of|customer of|client of|shares? of|company[ ]?:|firm[ ]?:|organi[sz]ation[ ]?:|employer[ ]?:|firma[ ]?:|société[ ]?:|empresa[ ]?:|"
    rf"arbeite (?:bei|für)|travaille chez|trabajo en|lavoro per|werk bij)[ ](?P<name>{_NAME})"
)


_SUBJECT = re.compile(
    rf"{START}(?:[Tt]he )?(?P<name>{_TRIO}|{CAPITAL}(?:{_JOIN}{CAPITAL}){{0,3}}?)(?= (?:was founded|is the brainchild|(?:is|was) (?:a|an|the|one of the) (?:[\w-]{{2,20}} ){{0,3}}?"
    rf"(?:agency|company|firm|startup|start-up|provider|bank|retailer|manufacturer|supplier|shop|store|brand|charity|business|corporation|vendor|carrier|airline)"
    rf"|(?:Orchestra|office|headquarters|store|shop|branch|website|helpdesk|hotline|customer service|support team|employee|employees|songwriter|spokesman|spokesperson|resignation)(?![\w])))"
)
_AT = re.compile(rf"(?<![\w])at (?P<name>{_NAME})(?![\w'’-]|[ ]\d)")
_BECAME = re.compile(
    rf"(?<![\w])(?:became|acquired by|merged with|bought by|owned by|partnered with|hired by|fired from|invoice from|order from|ordered from|bought from|purchased from|subscription (?:to|with)) (?P<name>{_NAME})"
)
_KIND = r"(?:company|employer|supplier|competitor|bank|firm|start-?up|agency|retailer|brand|vendor|merchant|charity|business|manufacturer|carrier|insurer|organi[sz]ation|shop|store|seller)"
# "our company, X", "the bank X", "Company name: X".
_KIND_OF = re.compile(
    rf"(?<![\w]){LETTER}(?:(?i:my|our|your|their|his|her|the|a|an|former|old|new|first|current|biggest|main) (?i:{_KIND})(?:,|(?i:'s name)? (?i:is|was)(?: (?i:called|named))?| (?i:called|named))? "
    rf"|(?i:{_KIND}(?: name)? ?: ?))(?P<name>{_NAME})"
)
# One who stands in business with a firm, and says with whom.
_DEALS = re.compile(
    rf"(?<![\w]){LETTER}(?i:account|banks?|banking|contract|agreement|deal|partnership|interview|appointment|internship|intern|insured|insurance|mortgage|loan|policy|subscription|"
    rf"membership|engineer|manager|developer|analyst|consultant|director|head|president|vice president|vp|chairman|cfo|cto|coo|partner|staff|team|people|folks|everyone|"
    rf"services?|products?|shares?|stock|stake|bill|statement|quote|delivery|parcel|package|purchase|refund|letter|representative|agent|advisor|consultants?|career|role|"
    rf"complain(?:t|ed|ing)?|enrolled|studie[sd]|studying|graduated?|invest(?:ed|ing)?|volunteers?|bought (?:it|this|them)|sued|left|quit|join(?:ing)?|affiliated|"
    rf"charged?|issued|delivered|made|manufactured|provided|operated|funded|sponsored|subsidiary|spokes(?:person|man|woman)|board|opening hours|payments?)"
    rf"[ ](?:(?:twice|once|again)[ ])?(?:at|with|from|of|for|in|about|against|by|to)[ ](?P<name>{_NAME})(?![\w'’-])"
)
# What only a firm has or does.
_OWNS = re.compile(
    rf"{START}(?P<name>{CAPITAL}(?:[ ](?:&[ ])?{CAPITAL}){{0,3}}?)(?=['’]s (?:customer (?:service|support|care)|support team|app|website|terms|headquarters|stock|shares|ceo|CEO|employees|helpline|products|services|prices|policies|competitors?)(?![\w])"
    rf"| (?:customer (?:service|support|care)|app|website|credit card|debit card|gift card|loyalty card|subscription|membership|account manager|shares|stock|CEO|helpline|call cent(?:er|re))(?![\w])"
    rf"| (?:over)?(?:charged|billed|refunded|acquired|hired|announced|launched|merged|manufactures|sells|provides|offers|ships|went bankrupt|laid off|filed for|is hiring|denied (?:my|our|the)|sent (?:me|us) (?:the wrong|an? (?:invoice|bill|parcel|package))|reported (?:a|an)|has (?:announced|launched|acquired))(?![\w]))"
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
_WORD = re.compile(r"[^\s,]+")
_VERB = re.compile(r" (?:is|was|has|have|had|are|will|does|did|can)(?![\w])|['’]s ")
_CAMEL = re.compile(rf"(?<![\w@#.'’-])(?:[{UPPER}][a-z]{{2,15}}){{2,3}}(?![\w'’-]|\.\w)")
_COINED_END = re.compile(
    r"(?:ify|tech|soft|ware|data|labs|corp|mart|media|works|hub|space|systems|software|health|pay|bank|net|gram|cloud|coder)\Z"
)
_TOWN_END = re.compile(
    r"(?:field|ford|ton|ham|wood|bridge|burgh?|land|port|ville|stadt?|berg|dale|by|worth|bury|mouth|pool|wick|heim|hausen|dorf|feld|kirchen|haven|view|shire|side|town|veld|hill|stone|house|man|son|sen|ism|ness|ing|ment|tion|able|ful|less)s?\Z"
)


_DOMAIN = re.compile(
    r"(?:@|(?<![\w.])www\.|://(?:www\.)?)(?:[\w-]{1,20}\.)?([a-zA-Z][\w-]{3,40})\.[a-z]{2,6}(?:\.[a-z]{2})?(?![\w-])"
)
_SPELT = re.compile(rf"(?<![\w@./-]){CAPITAL}(?:[ ](?:&[ ])?{CAPITAL}){{0,2}}(?![\w@]|\.\w)")
_BETWEEN = re.compile(r"[\W_]")
_MAIL_HOSTS = frozenset(
    "gmail googlemail outlook hotmail live yahoo ymail aol icloud gmx proton protonmail mail email example fastmail posteo web "
    "freenet libero orange laposte wanadoo free seznam yandex rambler qq naver daum tuta tutanota msn zoho terra comcast".split()
)
_ARTICLES = frozenset("the a an my your our his her their this that".split())
_CUED = frozenset({_PHRASE, _BECAME, _DEALS, _KIND_OF, _AT})


def find(text: str, options: Options) -> Iterator[Found]:  # noqa: ARG001 (one signature for all)
    """Yield the organisations."""
    yield from _of_domains(text)
    for match in _WIDE_FIRM.finditer(text):
        yield Found(match.start(), match.end(), "ORG", 0.8, "organisation")
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
        (_AT, 0.61),
        (_KIND_OF, 0.76),
        (_DEALS, 0.62),
        (_OWNS, 0.6),
    ):
        for match in pattern.finditer(text):
            start, end = match.span("name")
            words = list(_WORD.finditer(text, start, end))
            # Behind a cue a capital is meant ("works for Credit Sesame"); at the head of a sentence it tells nothing.
            drop = _ARTICLES if pattern in _CUED else NOT_NAMES
            kept = list(dropwhile(lambda word: word.group().lower() in drop, words)) or words[-1:]  # noqa: B023
            first_line = pattern is _BLOCK and match.start() == 0
            if not first_line and _holds(pattern, [word.group() for word in kept], whole=len(kept) == len(words)):
                yield Found(kept[0].start(), end, "ORG", score, "organisation")


def _of_domains(text: str) -> Iterator[Found]:
    """Yield the names that a mail address or a web address in the same text is made of: Larkspur, of ann@larkspur.com."""
    domains = {match[1].replace("-", "").lower() for match in _DOMAIN.finditer(text)} - _MAIL_HOSTS
    for match in _SPELT.finditer(text) if domains else ():
        if _BETWEEN.sub("", match.group()).lower() in domains:
            yield Found(match.start(), match.end(), "ORG", 0.7, "organisation")


def _holds(pattern: re.Pattern[str], words: list[str], *, whole: bool) -> bool:
    """Say whether *words* can be the firm that *pattern* found; not *whole* if words were left out before them."""
    first = words[0].lower()
    if len(words) > 1 and pattern in _CUED and (pattern is _KIND_OF or not all(map(is_common, words))):
        return True
    if re.split("['’]", first, maxsplit=1)[0] in NOT_NAMES or first in NATIONALITIES:
        return False
    if pattern is _LAW:
        return whole and all(word.lower() in names() or not is_common(word) for word in words[:2])
    if pattern is _BLOCK and _JOB.search(words[-1]):
        return False
    if pattern in {_AT, _DEALS, _OWNS, _KIND_OF} and ("g" in names().get(first, "") or first.title() in COUNTRIES):
        return False
    needs_a_name = pattern in {_AT, _BLOCK, _DEALS, _OWNS, _KIND_OF} or (pattern is _SUBJECT and len(words) == 1)
    return not needs_a_name or not all(map(is_common, words))


def _mid_sentence(text: str, match: re.Match[str]) -> bool:
    """Say whether a word before makes the capital tell something, or a verb behind does."""
    before = text[max(0, match.start() - 2) : match.start()]
    return (len(before) == 2 and before[1] == " " and (before[0].isalnum() or before[0] in ",;")) or bool(
        _VERB.match(text, match.end())
    )


def _is_coined(word: str) -> bool:
    """Say whether *word* (lower case) looks made for a firm: two common words in one, or a firm's ending on one."""
    if word in names() or is_common(word) or word.removesuffix("s") in NOT_NAMES or _TOWN_END.search(word):
        return False
    if _COINED_END.search(word):
        return True
    known = common_words()
    return any(word[:cut] in known and word[cut:] in known for cut in range(4, len(word) - 3))
