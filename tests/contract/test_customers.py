"""Customers go in from any table and come out with their insights, on the real database."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy

from tests.factories import NOON, insight, message, prediction
from textcrm.errors import NotFoundError, UsageError
from textcrm.operations.customers.insights import customer_view, export_customers, insight_fields, safe_cell
from textcrm.operations.customers.tables import import_customers, sync_customers
from textcrm.records import Customer, Link
from textcrm.sources.sql import SqlSource
from textcrm.store import Store

HEADER = "Customer ID,First Name,Last Name,E-mail,Mobile,Company,City"
ROWS = (
    "K-1,Ann,Smith,Ann@Example.com,(202) 555-0143,Acme,Ulm",
    "K-2,Ben,Jones,ben@@x,555,,Bonn",
    ",,,,,,Rom",
    'K-3,Zoë,Öz,"z@x.example; y@x.example",+49 30 901820,,',
)


def table(folder: Path, *rows: str, name: str = "c.csv", encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_text("\n".join((HEADER, *rows)) + "\n", encoding=encoding)
    return path


def test_a_table_goes_in_once(store: Store, tmp_path: Path) -> None:
    path = table(tmp_path, *ROWS)
    first = import_customers(store, path)
    assert (first.created, first.changed, first.unchanged, first.quarantined) == (3, 0, 0, 1)
    assert first.mapping["email"] == "E-mail"
    assert first.remarks == {"email": 1, "phone": 1}
    again = import_customers(store, path)
    assert (again.created, again.changed, again.unchanged, again.quarantined) == (0, 0, 3, 1)
    assert store.customers.count() == 3
    assert store.quarantine.count() == 1
    ann = store.customers.get("K-1")
    assert (ann.name, ann.emails, ann.phones, ann.company) == (
        "Ann Smith",
        ("ann@example.com",),
        ("+12025550143",),
        "Acme",
    )
    assert ann.fields == (("City", "Ulm"),)
    assert store.customers.get("K-2").fields == (("E-mail", "ben@@x"), ("Mobile", "555"), ("City", "Bonn"))
    assert [c.id for c in store.customers.find(["email:y@x.example"])] == ["K-3"]


def test_a_changed_row_changes_its_customer_alone(store: Store, tmp_path: Path) -> None:
    import_customers(store, table(tmp_path, *ROWS))
    report = import_customers(store, table(tmp_path, ROWS[0].replace("Ulm", "Bonn"), *ROWS[1:]))
    assert (report.created, report.changed, report.unchanged) == (0, 1, 2)


def test_an_import_that_was_cut_short_is_run_again_without_a_double(store: Store, tmp_path: Path) -> None:
    rows = [f"N-{i},Ann,Smith,ann{i}@example.com,,," for i in range(5000)]

    class StoppedError(Exception):
        pass

    def stop(_: int) -> None:
        raise StoppedError

    path = table(tmp_path, *rows)
    with pytest.raises(StoppedError):
        import_customers(store, path, progress=stop)
    half = store.customers.count()
    assert 0 < half < 5000
    report = import_customers(store, path)
    assert (report.created, report.unchanged, report.resumed) == (5000 - half, 0, half)
    assert store.customers.count() == 5000


def test_other_formats_and_encodings(store: Store, tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.append(["number", "name", "email"])
    book.active.append([1001, "Ann Smith", "ann@example.com"])
    book.save(tmp_path / "c.xlsx")
    book.close()
    assert import_customers(store, tmp_path / "c.xlsx").created == 1
    assert store.customers.get("1001").emails == ("ann@example.com",)
    lines = [{"id": "J-1", "name": "Bob", "email": "bob@example.com"}, {"id": "J-2", "phone": "+4930901820"}]
    (tmp_path / "c.jsonl").write_text("\n".join(map(json.dumps, lines)))
    assert import_customers(store, tmp_path / "c.jsonl").created == 2
    latin = table(tmp_path, "L-1,Zoë,Müller,zoe@example.com,,,Köln", name="latin.csv", encoding="latin-1")
    assert import_customers(store, latin).created == 1
    assert store.customers.get("L-1").name == "Zoë Müller"
    (tmp_path / "bad.xlsx").write_bytes(b"PK\x03\x04 no workbook")
    assert import_customers(store, tmp_path / "bad.xlsx").quarantined == 1


def test_what_cannot_be_mapped_is_told(store: Store, tmp_path: Path) -> None:
    path = table(tmp_path, *ROWS)
    assert import_customers(store, path, mapping={"segment": "City"}).mapping["segment"] == "City"
    with pytest.raises(UsageError):
        import_customers(store, path, mapping={"colour": "City"})
    with pytest.raises(UsageError):
        import_customers(store, path, mapping={"email": "Nowhere"})
    with pytest.raises(NotFoundError):
        import_customers(store, tmp_path / "none.csv")


def analysed(store: Store, customer: str, sentiments: str) -> None:
    """Store a message an hour with the given sentiments, oldest first (n, u, p)."""
    names = {"n": "negative", "u": "neutral", "p": "positive"}
    messages = [message(f"{i} {s}", received_at=NOON + timedelta(hours=i)) for i, s in enumerate(sentiments)]
    store.messages.add(messages)
    claim = store.messages.claim("test", limit=100, lease=timedelta(minutes=1))
    by_text = {m.text: m for m in claim.messages}
    insights = [
        insight(
            by_text[f"{i} {s}"],
            predictions=(prediction("sentiment", names[s]), prediction("intent", "refund" if i % 2 else "delivery")),
            link=Link(customer_id=customer, outcome="linked", confidence=0.99, rule="email_from"),
        )
        for i, s in enumerate(sentiments)
    ]
    store.insights.complete(claim, insights)


def test_one_customer_with_all_that_is_known(store: Store) -> None:
    store.customers.upsert([Customer(id="K-1", number="K-1", name="Ann", emails=("ann@example.com",))])
    analysed(store, "K-1", "pppnnn")
    view = customer_view(store, "K-1")
    assert view.identities == (
        ("number", "K-1", "the customer table"),
        ("email", "ann@example.com", "the customer table"),
    )
    assert (view.fields.messages, view.fields.last_sentiment, view.fields.trend) == (6, "negative", "worse")
    assert view.fields.sentiments == {"negative": 3, "neutral": 0, "positive": 3}
    assert dict(view.fields.top_intents) == {"refund": 3, "delivery": 3}
    assert set(view.open_intents) == {"refund", "delivery"}
    assert view.sentiment_by_month == (("2026-09", 0.0),)
    assert len(view.timeline) == 6


def test_the_export_holds_the_insight_fields_and_no_formula(store: Store) -> None:
    store.customers.upsert([Customer(id="K-1", name="=cmd|' /C calc'!A0", phones=("+4930901820",), company="@SUM(A1)")])
    analysed(store, "K-1", "un")
    out = io.StringIO()
    assert export_customers(store, out) == 1
    (row,) = csv.DictReader(io.StringIO(out.getvalue()))
    assert (row["name"], row["company"], row["phones"]) == ("'=cmd|' /C calc'!A0", "'@SUM(A1)", "+4930901820")
    assert (row["messages"], row["last_sentiment"], row["sentiment_trend"]) == ("2", "negative", "unknown")
    assert row["last_contact"].startswith("2026-09-01T13:00")


@pytest.mark.parametrize("cell", ["=1+1", "+1+1", "-2+3", "@x", "\t=1", "\r=1", "+49=1", "\n=1", "\uff1d1+1"])
def test_a_formula_becomes_text(cell: str) -> None:
    assert safe_cell(cell) == "'" + cell


@pytest.mark.parametrize("cell", ["", "Ann", "+4930901820", "-12.5", "a=b"])
def test_plain_cells_stay(cell: str) -> None:
    assert safe_cell(cell) == cell


def test_no_messages_say_nothing() -> None:
    fields = insight_fields([], {})
    assert (fields.messages, fields.last_contact, fields.last_sentiment, fields.trend) == (0, None, None, "unknown")


def test_a_database_is_synced_by_what_changed(store: Store, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'crm.db'}"
    engine = sqlalchemy.create_engine(url)
    source = SqlSource(url, table="customer", updated_at="changed")
    with engine.begin() as crm:
        crm.execute(sqlalchemy.text("create table customer (id text, name text, email text, changed timestamp)"))
        insert = sqlalchemy.text("insert into customer values (:id, :name, :email, :changed)")
        for i in range(5):
            crm.execute(
                insert,
                {
                    "id": f"S-{i}",
                    "name": "Ann",
                    "email": f"ann{i}@x.example",
                    "changed": f"2026-01-0{i + 1} 00:00:00.000000",
                },
            )
    first = sync_customers(store, source)
    assert (first.created, first.mapping["email"]) == (5, "email")
    with engine.begin() as crm:
        crm.execute(
            sqlalchemy.text("update customer set name = 'Bea', changed = '2026-02-01 00:00:00.000000' where id = 'S-1'")
        )
    engine.dispose()
    second = sync_customers(store, source)
    assert (second.created, second.changed, second.unchanged) == (0, 1, 1)  # the newest of the last time is read again
    assert store.customers.get("S-1").name == "Bea"
    whole = sync_customers(store, SqlSource(url, query="select id, name, email from customer"))
    assert whole.created == 0
    assert whole.changed == 5  # the column of changes is no longer among the fields
    with pytest.raises(UsageError):
        sync_customers(store, SqlSource(url, table="nothing"))
    with pytest.raises(UsageError):
        sync_customers(store, SqlSource(url, table="customer", updated_at="when"))
    with pytest.raises(UsageError):
        SqlSource(url)
    with pytest.raises(UsageError):
        sync_customers(store, SqlSource("no address", table="x"))
