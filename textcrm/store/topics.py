"""Topics: what they are called and where their centre is; which messages are about them stands on the insights.

An insight holds ``topic``, the ids of its topics, and ``topic_fit``, the run that gave them.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bson import Binary
from pymongo import MongoClient, ReplaceOne, UpdateOne
from pymongo.client_session import ClientSession
from pymongo.database import Database

from textcrm.errors import NotFoundError
from textcrm.store.codec import Document
from textcrm.store.rollup import Rollup

STATE = "topics"
AT_ONCE = 2_000


@dataclass(frozen=True)
class Topic:
    """One topic.

    ``centroid`` are the bytes of float32, of length 1; ``reach`` the least cosine to it. ``size`` counts the messages
    of the last run. ``named`` by a person; ``into`` is the topic it was merged into; ``live`` where the last run found
    it, or a person pinned it.
    """

    id: str
    name: str
    terms: tuple[str, ...]
    centroid: bytes
    reach: float
    size: int
    found_at: datetime
    named: bool = False
    pinned: bool = False
    into: str | None = None
    live: bool = True


@dataclass(frozen=True)
class Fit:
    """One run: its id, the encoder of its vectors, the bytes of their centre, how many messages it read."""

    id: str
    encoder: str
    centre: bytes
    messages: int
    at: datetime


class Topics:
    """The topics."""

    def __init__(
        self, client: MongoClient[Document], database: Database[Document], now: Callable[[], datetime]
    ) -> None:
        self._client = client
        self._c = database["topics"]
        self._meta = database["meta"]
        self._insights = database["insights"]
        self._vectors = database["vectors"]
        self._rollup = Rollup(client, database)
        self._now = now

    def fit(self) -> Fit | None:
        """Return the last run; None before the first."""
        d = self._meta.find_one({"_id": STATE, "fit": {"$exists": True}})
        return None if d is None else Fit(d["fit"], d["encoder"], bytes(d["centre"]), d["messages"], d["at"])

    def get(self, topic_id: str) -> Topic:
        """Return one topic.

        Raises
        ------
        NotFoundError
            There is none with this id.
        """
        d = self._c.find_one({"_id": {"$eq": topic_id}})
        if d is None:
            raise NotFoundError(f"There is no topic {topic_id[:32]!r}", hint="See: textcrm topics list.")
        return _topic(d)

    def keep(self, topics: Sequence[Topic], *, encoder: str, centre: bytes, messages: int) -> Fit:
        """Make these the topics; what is not among them stays on record. Messages are assigned anew, one by one."""
        fit = Fit(secrets.token_hex(6), encoder, centre, messages, self._now())
        state = {"fit": fit.id, "encoder": encoder, "centre": Binary(centre), "messages": messages, "at": fit.at}

        def write(session: ClientSession) -> None:
            self._c.update_many({}, {"$set": {"live": False}}, session=session)
            if topics:
                self._c.bulk_write(
                    [ReplaceOne({"_id": t.id}, _document(t), upsert=True) for t in topics], session=session
                )
            self._meta.update_one({"_id": STATE}, {"$set": state}, upsert=True, session=session)

        with self._client.start_session() as session:
            session.with_transaction(write)
        return fit

    def change(self, topic_id: str, **fields: str | bool | None) -> Topic:
        """Change name, ``named``, ``pinned`` or ``into`` of a topic."""
        self.get(topic_id)
        self._c.update_one({"_id": topic_id}, {"$set": fields})
        return self.get(topic_id)

    def sample(self, encoder: str, *, limit: int) -> list[tuple[str, str, bytes]]:
        """Return id, text and vector of the newest requests that have a vector, in languages that models read."""
        readable: Document = {"kind": "request", "record.language.supported": True}
        rows = self._insights.find(readable, {"record.clean": 1}).sort("sent_at", -1).limit(limit)
        texts = {d["_id"]: d["record"]["clean"] for d in rows}
        return [(i, texts[i], vector) for i, vector in self._vectors_of(encoder, list(texts)).items()]

    def waiting(self, fit: Fit, *, limit: int) -> list[tuple[str, datetime, bytes]]:
        """Return id, time and vector of messages that this run's topics were not assigned to yet, new ones first."""
        fields = {"sent_at": 1}
        rows = list(self._insights.find({"topic_fit": None}, fields).sort("sent_at", -1).limit(limit))
        if len(rows) < limit:
            earlier = {"topic_fit": {"$nin": [None, fit.id]}}
            rows += self._insights.find(earlier, fields).limit(limit - len(rows))
        vectors = self._vectors_of(fit.encoder, [d["_id"] for d in rows])
        return [(d["_id"], d["sent_at"], vectors[d["_id"]]) for d in rows if d["_id"] in vectors]

    def assign(self, fit: Fit, rows: Sequence[tuple[str, datetime, Sequence[str]]]) -> None:
        """Keep the topics of messages: id, time, topics. The trends follow."""

        def write(session: ClientSession) -> None:
            changes = [UpdateOne({"_id": i}, {"$set": {"topic": list(t), "topic_fit": fit.id}}) for i, _, t in rows]
            self._insights.bulk_write(changes, ordered=False, session=session)
            self._rollup.mark([at for _, at, _ in rows], session=session)

        if rows:
            with self._client.start_session() as session:
                session.with_transaction(write)

    def move(self, topic_id: str, into: str) -> int:
        """Give the messages of a topic to another one; return how many there were."""
        moved = 0
        while rows := list(self._insights.find({"topic": topic_id}, {"sent_at": 1}).limit(AT_ONCE)):

            def write(session: ClientSession, rows: Sequence[Document] = rows) -> None:
                without: Document = {"$setDifference": ["$topic", [topic_id]]}
                change = [{"$set": {"topic": {"$setUnion": [without, [into]]}}}]
                self._insights.update_many({"_id": {"$in": [d["_id"] for d in rows]}}, change, session=session)
                self._rollup.mark([d["sent_at"] for d in rows], session=session)

            with self._client.start_session() as session:
                session.with_transaction(write)
            moved += len(rows)
        return moved

    def look_again(self, topic_id: str) -> int:
        """Let the messages of a topic wait to be assigned anew; return how many there are."""
        return self._insights.update_many({"topic": {"$eq": topic_id}}, {"$unset": {"topic_fit": ""}}).modified_count

    def examples(self, topic_id: str, *, limit: int) -> list[tuple[str, str]]:
        """Return id and text of the newest messages of a topic."""
        rows = self._insights.find({"topic": {"$eq": topic_id}}, {"record.clean": 1}).sort("sent_at", -1).limit(limit)
        return [(d["_id"], d["record"]["clean"]) for d in rows]

    def lease(self, owner: str, lease: timedelta) -> bool:
        """Take or keep the right to assign messages; tell whether it was given."""
        now = self._now()
        free = {"$or": [{"lease.owner": owner}, {"lease": None}, {"lease.deadline": {"$lt": now}}]}
        change = {"$set": {"lease": {"owner": owner, "deadline": now + lease}}}
        return self._meta.update_one({"_id": STATE, **free}, change).matched_count == 1

    def _vectors_of(self, encoder: str, ids: Sequence[str]) -> dict[str, bytes]:
        rows = self._vectors.find({"_id": {"$in": list(ids)}, "encoder": encoder}, {"v": 1})
        return {d["_id"]: bytes(d["v"]) for d in rows if "v" in d}

    def list(self, *, all_of_them: bool = False) -> list[Topic]:
        """Return the topics, pinned ones first, then the largest; those that are merged or gone only when asked."""
        query: Document = {} if all_of_them else {"live": True, "into": None}
        return [_topic(d) for d in self._c.find(query).sort([("pinned", -1), ("size", -1), ("_id", 1)])]


def _document(t: Topic) -> Document:
    return {
        "_id": t.id,
        "name": t.name,
        "terms": list(t.terms),
        "centroid": Binary(t.centroid),
        "reach": t.reach,
        "size": t.size,
        "found_at": t.found_at,
        "named": t.named,
        "pinned": t.pinned,
        "into": t.into,
        "live": t.live,
    }


def _topic(d: Document) -> Topic:
    return Topic(
        d["_id"],
        d["name"],
        tuple(d["terms"]),
        bytes(d["centroid"]),
        d["reach"],
        d["size"],
        d["found_at"],
        d["named"],
        d["pinned"],
        d["into"],
        d["live"],
    )
