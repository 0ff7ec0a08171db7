"""The quality of a customer file, or of the stored customers, and how its columns moved since the last import."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from textcrm.link import codes, normalise
from textcrm.link.columns import is_missing
from textcrm.link.dates import iso_date
from textcrm.operations.customers.rows import pieces
from textcrm.operations.customers.survey import day_first_columns
from textcrm.quality.drift import Profile, profiles
from textcrm.quality.report import QualityReport, check
from textcrm.quality.table import Kind, Reading, Table, make_table
from textcrm.sources.rejected import Rejected
from textcrm.sources.structured import Columns, Mapped, complete_fields, fields_of, structured_rows
from textcrm.store import Store

MOST_ROWS = 200_000
PAGE = 1000
Progress = Callable[[int], None]
Placed = tuple[int, Mapping[str, str]]
KINDS: Mapping[str, Kind] = {
    "number": "id", "name": "name", "given_name": "name", "family_name": "name", "email": "email", "phone": "phone",
    "handle": "handle", "company": "text", "order": "text", "country": "country", "currency": "currency",
    "birth_date": "birth_date", "created_at": "created_at", "updated_at": "updated_at", "street": "text",
    "postcode": "text", "city": "text",
}  # fmt: skip
"""What the columns of each field hold; the segment is judged by its values."""


def quality_of_file(
    path: Path,
    *,
    store: Store | None = None,
    mapping: Columns | None = None,
    guess: bool = True,
    region: str = "US",
    today: date,
    progress: Progress | None = None,
) -> QualityReport:
    """Check a table of customers; of more than 200,000 rows an even sample is looked at.

    Parameters
    ----------
    store
        Where the last import is kept, for the drift; None: none is compared.

    Raises
    ------
    NotFoundError
        There is no such file.
    UsageError
        The file is no table, or *mapping* names what does not exist.
    """
    columns = fields_of(path, mapping, guess=guess)
    rows = ((row[0], row[1]) for row in structured_rows(path) if not isinstance(row, Rejected))
    return _check(path.name, rows, columns, store=store, region=region, today=today, progress=progress)


def quality_of_stored(
    store: Store, *, region: str = "US", today: date, progress: Progress | None = None
) -> QualityReport:
    """Check the stored customers, the provisional ones left out; places count them in the order of their ids."""
    names = list(dict.fromkeys(name for _, cells in _head(_stored(store)) for name in cells))
    return _check(
        "stored customers",
        _stored(store),
        complete_fields(names),
        store=store,
        region=region,
        today=today,
        progress=progress,
    )


def profile_rows(rows: Sequence[Mapping[str, str]], columns: Mapped) -> list[dict[str, Any]]:
    """Return how the columns of a sample of rows look, for the record of an import."""
    table, reading = _table("", [(0, row) for row in rows], columns, region="US", total=len(rows))
    return [profile.as_facts() for profile in profiles(table, reading)]


def _check(
    source: str,
    rows: Iterable[Placed],
    columns: Mapped,
    *,
    store: Store | None,
    region: str,
    today: date,
    progress: Progress | None,
) -> QualityReport:
    kept, total = _sampled(rows, progress)
    table, reading = _table(source, kept, columns, region=region, total=total)
    before, since = _last_import(store)
    return check(table, reading, today=today, before=before, since=since)


def _table(source: str, rows: Sequence[Placed], columns: Mapped, *, region: str, total: int) -> tuple[Table, Reading]:
    kinds = {column: KINDS[name] for name, used in columns.items() if name in KINDS for column in used}
    day_first = day_first_columns([cells for _, cells in rows[:20_000]], columns)

    def day(column: str, value: str) -> date | None:
        made = iso_date(value, day_first=column in day_first)
        return datetime.fromisoformat(made).date() if made else None

    reading = Reading(
        missing=is_missing,
        valid={
            "email": lambda value: all(normalise.email(piece) for piece in pieces(value)),
            "phone": lambda value: all(normalise.phone(piece, region) for piece in pieces(value)),
            "country": lambda value: codes.country(value) is not None,
            "currency": lambda value: codes.currency(value) is not None,
        },
        day=day,
    )
    return make_table(source, rows, kinds, reading, total=total), reading


def _sampled(rows: Iterable[Placed], progress: Progress | None) -> tuple[list[Placed], int]:
    """Return at most `MOST_ROWS` rows, each as likely as any other, in order, and how many there are."""
    pick = random.Random(0)  # noqa: S311  (which rows are looked at is no secret)
    kept: list[Placed] = []
    total = 0
    for row in rows:
        total += 1
        if len(kept) < MOST_ROWS:
            kept.append(row)
        elif (slot := pick.randrange(total)) < MOST_ROWS:
            kept[slot] = row
        if progress is not None and total % PAGE == 0:
            progress(PAGE)
    return sorted(kept, key=lambda row: row[0]), total


def _last_import(store: Store | None) -> tuple[list[Profile], str | None]:
    last = store.imports.last("customers") if store is not None else None
    if last is None:
        return [], None
    return [Profile.of_facts(facts) for facts in last["profile"]], f"{last['source']}, {last['at']:%Y-%m-%d %H:%M}"


def _stored(store: Store) -> Iterator[Placed]:
    after: str | None = None
    place = 0
    while page := store.customers.list(after=after, limit=PAGE):
        after = page[-1].id
        for customer in page:
            if customer.provisional:
                continue
            place += 1
            cells = {"number": customer.number or customer.id, "name": customer.name or ""}
            cells |= {"email": "; ".join(customer.emails), "phone": "; ".join(customer.phones)}
            cells |= {"handle": "; ".join(customer.handles), "company": customer.company or ""}
            cells["segment"] = customer.segment or ""
            for name, value in customer.fields:
                cells[name] = f"{cells[name]}; {value}" if cells.get(name) else value
            yield place, cells


def _head(rows: Iterator[Placed]) -> list[Placed]:
    return [row for row, _ in zip(rows, range(2000), strict=False)]
