"""Gives names back their capitals in texts written all in small letters, or all in capitals.

What tells a name is its capital. Where a text has none, words that are no common English words get one, so that the
model and the patterns see "my name is Vitoria, 12 Mill Road". The text keeps its length, so that offsets hold.
"""

# ruff: noqa: E501 (lists of words inside patterns read better unbroken)
from __future__ import annotations

import re

from textcrm.entities.lexicon import COUNTRIES, NATIONALITIES, common_words, names

_WORD = re.compile(r"(?<![\w@./:-])[^\W\d_][^\W\d_'’]{1,30}(?:-[^\W\d_]{2,30})?(?![\w@]|[./:]\w)")
_STATE = re.compile(r"(?<![\w])[a-z]{2}(?= {1,2}\d{5}(?!\d))")
_SHOUT = 0.85
_STREET = frozenset(
    "street avenue road lane drive court place square boulevard suite apt apartment unit box psc floor st ave rd blvd way "
    "terrace park hills flat flats turnpike creek isle mr mrs ms dr inc ltd corp llc gmbh po apo fpo dpo".split()
)
_CALENDAR = frozenset(
    "monday tuesday wednesday thursday friday saturday sunday january february april july august september october "
    "november december".split()
)
_COUNTRY_WORDS = frozenset(word for name in COUNTRIES for word in name.lower().split() if len(word) > 3)
_SMALL = frozenset({"the", "and", "of"})


def restore(text: str) -> str:
    """Return *text* with capitals where names are likely; *text* itself where it has capitals of its own."""
    upper = sum(map(str.isupper, text))
    if upper:
        letters = sum(map(str.isalpha, text))
        if letters < 12 or upper < _SHOUT * letters:
            return text
        lowered = text.lower()
        if len(lowered) != len(text):
            return text
    else:
        lowered = text
    restored = _WORD.sub(_capital, lowered)
    restored = _STATE.sub(lambda match: match.group().upper(), restored)
    return restored if len(restored) == len(text) else text


def _capital(match: re.Match[str]) -> str:
    word = match.group()
    if word in _SMALL:
        return word
    flags = names().get(word, "")
    likely = (
        word in _STREET
        or word in _CALENDAR
        or word in _COUNTRY_WORDS
        or word in NATIONALITIES
        or (flags and "?" not in flags)
        or (word not in common_words() and not (word.endswith("s") and word[:-1] in common_words()))
    )
    return "-".join(part[:1].upper() + part[1:] for part in word.split("-")) if likely else word
