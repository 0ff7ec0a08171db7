"""Postal addresses: street, unit, town, region, postcode and country together are one entity.

A *core* (street and number, post box, military address, corner of two streets) starts an address; from its end the
address is read on, part by part, over commas and line ends. A core whose shape is weak ("Zahradní 15") counts only
where a strong part follows or a phrase such as "lives at" stands before.
"""

# ruff: noqa: E501 (lists of words inside patterns read better unbroken)
from __future__ import annotations

import re
from collections.abc import Iterator

from textcrm.entities.found import THRESHOLD, Found, Options
from textcrm.entities.letters import CAPITAL, GAP, START, UPPER, WIDE, any_of
from textcrm.entities.lexicon import COUNTRIES, NOT_NAMES, REGIONS, is_common, names
from textcrm.entities.patterns import streets as st

_EDGE = r"(?<![\w#$€£.:/-])"
_STOP = r"(?![\w])"
_STREET = (
    # 1200 Alder St; 12-14 N 5th Ave NW; the number may be followed by a second one: 120 14 Otter Creek
    (re.compile(rf"{_EDGE}\d{{1,6}}[A-Za-z]?(?:[-/]\d{{1,4}})?,?{GAP}(?:\d{{1,5}}{GAP})?(?:{st.DIRECTION}{GAP})?(?:{st.WORD}{GAP}){{1,4}}?(?:(?:{st.SURE})(?![\w])|(?P<rare>(?:{st.SUFFIX})))\.?{_STOP}(?:{GAP}{st.DIRECTION}{_STOP})?"), 0.8),
    # Mere tee 12, Unter den Linden ... Straße 17
    (re.compile(rf"{_EDGE}(?=[\d{UPPER}])(?:\d{{1,6}}{GAP})?{CAPITAL}(?:{GAP}{CAPITAL}){{0,2}}{GAP}(?:{st.MIDDLE}){GAP}{st.HOUSE}{_STOP}\.?"), 0.75),
    # 12 bis, rue de la Paix; Via Garibaldi 12; ul. Lipowa 12/3
    (re.compile(rf"{_EDGE}(?:\d{{1,5}}(?:[ ]?(?:bis|ter|quater|[A-Z]))?,?{GAP})(?=[^\W\d_])(?i:{st.PREFIX}){GAP}(?:{st.WORD}[ ]?){{1,5}}(?<=\w){_STOP}"), 0.8),
    (re.compile(rf"{_EDGE}(?=[^\W\d_]{{2}}|[cC]/|[rR]\.)(?i:{st.PREFIX})(?=[^0-9\n]{{0,80}}[0-9])[ ]{{0,2}}(?:{st.WORD}[ ]?){{1,5}},?[ ]?(?:n[°ºo.]{{1,2}}[ ]?|д\.[ ]?)?{st.HOUSE}{_STOP}"), 0.8),
    # boxes and military addresses
    (re.compile(rf"{_EDGE}(?:(?i:p\.?[ ]?o\.?[ ]?box|post office box|postfach|postbox|postbus|b\.?p\.?|apartado(?: de correos)?|casella postale|caixa postal|skr\. poczt\.)[ ]?\d[\d ]{{0,7}}|"
                rf"(?:PSC|Unit|CMR)[ ]\d{{1,5}},?[ ]Box[ ]\d{{1,5}}){_STOP}"), 0.8),
    (re.compile(rf"{_EDGE}(?:USNS|USS|USNV|USCGC)[ ]{CAPITAL}(?=[\s,]{{1,3}}(?:APO|FPO|DPO)[ ])"), 0.8),
    (re.compile(rf"(?<![\w])(?:the )?corner of {st.NAMES}(?:[ ]\w{{1,9}}\.)?(?:[ ]{st.HOUSE})? and (?:{st.WORD}[ ]){{0,3}}{CAPITAL}(?:[ ]{st.HOUSE})?{_STOP}"), 0.8),
)  # fmt: skip
_WEAK = re.compile(
    rf"{_EDGE}{START}(?=[\d{UPPER}])(?P<lead>\d{{1,6}}{GAP})?(?P<name>{st.NAMES})\.?(?:{GAP}|,[ ])(?P<house>{st.HOUSE}){_STOP}(?![.,:/-]\d)"
)
_PLAIN = re.compile(rf"{START}(?P<name>{CAPITAL}(?:{GAP}{CAPITAL}){{0,2}}{GAP}(?:{st.PLAIN_SUFFIX})){_STOP}")
_ABOUT = re.compile(
    r"(?i)(?:address(?:es)?|live[sd]? (?:at|on|in)|living (?:at|on|in)|located|located at|is at|are at|me at|you at|off at|here|deliver(?:ed|y)?(?: it| them)? (?:at|to)|ship(?:ped|ping)? (?:at|to)|"
    r"sen[dt](?: \w+){0,3} to|mail(?:ed)? to|return(?:ed)? to|move[d]? to|refers to|side of|taxi to|office at|enter on|street|residence|home|adresse|wohne|anschrift|habite|domicilio|dirección|indirizzo|"
    r"adres|адрес|meet(?:ing)? at)[\s:]{0,3}(?:is|are|it is|it's|ist|est|es|è|in|the)?[\s:,]{0,3}\Z"
)
_UNIT_BEFORE = re.compile(r"(?<!\w)(?:Flat|Apartment|Apt\.?|Unit|Suite|Room|Floor)[ ]#?(?:\d{1,4}[A-Za-z]?,[ ])?\Z")
_FULL_STOP = re.compile(r"\w{5}\.\Z")  # behind a word that is no abbreviation
_AHEAD = re.compile(rf"[ ]{CAPITAL}")
_YEAR = re.compile(r"(?:19|20)\d\d")
_CALENDAR = re.compile(
    r"\b(?:January|February|March|April|May|June|July|August|September|October|November|December|\w{3,6}day|Q[1-4])\b"
)
# Streets of German towns are called by where they are: "Am Alten Markt 12".
_BY_PLACE = re.compile(r"(?:Am|Im|An|In|Auf|Zum|Zur|Beim?|Unter|Vor|Hinter|Ob) ")
_LOOSE = re.compile(r"(?i)(?<![\w])(?:at|in|on|to)[ ]\Z")
_SEP = re.compile(
    r"(?=[\s,;.|·-])[ \t]{0,3}(?:[,;|·-]|\.(?=[ \t]{0,3}\r?\n))?[ \t]{0,3}(?:\r?\n[ \t>?*]{0,6}){0,2}[,;]?[ \t]{0,3}(?:\r?\n[ \t]{0,4})?"
)
_REGIONS = any_of(REGIONS)
_ZIP = rf"(?:{st.UK_POSTCODE}|{st.CA_POSTCODE}|\d{{5}}-\d{{3,4}}|\d{{4}}-\d{{3}}|[A-Z]{{1,2}}-\d{{4,6}}|\d{{4}} [A-Z]{{2}}|\d{{3}} \d{{2}}|\d{{2}}-\d{{3}}|\d{{4,6}})(?![\w]|[-/.:]\d)"
_TOWN = rf"{START}{CAPITAL}(?:[ ](?:(?:de|la|am|an der|der|of|do|da|del|sur|upon|di|le|en|i|nad|pod|in)[ ])?{CAPITAL}){{0,3}}"
_SECONDARY = re.compile(rf"(?<!\w)(?:{st.SECONDARY}){_STOP}", re.IGNORECASE)
_REGION = rf"(?:[A-Z]{{2,3}}|{_REGIONS})"
_NATION = rf"(?<!\w)(?=[{UPPER}]\w{{2}}|UK|U\.|[中日德美ドア])(?i:{any_of(COUNTRIES)})(?:[ ]\([\w ]{{2,20}}\))?(?:,?[ ]{_ZIP})?{_STOP}"
_STRONG = tuple(
    re.compile(part)
    for part in (
        rf"(?:APO|FPO|DPO),?[ ]A[AEP][ ]\d{{5}}(?:-\d{{4}})?{_STOP}",
        _NATION,
        rf"{_TOWN},?[ ](?:{_REGION}|[a-z]{{2,3}})[ ]{{1,2}}{_ZIP}",
        rf"(?<!\w){_ZIP},?[ ]{_TOWN}(?:[ ]\d{{1,2}})?{_STOP}",
        rf"{_TOWN},?[ ]{_ZIP}",
        rf"{START}{CAPITAL}(?:[ ]{CAPITAL})??,?[ ]{_NATION}",
        rf"{_TOWN},?[ ]{_REGION}(?=[.,;\n]|\Z)",
        rf"(?<!\w)(?=[^\W\d_])(?:{_REGION}|[a-z]{{2,3}})[ \n,]{{1,3}}{_ZIP}",
        rf"(?<!\w)(?=[A-Z])(?:{_REGIONS}){_STOP}",
        rf"(?<!\w)(?!(?:19|20)\d\d(?!\d)){_ZIP}",
    )
)
_PART = re.compile(rf"(?<!\w)(?:[A-Z]{{2,3}}(?=[ \t]{{0,3}}[,\n])|{_TOWN}(?:[ ]\([\w ]{{2,30}}\))?){_STOP}")
_LAST = re.compile(rf"(?P<town>{_TOWN}){_STOP}(?!:)(?=[ \t]{{0,3}}(?:[.,;?!\n]|\Z))")
_STANDALONE = (
    # 〒100-0001 東京都千代田区丸の内1-1-1; 北京市朝阳区建国路88号
    (re.compile(rf"(?:〒?\d{{3}}-\d{{4}}[ 　]?)?(?:(?![都道府県市])[{WIDE}]){{1,3}}[都道府県](?:(?![市区町村郡])[{WIDE}]){{1,8}}[市区町村郡][{WIDE}]{{0,14}}+\d{{1,4}}(?:(?:丁目|番地?|号|[-－−])\d{{1,4}}){{0,3}}号?"), 0.85),
    (re.compile(rf"(?:(?![我住在是址市区县縣镇鎮])[{WIDE}]){{2,8}}+[市区县縣镇鎮](?:(?![路街道巷弄])[{WIDE}]){{1,12}}+[路街道巷弄]\d{{1,5}}[号號](?:[{WIDE}\d]{{0,12}}[楼樓室层層座])?"), 0.85),
    (re.compile(rf"{_TOWN}, [A-Z]{{2}}[ ]{{1,2}}\d{{5}}(?:-\d{{4}})?{_STOP}"), 0.75),
    (re.compile(rf"{_TOWN},? {st.UK_POSTCODE}{_STOP}"), 0.75),
    (re.compile(rf"(?<![\w-]){st.UK_POSTCODE}{_STOP}"), 0.62),
    (re.compile(rf"(?<![\w-])(?:[A-Z]{{1,2}}-\d{{4,5}}|\d{{5}}|\d{{4}} [A-Z]{{2}}) {_TOWN}{_STOP}"), 0.3),
    (re.compile(rf"(?<![\w])(?i:zip(?: ?code)?|post(?:al)? ?code|plz|code postal|código postal|cap|postcode|kod pocztowy)[ \t]{{0,2}}(?:is|ist|:|=)?[ \t]{{0,2}}(?P<code>{_ZIP}|\d{{3,5}}-\d{{3,4}})"), 0.8),
)  # fmt: skip


