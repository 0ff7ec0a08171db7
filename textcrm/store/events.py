"""Orders and other events of customers, as another system told them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal

from bson import Decimal128
from pymongo import ReplaceOne
from pymongo.collection import Collection

from textcrm.records import CustomerEvent
from textcrm.store.codec import DOCUMENT_VERSION, Document, aware
from textcrm.store.customers import Upserted

MOST_NUMBER = 200


class Events:
    """The events."""

    def __init__(self, collection: Collection[Document], now: Callable[[], datetime]) -> None:
        self._c = collection
        self._now = now

    def upsert(self, events: Sequence[CustomerEvent]) -> Upserted:
        """Store events by id; one that says the same as before is left alone."""
        if not events:
            return Upserted(0, 0, 0)
        now = self._now()
        last = {event.id: event for event in events}
        standing = {d["_id"]: _event(d) for d in self._c.find({"_id": {"$in": list(last)}})}
        changed = [event for i, event in last.items() if standing.get(i) != event]
        if changed:
            self._c.bulk_write(
                [ReplaceOne({"_id": e.id}, _document(e, updated_at=now), upsert=True) for e in changed], ordered=False
            )
        created = len(last) - len(standing)
        return Upserted(created, len(changed) - created, len(last) - len(changed))

    def of_customer(self, customer_id: str, *, limit: int = 200) -> list[CustomerEvent]:
        """Return the events of a customer, newest first; those without a time come last."""
        return [_event(d) for d in self._c.find({"customer": customer_id}).sort("at", -1).limit(limit)]

    def customers_of_orders(self, numbers: Sequence[str]) -> dict[str, str]:
        """Return the customer of each order number, the keys as given.

        Numbers are compared without case, blanks and a leading ``#``. A number that is unknown, or that stands with
        several customers, is left out: it identifies nobody.
        """
        folded = {number: fold_number(number) for number in numbers}
        wanted = sorted({value for value in folded.values() if value})
        if not wanted:
            return {}
        found: dict[str, set[str]] = {}
        for d in self._c.find({"order": {"$in": wanted}}, {"order": 1, "customer": 1}):
            found.setdefault(d["order"], set()).add(d["customer"])
        return {
            number: next(iter(found[value]))
            for number, value in folded.items()
            if value in found and len(found[value]) == 1
        }

    def count(self) -> int:
        """Return how many events there are."""
        return self._c.count_documents({})


def fold_number(number: str) -> str:
    """Return an order number in the form in which it is compared."""
    return "".join(number.split()).lstrip("#").casefold()[:MOST_NUMBER]


def _document(event: CustomerEvent, *, updated_at: datetime) -> Document:
    """Return the document of an event; ``order`` is what messages are matched by."""
    record = event.model_dump(exclude={"id"})
    if event.amount is not None:
        record["amount"] = Decimal128(event.amount)
    return {
        "_id": event.id,
        "v": DOCUMENT_VERSION,
        "updated_at": updated_at,
        "customer": event.customer_id,
        "order": fold_number(event.number) if event.number else None,
        "at": event.at,
        "record": record,
    }


def _event(document: Document) -> CustomerEvent:
    record = aware(document["record"])
    if isinstance(record["amount"], Decimal128):
        record["amount"] = Decimal(record["amount"].to_decimal())
    return CustomerEvent.model_validate({"id": document["_id"], **record})
