"""A first look over a table before it is imported: ids that come twice, the order of day and month, known values."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from textcrm.errors import UsageError
from textcrm.link.columns import is_missing
from textcrm.link.dates import is_day_first
from textcrm.operations.customers.rows import DATES, RowReader
from textcrm.quality.missing import POLICIES, Filled, Known
from textcrm.sources.rejected import Rejected
from textcrm.sources.structured import Mapped
from textcrm.sources.tabular import Row

SAMPLE = 20_000
IDENTIFIERS = ("number", "name", "given_name", "family_name", "email", "phone", "handle", "order")


@dataclass
class Survey:
    """What the first look found. ``last`` is the place of the last row of each id that comes again, by its hash."""

    rows: int = 0
    repeated: int = 0
    """Rows whose customer stands in an earlier row."""
    last: dict[int, int] = field(default_factory=dict)
    differing: set[int] = field(default_factory=set)
    """Hashes of the ids whose rows do not all say the same."""
    sample: list[dict[str, str]] = field(default_factory=list)
    filled: list[Filled] = field(default_factory=list)
    day_first: frozenset[str] = frozenset()

    def superseded(self, customer_id: str, place: int) -> bool:
        """Tell whether a later row of the table says something else of the same customer."""
        known = hash(customer_id)
        return known in self.differing and self.last[known] != place


def survey(rows: Iterable[Row | Rejected], reader: RowReader, *, missing: Mapping[str, str] | None = None) -> Survey:
    """Read a table once, keeping little of it: two numbers a row, and a sample.

    Parameters
    ----------
    reader
        Knows which customer a row is of; it is not the one that makes the customers.
    missing
        Column or field to policy (see ``textcrm.quality.missing.POLICIES``).

    Raises
    ------
    UsageError
        A policy does not exist, or does not suit its column.
    """
    columns = reader.columns
    known = _policies(missing or {}, columns)
    found = Survey()
    seen: dict[int, int] = {}
    pick = random.Random(0)  # noqa: S311  (which rows are looked at is no secret)
    names: dict[str, None] = {}
    for row in rows:
        if isinstance(row, Rejected):
            continue
        place, cells, _ = row
        found.rows += 1
        customer_id = reader.id_of(cells)
        if customer_id is not None:
            key, content = hash(customer_id), hash(tuple(cells.values()))
            before = seen.get(key)
            if before is None:
                seen[key] = content
            else:
                found.repeated += 1
            if before is not None and before != content:
                found.differing.add(key)
            if key in found.differing:
                found.last[key] = place
        for one in known:
            value = cells.get(one.column, "")
            if not is_missing(value):
                one.add(value)
        if len(found.sample) < SAMPLE:
            found.sample.append(cells)
            names.update(dict.fromkeys(cells))
        elif (slot := pick.randrange(found.rows)) < SAMPLE:  # reservoir sampling, Vitter's algorithm R
            found.sample[slot] = cells
    _settle(found, known, columns, list(names))
    return found


def day_first_columns(rows: Sequence[Mapping[str, str]], columns: Mapped) -> frozenset[str]:
    """Return the columns of dates whose values show that the day comes first."""
    dated = [column for name in DATES for column in columns.get(name, ())]
    return frozenset(column for column in dated if is_day_first(row.get(column, "") for row in rows))


def _policies(missing: Mapping[str, str], columns: Mapped) -> list[Known]:
    known = []
    identifying = {column for name in IDENTIFIERS for column in columns.get(name, ())}
    for name, policy in missing.items():
        column = columns[name][0] if name in columns else name
        if column in identifying and policy not in ("leave", "drop"):
            raise UsageError(
                f"The column {column[:60]!r} identifies customers and cannot be filled", options=("leave", "drop")
            )
        if policy not in POLICIES:
            raise UsageError(f"There is no policy {policy[:32]!r} for missing values", options=POLICIES)
        known.append(Known(column, policy))
    return known


def _settle(found: Survey, known: Sequence[Known], columns: Mapped, names: Sequence[str]) -> None:
    found.day_first = day_first_columns(found.sample, columns)
    identifying = {column for name in IDENTIFIERS for column in columns.get(name, ())}
    features = [name for name in names if name not in identifying]
    for one in known:
        if one.column not in names:
            raise UsageError(
                "No column has the name that a policy was given for",
                hint="Write --missing COLUMN=POLICY.",
                options=[name[:60] for name in names[:40]],
            )
        found.filled.append(one.settle(found.sample, features, is_missing))
