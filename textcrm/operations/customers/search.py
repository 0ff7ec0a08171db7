"""Customers as people look at them: found by what is typed, each with how much they wrote."""

from __future__ import annotations

from dataclasses import dataclass

from textcrm.records import Customer
from textcrm.store import Store
from textcrm.store.people import Contact, People

MOST_SEARCH = 200


@dataclass(frozen=True)
class CustomerRow:
    """A customer and how much they wrote."""

    customer: Customer
    contact: Contact


def customer_page(
    store: Store, *, search: str | None = None, after: str | None = None, limit: int = 50
) -> list[CustomerRow]:
    """Return customers in the order of their ids, or those that hold what was typed."""
    if search and search.strip():
        found = _people(store).search(search.strip()[:MOST_SEARCH], limit=limit)
    else:
        found = store.customers.list(after=after, limit=limit)
    contacts = _people(store).contacts([customer.id for customer in found])
    return [CustomerRow(customer, contacts.get(customer.id, Contact())) for customer in found]


def contact_of(store: Store, customer_id: str) -> Contact:
    """Return how much one customer wrote."""
    return _people(store).contacts([customer_id]).get(customer_id, Contact())


def _people(store: Store) -> People:
    return People(store.database["customers"], store.database["insights"])
