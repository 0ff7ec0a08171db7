"""Links that were changed because a customer came in later than the message: found, written and recorded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from pymongo import MongoClient
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from textcrm.records import Customer, Link
from textcrm.store.codec import Document, identity_keys

MAJORITY = WriteConcern("majority", j=True)
PROVISIONAL = {"$gte": "p-", "$lt": "p."}
"""The ids of provisional customers, and of no others."""


@dataclass(frozen=True)
class Relink:
    """One change: whose the message was taken to be before and after, and what brought it about."""

    message_id: str
    before: Link
    after: Link
    by: str
    at: datetime


class Relinks:
    """The changes."""

    def __init__(self, client: MongoClient[Document], database: Database[Document]) -> None:
        self._client = client
        self._c = database["relinks"]
        self._insights = database["insights"]
        self._customers = database["customers"]

    def strangers(self, customers: Sequence[Customer]) -> list[str]:
        """Return the ids of the provisional customers that carry an identifier of one of *customers*."""
        if self._customers.find_one({"_id": PROVISIONAL}, {"_id": 1}) is None:
            return []
        keys = list({key for customer in customers if not customer.provisional for key in identity_keys(customer)})
        found = self._customers.find({"keys": {"$in": keys}, "_id": PROVISIONAL}, {"_id": 1}).hint("identity")
        return [d["_id"] for d in found]

    def messages_of(self, customer_ids: Sequence[str], *, size: int) -> Iterator[list[str]]:
        """Yield the ids of the messages of these customers, *size* at a time."""
        if not customer_ids:
            return
        ids = [d["_id"] for d in self._insights.find({"customer": {"$in": list(customer_ids)}}, {"_id": 1})]
        for start in range(0, len(ids), size):
            yield ids[start : start + size]

    def write(self, change: Relink) -> bool:
        """Write one change and its record in one transaction; return whether the link still stood as before."""
        after = change.after
        new = {"customer": after.customer_id, "link": after.outcome, "record.link": after.model_dump()}

        def run(session: ClientSession) -> bool:
            standing = {
                "_id": change.message_id,
                "customer": change.before.customer_id,
                "record.link.rule": change.before.rule,
            }
            if not self._insights.update_one(standing, {"$set": new}, session=session).matched_count:
                return False
            self._c.insert_one(_document(change), session=session)
            return True

        with self._client.start_session() as session:
            return session.with_transaction(
                run, read_concern=ReadConcern("snapshot"), write_concern=MAJORITY, max_commit_time_ms=20_000
            )

    def list(self, *, limit: int = 1000) -> list[Relink]:
        """Return the changes, newest first."""
        return [_change(d) for d in self._c.find({}).sort([("at", -1), ("_id", -1)]).limit(limit)]


def _document(change: Relink) -> Document:
    return {
        "message": change.message_id,
        "before": change.before.model_dump(),
        "after": change.after.model_dump(),
        "by": change.by,
        "at": change.at,
    }


def _change(document: Document) -> Relink:
    before, after = Link.model_validate(document["before"]), Link.model_validate(document["after"])
    return Relink(document["message"], before, after, document["by"], document["at"])
