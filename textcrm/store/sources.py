"""Sources that are read from: where they are, their secrets as ciphertext, how far they were read, what was taken."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bson import Binary
from pymongo import UpdateOne
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from textcrm.errors import ConflictError, NotFoundError
from textcrm.store.codec import Document


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


class Sources:
    """The sources."""

    def __init__(self, database: Database[Document], now: Callable[[], datetime]) -> None:
        self._c = database["sources"]
        self._places = database["source_places"]
        self._taken = database["source_taken"]
        self._now = now

    def add(self, name: str, *, kind: str, channel: str, config: dict[str, Any], secret: bytes) -> None:
        """Keep a source.

        Raises
        ------
        ConflictError
            One of this name exists.
        """
        document: Document = {
            "_id": name,
            "kind": kind,
            "channel": channel,
            "config": config,
            "secret": Binary(secret),
            "created_at": self._now(),
            "read_at": None,
            "problem": "",
        }
        try:
            self._c.insert_one(document)
        except DuplicateKeyError as error:
            raise ConflictError(f"A source named {name[:64]!r} exists", hint="Choose another name.") from error

    def list(self) -> list[SourceEntry]:
        """Return the sources by name."""
        return [_entry(d) for d in self._c.find({}).sort("_id", 1)]

    def get(self, name: str) -> SourceEntry:
        """Return one source.

        Raises
        ------
        NotFoundError
            There is none of this name.
        """
        document = self._c.find_one({"_id": {"$eq": name}})
        if document is None:
            raise NotFoundError(f"There is no source {name[:64]!r}", hint="See: textcrm sources list.")
        return _entry(document)

    def remove(self, name: str) -> None:
        """Forget a source, its secret, and how far it was read. The messages stay.

        Raises
        ------
        NotFoundError
            There is none of this name.
        """
        if not self._c.delete_one({"_id": {"$eq": name}}).deleted_count:
            raise NotFoundError(f"There is no source {name[:64]!r}", hint="See: textcrm sources list.")
        self._places.delete_many({"source": {"$eq": name}})
        self._taken.delete_many({"source": {"$eq": name}})

    def note(self, name: str, *, problem: str = "") -> None:
        """Note that a source was read, or why not."""
        self._c.update_one({"_id": {"$eq": name}}, {"$set": {"read_at": self._now(), "problem": problem}})

    def lease(self, name: str, owner: str, lease: timedelta) -> bool:
        """Take or keep the right to read a source alone; tell whether it was given."""
        now = self._now()
        free = {"$or": [{"lease.owner": owner}, {"lease": None}, {"lease.deadline": {"$lt": now}}]}
        change = {"$set": {"lease": {"owner": owner, "deadline": now + lease}}}
        return self._c.update_one({"_id": {"$eq": name}, **free}, change).matched_count == 1

    def due(self, name: str, *, every: timedelta) -> bool:
        """Tell whether a source was not compared for so long, and note that it is now."""
        now = self._now()
        late = {"$or": [{"compared_at": None}, {"compared_at": {"$lt": now - every}}]}
        done = self._c.update_one({"_id": {"$eq": name}, **late}, {"$set": {"compared_at": now}})
        return done.modified_count == 1

    def give_up(self, name: str, owner: str) -> None:
        """Let another one read a source."""
        self._c.update_one({"_id": {"$eq": name}, "lease.owner": owner}, {"$set": {"lease": None}})

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
