"""What could not be taken: its raw bytes, the reason, and its place."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pymongo import UpdateOne
from pymongo.collection import Collection

from textcrm.errors import NotFoundError
from textcrm.records import Source
from textcrm.store.codec import Document


@dataclass(frozen=True)
class Quarantined:
    """One item in quarantine. ``status`` is ``waiting`` or ``replayed``."""

    id: str
    reason: str
    detail: str
    source: Source
    channel: str
    raw_sha256: str
    size: int
    at: datetime
    status: str
    message_id: str | None = None
    mapping: tuple[tuple[str, str], ...] = ()
    options: tuple[tuple[str, str], ...] = ()
    """How it was read, for another try."""


class Quarantine:
    """The quarantine."""

    def __init__(self, collection: Collection[Document], now: Callable[[], datetime]) -> None:
        self._c = collection
        self._now = now

    def add(self, items: Sequence[dict[str, Any]]) -> list[str]:
        """Keep items (fields of `Quarantined` but ``id``, ``at``, ``status``); the same item is kept once."""
        now = self._now()
        ids, writes = [], []
        for item in items:
            source: Source = item["source"]
            place = f"{source.kind}|{source.name}|{source.place}|{item['reason']}|{item['raw_sha256']}"
            item_id = hashlib.sha256(place.encode("utf-8", "surrogatepass")).hexdigest()[:20]
            fields = {**item, "source": source.model_dump(), "at": now}
            again = {"$setOnInsert": fields, "$set": {"status": "waiting"}}  # also what was replayed, and failed again
            writes.append(UpdateOne({"_id": item_id}, again, upsert=True))
            ids.append(item_id)
        if writes:
            self._c.bulk_write(writes, ordered=False)
        return ids

    def list(
        self, *, status: str | None = "waiting", source: str | None = None, limit: int = 1000
    ) -> list[Quarantined]:
        """Return items, newest first; *source* is the name of the file or mailbox that they came from."""
        query: Document = {} if status is None else {"status": status}
        if source is not None:
            query["source.name"] = {"$eq": source}
        return [_item(d) for d in self._c.find(query).sort([("at", -1), ("_id", -1)]).limit(limit)]

    def get(self, item_id: str) -> Quarantined:
        """Return one item.

        Raises
        ------
        NotFoundError
            There is none with this id.
        """
        document = self._c.find_one({"_id": item_id})
        if document is None:
            raise NotFoundError(
                f"Nothing in quarantine is called {item_id[:64]!r}", hint="See: textcrm quarantine list."
            )
        return _item(document)

    def mark(self, item_id: str, status: str) -> None:
        """Set the status of an item."""
        self._c.update_one({"_id": item_id}, {"$set": {"status": status}})

    def count(self) -> int:
        """Return how many items wait."""
        return self._c.count_documents({"status": "waiting"})


def _item(document: Document) -> Quarantined:
    return Quarantined(
        id=document["_id"],
        reason=document["reason"],
        detail=document["detail"],
        source=Source.model_validate(document["source"]),
        channel=document["channel"],
        raw_sha256=document["raw_sha256"],
        size=document["size"],
        at=document["at"],
        status=document["status"],
        message_id=document.get("message_id"),
        mapping=tuple((k, v) for k, v in document.get("mapping", ())),
        options=tuple((k, v) for k, v in document.get("options", ())),
    )
