"""Customers: taken in from any table, and from SQL databases."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Literal, get_args

from textcrm.operations.customers.absent import Members
from textcrm.operations.customers.fill import Filler
from textcrm.operations.customers.resume import Mark, forget_marks
from textcrm.operations.customers.rows import RowOptions, RowReader, customer_id, customer_of_row
from textcrm.operations.customers.survey import Survey, day_first_columns, survey
from textcrm.operations.intake.ingest import Rejection
from textcrm.operations.links.relink import relink
from textcrm.records import Customer, Source
from textcrm.sources.rejected import Rejected
from textcrm.sources.sql import SqlSource, sql_rows
from textcrm.sources.structured import Columns, Mapped, complete_fields, fields_of, kind_of_table, structured_rows
from textcrm.sources.tabular import Row
from textcrm.store import Store

__all__ = ["CustomerReport", "customer_id", "customer_of_row", "import_customers", "sync_customers"]

BATCH = 2000
CHANNEL = "customers"  # what the quarantine calls rows of customers
Progress = Callable[[int], None]
MissingChoice = Literal["keep", "mark"]
MISSING_CHOICES: tuple[MissingChoice, ...] = get_args(MissingChoice)


@dataclass
class CustomerReport:
    """What became of the rows. ``columns`` is field to columns, as it was used; ``mapping`` the same as text."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0
    quarantined: int = 0
    repeated: int = 0
    """Rows whose customer stands in another row too: the last one counts, earlier ones that differ are quarantined."""
    relinked: int = 0
    """Messages of strangers that turned out to be of these customers."""
    resumed: int = 0
    """Rows that an earlier run, which was cut short, had stored; created, changed and so on count the others."""
    missing: int | None = None
    """Customers of earlier syncs that the source no longer has, all marked; None where that was not looked at."""
    appeared: list[str] = field(default_factory=list)
    """Columns that the source did not have at its last sync."""
    vanished: list[str] = field(default_factory=list)
    """Columns that the source had at its last sync, and has no longer."""
    columns: Mapped = field(default_factory=dict)
    mapping: dict[str, str] = field(default_factory=dict)
    rejections: list[Rejection] = field(default_factory=list)
    remarks: dict[str, int] = field(default_factory=dict)
    """Values that are not valid for their field, by field; they stay among the customer's other fields."""
    normalised: dict[str, int] = field(default_factory=dict)
    """Values of typed columns that were brought into another form, by field."""
    filled: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Missing values by column: policy, how, and how many."""


def import_customers(
    store: Store,
    path: Path,
    *,
    mapping: Columns | None = None,
    guess: bool = True,
    region: str = "US",
    provider_rules: bool = False,
    missing: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> CustomerReport:
    """Store the customers of a table; the same file again changes nothing.

    The table is read twice: once for what only the whole of it tells (ids that come again, the order of day and month,
    means), once to store. Each batch is acknowledged before the next is read. An import that was cut short is run
    again: it goes on after the last batch, if the file and how it is read are the same, and makes no double.

    Parameters
    ----------
    mapping
        Field to column (see ``textcrm.sources.structured.FIELDS``); what it leaves out is guessed if *guess*.
    region
        ISO 3166 code of the country of phone numbers without a country code, where the row names no country.
    provider_rules
        Fold what mail providers ignore: plus tags, the dots at Gmail.
    missing
        Column or field to what is done about its missing values (see ``textcrm.quality.missing.POLICIES``).

    Raises
    ------
    NotFoundError
        There is no such file.
    UsageError
        The file is no table, *mapping* names what does not exist, or a policy does not suit its column.
    """
    columns = fields_of(path, mapping, guess=guess)
    options = RowOptions(region, provider_rules)
    looked = survey(structured_rows(path), RowReader(columns, options), missing=missing)
    reader = RowReader(columns, RowOptions(region, provider_rules, looked.day_first))
    intake = _Intake(store, reader, Source(kind=kind_of_table(path), name=path.name), looked)
    intake.report.repeated = looked.repeated
    how = {"columns": columns, "region": region, "provider_rules": provider_rules, "missing": dict(missing or {})}
    mark = Mark(store, path, kind=CHANNEL, how=how)
    intake.report.resumed = mark.rows
    for rows in _batches(islice(structured_rows(path), mark.rows, None), BATCH):
        intake.take(rows)
        mark.move(len(rows))
        if progress is not None:
            progress(len(rows))
    return intake.finish()


def sync_customers(
    store: Store,
    source: SqlSource,
    *,
    mapping: Columns | None = None,
    guess: bool = True,
    region: str = "US",
    provider_rules: bool = False,
    missing: MissingChoice = "keep",
    progress: Progress | None = None,
) -> CustomerReport:
    """Store the customers of a table of an SQL database; next time only what changed, where ``updated_at`` is named.

    How far it came is kept after each batch, by the address without its password, and so are the columns.

    Parameters
    ----------
    missing
        What is done with customers whom an earlier sync brought and the source no longer has. ``keep``: nothing.
        ``mark``: each gets a field that says since when; for that, all rows are read, not only what changed.

    Raises
    ------
    DependencyError
        SQLAlchemy or the driver is not installed.
    UsageError
        The table, a column or the address does not exist.
    UnavailableError
        The database cannot be reached.
    """
    marks = store.database["sync"]
    address = re.sub(r"(//[^/@:]{0,200}):[^/@]{0,200}@", r"\1@", source.url)
    key = _digest(f"{address}|{source.table}|{source.updated_at}")
    whole = _digest(f"{address}|{source.table}|{source.query}")
    members = Members(store, whole)
    since = (marks.find_one({"_id": key}) or {}).get("since") if missing == "keep" else None
    before = (marks.find_one({"_id": whole}) or {}).get("columns")
    place = Source(kind="sql", name=source.table or "query")
    intake = _Intake(store, RowReader({}), place)
    names: list[str] | None = None
    with closing(sql_rows(source, since=since)) as found:
        while batch := list(islice(found, BATCH)):
            rows = [row for row, _ in batch]
            if names is None:
                names = list(rows[0][1])
                columns = complete_fields(names, mapping, guess=guess)
                dated = day_first_columns([row[1] for row in rows], columns)
                intake = _Intake(store, RowReader(columns, RowOptions(region, provider_rules, dated)), place)
            members.saw(intake.take(rows))
            last = batch[-1][1]
            if last is not None:
                marks.update_one({"_id": key}, {"$set": {"since": last}}, upsert=True)
            if progress is not None:
                progress(len(rows))
    if names is not None:
        intake.report.appeared = [name for name in names if before is not None and name not in before]
        intake.report.vanished = [name for name in before or () if name not in names]
        marks.update_one({"_id": whole}, {"$set": {"columns": names}}, upsert=True)
    if missing == "mark":
        intake.report.missing = members.mark_missing()
    return intake.finish()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def import_rows(store: Store, rows: Sequence[Row | Rejected], reader: RowReader, source: Source) -> CustomerReport:
    """Store the customers of a few rows, as they came out of the quarantine."""
    intake = _Intake(store, reader, source)
    intake.take(rows)
    return intake.report


class _Intake:
    """Takes rows in, batch by batch, and keeps count."""

    def __init__(self, store: Store, reader: RowReader, source: Source, looked: Survey | None = None) -> None:
        self._store = store
        self._reader = reader
        self._source = source
        self._looked = looked or Survey()
        self._filler = Filler(self._looked.filled)
        self._seen: set[int] | None = None if looked else set()
        self.report = CustomerReport(
            columns=reader.columns,
            mapping={name: ", ".join(used) for name, used in reader.columns.items()},
            remarks=reader.remarks,
            normalised=reader.normalised,
        )

    def take(self, rows: Sequence[Row | Rejected]) -> list[str]:
        """Store one batch and add what became of it to the report; return the ids of its customers."""
        report = self.report
        customers: dict[str, tuple[Customer, int, bytes]] = {}
        rejected = [row for row in rows if isinstance(row, Rejected)]
        given = [row for row in rows if not isinstance(row, Rejected)]
        marks = self._filler.fill([row[1] for row in given])
        for (place, cells, raw), mark in zip(given, marks, strict=True):
            if mark is None:
                detail = f"The row at line {place} has no value in a column whose rows without one are left out."
                rejected.append(self._rejected(raw, "missing_value", detail, place))
                continue
            customer = self._reader.read(cells)
            if customer is None:
                detail = f"The row at line {place} has no number, mail address, phone, handle or name."
                rejected.append(self._rejected(raw, "no_identity", detail, place))
                continue
            if mark:
                customer = customer.model_copy(update={"fields": (*customer.fields, *mark)})
            earlier = customers.get(customer.id)
            if self._looked.superseded(customer.id, place):
                rejected.append(self._superseded(raw, place))
            elif earlier is not None and earlier[0] != customer and self._seen is not None:
                rejected.append(self._superseded(earlier[2], earlier[1]))
                customers[customer.id] = (customer, place, raw)
            else:
                customers[customer.id] = (customer, place, raw)
        self._store_all([customer for customer, _, _ in customers.values()], rejected)
        report.filled = self._filler.counts()
        return list(customers)

    def finish(self) -> CustomerReport:
        """Record the import, with how the columns looked, and return the report."""
        facts = asdict(self.report)
        del facts["rejections"], facts["columns"]
        named = [{"field": name, "columns": list(used)} for name, used in self._reader.columns.items()]
        for name in ("remarks", "normalised", "filled"):
            facts[name] = [{"of": key, "is": value} for key, value in facts[name].items()]
        options = asdict(self._reader.options)
        options["day_first"] = sorted(options["day_first"])
        facts |= {"mapping": named, "options": options, "rows": self._looked.rows, "profile": self._profile()}
        self._store.imports.add(kind=CHANNEL, source=self._source.name, facts=facts)
        forget_marks(self._store, CHANNEL)
        return self.report

    def _profile(self) -> list[dict[str, Any]]:
        from textcrm.operations.customers.quality import profile_rows

        return profile_rows(self._looked.sample, self._reader.columns)

    def _store_all(self, customers: Sequence[Customer], rejected: list[Rejected]) -> None:
        report = self.report
        rejected += self._overwritten(customers)
        done = self._store.customers.upsert(customers)
        report.created += done.created
        report.changed += done.changed
        report.unchanged += done.unchanged
        region = self._reader.options.region
        report.relinked += relink(self._store, customers, region=region, by=f"customers of {self._source.name}")
        self._quarantine(rejected)

    def _overwritten(self, customers: Sequence[Customer]) -> list[Rejected]:
        """Return what stands of customers of an earlier batch of the same run, where no survey told which is last."""
        if self._seen is None:
            return []
        again = [customer for customer in customers if hash(customer.id) in self._seen]
        self._seen.update(hash(customer.id) for customer in customers)
        self.report.repeated += len(again)
        standing = self._store.customers.get_many([customer.id for customer in again])
        return [
            self._rejected(
                _as_row(standing[c.id]), "same_id", "A later row has the same id; this is the earlier.", None
            )
            for c in again
            if c.id in standing and standing[c.id] != c
        ]

    def _superseded(self, raw: bytes, place: int) -> Rejected:
        detail = f"A row after line {place} has the same id and says something else; the last one was taken."
        return self._rejected(raw, "same_id", detail, place)

    def _rejected(self, raw: bytes, reason: str, detail: str, place: int | None) -> Rejected:
        return Rejected(raw, reason, detail, self._source.model_copy(update={"place": place}))

    def _quarantine(self, rejected: Sequence[Rejected]) -> None:
        if not rejected:
            return
        names = self._store.raws.add([item.raw for item in rejected])
        mapping = [(key, column) for key, used in self._reader.columns.items() for column in used]
        how = self._reader.options
        options = [("region", how.region), ("day_first", "\n".join(sorted(how.day_first)))]
        options += [("provider_rules", "yes")] * how.provider_rules
        ids = self._store.quarantine.add(
            [
                {
                    "reason": item.reason,
                    "detail": item.detail,
                    "source": item.source,
                    "channel": CHANNEL,
                    "raw_sha256": name,
                    "size": len(item.raw),
                    "mapping": mapping,
                    "options": options,
                }
                for item, name in zip(rejected, names, strict=True)
            ]
        )
        self.report.quarantined += len(ids)
        self.report.rejections += [
            Rejection(i, item.reason, item.detail, item.source.name, item.source.place)
            for i, item in zip(ids, rejected, strict=True)
        ][: MOST_TOLD - len(self.report.rejections)]


MOST_TOLD = 1000  # rejections that a report names; the quarantine has them all


def _as_row(customer: Customer) -> bytes:
    """Return a customer as the JSON of a row with the names of the fields as columns."""
    row: dict[str, Any] = {"number": customer.number, "name": customer.name, "company": customer.company}
    row |= {"segment": customer.segment, "email": "; ".join(customer.emails), "phone": "; ".join(customer.phones)}
    row |= {"handle": "; ".join(customer.handles), **dict(customer.fields)}
    return json.dumps({name: value for name, value in row.items() if value}).encode()


def _batches(items: Iterable[Row | Rejected], size: int) -> Iterator[list[Row | Rejected]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
