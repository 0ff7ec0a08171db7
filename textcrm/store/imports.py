"""What each import did: of which file, with which columns, what it changed, and how the columns looked."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from pymongo.collection import Collection

from textcrm.store.codec import Document


class Imports:
    """The imports. Names of columns are values, never field names."""

    def __init__(self, collection: Collection[Document], now: Callable[[], datetime]) -> None:
        self._c = collection
        self._now = now

    def add(self, *, kind: str, source: str, facts: Mapping[str, Any]) -> str:
        """Record one import of *kind* (``customers``, ``events``, ``messages``) and return its id."""
        document: Document = {"_id": secrets.token_hex(10), "kind": kind, "source": source, "at": self._now(), **facts}
        self._c.insert_one(document)
        return str(document["_id"])

    def tally(self, *, kind: str, source: str, counts: Mapping[str, int]) -> None:
        """Add *counts* to what came from *source* today (UTC): one record a day, however many batches it sends."""
        now = self._now()
        name = hashlib.sha256(f"{kind}|{source}|{now.astimezone(UTC):%Y-%m-%d}".encode()).hexdigest()[:20]
        change = {
            "$inc": {"batches": 1, **counts},
            "$set": {"at": now},
            "$setOnInsert": {"kind": kind, "source": source},
        }
        self._c.update_one({"_id": name}, change, upsert=True)

    def list(self, *, limit: int = 50) -> list[Document]:
        """Return the imports, newest first, without how their columns looked."""
        return list(self._c.find({}, {"profile": 0}).sort([("at", -1), ("_id", -1)]).limit(limit))

    def last(self, kind: str) -> Document | None:
        """Return the newest import of *kind* that says how its columns looked, or None."""
        return self._c.find_one({"kind": kind, "profile.0": {"$exists": True}}, sort=[("at", -1), ("_id", -1)])
