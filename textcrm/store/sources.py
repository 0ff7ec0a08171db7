"""Sources that are read from: where they are, their secrets as ciphertext, how far they were read, what was taken."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bson import Binary
from pymongo import UpdateOne
from pymongo.database import Database

from textcrm.store.codec import Document
from textcrm.store.named import Named


@dataclass(frozen=True)
class SourceEntry:
    """One source. ``config`` holds the fields of its kind, ``secret`` is encrypted, ``problem`` is of the last time."""

    name: str
    kind: str
    channel: str
    config: dict[str, Any]
    secret: bytes
    created_at: datetime
    read_at: datetime | None
    problem: str


@dataclass(frozen=True)
class FolderPlace:
    """How far a folder was read: up to and with ``last_uid``, of the UIDs that are valid as long as ``validity``."""

    validity: int
    last_uid: int


@dataclass(frozen=True)
class TakenMail:
    """A mail that was taken: its UID in the folder, the SHA-256 of its bytes, the message it became, if one."""

    uid: int
    sha256: str
    message_id: str | None


class Sources(Named[SourceEntry]):
    """The sources. Who has the lease of one reads it alone."""

    def __init__(self, database: Database[Document], now: Callable[[], datetime]) -> None:
        super().__init__(database, now, kind="source", read=_entry)
        self._places = database["source_places"]
        self._taken = database["source_taken"]

    def add(self, name: str, *, kind: str, channel: str, config: dict[str, Any], secret: bytes) -> None:
        """Keep a source.

        Raises
        ------
        ConflictError
            One of this name exists.
        """
        fields: Document = {
            "kind": kind,
            "channel": channel,
            "config": config,
            "secret": Binary(secret),
            "created_at": self._now(),
            "read_at": None,
            "problem": "",
        }
        self._add(name, fields)

    def remove(self, name: str) -> None:
        """Forget a source, its secret, and how far it was read. The messages stay.

        Raises
        ------
        NotFoundError
            There is none of this name.
        """
        self._forget(name)
        self._places.delete_many({"source": {"$eq": name}})
        self._taken.delete_many({"source": {"$eq": name}})

    def note(self, name: str, *, problem: str = "") -> None:
        """Note that a source was read, or why not."""
        self._c.update_one({"_id": {"$eq": name}}, {"$set": {"read_at": self._now(), "problem": problem}})

    def due(self, name: str, *, every: timedelta) -> bool:
        """Tell whether a source was not compared for so long, and note that it is now."""
        now = self._now()
        late = {"$or": [{"compared_at": None}, {"compared_at": {"$lt": now - every}}]}
        done = self._c.update_one({"_id": {"$eq": name}, **late}, {"$set": {"compared_at": now}})
        return done.modified_count == 1

    def place(self, name: str, folder: str) -> FolderPlace | None:
        """Return how far a folder was read."""
        d = self._places.find_one({"source": {"$eq": name}, "folder": {"$eq": folder}})
        return None if d is None else FolderPlace(d["validity"], d["last_uid"])

    def set_place(self, name: str, folder: str, place: FolderPlace) -> None:
        """Note how far a folder was read."""
        self._places.update_one(
            {"source": {"$eq": name}, "folder": {"$eq": folder}},
            {"$set": {"validity": place.validity, "last_uid": place.last_uid}},
            upsert=True,
        )

    def take(self, name: str, folder: str, validity: int, mails: Iterable[TakenMail]) -> None:
        """Note which mails were taken; noted twice is noted once."""
        key = {"source": name, "folder": folder, "validity": validity}
        writes = [
            UpdateOne({**key, "uid": m.uid}, {"$set": {"sha256": m.sha256, "message": m.message_id}}, upsert=True)
            for m in mails
        ]
        if writes:
            self._taken.bulk_write(writes, ordered=False)

    def taken(self, name: str, folder: str, validity: int) -> dict[int, str | None]:
        """Return the mails that were taken from a folder: UID to the message that each became."""
        rows = self._taken.find({"source": {"$eq": name}, "folder": {"$eq": folder}, "validity": validity})
        return {d["uid"]: d["message"] for d in rows}

    def known(self, name: str, digests: Sequence[str]) -> dict[str, str | None]:
        """Return which of these mails were taken before, in any folder: SHA-256 to message."""
        rows = self._taken.find({"source": {"$eq": name}, "sha256": {"$in": list(digests)}})
        return {d["sha256"]: d["message"] for d in rows}


def _entry(d: Document) -> SourceEntry:
    return SourceEntry(
        d["_id"], d["kind"], d["channel"], d["config"], bytes(d["secret"]), d["created_at"], d["read_at"], d["problem"]
    )
