"""Structured customer records."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from pymongo import ReplaceOne, UpdateOne
from pymongo.collection import Collection
from pymongo.errors import BulkWriteError

from textcrm.errors import NotFoundError, StoreError
from textcrm.records import Customer
from textcrm.store.codec import Document, customer_document, customer_of

DUPLICATE_KEY = 11000


@dataclass(frozen=True)
class Upserted:
    """How many customers were new, changed, or stood already."""

    created: int
    changed: int
    unchanged: int


class Customers:
    """The customers."""

    def __init__(self, collection: Collection[Document], now: Callable[[], datetime]) -> None:
        self._c = collection
        self._now = now

    def upsert(self, customers: Sequence[Customer]) -> Upserted:
        """Store customers by id; one that says the same as before is left alone."""
        if not customers:
            return Upserted(0, 0, 0)
        now = self._now()
        last = {customer.id: customer_document(customer, updated_at=now) for customer in customers}
        standing = {d["_id"]: d["record"] for d in self._c.find({"_id": {"$in": list(last)}}, {"record": 1})}
        created = [d for i, d in last.items() if i not in standing]
        changed = [d for i, d in last.items() if i in standing and not _same(standing[i], d["record"])]
        if created:
            changed += self._insert(created)
        if changed:
            self._c.bulk_write([ReplaceOne({"_id": d["_id"]}, d, upsert=True) for d in changed], ordered=False)
        return Upserted(len(created), len(changed), len(last) - len(created) - len(changed))

    def _insert(self, documents: Sequence[Document]) -> list[Document]:
        """Insert documents (three times as fast as replacing them); return those that somebody else just stored."""
        try:
            self._c.insert_many(documents, ordered=False)
        except BulkWriteError as error:
            failed = error.details["writeErrors"]
            if any(e["code"] != DUPLICATE_KEY for e in failed):
                raise StoreError("The database refused customers", hint="Run the same command again.") from error
            return [documents[e["index"]] for e in failed]
        return []

    def replace(self, customer: Customer, *, seen: Customer | None) -> bool:
        """Store a customer only where it stands as *seen* (None: where there is none); return whether it was."""
        document = customer_document(customer, updated_at=self._now())
        if seen is None:
            done = self._c.update_one({"_id": customer.id}, {"$setOnInsert": document}, upsert=True)
            return done.upserted_id is not None
        standing = self._c.find_one({"_id": customer.id}, {"record": 1})
        if standing is None or customer_of(standing) != seen:
            return False
        return self._c.replace_one({"_id": customer.id, "record": standing["record"]}, document).matched_count == 1

    def provisional_writes(self, customers: Sequence[Customer]) -> list[UpdateOne]:
        """Return the writes that keep provisional customers, never over one that stands."""
        now = self._now()
        documents = [customer_document(customer, updated_at=now) for customer in customers]
        return [UpdateOne({"_id": d["_id"]}, {"$setOnInsert": d}, upsert=True) for d in documents]

    def get(self, customer_id: str) -> Customer:
        """Return one customer.

        Raises
        ------
        NotFoundError
            There is none with this id.
        """
        document = self._c.find_one({"_id": customer_id})
        if document is None:
            raise NotFoundError(f"There is no customer {customer_id[:64]!r}", hint="List them: textcrm customers list.")
        return customer_of(document)

    def get_many(self, ids: Sequence[str]) -> dict[str, Customer]:
        """Return the customers with these ids that exist, by id."""
        return {d["_id"]: customer_of(d) for d in self._c.find({"_id": {"$in": list(ids)}})}

    def existing(self, ids: Sequence[str]) -> set[str]:
        """Return which of these ids are those of customers."""
        return {d["_id"] for d in self._c.find({"_id": {"$in": list(ids)}}, {"_id": 1})}

    def find(self, keys: Sequence[str]) -> list[Customer]:
        """Return the customers that carry any of the exact identifiers *keys* (``email:ann@example.com``)."""
        if not keys:
            return []
        return [customer_of(d) for d in self._c.find({"keys": {"$in": list(keys)}}).sort("_id", 1)]

    def list(self, *, after: str | None = None, limit: int = 50) -> list[Customer]:
        """Return customers in the order of their ids, those after the id *after*."""
        query: Document = {} if after is None else {"_id": {"$gt": after}}
        return [customer_of(d) for d in self._c.find(query).sort("_id", 1).limit(limit)]

    def count(self, *, provisional: bool | None = None) -> int:
        """Return how many customers there are."""
        if provisional:
            return self._c.count_documents({"record.provisional": True})
        every = self._c.count_documents({}, hint="_id_")
        return every if provisional is None else every - self.count(provisional=True)


def _same(standing: Document, record: Document) -> bool:
    """Tell whether a stored record says what *record* says; the database gives tuples back as lists."""
    if standing == record:
        return True
    if standing.keys() != record.keys():
        return customer_of({"_id": "", "record": standing}) == customer_of({"_id": "", "record": record})
    return all(
        value == [list(v) if isinstance(v, tuple) else v for v in record[name]]
        if isinstance(value, list)
        else value == record[name]
        for name, value in standing.items()
    )