def find(text: str, options: Options) -> Iterator[Found]:  # noqa: ARG001 (one signature for all)
    """Yield the addresses, each as one span: of two that overlap, the one that begins first and reaches further."""
    reach = -1
    for found in sorted(_candidates(text), key=lambda f: (f.start, -f.end)):
        if found.score >= THRESHOLD and found.end > reach:
            yield found
            reach = found.end


def _candidates(text: str) -> Iterator[Found]:
    for pattern, score in _STREET:
        for match in pattern.finditer(text):
            end, strong = read_on(text, match.end())
            if end == match.end() and _FULL_STOP.search(text, match.start(), end):
                end -= 1
            doubt = 0.4 if match.groupdict().get("rare") and not strong and not _about(text, match.start()) else 0.0
            unit = _UNIT_BEFORE.search(text, max(0, match.start() - 16), match.start())
            start = unit.start() if unit else match.start()
            yield Found(start, end, "ADDRESS", min(0.95, score + 0.05 * strong - doubt), "address")
    for match in _WEAK.finditer(text):
        first = match["name"].split()[0].strip(".,'’").lower()
        strong_at = read_on(text, match.end())[1] if first in NOT_NAMES else 0
        if _AHEAD.match(text, match.end()) and text[match.start("house") - 2] == ",":
            continue  # "at Larkspur, 641 Mill Road": the number begins what follows
        if (
            (first in NOT_NAMES and not (strong_at and _BY_PLACE.match(match["name"])))
            or _YEAR.fullmatch(match["house"])
            or _CALENDAR.search(match["name"])
        ):
            continue
        end, strong = read_on(text, match.end())
        about = (
            0.5
            if _about(text, match.start())
            else 0.35
            if _LOOSE.search(text, max(0, match.start() - 12), match.start())
            else 0
        )
        street = match["name"].lower().endswith(st.ENDINGS)
        score = 0.3 + (0.5 if street else 0.0) + (0.4 if strong else 0.0) + about + (0.3 if match["lead"] else 0.0)
        yield Found(match.start(), end, "ADDRESS", min(0.9, score), "address")
    for match in _PLAIN.finditer(text):
        yield Found(match.start(), read_on(text, match.end())[0], "ADDRESS", 0.77, "address")
    for pattern, score in _STANDALONE:
        for match in pattern.finditer(text):
            group = "code" if "code" in pattern.groupindex else 0
            raised = 0.3 if _about(text, match.start()) else 0.0
            yield Found(match.start(group), match.end(group), "ADDRESS", min(0.9, score + raised), "address")


