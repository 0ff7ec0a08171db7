"""Answers to writes by the key that the caller chose, for a day: sent twice, done once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from bson import Binary
from pymongo.collection import Collection
from pymongo.errors import DuplicateKeyError

from textcrm.store.codec import Document

LEASE = timedelta(seconds=60)  # whoever reserved a key and died has lost it after this


@dataclass(frozen=True)
class Answered:
    """What was answered to the first request."""

    status: int
    body: bytes
    headers: dict[str, str]


class IdempotencyStore:
    """The keys in use. The server forgets each a day after it came (index ``idempotency.expire``)."""

    def __init__(self, collection: Collection[Document], now: Callable[[], datetime]) -> None:
        self._c = collection
        self._now = now

    def reserve(self, name: str, content: str) -> Answered | Literal["ours", "running", "other"]:
        """Take the key *name* for a request whose digest is *content*.

        Returns
        -------
        ``ours``: do it. ``running``: another one does it now. ``other``: the key belongs to another request. Else
        what was answered.
        """
        now = self._now()
        try:
            self._c.insert_one({"_id": name, "content": content, "at": now, "answer": None})
        except DuplicateKeyError:
            pass  # somebody was first: see how far
        else:
            return "ours"
        found = self._c.find_one({"_id": name})
        if found is None:
            return "running"
        if found["content"] != content:
            return "other"
        if found["answer"] is not None:
            answer = found["answer"]
            return Answered(answer["status"], bytes(answer["body"]), dict(answer["headers"]))
        taken = self._c.update_one({"_id": name, "answer": None, "at": {"$lt": now - LEASE}}, {"$set": {"at": now}})
        return "ours" if taken.modified_count else "running"

    def answer(self, name: str, answer: Answered) -> None:
        """Keep what was answered."""
        kept = {"status": answer.status, "body": Binary(answer.body), "headers": list(answer.headers.items())}
        self._c.update_one({"_id": name}, {"$set": {"answer": kept}})

    def forget(self, name: str) -> None:
        """Give a key back whose request failed."""
        self._c.delete_one({"_id": name, "answer": None})
