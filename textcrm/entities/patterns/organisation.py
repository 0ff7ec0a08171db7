"""Organisations, told by the form of the firm in their name or by the phrase before them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from textcrm.entities.found import Found, Options
from textcrm.entities.letters import CAPITAL, GAP
from textcrm.entities.lexicon import NATIONALITIES, NOT_NAMES

_FORM = (
    r"Inc\.?|Incorporated|Corp\.?|Corporation|Ltd\.?|Limited|LLC|L\.L\.C\.|LLP|LP|PLC|plc|Co\.|Company|GmbH(?: & Co\. KG)?|AG|KG|OHG|UG|e\.V\.|SE|"
    r"S\.?A\.?R?\.?L\.?|SARL|SAS|S\.A\.S\.|S\.A\.|SA|S\.p\.A\.|SpA|S\.r\.l\.|Srl|S\.L\.|B\.V\.|BV|N\.V\.|NV|AB|A/S|ApS|ASA|AS|Oy|Oyj|Kft\.?|Zrt\.?|s\.r\.o\.|a\.s\.|"
    r"Sp\. z o\.o\.|S\.A|Pty|Group|Holdings?|Partners|Associates|Industries|Technologies|Solutions|Systems|Consulting|Bank|Insurance|Airlines|University|"
    r"Foundation|Institute|Hospital|Laboratories|Pharmaceuticals|and Sons|& Sons|& Co\.?|Ltda\.?"
)
_LOWER_FORM = r"inc\.?|ltd\.?|llc|corp\.?|gmbh|plc"
_JOIN = rf"(?:{GAP}|,[ ]|[ ]?&[ ]|[ ]and[ ]|[ ]of[ ]|-)"
_FIRM = re.compile(rf"(?<![\w])(?P<name>{CAPITAL}(?:{_JOIN}{CAPITAL}){{0,3}}?(?:,?{GAP}(?:{_FORM})){{1,2}})(?![\w])")
_LOWER = re.compile(rf"(?<![\w])(?P<name>\w{{2,30}}(?:[ -]\w{{2,30}}){{0,2}}?,?[ ](?:{_LOWER_FORM}))(?![\w])")
_LAW = re.compile(rf"(?<![\w])(?P<name>{CAPITAL}, {CAPITAL} and {CAPITAL})(?![\w])")
_PHRASE = re.compile(
    rf"(?<![\w])(?i:works? (?:for|at)|working (?:for|at)|worked (?:for|at)|employed (?:by|at)|job at|position at|year at|company (?:called|named)|joined|hired by|ceo of|founder of|"
    rf"employee of|employees of|customer of|client of|shares? of|company[ ]?:|firm[ ]?:|organi[sz]ation[ ]?:|employer[ ]?:|firma[ ]?:|société[ ]?:|empresa[ ]?:|"
    rf"arbeite (?:bei|für)|travaille chez|trabajo en|lavoro per|werk bij)[ ](?P<name>{CAPITAL}(?:{_JOIN}{CAPITAL}){{0,3}})"
)


def find(text: str, options: Options) -> Iterator[Found]:  # noqa: ARG001 (one signature for all)
    """Yield the organisations."""
    for pattern, score in ((_FIRM, 0.8), (_LOWER, 0.6), (_LAW, 0.66), (_PHRASE, 0.64)):
        for match in pattern.finditer(text):
            start, end = match.span("name")
            words = text[start:end].replace(",", " ").split()
            while len(words) > 1 and words[0].lower() in NOT_NAMES:
                start += len(words.pop(0)) + 1
            if words[0].lower() not in NOT_NAMES and words[0].lower() not in NATIONALITIES:
                yield Found(start, end, "ORG", score, "organisation")
