"""Orders and other events of customers, on the real database."""

from __future__ import annotations

from decimal import Decimal

from tests.factories import NOON
from textcrm.records import CustomerEvent
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
