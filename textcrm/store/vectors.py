"""Vectors of analysed messages: what similar messages are found by. The index is made of them, and made anew."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bson import Binary
from pymongo import ReplaceOne
from pymongo.database import Database

from textcrm.store.codec import Document

LATE = timedelta(seconds=120)  # an insight may appear so long after the time that it was stored at


@dataclass(frozen=True)
class Unread:
    """An analysed message: the author's own words, and the mark of the words that its vector was made of, if any."""

    message_id: str
    text: str
    mark: str | None
    stored_at: datetime


@dataclass(frozen=True)
class Brief:
    """What is told of a similar message: its labels, as they stand."""

    message_id: str
    channel: str
    sent_at: datetime
    customer: str | None
    labels: dict[str, str | None]


class Vectors:
    """The vectors, each with a number that only grows, by encoder."""

    def __init__(self, database: Database[Document], now: Callable[[], datetime]) -> None:
        self._c = database["vectors"]
        self._state = database["vector_state"]
        self._insights = database["insights"]
        self._now = now

    def lease(self, encoder: str, owner: str, lease: timedelta) -> bool:
        """Take or keep the right to add vectors of *encoder* alone; tell whether it was given."""
        now = self._now()
        self._state.update_one({"_id": encoder}, {"$setOnInsert": {"at": None, "last": ""}}, upsert=True)
        free = {"$or": [{"lease.owner": owner}, {"lease": None}, {"lease.deadline": {"$lt": now}}]}
        change = {"$set": {"lease": {"owner": owner, "deadline": now + lease}}}
        return self._state.update_one({"_id": encoder, **free}, change).matched_count == 1

    def give_up(self, encoder: str, owner: str) -> None:
        """Let another one add."""
        self._state.update_one({"_id": encoder, "lease.owner": owner}, {"$set": {"lease": None}})

    def unread(self, encoder: str, *, limit: int) -> list[Unread]:
        """Return the next analysed messages, oldest first; `read` says that they were read.

        Once all were, those of the last two minutes that have no vector: a transaction may end after a later one.
        """
        state = self._state.find_one({"_id": encoder}) or {"at": None, "last": ""}
        at, last = state["at"], state["last"]
        after: Document = (
            {} if at is None else {"$or": [{"stored_at": {"$gt": at}}, {"stored_at": at, "_id": {"$gt": last}}]}
        )
        found = self._texts(encoder, after, limit)
        if not found and at is not None:
            late = self._texts(encoder, {"stored_at": {"$gte": at - LATE, "$lte": at}}, 0)
            found = [one for one in late if one.mark is None][:limit]
        return found

    def _texts(self, encoder: str, query: Document, limit: int) -> list[Unread]:
        fields = {"stored_at": 1, "record.clean": 1}
        rows = list(self._insights.find(query, fields).sort([("stored_at", 1), ("_id", 1)]).limit(limit))
        marks = self._c.find({"_id": {"$in": [d["_id"] for d in rows]}, "encoder": encoder}, {"mark": 1})
        known = {d["_id"]: d["mark"] for d in marks}
        return [Unread(d["_id"], d["record"]["clean"], known.get(d["_id"]), d["stored_at"]) for d in rows]

    def put(self, encoder: str, rows: Sequence[tuple[str, str, bytes | None]]) -> None:
        """Keep vectors: message, mark, and the vector; None where there are no words to make one of."""
        seq = self.last(encoder)
        writes = []
        for place, (message_id, mark, vector) in enumerate(rows, seq + 1):
            document: Document = {"_id": message_id, "encoder": encoder, "seq": place, "mark": mark}
            if vector is not None:
                document["v"] = Binary(vector)
            writes.append(ReplaceOne({"_id": message_id}, document, upsert=True))
        if writes:
            self._c.bulk_write(writes, ordered=True)  # in order: whoever follows the numbers misses none

    def read(self, encoder: str, rows: Sequence[Unread]) -> None:
        """Note that these were read."""
        state = self._state.find_one({"_id": encoder}) or {"at": None}
        last = max(rows, key=lambda row: (row.stored_at, row.message_id))
        if state["at"] is None or last.stored_at >= state["at"]:
            self._state.update_one({"_id": encoder}, {"$set": {"at": last.stored_at, "last": last.message_id}})

    def after(self, encoder: str, seq: int, *, limit: int) -> list[tuple[int, bytes]]:
        """Return vectors with higher numbers than *seq*, in their order; empty ones are left out."""
        rows = self._c.find({"encoder": encoder, "seq": {"$gt": seq}}, {"seq": 1, "v": 1}).sort("seq", 1).limit(limit)
        return [(d["seq"], bytes(d["v"])) for d in rows if "v" in d]

    def last(self, encoder: str) -> int:
        """Return the highest number; 0 without any."""
        steps: list[Document] = [
            {"$match": {"encoder": encoder}},
            {"$sort": {"seq": -1}},
            {"$limit": 1},
            {"$project": {"seq": 1}},
        ]
        newest = next(iter(self._c.aggregate(steps)), None)
        return int(newest["seq"]) if newest else 0

    def encoders(self) -> dict[str, int]:
        """Return the encoders that there are vectors of, and the length of those."""
        found = {}
        for encoder in self._c.distinct("encoder"):
            one = self._c.find_one({"encoder": encoder, "v": {"$exists": True}}, {"v": 1})
            if one is not None:
                found[str(encoder)] = len(one["v"])
        return found

    def of(self, encoder: str, message_id: str) -> bytes | None:
        """Return the vector of a message, if there is one."""
        document = self._c.find_one({"_id": {"$eq": message_id}, "encoder": encoder})
        return bytes(document["v"]) if document is not None and "v" in document else None

    def of_many(self, ids: Sequence[str]) -> dict[str, bytes]:
        """Return the vectors of messages that there are, of whichever encoder."""
        return {d["_id"]: bytes(d["v"]) for d in self._c.find({"_id": {"$in": list(ids)}}, {"v": 1}) if "v" in d}

    def briefs(self, encoder: str, seqs: Sequence[int], *, tasks: Sequence[str]) -> dict[int, Brief]:
        """Return what is told of the messages with these numbers; those that are gone are missing."""
        rows = {d["_id"]: d["seq"] for d in self._c.find({"encoder": encoder, "seq": {"$in": list(seqs)}}, {"seq": 1})}
        fields: dict[str, Any] = dict.fromkeys(("channel", "sent_at", "customer", *tasks), 1)
        return {
            rows[d["_id"]]: Brief(d["_id"], d["channel"], d["sent_at"], d["customer"], {t: d.get(t) for t in tasks})
            for d in self._insights.find({"_id": {"$in": list(rows)}}, fields)
        }
