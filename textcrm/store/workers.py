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
    change stream lost its place.
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
        return [WorkerState(d["_id"], *(d[f] for f in fields)) for d in self._c.find({}).sort("started_at", 1)]
