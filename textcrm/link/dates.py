"""Dates in whatever order they are written, as eight digits ``yyyymmdd``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime, time
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
_CLOCK = re.compile(r"[T ](\d{1,2}):(\d{2})(?::(\d{2}))?(?: ?([AaPp])\.?[Mm]\b)?")


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


@lru_cache(maxsize=65536)
def iso_date(value: str, *, day_first: bool = False) -> str | None:
    """Return a date, or a date with its time, in ISO 8601; None where *value* is no day of the calendar.

    Parameters
    ----------
    day_first
        Whether ``3/4/1990`` is in April; ``3.4.1990`` always is.
    """
    text = value.strip()[:64]
    if not any(map(str.isdigit, text)):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        pass  # not ISO 8601: the other orders
    else:
        return moment.date().isoformat() if len(text) <= 10 else moment.isoformat()
    digits = date_digits(text, day_first=day_first)
    if len(digits) != 8 or len(_PIECES.findall(text)) > 3 + 3 * (":" in text):
        return None
    clock = _CLOCK.search(text)
    try:
        day = date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
        if clock is None:
            return day.isoformat()
        hour = int(clock[1])
        if clock[4]:
            hour = hour % 12 + 12 * (clock[4] in "Pp")
        return datetime.combine(day, time(hour, int(clock[2]), int(clock[3] or 0))).isoformat()
    except ValueError:
        return None
