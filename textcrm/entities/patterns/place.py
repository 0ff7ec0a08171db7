"""Countries, by name, and places told by the phrase before them; nationalities."""

# ruff: noqa: E501 (lists of words inside patterns read better unbroken)
from __future__ import annotations

import re
from collections.abc import Iterator

from textcrm.entities.found import Found, Options
from textcrm.entities.letters import CAPITAL, GAP, LETTER, LETTERS, any_of
from textcrm.entities.lexicon import COUNTRIES, NATIONALITIES, NOT_NAMES, REGIONS, is_common, names

_COUNTRY = re.compile(rf"(?<![\w]){LETTER}{any_of(COUNTRIES)}(?![\w])")
_REGION = re.compile(rf"(?<![\w])(?=[A-Z]){any_of(REGIONS)}(?![\w])")
_NATION = re.compile(rf"(?<![\w]){LETTERS}{any_of(NATIONALITIES)}s?(?![\w])", re.IGNORECASE)
_IN = re.compile(
    rf"(?<![\w])(?:in|near|from|to|serving (?:southern|northern|eastern|western)) (?P<name>{CAPITAL}(?:[ ](?:(?:de|la|am|del|of|do|da)[ ])?{CAPITAL}){{0,2}})(?![\w'’])",
    re.IGNORECASE,
)
_PHRASE = re.compile(
    rf"(?<![\w]){LETTER}(?i:lives? in|living in|lived in|moved (?:here |back )?(?:from|to)|move to|based in|located in|born in|raised in|grew up in|reside[sd]? in|resident of|travel(?:l?ing|l?ed)? to|"
    rf"trip to|flight (?:to|from)|fly(?:ing)? (?:to|from)|visit(?:ing|ed)?|arrived? (?:in|at|from)|returned to|originally from|i am from|i'm from|came from|comes from|"
    rf"city[ ]?:|town[ ]?:|country[ ]?:|place[ ]?:|wohne in|aus|komme aus|habite à|vivo en|vivo a|woon in|mieszkam w)[ ](?P<name>{CAPITAL}(?:{GAP}(?:(?:de|la|am|an der|der|of|do|da|del|sur|upon)[ ])?{CAPITAL}){{0,2}})"
)


def find(text: str, options: Options) -> Iterator[Found]:  # noqa: ARG001 (one signature for all)
    """Yield countries and places (``GPE``) and nationalities (``NORP``)."""
    for match in _COUNTRY.finditer(text):
        yield Found(match.start(), match.end(), "GPE", 0.7, "place", match.group())
    for match in _NATION.finditer(text):
        yield Found(match.start(), match.end(), "NORP", 0.65 if match.group()[0].isupper() else 0.5, "place")
    for match in _REGION.finditer(text):
        yield Found(match.start(), match.end(), "GPE", 0.65, "place", match.group())
    for match in _PHRASE.finditer(text):
        words = match["name"].split()
        if not any(word.lower() in NOT_NAMES for word in words):
            yield Found(match.start("name"), match.end("name"), "GPE", 0.66, "place")
    for match in _IN.finditer(text):
        name = match["name"]
        if name[0].isupper() and not any(
            is_common(word) or word.lower() in names() or word[0].isdigit() for word in name.replace("-", " ").split()
        ):
            score = 0.61 if match.group()[:2].lower() == "in" or match.group()[0] in "nsNS" else 0.51
            yield Found(match.start("name"), match.end("name"), "GPE", score, "place")
