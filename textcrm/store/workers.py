"""The workers that are at work: each says every few seconds that it lives, and how it goes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from pymongo.collection import Collection

from textcrm.store.codec import Document


@dataclass(frozen=True)
class WorkerState:
    """What a worker last said of itself.

    ``state`` is ``working``, ``idle``, ``waiting`` (for the database, the engine or disk space), or ``open`` (its
    circuit is); ``why`` says more. ``rate`` in messages a second over the last minute; ``gaps`` counts how often the
    change stream lost its place. A canary was sent at ``canary_sent`` and the last one back at ``canary_back``.
    """

    owner: str
    started_at: datetime
    seen_at: datetime
    state: str
    why: str
    done: int
    failed: int
    rate: float
    gaps: int
    canary_sent: datetime | None = None
    canary_back: datetime | None = None


class Workers:
    """The workers."""

    def __init__(self, collection: Collection[Document], now: Callable[[], datetime]) -> None:
        self._c = collection
        self._now = now

    def beat(self, owner: str, *, state: str, why: str, done: int, failed: int, rate: float, gaps: int) -> None:
        """Say that a worker lives."""
        now = self._now()
        said = {"seen_at": now, "state": state, "why": why, "done": done, "failed": failed, "rate": rate, "gaps": gaps}
        self._c.update_one({"_id": owner}, {"$set": said, "$setOnInsert": {"started_at": now}}, upsert=True)

    def remove(self, owner: str) -> None:
        """Forget a worker that has ended."""
        self._c.delete_one({"_id": owner})

    def list(self) -> list[WorkerState]:
        """Return the workers, the oldest first."""
        fields = ("started_at", "seen_at", "state", "why", "done", "failed", "rate", "gaps")
        canary = ("canary_sent", "canary_back")
        rows = self._c.find({"state": {"$exists": True}}).sort("started_at", 1)
        return [WorkerState(d["_id"], *(d[f] for f in fields), *(d.get(f) for f in canary)) for d in rows]

    def send_canary(self, owner: str) -> datetime:
        """Note that a canary set out; return when, which names it."""
        now = self._now()
        self._c.update_one({"_id": owner}, {"$set": {"canary_sent": now}})
        return now

    def land_canary(self, owner: str, sent: datetime) -> None:
        """Note that the canary that set out at *sent* is back."""
        self._c.update_one({"_id": owner, "canary_sent": sent}, {"$set": {"canary_back": self._now()}})
