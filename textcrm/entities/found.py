"""What a recogniser finds, before overlaps are merged, and the options it reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple


class Found(NamedTuple):
    """A candidate: ``[start, end)`` in code points, its label, a score in [0, 1], who found it, its normal form."""

    start: int
    end: int
    label: str
    score: float
    source: str
    value: str | None = None


class Options(NamedTuple):
    """What the pattern recognisers may be told.

    ``region`` is the ISO 3166 code of the country whose phone and date habits apply where a text does not say.
    ``formats`` maps a label to the shape of its numbers: ``#`` a digit, ``@`` a letter, ``*`` either, all else itself.
    """

    region: str = "US"
    formats: Mapping[str, str] = {}


Recogniser = Callable[[str, Options], Iterable[Found]]

# Candidates below this score are not reported.
THRESHOLD = 0.4
