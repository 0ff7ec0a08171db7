"""Sinks: where results are sent to, their secrets as ciphertext."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bson import Binary
from pymongo.database import Database

from textcrm.store.codec import Document
from textcrm.store.named import Named


@dataclass(frozen=True)
class Sink:
    """One sink. ``problem`` is of the last delivery."""

    name: str
    kind: str
    config: dict[str, Any]
    secret: bytes
    created_at: datetime
    problem: str


class Sinks(Named[Sink]):
    """The sinks. Who has the lease of one delivers to it alone, so that order holds."""

    def __init__(self, database: Database[Document], now: Callable[[], datetime]) -> None:
        super().__init__(database, now, kind="sink", read=_sink)
        self._outbox = database["outbox"]

    def add(self, name: str, *, kind: str, config: dict[str, Any], secret: bytes) -> None:
        """Keep a sink. It gets the results that are stored from a few seconds later on.

        Raises
        ------
        ConflictError
            One of this name exists.
        """
        fields = {"kind": kind, "config": config, "secret": Binary(secret), "created_at": self._now(), "problem": ""}
        self._add(name, fields)

    def remove(self, name: str) -> None:
        """Forget a sink and what waits for it.

        Raises
        ------
        NotFoundError
            There is none of this name.
        """
        self._forget(name)
        self._outbox.update_many({"to": {"$eq": name}}, {"$pull": {"to": name}})

    def note(self, name: str, problem: str) -> None:
        """Note how the last delivery went."""
        self._c.update_one({"_id": {"$eq": name}, "problem": {"$ne": problem}}, {"$set": {"problem": problem}})


def _sink(d: Document) -> Sink:
    return Sink(d["_id"], d["kind"], d["config"], bytes(d["secret"]), d["created_at"], d["problem"])
