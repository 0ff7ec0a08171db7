"""Customers whom a source no longer has: known by what its earlier syncs brought, marked, never removed."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence

from pymongo import UpdateOne

from textcrm.records import Customer
from textcrm.store import Store

FIELD = "missing from its source since"
"""Field of a customer that is marked, with the day (UTC). The row of a source that has the customer again has no such
field, so that it takes the mark away."""
PAGE = 1000


class Members:
    """Which customers the syncs of one source brought, and which of them this run has seen.

    Parameters
    ----------
    source
        Key of the source: hexadecimal digits.
    """

    def __init__(self, store: Store, source: str) -> None:
        self._store = store
        self._c = store.database["sync_members"]
        self._source = source
        self._run = secrets.token_hex(8)
        self._any = False

    def saw(self, customer_ids: Sequence[str]) -> None:
        """Keep that the source has these customers."""
        self._any = self._any or bool(customer_ids)
        seen = {"$set": {"run": self._run}}
        writes = [UpdateOne({"_id": f"{self._source}:{one}"}, seen, upsert=True) for one in customer_ids]
        if writes:
            self._c.bulk_write(writes, ordered=False)

    def mark_missing(self) -> int | None:
        """Mark those of the source that this run, which read all of it, has not seen; return how many carry the mark.

        A source without any rows is taken for one that is broken: nobody is marked, and None is returned.
        """
        if not self._any:
            return None
        today = f"{self._store.now():%Y-%m-%d}"
        marked = 0
        for ids in self._missing():
            for customer in self._store.customers.get_many(ids).values():
                marked += _is_marked(customer) or self._mark(customer, today)
        return marked

    def _missing(self) -> Iterator[list[str]]:
        begin = f"{self._source}:"
        query = {"_id": {"$gt": begin, "$lt": f"{self._source};"}, "run": {"$ne": self._run}}
        ids = [str(d["_id"]).removeprefix(begin) for d in self._c.find(query, {"_id": 1})]
        for start in range(0, len(ids), PAGE):
            yield ids[start : start + PAGE]

    def _mark(self, customer: Customer, today: str) -> bool:
        marked = customer.model_copy(update={"fields": (*customer.fields, (FIELD, today))})
        return self._store.customers.replace(marked, seen=customer)


def _is_marked(customer: Customer) -> bool:
    return any(name == FIELD for name, _ in customer.fields)
