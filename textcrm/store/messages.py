"""Messages and the state of the work on them.

Work state lies on the message itself: ``pending``, ``leased`` (owner, token, deadline by the server's clock, attempts
counted before the work), ``done`` (at which pipeline fingerprint), ``failed``.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pymongo.collection import Collection
from pymongo.errors import BulkWriteError

from textcrm.errors import NotFoundError, StoreError
from textcrm.records import Channel, Message
from textcrm.store.codec import MAX_DOCUMENT_BYTES, Document, message_document, message_of, size

DUPLICATE_KEY = 11000
WORK_STATES = ("pending", "leased", "done", "failed")
LIVE, BACKFILL = 0, 10
CLAIM_TRIES = 20
RETRY_SAMPLE = 50
RETRY_GROUP = 8


@dataclass
class Added:
    """What became of messages that were given to the store, by id."""

    stored: list[str] = field(default_factory=list)
    duplicates: list[str] = field(default_factory=list)
    too_large: list[Message] = field(default_factory=list)


@dataclass(frozen=True)
class Claim:
    """Messages leased to one worker. Only the holder of ``token`` may finish them."""

    token: str
    messages: tuple[Message, ...]
    attempts: tuple[int, ...]


class Messages:
    """The messages."""

    def __init__(
        self,
        collection: Collection[Document],
        now: Callable[[], datetime],
        *,
        check_space: Callable[[], None] = lambda: None,
    ) -> None:
        self._c = collection
        self._now = now
        self._check_space = check_space

    def add(self, messages: Sequence[Message], *, priority: int = LIVE) -> Added:
        """Store messages; what is there already stays as it is. Acknowledged after majority and journal.

        Raises
        ------
        UnavailableError
            The disk of the database is nearly full; try again.
        """
        self._check_space()
        added = Added()
        now = self._now()
        documents: dict[str, Document] = {}
        for place, message in enumerate(messages):
            document = message_document(message, stored_at=now, priority=priority, place=place)
            if message.id in documents:
                added.duplicates.append(message.id)
            elif (
                len(message.text) + len(message.html or "") > MAX_DOCUMENT_BYTES // 4
                and size(document) > MAX_DOCUMENT_BYTES
            ):
                added.too_large.append(message)
            else:
                documents[message.id] = document
        if not documents:
            return added
        twice: set[str] = set()
        for batch in _batches(list(documents.values())):
            try:
                self._c.insert_many(batch, ordered=False)
            except BulkWriteError as error:
                twice |= _duplicates(error)
        added.stored += [i for i in documents if i not in twice]
        added.duplicates += [i for i in documents if i in twice]
        return added

    def get(self, message_id: str) -> Message:
        """Return one message.

        Raises
        ------
        NotFoundError
            There is none with this id.
        """
        document = self._c.find_one({"_id": message_id})
        if document is None:
            raise NotFoundError(f"There is no message {message_id[:64]!r}", hint="See their ids: textcrm queue.")
        return message_of(document)

    def full_id(self, start: str) -> str:
        """Return the one id that begins with *start*.

        Raises
        ------
        NotFoundError
            None does, or several do.
        """
        safe = start.isalnum() and len(start) <= 64
        bounds = {"$gte": start, "$lt": start + "\uffff"}
        found = [d["_id"] for d in self._c.find({"_id": bounds}, {"_id": 1}).limit(2)] if safe else []
        if len(found) != 1:
            raise NotFoundError(
                f"{'Several messages begin' if found else 'No message begins'} with {start[:64]!r}",
                hint="See their ids: textcrm queue.",
            )
        return str(found[0])

    def get_many(self, ids: Sequence[str]) -> dict[str, Message]:
        """Return the messages with these ids that exist, by id."""
        return {d["_id"]: message_of(d) for d in self._c.find({"_id": {"$in": list(ids)}})}

    def naming(self, message_ids: Sequence[str], *, limit: int) -> list[Message]:
        """Return the messages whose Message-ID is among *message_ids*, or that name one of them as their forerunner."""
        ids = list(message_ids)
        fields = ("record.message_id", "record.in_reply_to", "record.references")
        rows = self._c.find({"$or": [{field: {"$in": ids}} for field in fields]}).sort("sent_at", 1).limit(limit)
        return [message_of(d) for d in rows]

    def existing(self, ids: Sequence[str]) -> set[str]:
        """Return which of these ids are stored."""
        return {d["_id"] for d in self._c.find({"_id": {"$in": list(ids)}}, {"_id": 1})}

    def page(
        self,
        *,
        after: tuple[datetime, str] | None = None,
        channel: Channel | None = None,
        search: str | None = None,
        limit: int = 50,
    ) -> list[tuple[Message, tuple[datetime, str]]]:
        """Return messages, newest first, each with the cursor that goes on after it.

        Parameters
        ----------
        search
            Words that the subject or the text must hold: any of them, ``"a phrase"``, ``-without``.
        """
        query: Document = {}
        if channel is not None:
            query["channel"] = {"$eq": channel}
        if search is not None:
            query["$text"] = {"$search": search}
        if after is not None:
            at, last = after
            query["$or"] = [{"sent_at": {"$lt": at}}, {"sent_at": at, "_id": {"$lt": last}}]
        rows = self._c.find(query).sort([("sent_at", -1), ("_id", -1)]).limit(limit)
        return [(message_of(d), (d["sent_at"], d["_id"])) for d in rows]

    def iterate(self, *, batch: int = 200) -> Iterator[Message]:
        """Yield all messages, oldest first."""
        for document in self._c.find({}).sort([("sent_at", 1), ("_id", 1)]).batch_size(batch):
            yield message_of(document)

    def claim(self, owner: str, *, limit: int, lease: timedelta, retry_first: bool = True) -> Claim:
        """Lease messages that wait: live before backfill, oldest first; or some whose last attempt came to nothing.

        What was tried once is leased in a small group of its kind, what was tried twice alone: should it end this
        worker too, no neighbour is counted its last attempt for it. Of several such messages any may come first, so
        that none of them blocks the others.

        Parameters
        ----------
        retry_first
            Look for one that was tried before, then for new ones; or the other way round.
        """
        now = self._now()
        token = secrets.token_hex(12)
        waiting: Document = {"work.state": "pending"}
        expired: Document = {"work.state": "leased", "work.deadline": {"$lte": now}}
        for _ in range(CLAIM_TRIES):
            for query in (expired, waiting) if retry_first else (waiting, expired):
                ids = self._tried(query, limit=limit) if query is expired else self._next(query, limit=limit)
                if ids:
                    break
            else:
                return Claim(token, (), ())
            self._c.update_many(
                {"_id": {"$in": ids}, **query},
                {
                    "$set": {
                        "work.state": "leased",
                        "work.owner": owner,
                        "work.token": token,
                        "work.deadline": now + lease,
                    },
                    "$inc": {"work.attempts": 1},
                },
            )
            documents = list(self._c.find({"_id": {"$in": ids}, "work.token": token}))
            if documents:  # otherwise another worker was faster: look again
                place = {message_id: index for index, message_id in enumerate(ids)}
                documents.sort(key=lambda d: place[d["_id"]])
                return Claim(token, tuple(map(message_of, documents)), tuple(d["work"]["attempts"] for d in documents))
        return Claim(token, (), ())

    def _next(self, query: Document, *, limit: int) -> list[str]:
        order = [("work.priority", 1), ("work.queued_at", 1)]
        return [d["_id"] for d in self._c.find(query, {"_id": 1}).sort(order).limit(limit)]

    def _tried(self, query: Document, *, limit: int) -> list[str]:
        attempts = {
            d["_id"]: d["work"]["attempts"] for d in self._c.find(query, {"work.attempts": 1}).limit(RETRY_SAMPLE)
        }
        if not attempts:
            return []
        chosen = secrets.choice(list(attempts))
        if attempts[chosen] > 1:
            return [chosen]
        others = [i for i, n in attempts.items() if n <= 1 and i != chosen]
        return [chosen, *others[: min(limit, RETRY_GROUP) - 1]]

    def extend(self, claim: Claim, lease: timedelta) -> None:
        """Keep a claim for longer."""
        self._c.update_many(
            {"work.token": claim.token, "_id": {"$in": [m.id for m in claim.messages]}},
            {"$set": {"work.deadline": self._now() + lease}},
        )

    def release(self, claim: Claim, *, ids: Sequence[str] | None = None, count_attempt: bool = False) -> None:
        """Give messages back unfinished; the attempt is forgotten unless it is to count.

        One whose attempts count is tried next time alone, as one whose lease ran out.
        """
        attempts = {m.id: n - (not count_attempt) for m, n in zip(claim.messages, claim.attempts, strict=True)}
        chosen = list(attempts) if ids is None else list(ids)
        fresh = [i for i in chosen if attempts[i] == 0]
        tried = [i for i in chosen if attempts[i] > 0]
        back = {"$inc": {"work.attempts": 0 if count_attempt else -1}}
        ours = {"work.token": claim.token}
        unset = {"work.owner": "", "work.token": ""}
        if fresh:
            changes = {"$set": {"work.state": "pending"}, "$unset": {**unset, "work.deadline": ""}, **back}
            self._c.update_many({"_id": {"$in": fresh}, **ours}, changes)
        if tried:
            changes = {"$set": {"work.deadline": self._now()}, "$unset": unset, **back}
            self._c.update_many({"_id": {"$in": tried}, **ours}, changes)

    def claims_of(self, owner: str) -> list[Claim]:
        """Return what *owner* has leased; it may not know of it, where an answer was lost on the way."""
        held: dict[str, list[Document]] = {}
        for document in self._c.find({"work.state": "leased", "work.owner": owner}):
            held.setdefault(document["work"]["token"], []).append(document)
        return [
            Claim(token, tuple(map(message_of, documents)), tuple(d["work"]["attempts"] for d in documents))
            for token, documents in held.items()
        ]

    def take_over(self, owners: Sequence[str]) -> int:
        """End the leases of workers that are known to be dead; return how many messages they held."""
        query = {"work.state": "leased", "work.owner": {"$in": list(owners)}}
        return self._c.update_many(query, {"$set": {"work.deadline": self._now()}}).modified_count

    def owners(self) -> list[str]:
        """Return who holds leases now."""
        found = self._c.find({"work.state": "leased"}, {"work.owner": 1})
        return sorted({d["work"]["owner"] for d in found if "owner" in d["work"]})

    def oldest_waiting(self) -> dict[int, datetime]:
        """Return by priority since when the oldest message waits or is worked on."""
        oldest: dict[int, datetime] = {}
        for priority in (LIVE, BACKFILL):
            for state in ("pending", "leased"):
                query = {"work.state": state, "work.priority": priority}
                row = self._c.find_one(query, {"work.queued_at": 1}, sort=[("work.queued_at", 1)])
                if row is not None:
                    at = row["work"]["queued_at"]
                    oldest[priority] = min(oldest.get(priority, at), at)
        return oldest

    def fail(self, claim: Claim, message_id: str, reason: str) -> None:
        """Mark a message as one that cannot be analysed; it stays stored."""
        self._c.update_one(
            {"_id": message_id, "work.token": claim.token},
            {
                "$set": {"work.state": "failed", "work.reason": reason},
                "$unset": {"work.token": "", "work.deadline": ""},
            },
        )

    def requeue(self, query: Document | None = None, *, priority: int = BACKFILL) -> int:
        """Put messages that are done or failed back into the queue; return how many."""
        done = self._c.update_many(
            {**(query or {}), "work.state": {"$in": ["done", "failed"]}},
            {
                "$set": {
                    "work.state": "pending",
                    "work.priority": priority,
                    "work.queued_at": self._now(),
                    "work.attempts": 0,
                }
            },
        )
        return done.modified_count

    def count_waiting(self) -> dict[int, int]:
        """Return by priority how many messages wait or are worked on."""
        found: dict[int, int] = {}
        for priority in (LIVE, BACKFILL):
            query = {"work.state": {"$in": ["pending", "leased"]}, "work.priority": priority}
            found[priority] = self._c.count_documents(query)
        return found

    def counts(self) -> dict[str, int]:
        """Return how many messages are in each work state; states that none is in are left out."""
        # of one moment: a message that changes its state in between would be counted twice, or not at all
        with self._c.database.client.start_session(snapshot=True) as session:
            found = {s: self._c.count_documents({"work.state": s}, session=session) for s in WORK_STATES}
        return {state: n for state, n in found.items() if n}

    def count(self) -> int:
        """Return how many messages are stored."""
        return self._c.count_documents({}, hint="_id_")


def _batches(documents: list[Document], limit: int = 40_000_000) -> Iterator[list[Document]]:
    """Yield the documents in runs that one command can carry (48 MB)."""
    batch: list[Document] = []
    total = 0
    for document in documents:
        record: Any = document["record"]
        weight = 4 * (len(record["text"]) + len(record["html"] or "")) + 4_000
        if batch and total + weight > limit:
            yield batch
            batch, total = [], 0
        batch.append(document)
        total += weight
    if batch:
        yield batch


def _duplicates(error: BulkWriteError) -> set[str]:
    """Return the ids that were there already; anything else is a real failure."""
    failures = error.details.get("writeErrors", [])
    others = [f for f in failures if f.get("code") != DUPLICATE_KEY]
    if others or error.details.get("writeConcernErrors"):
        raise StoreError(
            "The database refused some messages",
            hint="Nothing was acknowledged for them; run the same command again.",
        ) from error
    return {failure["op"]["_id"] for failure in failures}
