"""Ages of persons, and the titles before their names."""

# ruff: noqa: E501 (lists of words inside patterns read better unbroken)
from __future__ import annotations

import re
from collections.abc import Iterator

from textcrm.entities.found import Found, Options
from textcrm.entities.letters import UPPER

_AGE = re.compile(
    r"(?<![\w.,$€£/-])(?P<age>\d{1,3})(?=[ -]?(?:y/o|yo\b|y\.o\.|years?[ -](?:olds?|young|of[ -]age)|yrs?[ -](?:old|of age)|yrs\b|yr[ -]old|Jahre alt|ans\b|años|anni|jaar oud|lat\b))|"
    r"(?<![\w])(?:aged?|age of|age is|age:|turned|turning|turns)[ :]{0,2}(?P<turned>\d{1,3})(?![\w%$€]|[.,:/-]\d)|"
    r"(?<![\w])(?:i'm|i am|he's|she's|he is|she is|he was|she was|when (?:he|she|i) (?:was|is)) (?P<is>[1-9]\d)(?=[.,;!?]|\Z|\n| and\b)",
    re.IGNORECASE,
)
_TITLE = re.compile(
    rf"(?<![\w])(?P<title>(?:Mr|Mrs|Ms|Mx|Dr|Prof|Hr|Fr)\.|(?:Mr|Mrs|Ms|Mx|Dr|Prof|Miss|Mister|Madam|Herrn?|Frau|Mme|Señora?|Signora?)\.?)(?= {{1,2}}[{UPPER}])"
)


def find(text: str, options: Options) -> Iterator[Found]:  # noqa: ARG001 (one signature for all)
    """Yield ages (the number alone) and titles."""
    for match in _AGE.finditer(text):
        group = match.lastgroup or "age"
        if int(match[group]) <= 120:
            yield Found(match.start(group), match.end(group), "AGE", 0.7, "age", match[group])
    for match in _TITLE.finditer(text):
        yield Found(match.start(), match.end(), "TITLE", 0.64, "title")
