"""Insights: what was found out of each message, as the queue, the trends and the CRM read it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Literal

from pymongo import MongoClient, UpdateOne
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from textcrm.errors import NotFoundError, UsageError
from textcrm.records import Customer, Insight, Message
from textcrm.store.codec import Document, insight_document, insight_of
from textcrm.store.customers import Customers
from textcrm.store.messages import Claim
from textcrm.store.outbox import outbox_document
from textcrm.store.raws import forgotten
from textcrm.store.rollup import Rollup

FILTERS = ("channel", "intent", "sentiment", "urgency", "customer", "language", "kind", "link", "product", "topic")
MAJORITY = WriteConcern("majority", j=True)


class Insights:
    """The insights."""

    def __init__(
        self,
        client: MongoClient[Document],
        database: Database[Document],
        now: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._c = database["insights"]
        self._rollup = Rollup(client, database)
        self._messages = database["messages"]
        self._customers = database["customers"]
        self._outbox = database["outbox"]
        self._raws = database["raws"]
        self._now = now

    def complete(
        self,
        claim: Claim,
        insights: Sequence[Insight],
        *,
        provisional: Sequence[Customer] = (),
        sinks: Sequence[str] = (),
        masked: Sequence[Message] = (),
    ) -> list[str]:
        """Store insights, mark their messages done and announce them in the outbox, in one transaction.

        A message whose lease went to another worker in the meantime is left to that one.

        Parameters
        ----------
        sinks
            Names of those that the results are to be delivered to.
        masked
            Those of the messages whose text is not to be kept as it came; it is replaced, and where ``raw_sha256`` is
            None, the bytes received are forgotten.

        Returns
        -------
        list of str
            The ids that were completed.
        """
        if not insights:
            return []
        by_id = {message.id: message for message in claim.messages}
        now = self._now()
        documents = {i.message_id: insight_document(i, by_id[i.message_id], stored_at=now) for i in insights}
        new = Customers(self._customers, self._now).provisional_writes(provisional)

        def write(session: ClientSession) -> list[str]:
            held = self._messages.find(
                {"_id": {"$in": list(documents)}, "work.token": claim.token}, {"work": 1}, session=session
            )
            works = {d["_id"]: d["work"] for d in held}
            ours = [i for i in documents if i in works]
            if not ours:
                return []
            if new:
                self._customers.bulk_write(new, ordered=False, session=session)
            self._c.bulk_write(
                [_anew(documents[i]) for i in ours],
                ordered=False,
                session=session,
            )
            self._rollup.mark([documents[i]["sent_at"] for i in ours], session=session)
            news = [
                outbox_document(i, token=claim.token, at=now, work=works[i.message_id], sinks=sinks)
                for i in insights
                if i.message_id in works
            ]
            self._outbox.insert_many(news, session=session)
            self._messages.bulk_write(
                [_done(i, claim.token, documents[i]["pipeline"], now) for i in ours], session=session
            )
            changed = [message for message in masked if message.id in ours]
            if changed:
                self._messages.bulk_write([_replaced(message) for message in changed], session=session)
            gone = [by_id[m.id].raw_sha256 for m in changed if m.raw_sha256 is None]
            for name in filter(None, gone):
                self._raws.update_many(*forgotten(name), session=session)
            return ours

        with self._client.start_session() as session:
            return session.with_transaction(
                write, read_concern=ReadConcern("snapshot"), write_concern=MAJORITY, max_commit_time_ms=20_000
            )

    def get(self, message_id: str) -> Insight:
        """Return the insight of one message.

        Raises
        ------
        NotFoundError
            The message is unknown or not analysed yet.
        """
        document = self._c.find_one({"_id": message_id})
        if document is None:
            raise NotFoundError(
                f"There is no insight of message {message_id[:64]!r}",
                hint="Either the id is wrong, or the message still waits: run textcrm analyse.",
            )
        return insight_of(document)

    def get_many(self, ids: Sequence[str]) -> dict[str, Insight]:
        """Return the insights of these messages that exist, by message."""
        return {d["_id"]: insight_of(d) for d in self._c.find({"_id": {"$in": list(ids)}})}

    def queue(
        self,
        *,
        filters: dict[str, str] | None = None,
        after: tuple[int, datetime, str] | None = None,
        limit: int = 50,
        newest_first: bool = False,
    ) -> list[tuple[Insight, tuple[int, datetime, str]]]:
        """Return insights in order of urgency (or of time), each with the cursor that goes on after it.

        Parameters
        ----------
        filters
            Field to value, fields from `FILTERS`.
        after
            Cursor of the last one of the page before.
        """
        query = check_filters(filters or {})
        keys = ["sent_at", "_id"] if newest_first else ["rank", "sent_at", "_id"]
        if after is not None:
            rank, at, last = after
            older: list[Document] = [{"sent_at": {"$lt": at}}, {"sent_at": at, "_id": {"$lt": last}}]
            query["$or"] = (
                older if newest_first else [{"rank": {"$lt": rank}}, *({"rank": rank, **part} for part in older)]
            )
        rows = self._c.find(query).sort([(key, -1) for key in keys]).limit(limit)
        return [(insight_of(d), (d["rank"], d["sent_at"], d["_id"])) for d in rows]

    def clean_texts(
        self,
        filters: dict[str, str],
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int,
    ) -> list[tuple[str, str]]:
        """Return ids and cleaned texts of requests that fit and were sent in ``[since, until)``, newest first."""
        query = {"kind": "request", **check_filters(filters)}
        bounds = {k: v for k, v in (("$gte", since), ("$lt", until)) if v is not None}
        if bounds:
            query["sent_at"] = bounds
        rows = self._c.find(query, {"record.clean": 1}).sort("sent_at", -1).limit(limit)
        return [(d["_id"], d["record"]["clean"]) for d in rows]

    def uncorrected(self, task: str, *, limit: int) -> list[Insight]:
        """Return the newest requests that no person said the label of *task* of."""
        query: Document = {"kind": "request", f"desk.labels.{task}": {"$exists": False}}
        if not task.isidentifier() or len(task) > 48:
            raise UsageError("There is no such task")
        return [insight_of(d) for d in self._c.find(query).sort("sent_at", -1).limit(limit)]

    def of_customer(self, customer_id: str, *, limit: int = 200) -> list[Insight]:
        """Return the insights of a customer's messages, newest first."""
        return [insight_of(d) for d in self._c.find({"customer": customer_id}).sort("sent_at", -1).limit(limit)]

    def counts(self, field: Literal["link", "pipeline"]) -> dict[str, int]:
        """Return how many insights carry each value of *field*, most first; its index alone is read."""
        found = {
            str(value or ""): self._c.count_documents({field: {"$eq": value}}) for value in self._c.distinct(field)
        }
        return dict(sorted(found.items(), key=lambda item: -item[1]))

    def count(self) -> int:
        """Return how many insights are stored."""
        return self._c.count_documents({}, hint="_id_")


