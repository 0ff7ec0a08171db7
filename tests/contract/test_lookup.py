"""Customers are found by what a message says, on the real database."""

from __future__ import annotations

from textcrm.operations.links.lookup import customer_finder
from textcrm.records import Customer, CustomerEvent
from textcrm.store import Store


def test_an_order_leads_to_its_customer_and_a_shared_one_to_nobody(store: Store) -> None:
    store.customers.upsert([Customer(id="a", name="Ann Smith"), Customer(id="b", emails=("ben@example.com",))])
    store.events.upsert(
        [
            CustomerEvent(id="e1", customer_id="a", kind="order", number="A-100"),
            CustomerEvent(id="e2", customer_id="a", kind="order", number="A-200"),
            CustomerEvent(id="e3", customer_id="b", kind="order", number="A-200"),
        ]
    )
    find = customer_finder(store)
    (ann,) = find(["order:a-100", "order:a-200", "order:a-300"])
    assert (ann.id, ann.fields) == ("a", (("order", "a-100"),))
    assert {c.id for c in find(["order:a-100", "email:ben@example.com"])} == {"a", "b"}
    assert find([]) == []
