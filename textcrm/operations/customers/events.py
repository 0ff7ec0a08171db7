"""Orders and other events of customers: taken in from any table, beside the customers."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from itertools import islice
from pathlib import Path

from textcrm.link import codes, normalise
from textcrm.link.dates import is_day_first, iso_date
from textcrm.operations.customers.resume import Mark, forget_marks
from textcrm.operations.customers.rows import clean, customer_id
from textcrm.operations.intake.ingest import Rejection
from textcrm.quality.numbers import number as number_of
from textcrm.records import CustomerEvent, Source
from textcrm.sources.rejected import Rejected
from textcrm.sources.rows import when
from textcrm.sources.structured import EVENTS, Columns, Mapped, fields_of, kind_of_table, structured_rows
from textcrm.sources.tabular import Row
from textcrm.store import Store
from textcrm.store.events import fold_number

BATCH = 2000
CHANNEL = "events"  # what the quarantine calls rows of events
SAMPLE = 2000
KIND = "order"  # of events that name none
_MONEY = re.compile(r"([^\d\s.,+-]{0,4})\s{0,2}([+-]?[\d.,\s]{1,30}?)\s{0,2}([^\d\s.,+-]{0,4})\Z")
Progress = Callable[[int], None]


@dataclass
class EventReport:
    """What became of the rows. ``unknown`` are events whose customer is not stored (yet)."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0
    quarantined: int = 0
    unknown: int = 0
    resumed: int = 0
    """Rows that an earlier run, which was cut short, had stored; created, changed and so on count the others."""
    columns: Mapped = field(default_factory=dict)
    rejections: list[Rejection] = field(default_factory=list)
    remarks: dict[str, int] = field(default_factory=dict)
    """Times, amounts and currencies that could not be read, by field; they stay among the event's other fields."""


def import_events(
    store: Store,
    path: Path,
    *,
    mapping: Columns | None = None,
    guess: bool = True,
    progress: Progress | None = None,
) -> EventReport:
    """Store the events of a table; the same file again changes nothing.

    A customer is named by the number that the table of customers has, or by a mail address that one customer has.
    Several rows of one order are the lines of it, and all are kept. An import that was cut short is run again: it goes
    on after the last batch, if the file and how it is read are the same, and makes no double.

    Parameters
    ----------
    mapping
        Field to column (see ``textcrm.sources.structured.EVENTS``); what it leaves out is guessed if *guess*.

    Raises
    ------
    NotFoundError
        There is no such file.
    UsageError
        The file is no table, or *mapping* names what does not exist.
    """
    columns = fields_of(path, mapping, guess=guess, schema=EVENTS)
    head = [row[1] for row in islice(structured_rows(path), SAMPLE) if not isinstance(row, Rejected)]
    dated = columns.get("at", ("",))[0]
    day_first = is_day_first(row.get(dated, "") for row in head)
    intake = EventIntake(store, columns, Source(kind=kind_of_table(path), name=path.name), day_first=day_first)
    mark = Mark(store, path, kind=CHANNEL, how={"columns": columns})
    intake.report.resumed = mark.rows
    rows = iter(structured_rows(path))
    stored = islice(rows, mark.rows)
    while batch := list(islice(stored, BATCH)):
        intake.pass_over(batch)
    while batch := list(islice(rows, BATCH)):
        intake.take(batch)
        mark.move(len(batch))
        if progress is not None:
            progress(len(batch))
    report = intake.report
    facts = {
        name: getattr(report, name) for name in ("created", "changed", "unchanged", "quarantined", "unknown", "resumed")
    }
    named = [{"field": name, "columns": list(used)} for name, used in columns.items()]
    store.imports.add(kind=CHANNEL, source=path.name, facts={**facts, "mapping": named})
    forget_marks(store, CHANNEL)
    return report


