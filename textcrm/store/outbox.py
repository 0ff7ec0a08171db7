"""Results on their way out: written in the transaction that stores the insight, taken out when a sink has it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from pymongo.collection import Collection

from textcrm.records import Insight
from textcrm.store.codec import Document


@dataclass(frozen=True)
class Delivery:
    """One result for one or more sinks. ``id`` is the same at each try."""

    id: str
    message_id: str
    customer: str | None
    channel: str
    pipeline: str
    at: datetime


def outbox_document(insight: Insight, *, token: str, at: datetime, sinks: Sequence[str]) -> Document:
    """Return the document that announces *insight*. A claim completes a message once, so its token makes the id."""
    return {
        "_id": f"{insight.message_id}.{token}",
        "message": insight.message_id,
        "customer": insight.link.customer_id if insight.link else None,
        "channel": insight.channel,
        "pipeline": insight.pipeline,
        "at": at,
        "to": list(sinks),
    }


class Outbox:
    """The outbox."""

    def __init__(self, collection: Collection[Document], now: Callable[[], datetime]) -> None:
        self._c = collection
        self._now = now

    def waiting(self, sink: str, *, limit: int = 200) -> list[Delivery]:
        """Return what *sink* has not got yet, oldest first."""
        rows = self._c.find({"to": {"$eq": sink}}).sort([("at", 1), ("_id", 1)]).limit(limit)
        return [delivery_of(d) for d in rows]

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
