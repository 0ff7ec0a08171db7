"""Customers: taken in from any table."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from textcrm.link import normalise
from textcrm.operations.ingest import Rejection
from textcrm.records import Customer, Source
from textcrm.sources.rejected import Rejected
from textcrm.sources.sql import SqlSource, sql_rows
from textcrm.sources.structured import Mapped, complete_fields, fields_of, structured_rows
from textcrm.sources.tabular import Row
from textcrm.store import Store

BATCH = 2000
MOST_FIELD = 4000
Progress = Callable[[int], None]
_SAFE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")


@dataclass
class CustomerReport:
    """What became of the rows. ``mapping`` is field to column, as it was used."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0
    quarantined: int = 0
    mapping: dict[str, str] = field(default_factory=dict)
    rejections: list[Rejection] = field(default_factory=list)
    remarks: dict[str, int] = field(default_factory=dict)
    """Values that are no valid identifier, by kind; they stay among the customer's other fields."""


def import_customers(
    store: Store,
    path: Path,
    *,
    mapping: Mapping[str, str] | None = None,
    region: str = "US",
    progress: Progress | None = None,
) -> CustomerReport:
    """Store the customers of a table; the same file again changes nothing.

    Each batch is acknowledged before the next is read: an interrupted import is run again, and makes no double.

    Parameters
    ----------
    mapping
        Field to column (see ``textcrm.sources.structured.FIELDS``); what it leaves out is guessed.
    region
        ISO 3166 code of the country of phone numbers without a country code.

    Raises
    ------
    NotFoundError
        There is no such file.
    UsageError
        The file is no table, or *mapping* names what does not exist.
    """
    columns = fields_of(path, mapping)
    report = CustomerReport(mapping={name: ", ".join(used) for name, used in columns.items()})
    for rows in _batches(structured_rows(path), BATCH):
        source = Source(kind="customers", name=path.name)
        _take(store, rows, columns=columns, source=source, report=report, region=region)
        if progress is not None:
            progress(len(rows))
    return report