def check_filters(filters: dict[str, str]) -> Document:
    """Return a query that compares allowed fields with plain values.

    Raises
    ------
    UsageError
        A field is not one of `FILTERS`, or a value is not text.
    """
    query: Document = {}
    for name, value in filters.items():
        if name not in FILTERS or not isinstance(value, str):
            raise UsageError(f"Insights cannot be filtered by {name[:32]!r}", options=FILTERS)
        query[name] = {"$eq": value}
    return query


def _anew(document: Document) -> UpdateOne:
    """Replace an insight, and keep what people did with the message and the labels they corrected (store/desk.py)."""
    kept = [
        {"$literal": document},
        {"desk": "$desk", "topic": "$topic", "topic_fit": "$topic_fit"},
        "$desk.fields",
    ]
    return UpdateOne({"_id": document["_id"]}, [{"$replaceWith": {"$mergeObjects": kept}}], upsert=True)


def _done(message_id: str, token: str, pipeline: str, now: datetime) -> UpdateOne:
    return UpdateOne(
        {"_id": message_id, "work.token": token},
        {
            "$set": {"work.state": "done", "work.pipeline": pipeline, "work.done_at": now},
            "$unset": {"work.owner": "", "work.token": "", "work.deadline": ""},
        },
    )


def _replaced(message: Message) -> UpdateOne:
    """Put the masked texts in the place of those that came."""
    record = message.model_dump(include={"text", "html", "subject", "headers", "extra", "raw_sha256"})
    return UpdateOne({"_id": message.id}, {"$set": {f"record.{name}": value for name, value in record.items()}})