class EventIntake:
    """Takes rows in, batch by batch, and keeps count."""

    def __init__(self, store: Store, columns: Mapped, source: Source, *, day_first: bool = False) -> None:
        self._store = store
        self._source = source
        self._day_first = day_first
        self._columns = {name: used[0] for name, used in columns.items()}
        self._used = set(self._columns.values())
        self._lines: dict[int, int] = {}
        self.report = EventReport(columns=columns)

    def pass_over(self, rows: Sequence[Row | Rejected]) -> None:
        """Read one batch that is stored: which line of its order a later row is, depends on it."""
        self._read(rows)

    def take(self, rows: Sequence[Row | Rejected]) -> None:
        """Store one batch and add what became of it to the report."""
        events, rejected = self._read(rows)
        done = self._store.events.upsert(events)
        report = self.report
        report.created += done.created
        report.changed += done.changed
        report.unchanged += done.unchanged
        stored = self._store.customers.existing(list({event.customer_id for event in events}))
        report.unknown += sum(event.customer_id not in stored for event in events)
        self._quarantine(rejected)

    def _read(self, rows: Sequence[Row | Rejected]) -> tuple[list[CustomerEvent], list[Rejected]]:
        """Return the events of a batch, and the rows that are none."""
        events: list[CustomerEvent] = []
        rejected = [row for row in rows if isinstance(row, Rejected)]
        given = [row for row in rows if not isinstance(row, Rejected)]
        for (place, cells, raw), owner in zip(given, self._owners([row[1] for row in given]), strict=True):
            if owner is None:
                detail = f"The row at line {place} names no customer, or a mail address that no single customer has."
                source = self._source.model_copy(update={"place": place})
                rejected.append(Rejected(raw, "no_customer", detail, source))
            else:
                events.append(self._event(cells, owner))
        return events, rejected

    def _owners(self, rows: Sequence[Mapping[str, str]]) -> Iterator[str | None]:
        """Yield the customer of each row."""
        numbers = [self._cell(row, "customer") for row in rows]
        mails = [None if n else normalise.email(self._cell(r, "email")) for r, n in zip(rows, numbers, strict=True)]
        wanted = {f"email:{mail}" for mail in mails if mail}
        owners: dict[str, set[str]] = {}
        for customer in self._store.customers.find(sorted(wanted)):
            for mail in customer.emails:
                if not customer.provisional:
                    owners.setdefault(mail, set()).add(customer.id)
        for number, address in zip(numbers, mails, strict=True):
            found = owners.get(address or "", set())
            yield customer_id(number, number) if number else next(iter(found)) if len(found) == 1 else None

    def _cell(self, row: Mapping[str, str], name: str) -> str:
        return clean(row.get(self._columns.get(name, ""), ""))

    def _event(self, cells: Mapping[str, str], owner: str) -> CustomerEvent:
        kept: list[tuple[str, str]] = []

        def unread(name: str, value: str) -> None:
            self.report.remarks[name] = self.report.remarks.get(name, 0) + 1
            kept.append((self._columns[name], value))

        said = {name: self._cell(cells, name) for name in self._columns}
        at = moment(said["at"], day_first=self._day_first) if said.get("at") else None
        if said.get("at") and at is None:
            unread("at", said["at"])
        amount, sign = money(said["amount"]) if said.get("amount") else (None, None)
        if said.get("amount") and amount is None:
            unread("amount", said["amount"])
        currency = codes.currency(said["currency"]) if said.get("currency") else sign
        if said.get("currency") and currency is None:
            unread("currency", said["currency"])
        number, kind = said.get("number") or None, (said.get("kind") or KIND).casefold()[:60]
        others = [(name[:200], clean(value)) for name, value in cells.items() if name not in self._used]
        fields = (*kept, *((name, value) for name, value in others if value))
        what = (fold_number(number),) if number else (at, amount, currency, fields)
        return CustomerEvent(
            id=self._id(kind, owner, what),
            customer_id=owner,
            kind=kind,
            number=number,
            at=at,
            amount=amount,
            currency=currency,
            fields=fields,
        )

    def _id(self, kind: str, owner: str, what: tuple[object, ...]) -> str:
        """Return the id of an event; the second row that says the same of an order is its second line."""
        text = repr((kind, owner, *what))
        key = hash(text)
        line = self._lines[key] = self._lines.get(key, 0) + 1
        return hashlib.sha256(f"{text}#{line}".encode("utf-8", "replace")).hexdigest()[:24]

    def _quarantine(self, rejected: Sequence[Rejected]) -> None:
        if not rejected:
            return
        names = self._store.raws.add([item.raw for item in rejected])
        options = [("day_first", "yes")] * self._day_first
        items = [
            {
                "reason": item.reason,
                "detail": item.detail,
                "source": item.source,
                "channel": CHANNEL,
                "raw_sha256": name,
                "size": len(item.raw),
                "mapping": list(self._columns.items()),
                "options": options,
            }
            for item, name in zip(rejected, names, strict=True)
        ]
        ids = self._store.quarantine.add(items)
        self.report.quarantined += len(ids)
        self.report.rejections += [
            Rejection(i, item.reason, item.detail, item.source.name, item.source.place)
            for i, item in zip(ids, rejected, strict=True)
        ]


def moment(value: str, *, day_first: bool = False) -> datetime | None:
    """Return the moment that *value* names, in UTC, or None. A time without a zone is taken as UTC."""
    made = iso_date(value, day_first=day_first)
    if made is None:
        return when(value)
    found = datetime.fromisoformat(made)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def money(value: str) -> tuple[Decimal | None, str | None]:
    """Return an amount and the currency that stands beside it: ``29.90``, ``1.234,50 €``, ``EUR 5``."""
    match = _MONEY.match(value.strip())
    found = number_of(match[2].replace(" ", "").replace("\xa0", "")) if match else None
    if match is None or found is None:
        return None, None
    with suppress(InvalidOperation):
        return Decimal(f"{found:.10g}"), codes.currency(match[1] or match[3])
    return None, None
