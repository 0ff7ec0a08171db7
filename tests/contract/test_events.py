"""Orders and other events of customers, on the real database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tests.factories import NOON, insight, message
from textcrm.operations.customers.events import import_events, money
from textcrm.operations.customers.insights import customer_view
from textcrm.operations.customers.rows import customer_id
from textcrm.operations.intake.quarantine import replay_items
from textcrm.records import Customer, CustomerEvent, Link
from textcrm.settings import Settings
from textcrm.store import Store


def order(number: str, customer: str = "K-1", **fields: object) -> CustomerEvent:
    return CustomerEvent.model_validate(
        {"id": f"order:{number}:{customer}", "customer_id": customer, "number": number, **fields}
    )


def test_events_are_kept_once_and_come_back_as_they_were(store: Store) -> None:
    events = [order("A-1", at=NOON, amount=Decimal("29.90"), currency="EUR", fields=(("items", "2"),)), order("A-2")]
    done = store.events.upsert(events)
    assert (done.created, done.changed, done.unchanged) == (2, 0, 0)
    done = store.events.upsert([events[0], order("A-2", amount=Decimal("5"))])
    assert (done.created, done.changed, done.unchanged) == (0, 1, 1)
    assert store.events.of_customer("K-1") == [events[0], order("A-2", amount=Decimal("5"))]
    assert store.events.of_customer("K-2") == []
    assert store.events.count() == 2


def test_an_order_number_finds_its_customer(store: Store) -> None:
    store.events.upsert([order("A-1"), order("B-7", "K-2"), order("C-1", "K-3"), order("C-1", "K-4")])
    found = store.events.customers_of_orders(["#a-1", "B-7", "b - 7", "C-1", "D-1", "", "#"])
    assert found == {"#a-1": "K-1", "B-7": "K-2", "b - 7": "K-2"}
    assert store.events.customers_of_orders([]) == {}


def table(folder: Path, *rows: str, name: str = "orders.csv") -> Path:
    path = folder / name
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


ORDERS = (
    "Order ID,Customer ID,Order date,Total,Currency,Items",
    "A-1,K-1,2026-08-01,29.90,EUR,2",
    "A-2,K-1,31/12/2025 10:30,1.234,50,€,1".replace("1.234,50", '"1.234,50"'),
    "A-2,K-1,31/12/2025 10:30,5,EUR,3",
    "A-3,,2026-08-02,1,EUR,",
    "A-4,K 7/x,soon,free,Doubloon,",
)


def test_orders_come_in_beside_the_customers(store: Store, settings: Settings, tmp_path: Path) -> None:
    store.customers.upsert([Customer(id="K-1", name="Ann", emails=("ann@x.example",))])
    path = table(tmp_path, *ORDERS)
    report = import_events(store, path)
    assert (report.created, report.quarantined, report.unknown) == (4, 1, 1)
    assert report.remarks == {"at": 1, "amount": 1, "currency": 1}
    again = import_events(store, path)
    assert (again.created, again.changed, again.unchanged) == (0, 0, 4)
    first, *lines = store.events.of_customer("K-1")
    assert (first.kind, first.number, first.amount, first.currency) == ("order", "A-1", Decimal("29.9"), "EUR")
    assert first.at == datetime(2026, 8, 1, tzinfo=UTC)
    assert {line.amount for line in lines} == {Decimal("1234.5"), Decimal("5")}
    assert {line.at for line in lines} == {datetime(2025, 12, 31, 10, 30, tzinfo=UTC)}
    assert store.events.customers_of_orders(["a-2", "A-3"]) == {"a-2": "K-1"}
    (odd,) = store.events.of_customer(customer_id("K 7/x", "K 7/x"))
    assert dict(odd.fields) == {"Order date": "soon", "Total": "free", "Currency": "Doubloon"}
    (item,) = store.quarantine.list()
    assert (item.channel, item.reason) == ("events", "no_customer")
    (replayed,) = replay_items(store, [item], settings=settings)
    assert replayed.outcome == "failed"
    import_events(store, table(tmp_path, ORDERS[0], "A-1,K-1,2026-08-01,30,EUR,2", name="later.csv"))
    assert store.events.of_customer("K-1")[0].amount == Decimal("30")


def test_an_order_finds_its_customer_by_mail(store: Store, tmp_path: Path) -> None:
    people = [Customer(id=f"K-{i}", emails=("team@x.example", f"k{i}@x.example")) for i in (1, 2)]
    store.customers.upsert([*people, Customer(id="p-1", emails=("p@x.example",), provisional=True)])
    rows = ("order number,email,type", "A-1,K1@x.example,Refund", "A-2,team@x.example,", "A-3,p@x.example,")
    report = import_events(store, table(tmp_path, *rows))
    assert (report.created, report.quarantined) == (1, 2)
    assert [e.kind for e in store.events.of_customer("K-1")] == ["refund"]


def test_purchases_without_numbers_are_all_kept(store: Store, tmp_path: Path) -> None:
    rows = ("customer_id,date,amount", "7,2026-01-01,5", "7,2026-01-01,5", "7,2026-01-02,5")
    path = table(tmp_path, *rows)
    assert import_events(store, path).created == 3
    assert import_events(store, path).unchanged == 3


def test_the_timeline_of_a_customer_holds_messages_and_orders(store: Store, tmp_path: Path) -> None:
    store.customers.upsert([Customer(id="K-1", name="Ann")])
    said = message("Where is my order?")
    store.messages.add([said])
    claim = store.messages.claim("test", limit=1, lease=timedelta(minutes=1))
    link = Link(customer_id="K-1", outcome="linked", confidence=1.0, rule="email_from")
    store.insights.complete(claim, [insight(said, link=link)])
    rows = ("order id,customer id,date", "A-1,K-1,2026-08-01", "A-2,K-1,2026-09-03", "A-3,K-1,")
    import_events(store, table(tmp_path, *rows))
    view = customer_view(store, "K-1")
    assert [e.number for e in view.events] == ["A-2", "A-1", "A-3"]
    shown = [one.number if isinstance(one, CustomerEvent) else one.message_id for _, one in view.moments]
    assert shown == ["A-2", said.id, "A-1", "A-3"]


@pytest.mark.parametrize(
    ("text", "amount", "currency"),
    [
        ("29.90", "29.9", None),
        ("1,234.50", "1234.5", None),
        ("1.234,50 €", "1234.5", "EUR"),
        ("EUR 5", "5", "EUR"),
        ("-12,5", "-12.5", None),
        ("US$3", "3", "USD"),
        ("$3", "3", None),
        ("1 234,50", "1234.5", None),
    ],
)
def test_amounts(text: str, amount: str, currency: str | None) -> None:
    assert money(text) == (Decimal(amount), currency)


@pytest.mark.parametrize("text", ["", "free", "1.2.3", "5 apples and more", "1,23,4", "12/5"])
def test_what_is_no_amount(text: str) -> None:
    assert money(text) == (None, None)
