"""Dates in whatever order they are written, as eight digits ``yyyymmdd``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

_MONTHS = {
    name: index
    for index, names in enumerate(
        (
            "jan januar january janvier enero",
            "feb februar february fevrier febrero",
            "mar mrz march marz mars marzo",
            "apr april avril abril",
            "may mai mayo",
            "jun june juni juin junio",
            "jul july juli juillet julio",
            "aug august aout agosto",
            "sep sept september septembre septiembre",
            "oct okt october oktober octobre octubre",
            "nov november novembre noviembre",
            "dec dez december dezember decembre diciembre",
        ),
        start=1,
    )
    for name in names.split()
}
_PIECES = re.compile(r"\d{1,8}|[^\W\d_]{3,10}")


@lru_cache(maxsize=65536)
def date_digits(value: str, *, day_first: bool = False) -> str:
    """Return a date as ``yyyymmdd``, or the bare digits of what is no date that can be read.

    Impossible days and months are kept as they are: a typing error still resembles the truth.

    Parameters
    ----------
    day_first
        Whether ``3/4/1990`` is in April; ``3.4.1990`` always is.
    """
    text = re.split(r"[T ](?=\d{1,2}:)", value.strip()[:40], maxsplit=1)[0]
    pieces = _PIECES.findall(text)
    if len(pieces) == 1 and pieces[0].isdigit():
        return _solid(pieces[0])
    month = next((_MONTHS[p.casefold()] for p in pieces if p.casefold() in _MONTHS), None)
    numbers = [int(p) for p in pieces if p.isdigit()]
    if len(pieces) == 3 and month is not None and len(numbers) == 2:
        day, year = sorted(numbers, key=lambda number: (number > 31, numbers.index(number)))
        return _digits(year, month, day)
    if len(pieces) == len(numbers) == 3:
        if len(pieces[0]) >= 3:
            return _digits(*numbers)
        first, second, year = numbers
        if first > 12 or "." in text or (day_first and second <= 12):
            return _digits(year, second, first)
        return _digits(year, first, second)
    return "".join(c for c in text if c.isdigit())


def is_day_first(values: Iterable[str]) -> bool:
    """Tell from the dates of a column whether the day comes first: more of them cannot be read otherwise."""
    day = month = 0
    for value in values:
        pieces = _PIECES.findall(value[:40])
        if len(pieces) == 3 and all(map(str.isdigit, pieces)) and len(pieces[0]) < 3:
            day += int(pieces[0]) > 12 >= int(pieces[1])
            month += int(pieces[1]) > 12 >= int(pieces[0])
    return day > month


def _solid(digits: str) -> str:
    if len(digits) != 8 or 1850 <= int(digits[:4]) <= 2100:
        return digits
    year = int(digits[4:])
    return _digits(year, int(digits[2:4]), int(digits[:2])) if 1850 <= year <= 2100 else digits


def _digits(year: int, month: int, day: int) -> str:
    if year < 100:
        year += 1900 if year > 30 else 2000
    return f"{year:04d}{month:02d}{day:02d}"