def sync_customers(
    store: Store,
    source: SqlSource,
    *,
    mapping: Mapping[str, str] | None = None,
    region: str = "US",
    progress: Progress | None = None,
) -> CustomerReport:
    """Store the customers of a table of an SQL database; next time only what changed, where ``updated_at`` is named.

    How far it came is kept after each batch, by the address without its password.

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
    key = hashlib.sha256(f"{address}|{source.table}|{source.updated_at}".encode()).hexdigest()[:24]
    mark = marks.find_one({"_id": key}) or {}
    report = CustomerReport()
    columns: Mapped | None = None
    iterator = iter(sql_rows(source, since=mark.get("since")))
    while batch := list(islice(iterator, BATCH)):
        rows = [row for row, _ in batch]
        if columns is None:
            columns = complete_fields(list(rows[0][1]), mapping)
            report.mapping = {name: ", ".join(used) for name, used in columns.items()}
        place = Source(kind="customers", name=source.table or "query")
        _take(store, rows, columns=columns, source=place, report=report, region=region)
        last = batch[-1][1]
        if last is not None:
            marks.update_one({"_id": key}, {"$set": {"since": last}}, upsert=True)
        if progress is not None:
            progress(len(rows))
    return report


def _take(
    store: Store,
    rows: Sequence[Row | Rejected],
    *,
    columns: Mapped,
    source: Source,
    report: CustomerReport,
    region: str,
) -> None:
    """Store one batch of rows and add what became of it to *report*."""
    customers: dict[str, Customer] = {}
    rejected: list[Rejected] = []
    for row in rows:
        if isinstance(row, Rejected):
            rejected.append(row)
            continue
        place, cells, raw = row
        customer = customer_of_row(cells, columns, region=region, remarks=report.remarks)
        if customer is None:
            detail = f"The row at line {place} has no number, mail address, phone, handle or name."
            rejected.append(Rejected(raw, "no_identity", detail, source.model_copy(update={"place": place})))
        else:
            customers[customer.id] = customer
    done = store.customers.upsert(list(customers.values()))
    report.created += done.created
    report.changed += done.changed
    report.unchanged += done.unchanged + (len(rows) - len(rejected) - len(customers))
    _quarantine(store, rejected, columns, report)


def customer_of_row(
    cells: Mapping[str, str], columns: Mapped, *, region: str, remarks: dict[str, int] | None = None
) -> Customer | None:
    """Return the customer that a row describes, identifiers normalised; None where it names nobody.

    Values that are no valid address or number are kept among the other fields.
    """
    values = {name: [_clean(cells.get(c, "")) for c in used] for name, used in columns.items()}
    counts = remarks if remarks is not None else {}
    kept: list[tuple[str, str]] = []

    def many(name: str, make: Callable[[str], str | None]) -> tuple[str, ...]:
        found: list[str] = []
        for column, value in zip(columns.get(name, ()), values.get(name, ()), strict=True):
            for piece in re.split(r"[;|\n]|,(?=\s{0,3}[^\s,]{1,64}@)", value):
                if not piece.strip():
                    continue
                made = make(piece)
                if made is not None:
                    found.append(made)
                else:
                    counts[name] = counts.get(name, 0) + 1
                    kept.append((column, piece.strip()))
        return tuple(dict.fromkeys(found))

    def one(name: str) -> str | None:
        return next((value for value in values.get(name, ()) if value), None)

    emails = many("email", normalise.email)
    phones = many("phone", lambda value: normalise.phone(value, region))
    handles = many("handle", lambda value: normalise.handle(value) if value.strip(" @") else None)
    name = one("name") or " ".join(filter(None, (one("given_name"), one("family_name")))) or None
    number = one("number")
    if not (number or emails or phones or handles or name):
        return None
    used = {column for group in columns.values() for column in group}
    others = [(column[:200], _clean(value)) for column, value in cells.items() if column not in used and _clean(value)]
    orders = [("order", value) for value in values.get("order", ()) if value]
    seed = number or next(iter((*emails, *phones, *handles)), None)
    return Customer(
        id=customer_id(number, seed or repr(sorted(cells.items()))),
        number=number,
        name=name,
        emails=emails,
        phones=phones,
        handles=handles,
        company=one("company"),
        segment=one("segment"),
        fields=(*orders, *kept, *others),
    )


def customer_id(number: str | None, seed: str) -> str:
    """Return the id of a customer: its number where that can stand in an address, else a digest of *seed*."""
    if number and _SAFE_ID.match(number) and not number.startswith("p-"):
        return number
    return "c-" + hashlib.sha256(seed.encode("utf-8", "surrogatepass")).hexdigest()[:20]


def _clean(value: str | None) -> str:
    """Return a cell without what the database cannot hold (lone surrogates, NUL), blanks at the ends cut."""
    text = (value or "").strip()[:MOST_FIELD].replace("\0", "")
    return text.encode("utf-8", "replace").decode("utf-8")


def _quarantine(store: Store, rejected: list[Rejected], columns: Mapped, report: CustomerReport) -> None:
    if not rejected:
        return
    names = store.raws.add([item.raw for item in rejected])
    ids = store.quarantine.add(
        [
            {
                "reason": item.reason,
                "detail": item.detail,
                "source": item.source,
                "channel": "customers",
                "raw_sha256": name,
                "size": len(item.raw),
                "mapping": [(key, used[0]) for key, used in columns.items()],
            }
            for item, name in zip(rejected, names, strict=True)
        ]
    )
    report.quarantined += len(ids)
    report.rejections += [
        Rejection(i, item.reason, item.detail, item.source.name, item.source.place)
        for i, item in zip(ids, rejected, strict=True)
    ]


def _batches(items: Iterable[Row | Rejected], size: int) -> Iterator[list[Row | Rejected]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
