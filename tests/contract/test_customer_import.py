"""What an import of customers says and does about rows that come twice, bad rows, types and missing values."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from tests.factories import NOON, insight, message
from textcrm.errors import UsageError
from textcrm.operations.customers.tables import import_customers
from textcrm.operations.intake.quarantine import replay_items
from textcrm.operations.links.decisions import decide, undo
from textcrm.records import Author, Customer, Link
from textcrm.settings import Settings
from textcrm.store import Store


def table(folder: Path, *rows: str, name: str = "c.csv") -> Path:
    path = folder / name
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def test_a_row_in_quarantine_is_replayed_as_a_customer(store: Store, settings: Settings, tmp_path: Path) -> None:
    path = table(tmp_path, "id,Contact mail,Login", ",,ann-login", "K-2,b@x.example,")
    first = import_customers(store, path, mapping={"email": "Contact mail"}, region="DE")
    assert (first.created, first.quarantined) == (1, 1)
    (item,) = store.quarantine.list()
    assert item.channel == "customers"
    (again,) = replay_items(store, [item], settings=settings)
    assert again.outcome == "failed"  # it still names nobody
    assert store.messages.counts() == {}
    # the same row, once its column is known to hold the handle
    store.database["quarantine"].update_one({"_id": item.id}, {"$push": {"mapping": ["handle", "Login"]}})
    (done,) = replay_items(store, [store.quarantine.get(item.id)], settings=settings)
    assert done.outcome == "stored"
    assert store.customers.find(["handle:@ann-login"])[0].handles == ("@ann-login",)
    assert store.messages.counts() == {}
    assert store.quarantine.get(item.id).status == "replayed"


@pytest.mark.parametrize("apart", [1, 2500])
def test_rows_with_one_id_are_told_and_the_last_one_counts(
    store: Store, settings: Settings, tmp_path: Path, apart: int
) -> None:
    between = [f"N-{i},Carl {i}" for i in range(apart - 1)]
    path = table(tmp_path, "id,name", "K-1,Ann", *between, "K-1,Anna", "K-2,Ben", "K-2,Ben")
    report = import_customers(store, path)
    assert (report.repeated, report.quarantined, report.created) == (2, 1, apart + 1)
    assert store.customers.get("K-1").name == "Anna"
    (item,) = store.quarantine.list()
    assert (item.reason, item.source.place) == ("same_id", 2)
    assert b"K-1,Ann\n" in store.raws.get(item.raw_sha256)
    again = import_customers(store, path)
    assert (again.created, again.changed, again.quarantined) == (0, 0, 1)
    (done,) = replay_items(store, [item], settings=settings)
    assert done.outcome == "failed"
    assert store.customers.get("K-1").name == "Anna"


def test_types_are_brought_into_one_form(store: Store, tmp_path: Path) -> None:
    path = table(
        tmp_path,
        "id;name;email;phone;Land;Währung;Geburtsdatum;created_at;plz;Hausnotiz",
        "K-1;Ann  Smith;a.nn+shop@googlemail.com;030 901820;Deutschland;€;31/12/1980;2020-05-01T10:00:00;1010 ab;x",
        "K-2;Ben;b@x.example;;Nowhere;USD;01/02/1981;yesterday;;",
    )
    report = import_customers(store, path, provider_rules=True)
    ann, ben = store.customers.get("K-1"), store.customers.get("K-2")
    assert (ann.name, ann.emails, ann.phones) == ("Ann Smith", ("ann@gmail.com",), ("+4930901820",))
    assert dict(ann.fields) == {
        "Land": "DE",
        "Währung": "EUR",
        "Geburtsdatum": "1980-12-31",
        "created_at": "2020-05-01T10:00:00",
        "plz": "1010 AB",
        "Hausnotiz": "x",
    }
    assert dict(ben.fields) == {
        "Land": "Nowhere",
        "Währung": "USD",
        "Geburtsdatum": "1981-02-01",  # the column shows that the day comes first
        "created_at": "yesterday",
    }
    assert report.remarks == {"country": 1, "created_at": 1}
    assert report.normalised == {"country": 1, "currency": 1, "birth_date": 2, "postcode": 1}


def test_missing_values_are_filled_and_each_is_marked(store: Store, tmp_path: Path) -> None:
    rows = [f"K-{i},{i},{'gold' if i % 3 else 'basic'},{i * 2}" for i in range(1, 40)]
    path = table(tmp_path, "id,age,level,spent", *rows, "K-90,,basic,50", "K-91,n/a,,", "K-92,5,gold,")
    report = import_customers(store, path, missing={"age": "median", "level": "mode", "spent": "drop"})
    assert {c: (f["policy"], f["count"]) for c, f in report.filled.items()} == {
        "age": ("median", 2),
        "level": ("mode", 1),
        "spent": ("drop", 2),
    }
    assert (report.created, report.quarantined) == (40, 2)
    filled = dict(store.customers.get("K-90").fields)
    assert (filled["age"], filled["age (filled)"]) == ("19.5", "median")
    assert "age (filled)" not in dict(store.customers.get("K-1").fields)
    assert {item.reason for item in store.quarantine.list()} == {"missing_value"}
    kept = store.imports.last("customers")
    assert kept is not None
    assert [f["of"] for f in kept["filled"]] == ["age", "level", "spent"]


def test_a_model_fills_from_the_other_columns(store: Store, tmp_path: Path) -> None:
    rows = [f"K-{i},{i % 50},{'high' if i % 50 > 24 else 'low'}" for i in range(200)]
    path = table(tmp_path, "id,spent,level", *rows, "K-900,45,", "K-901,3,?")
    report = import_customers(store, path, missing={"level": "model"})
    assert "random forest on 1 columns of 200 rows" in report.filled["level"]["how"]
    assert dict(store.customers.get("K-900").fields)["level"] == "high"
    assert dict(store.customers.get("K-901").fields)["level"] == "low"


@pytest.mark.parametrize(
    "missing", [{"name": "mode"}, {"age": "guess"}, {"nothing": "mean"}, {"word": "mean"}, {"age": "model"}]
)
def test_a_policy_that_does_not_suit_is_refused(store: Store, tmp_path: Path, missing: dict[str, str]) -> None:
    path = table(tmp_path, "id,name,age,word", "K-1,Ann,20,a", "K-2,Ben,,b")
    with pytest.raises(UsageError):
        import_customers(store, path, missing=missing)
    assert store.customers.count() == 0


def stranger(store: Store, texts: list[str], email: str, rule: str = "new_email") -> list[str]:
    """Store messages of an author whom no record knows, analysed; return their ids."""
    key = "p-" + "0" * 20
    messages = [
        message(text, author=Author(name="Ann Smith", email=email), received_at=NOON + timedelta(minutes=i))
        for i, text in enumerate(texts)
    ]
    store.messages.add(messages)
    claim = store.messages.claim("test", limit=100, lease=timedelta(minutes=1))
    link = Link(customer_id=key, outcome="provisional", confidence=1.0, rule=rule)
    known = Customer(id=key, name="Ann Smith", emails=(email,), provisional=True)
    store.insights.complete(claim, [insight(m, link=link) for m in claim.messages], provisional=[known])
    return [m.id for m in messages]


def test_messages_of_a_stranger_go_to_the_customer_that_comes_in(store: Store, tmp_path: Path) -> None:
    first, second = stranger(store, ["Where is it?", "And now?"], "ann@x.example")
    path = table(tmp_path, "id,name,email", "K-1,Ann Smith,Ann@X.example", "K-2,Ann Smith,other@x.example")
    report = import_customers(store, path)
    assert report.relinked == 2
    link = store.insights.get(first).link
    assert link is not None
    assert (link.customer_id, link.outcome, link.rule) == ("K-1", "linked", "email_from")
    assert {i.message_id for i in store.insights.of_customer("K-1")} == {first, second}
    (one, two) = store.relinks.list()
    assert {one.message_id, two.message_id} == {first, second}
    assert (one.before.customer_id, one.after.customer_id, one.by) == ("p-" + "0" * 20, "K-1", "customers of c.csv")
    assert import_customers(store, path).relinked == 0


def test_what_people_decided_stands_at_an_import(store: Store, tmp_path: Path) -> None:
    first, second = stranger(store, ["Where is it?", "And now?"], "ann@x.example")
    store.customers.upsert([Customer(id="K-9", name="Bea")])
    decided = decide(store, "confirm", "p-" + "0" * 20, by="lee", messages=[first])
    report = import_customers(store, table(tmp_path, "id,name,email", "K-1,Ann,ann@x.example"))
    assert report.relinked == 2  # the first is said to be of the customer whom the decision names, by a person
    decided_link, other_link = store.insights.get(first).link, store.insights.get(second).link
    assert decided_link is not None
    assert (decided_link.customer_id, decided_link.rule) == ("p-" + "0" * 20, "confirmed_by_person")
    assert other_link is not None
    assert other_link.customer_id == "K-1"
    undo(store, decided.id)
    assert import_customers(store, table(tmp_path, "id,name,email", "K-1,Ann,ann@x.example")).relinked == 1


def test_a_customer_with_other_identifiers_takes_nothing_over(store: Store, tmp_path: Path) -> None:
    stranger(store, ["Where is it?"], "ann@x.example")
    report = import_customers(store, table(tmp_path, "id,name,email", "K-1,Ann Smith,ann.smith@x.example"))
    assert (report.relinked, store.relinks.list()) == (0, [])


def test_two_customers_with_the_address_are_a_case_for_a_person(store: Store, tmp_path: Path) -> None:
    (first,) = stranger(store, ["Where is it?"], "ann@x.example")
    path = table(tmp_path, "id,name,email", "K-1,Bob,ann@x.example", "K-2,Cem,ann@x.example")
    import_customers(store, path)
    link = store.insights.get(first).link
    assert link is not None
    assert (link.customer_id, link.outcome) == (None, "review")
    assert {"K-1", "K-2"} <= set(link.candidates)


def test_rows_of_excel_and_json_are_replayed_too(store: Store, settings: Settings, tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.append(["id", "Login"])
    book.active.append([None, "ann"])
    book.save(tmp_path / "c.xlsx")
    book.close()
    (tmp_path / "c.jsonl").write_text(json.dumps({"Login": "ben"}))
    for name in ("c.xlsx", "c.jsonl"):
        assert import_customers(store, tmp_path / name).quarantined == 1
    store.database["quarantine"].update_many({}, {"$push": {"mapping": ["handle", "Login"]}})
    done = replay_items(store, store.quarantine.list(), settings=settings)
    assert [one.outcome for one in done] == ["stored", "stored"]
    assert store.customers.count() == 2


def test_dates_of_excel_are_dates_whatever_the_cell_shows(store: Store, tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.append(["id", "name", "birth date", "created at", "updated at"])
    written = [
        (date(1980, 4, 3), datetime(2020, 5, 1, 10, 30), datetime(2021, 1, 2)),
        (datetime(1900, 3, 1), date(2024, 2, 29), None),
        ("31/12/1980", "2020-05-01", "soon"),  # text beside real dates
    ]
    for number, row in enumerate(written, start=1):
        book.active.append([number, f"Ann {number}", *row])
    for place, shown in (("C2", "dd.mm.yyyy"), ("D2", "mm/dd/yy hh:mm"), ("D3", "[$-407]d. mmmm yyyy")):
        book.active[place].number_format = shown
    book.save(tmp_path / "c.xlsx")
    book.close()
    report = import_customers(store, tmp_path / "c.xlsx")
    assert (report.created, report.quarantined, report.remarks) == (3, 0, {"updated_at": 1})
    names = ("birth date", "created at", "updated at")
    found = [[dict(store.customers.get(i).fields).get(name) for name in names] for i in ("1", "2", "3")]
    assert found == [
        ["1980-04-03", "2020-05-01T10:30:00", "2021-01-02"],
        ["1900-03-01", "2024-02-29", None],
        ["1980-12-31", "2020-05-01", "soon"],
    ]
    assert import_customers(store, tmp_path / "c.xlsx").unchanged == 3
