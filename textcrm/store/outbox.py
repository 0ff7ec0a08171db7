"""Results on their way out: written in the transaction that stores the insight, taken out when a sink has it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pymongo.collection import Collection

from textcrm.records import Insight
from textcrm.store.codec import Document
from textcrm.store.messages import LIVE

MOST_BUSY = 2000
_ORDER = ("queued", "place", "_id")
_IDENTITY = ("email", "phone", "handle", "customer_number")


@dataclass(frozen=True)
class Delivery:
    """One result for one or more sinks. ``id`` is the same at each try."""

    id: str
    message_id: str
    customer: str | None
    channel: str
    pipeline: str
    at: datetime


def outbox_document(
    insight: Insight, *, token: str, at: datetime, work: Mapping[str, Any], sinks: Sequence[str]
) -> Document:
    """Return the document that announces *insight*. A claim completes a message once, so its token makes the id.

    Parameters
    ----------
    work
        The work state of the message: since when and at which place it was in the queue.
    """
    return {
        "_id": f"{insight.message_id}.{token}",
        "message": insight.message_id,
        "customer": insight.link.customer_id if insight.link else None,
        "channel": insight.channel,
        "pipeline": insight.pipeline,
        "at": at,
        "queued": work["queued_at"],
        "place": work.get("place", 0),
        "to": list(sinks),
    }


class Outbox:
    """The outbox."""

    def __init__(
        self, collection: Collection[Document], messages: Collection[Document], now: Callable[[], datetime]
    ) -> None:
        self._c = collection
        self._messages = messages
        self._now = now

    def waiting(self, sink: str, *, limit: int = 200) -> list[Delivery]:
        """Return what *sink* has not got yet, in the order in which the messages came in.

        Several workers finish messages in any order: what an author wrote later waits here as long as something that
        the same author wrote before is worked on.
        """
        rows = list(self._c.find({"to": {"$eq": sink}}).sort([(field, 1) for field in _ORDER]).limit(2 * limit))
        if rows:
            rows = self._in_order(rows)
        return [delivery_of(d) for d in rows[:limit]]

    def _in_order(self, rows: list[Document]) -> list[Document]:
        last = max((d["queued"] for d in rows if "queued" in d), default=None)
        if last is None:
            return rows
        busy = {
            "work.state": {"$in": ["pending", "leased"]},
            "work.priority": LIVE,
            "work.queued_at": {"$lte": last},
        }
        fields = {"record.author": 1, "work.queued_at": 1, "work.place": 1}
        first: dict[str, tuple[datetime, int]] = {}
        for d in self._messages.find(busy, fields).sort("work.queued_at", 1).limit(MOST_BUSY):
            place = (d["work"]["queued_at"], d["work"].get("place", 0))
            for mark in _marks(d):
                first[mark] = min(first.get(mark, place), place)
        if not first:
            return rows
        wrote = {
            d["_id"]: _marks(d) for d in self._messages.find({"_id": {"$in": [d["message"] for d in rows]}}, fields)
        }
        return [
            d
            for d in rows
            if "queued" not in d
            or not any(
                mark in first and first[mark] < (d["queued"], d["place"]) for mark in wrote.get(d["message"], ())
            )
        ]

    def delivered(self, sink: str, ids: Sequence[str]) -> None:
        """Note that *sink* has got these."""
        self._c.update_many({"_id": {"$in": list(ids)}}, {"$pull": {"to": sink}})

    def count(self, sink: str) -> int:
        """Return how many results wait for *sink*."""
        return self._c.count_documents({"to": {"$eq": sink}})


def delivery_of(document: Document) -> Delivery:
    """Return the delivery that *document* holds."""
    fields = ("message", "customer", "channel", "pipeline", "at")
    return Delivery(document["_id"], *(document[f] for f in fields))


def _marks(message: Document) -> list[str]:
    """Return what the author of a message is known by."""
    author = message["record"]["author"]
    return [f"{field}:{author[field]}" for field in _IDENTITY if author.get(field)]
