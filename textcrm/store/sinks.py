"""Sinks: where results are sent to, their secrets as ciphertext."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bson import Binary
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from textcrm.errors import ConflictError, NotFoundError
from textcrm.store.codec import Document


@dataclass(frozen=True)
class Sink:
    """One sink. ``problem`` is of the last delivery."""

    name: str
    kind: str
    config: dict[str, Any]
    secret: bytes
    created_at: datetime
    problem: str


class Sinks:
    """The sinks."""

    def __init__(self, database: Database[Document], now: Callable[[], datetime]) -> None:
        self._c = database["sinks"]
        self._outbox = database["outbox"]
        self._now = now

    def add(self, name: str, *, kind: str, config: dict[str, Any], secret: bytes) -> None:
        """Keep a sink. It gets the results that are stored from a few seconds later on.

        Raises
        ------
        ConflictError
            One of this name exists.
        """
        fields = {"kind": kind, "config": config, "secret": Binary(secret), "created_at": self._now(), "problem": ""}
        try:
            self._c.insert_one({"_id": name, **fields})
        except DuplicateKeyError as error:
            raise ConflictError(f"A sink named {name[:64]!r} exists", hint="Choose another name.") from error

    def names(self) -> list[str]:
        """Return the names of the sinks."""
        return [d["_id"] for d in self._c.find({}, {"_id": 1}).sort("_id", 1)]

    def list(self) -> list[Sink]:
        """Return the sinks by name."""
        return [_sink(d) for d in self._c.find({}).sort("_id", 1)]

    def get(self, name: str) -> Sink:
        """Return one sink.

        Raises
        ------
        NotFoundError
            There is none of this name.
        """
        document = self._c.find_one({"_id": {"$eq": name}})
        if document is None:
            raise NotFoundError(f"There is no sink {name[:64]!r}", hint="See: textcrm sinks list.")
        return _sink(document)

    def remove(self, name: str) -> None:
        """Forget a sink and what waits for it.

        Raises
        ------
        NotFoundError
            There is none of this name.
        """
        if not self._c.delete_one({"_id": {"$eq": name}}).deleted_count:
            raise NotFoundError(f"There is no sink {name[:64]!r}", hint="See: textcrm sinks list.")
        self._outbox.update_many({"to": {"$eq": name}}, {"$pull": {"to": name}})

    def note(self, name: str, problem: str) -> None:
        """Note how the last delivery went."""
        self._c.update_one({"_id": {"$eq": name}, "problem": {"$ne": problem}}, {"$set": {"problem": problem}})

    def lease(self, name: str, owner: str, lease: timedelta) -> bool:
        """Take or keep the right to deliver to a sink alone, so that order holds; tell whether it was given."""
        now = self._now()
        free = {"$or": [{"lease.owner": owner}, {"lease": None}, {"lease.deadline": {"$lt": now}}]}
        change = {"$set": {"lease": {"owner": owner, "deadline": now + lease}}}
        return self._c.update_one({"_id": {"$eq": name}, **free}, change).matched_count == 1

    def give_up(self, name: str, owner: str) -> None:
        """Let another one deliver."""
        self._c.update_one({"_id": {"$eq": name}, "lease.owner": owner}, {"$set": {"lease": None}})


def _sink(d: Document) -> Sink:
    return Sink(d["_id"], d["kind"], d["config"], bytes(d["secret"]), d["created_at"], d["problem"])
