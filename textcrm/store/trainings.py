"""Trainings that people started from the pages: who, of what, how far, and what came of it."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from pymongo.collection import Collection

from textcrm.errors import ConflictError, NotFoundError
from textcrm.store.codec import Document

State = Literal["running", "done", "failed", "cancelled", "interrupted"]
SILENT = timedelta(seconds=60)


@dataclass(frozen=True)
class TrainingRun:
    """One training. ``step`` is what it does now, ``share`` how much of that is done; ``said`` what came of it."""

    id: str
    name: str
    by: str
    at: datetime
    ended_at: datetime | None
    state: State
    step: str
    share: float | None
    said: str
    version: str | None


class Trainings:
    """The trainings. One runs at a time; one that was not heard of for a minute was interrupted."""

    def __init__(self, collection: Collection[Document], now: Callable[[], datetime]) -> None:
        self._c = collection
        self._now = now

    def add(self, name: str, *, by: str) -> TrainingRun:
        """Keep that a training begins.

        Raises
        ------
        ConflictError
            Another one runs.
        """
        now = self._now()
        if self._c.find_one({"state": "running", "seen": {"$gt": now - SILENT}}) is not None:
            raise ConflictError("A model is being trained", hint="Wait for it: one is trained at a time.")
        document: Document = {"_id": secrets.token_hex(10), "name": name, "by": by, "at": now, "seen": now}
        document |= {"ended_at": None, "state": "running", "step": "", "share": None, "said": "", "version": None}
        self._c.insert_one(document)
        return self._run(document)

    def get(self, training_id: str) -> TrainingRun:
        """Return one training.

        Raises
        ------
        NotFoundError
            There is none with this id.
        """
        document = self._c.find_one({"_id": {"$eq": training_id}})
        if document is None:
            raise NotFoundError(f"There is no training {training_id[:64]!r}")
        return self._run(document)

    def list(self, *, limit: int = 10) -> list[TrainingRun]:
        """Return the trainings, newest first."""
        return [self._run(d) for d in self._c.find({}).sort([("at", -1), ("_id", -1)]).limit(limit)]

    def seen(self, training_id: str) -> bool:
        """Note that it still runs; False: it was cancelled, and should not."""
        return self._change(training_id, {"seen": self._now()})

    def note(self, training_id: str, *, step: str, share: float | None) -> bool:
        """Note what it does now; False: it was cancelled."""
        return self._change(training_id, {"seen": self._now(), "step": step, "share": share})

    def end(self, training_id: str, *, state: State, said: str, version: str | None = None) -> None:
        """Note what came of it."""
        self._change(training_id, {"state": state, "said": said, "version": version, "ended_at": self._now()})

    def cancel(self, training_id: str, *, by: str) -> None:
        """Note that it is not wanted any more; its process ends when it next looks.

        Raises
        ------
        NotFoundError, ConflictError
            There is no such training; it ended already.
        """
        self.get(training_id)
        if not self._change(training_id, {"state": "cancelled", "said": f"by {by}", "ended_at": self._now()}):
            raise ConflictError("The training ended already", hint="Reload the page to see what came of it.")

    def _change(self, training_id: str, values: Document) -> bool:
        """Change one that runs; tell whether it does."""
        running = {"_id": {"$eq": training_id}, "state": "running"}
        return self._c.update_one(running, {"$set": values}).matched_count == 1

    def _run(self, d: Document) -> TrainingRun:
        state: State = d["state"]
        if state == "running" and d["seen"] < self._now() - SILENT:
            state = "interrupted"
        return TrainingRun(
            d["_id"], d["name"], d["by"], d["at"], d["ended_at"], state, d["step"], d["share"], d["said"], d["version"]
        )
