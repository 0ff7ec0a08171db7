"""A table as the checks read it: columns with their kinds, cells as text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Literal

import numpy as np

from textcrm.quality.numbers import number

if TYPE_CHECKING:
    from numpy.typing import NDArray

Kind = Literal[
    "id", "name", "email", "phone", "handle", "country", "currency", "birth_date", "created_at", "updated_at",
    "date", "number", "category", "text",
]  # fmt: skip
DATES: tuple[Kind, ...] = ("birth_date", "created_at", "updated_at", "date")
MOST_CATEGORIES = 40


@dataclass(frozen=True)
class Reading:
    """How cells are read; whoever calls the checks knows it.

    ``missing`` tells whether a cell says that nothing is known, ``valid`` by kind whether a value can be one of that
    kind, ``day`` gives the day of the calendar that a cell of the column with the given name holds, or None.
    """

    missing: Callable[[str], bool]
    valid: Mapping[str, Callable[[str], bool]]
    day: Callable[[str, str], date | None]


@dataclass(frozen=True, eq=False)
class Column:
    """One column. ``values`` are the cells as they stand, blank where ``missing`` (both of length n_rows)."""

    name: str
    kind: Kind
    values: tuple[str, ...]
    missing: NDArray[np.bool_]

    def numbers(self) -> NDArray[np.float64]:
        """Return the cells as numbers, shape (n_rows,), NaN where there is none."""
        found = (number(value) if value else None for value in self.values)
        return np.array([np.nan if value is None else value for value in found], dtype=np.float64)

    def days(self, reading: Reading) -> NDArray[np.float64]:
        """Return dates as days since 0001-01-01, shape (n_rows,), NaN where there is none."""
        found = (reading.day(self.name, value) if value else None for value in self.values)
        return np.array([np.nan if day is None else float(day.toordinal()) for day in found], dtype=np.float64)

    def known(self) -> list[str]:
        """Return the cells that say something."""
        return [value for value in self.values if value]


@dataclass(frozen=True, eq=False)
class Table:
    """Rows to look at. ``places`` are their lines in the source, ``total`` how many rows the source has."""

    source: str
    columns: tuple[Column, ...]
    places: tuple[int, ...]
    total: int

    @property
    def rows(self) -> int:
        """How many rows are looked at."""
        return len(self.places)


def make_table(
    source: str,
    rows: Sequence[tuple[int, Mapping[str, str]]],
    kinds: Mapping[str, Kind],
    reading: Reading,
    *,
    total: int | None = None,
) -> Table:
    """Return a table of rows (place and cells); columns that *kinds* does not name are judged by their values."""
    names = list(dict.fromkeys(name for _, cells in rows for name in cells))
    columns = []
    for name in names:
        values = tuple(
            "" if reading.missing(value) else value for value in (cells.get(name, "").strip() for _, cells in rows)
        )
        kind = kinds.get(name) or guess_kind([v for v in values if v][:2000], partial(reading.day, name))
        columns.append(Column(name, kind, values, np.array([not value for value in values], dtype=np.bool_)))
    return Table(source, tuple(columns), tuple(place for place, _ in rows), len(rows) if total is None else total)


def guess_kind(known: Sequence[str], day: Callable[[str], date | None]) -> Kind:
    """Return ``date``, ``number``, ``category`` or ``text``, by the values of a column."""
    if not known:
        return "text"
    if sum(number(value) is not None for value in known) > 0.9 * len(known):
        return "number"
    if sum(day(value) is not None for value in known) > 0.9 * len(known):
        return "date"
    different = len(set(known))
    return "category" if different <= MOST_CATEGORIES and different <= max(2, len(known) // 2) else "text"
