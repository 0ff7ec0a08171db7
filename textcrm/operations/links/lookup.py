"""Which customers carry the exact identifiers of a message: in their records, or by an order of theirs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textcrm.records import Customer
from textcrm.store import Store

_ORDER = "order:"


def customer_finder(store: Store) -> Callable[[Sequence[str]], list[Customer]]:
    """Return what finds customers by keys (``email:ann@example.com``, ``order:A-100``).

    A customer found by an order carries its number among ``fields``, so that the link can say what led there. An order
    number that several customers have leads to nobody.
    """

    def find(keys: Sequence[str]) -> list[Customer]:
        found = {customer.id: customer for customer in store.customers.find(keys)}
        numbers = sorted({key.removeprefix(_ORDER) for key in keys if key.startswith(_ORDER)})
        owners = store.events.customers_of_orders(numbers) if numbers else {}
        found |= store.customers.get_many(sorted(set(owners.values()) - set(found)))
        for number, owner in owners.items():
            if owner in found:
                fields = (*found[owner].fields, ("order", number))
                found[owner] = found[owner].model_copy(update={"fields": fields})
        return list(found.values())

    return find