def _about(text: str, start: int) -> bool:
    return _ABOUT.search(text, max(0, start - 60), start) is not None


def read_on(text: str, end: int) -> tuple[int, int]:
    """Read the parts of an address that follow *end*.

    Returns
    -------
    tuple
        The new end, and how many parts with a postcode, a country or a unit were read. Town names alone are taken only
        where such a part comes behind them.
    """
    strong, tentative, position = 0, 0, end
    while tentative < 3 and strong < 6:
        separator = _SEP.match(text, position)
        start = separator.end() if separator else position
        if start == position:
            break
        match = _SECONDARY.match(text, start) or next((m for m in (p.match(text, start) for p in _STRONG) if m), None)
        if match:
            end = position = match.end()
            strong, tentative = strong + 1, 0
            continue
        match = _PART.match(text, start)
        if match is None:
            break
        position, tentative = match.end(), tentative + 1
    return _with_town(text, end), strong


def _with_town(text: str, end: int) -> int:
    """Take one more word group as the town where a sentence or a line ends behind it and it is no person."""
    separator = _SEP.match(text, end)
    match = _LAST.match(text, separator.end()) if separator and separator.end() > end else None
    if match is None:
        return end
    words = match["town"].split()
    person = "g" in names().get(words[0].lower(), "")
    return end if person or is_common(words[0]) or len(words) > 3 else match.end("town")
