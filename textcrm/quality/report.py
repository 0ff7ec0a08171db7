"""The report on a table: what is missing, wrongly written, impossible, twice, far out, or has drifted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np

from textcrm.quality.drift import Drift, Profile, drift, profiles
from textcrm.quality.outliers import Spread, odd_rows, spread
from textcrm.quality.table import DATES, Column, Reading, Table

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHOWN = 20  # places that a finding names
OLDEST_YEARS = 120


@dataclass(frozen=True)
class ColumnReport:
    """One column. ``invalid_places`` and the outliers are lines of the source, the first twenty."""

    name: str
    kind: str
    missing: int
    missing_share: float
    distinct: int
    invalid: int = 0
    invalid_places: tuple[int, ...] = ()
    spread: Spread | None = None
    outliers_iqr: int = 0
    outliers_zscore: int = 0
    outlier_places: tuple[int, ...] = ()


@dataclass(frozen=True)
class Finding:
    """Something that several rows have in common: a rule that they break, or a value that must be one row's alone."""

    rule: str
    columns: tuple[str, ...]
    rows: int
    places: tuple[int, ...]


@dataclass(frozen=True)
class QualityReport:
    """All that was found. ``odd`` are rows with their isolation score in (0, 1]."""

    source: str
    rows: int
    looked_at: int
    columns: tuple[ColumnReport, ...]
    duplicates: tuple[Finding, ...]
    impossible: tuple[Finding, ...]
    odd: tuple[tuple[int, float], ...]
    odd_count: int
    drift: tuple[Drift, ...] = ()
    drift_since: str | None = None
    profiles: tuple[Profile, ...] = field(default=(), repr=False)

    def as_json(self) -> dict[str, Any]:
        """Return the report as one JSON value."""
        made = asdict(self)
        del made["profiles"]
        for column in made["columns"]:
            if column["spread"] is not None:
                del column["spread"]["iqr"], column["spread"]["zscore"]
        made["odd"] = [{"place": place, "score": score} for place, score in self.odd]
        return made


def check(
    table: Table, reading: Reading, *, today: date, before: Sequence[Profile] = (), since: str | None = None
) -> QualityReport:
    """Check a table.

    Parameters
    ----------
    today
        The day against which dates are judged.
    before
        How the columns looked at the last import, and *since* when that was.
    """
    numeric = {c.name: c.numbers() for c in table.columns if c.kind == "number"}
    spreads = {name: spread(values) for name, values in numeric.items()}
    odd = odd_rows([values for name, values in numeric.items() if spreads[name] is not None])
    now = profiles(table, reading)
    return QualityReport(
        source=table.source,
        rows=table.total,
        looked_at=table.rows,
        columns=tuple(_column(column, spreads.get(column.name), table, reading) for column in table.columns),
        duplicates=tuple(_duplicates(table)),
        impossible=tuple(_impossible(table, reading, today)),
        odd=tuple((table.places[i], score) for i, score in odd[:SHOWN]),
        odd_count=len(odd),
        drift=tuple(drift(before, now)),
        drift_since=since if before else None,
        profiles=tuple(now),
    )


def _column(column: Column, spread: Spread | None, table: Table, reading: Reading) -> ColumnReport:
    valid = reading.valid.get(column.kind)
    bad: list[int] = []
    if column.kind in DATES:
        bad = [i for i, value in enumerate(column.values) if value and reading.day(column.name, value) is None]
    elif column.kind == "number":
        bad = [i for i, missing in enumerate(np.isnan(column.numbers()) & ~column.missing) if missing]
    elif valid is not None:
        known = {value: valid(value) for value in set(column.known())}
        bad = [i for i, value in enumerate(column.values) if value and not known[value]]
    outside = sorted({*spread.iqr, *spread.zscore}) if spread else []
    missing = int(column.missing.sum())
    return ColumnReport(
        name=column.name,
        kind=column.kind,
        missing=missing,
        missing_share=missing / table.rows if table.rows else 0.0,
        distinct=len(set(column.known())),
        invalid=len(bad),
        invalid_places=_places(table, bad),
        spread=spread,
        outliers_iqr=len(spread.iqr) if spread else 0,
        outliers_zscore=len(spread.zscore) if spread else 0,
        outlier_places=_places(table, outside),
    )


def _duplicates(table: Table) -> list[Finding]:
    """Return the rows that say again what an earlier row says: whole rows, ids, addresses, phones."""
    found = []
    whole = list(zip(*(column.values for column in table.columns), strict=True)) if table.columns else []
    rules: list[tuple[str, tuple[str, ...], Sequence[object]]] = [("same_row", (), whole)]
    rules += [
        (f"same_{column.kind}", (column.name,), [value.casefold() for value in column.values])
        for column in table.columns
        if column.kind in ("id", "email", "phone", "handle")
    ]
    for rule, names, values in rules:
        groups: dict[object, list[int]] = {}
        for i, value in enumerate(values):
            if value:
                groups.setdefault(value, []).append(i)
        again = sorted(i for group in groups.values() for i in group[1:])
        if again:
            found.append(Finding(rule, names, len(again), _places(table, again)))
    return found


def _impossible(table: Table, reading: Reading, today: date) -> list[Finding]:
    """Return the rows with dates that cannot be."""
    days = {c.name: (c.kind, c.days(reading)) for c in table.columns if c.kind in DATES}
    limit = float(today.toordinal())
    found: list[tuple[str, tuple[str, ...], NDArray[np.bool_]]] = []
    for name, (kind, values) in days.items():
        if kind != "date":
            rule = "born_in_the_future" if kind == "birth_date" else f"{kind}_in_the_future"
            found.append((rule, (name,), values > limit))
        if kind == "birth_date":
            found.append(("older_than_120_years", (name,), values < limit - OLDEST_YEARS * 365.2425))
    by_kind = {kind: (name, values) for name, (kind, values) in reversed(days.items())}
    order: Mapping[tuple[str, str], str] = {
        ("created_at", "updated_at"): "updated_before_created",
        ("birth_date", "created_at"): "created_before_birth",
    }
    for (first, second), rule in order.items():
        if first in by_kind and second in by_kind:
            (a, early), (b, late) = by_kind[first], by_kind[second]
            found.append((rule, (a, b), late < early))
    return [
        Finding(rule, names, int(rows.sum()), _places(table, np.flatnonzero(rows).tolist()))
        for rule, names, rows in found
        if rows.any()
    ]


def _places(table: Table, rows: Sequence[int]) -> tuple[int, ...]:
    return tuple(table.places[i] for i in rows[:SHOWN])
