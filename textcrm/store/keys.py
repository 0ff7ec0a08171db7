"""API keys: shown once, kept as hashes."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pymongo import ReturnDocument, WriteConcern
from pymongo.collection import Collection

from textcrm.errors import ConflictError, NotFoundError, UsageError
from textcrm.store.codec import Document

PREFIX = "tcrm"
SCOPES = ("read", "text", "write", "correct", "admin")  # without text, texts are shown masked


@dataclass(frozen=True)
class ApiKey:
    """What is kept of a key. ``id`` is the public part that stands in it.

    ``per_second`` and ``per_day`` are how many requests it may send; None: as many as the service lets anybody, and
    without a limit of the day.
    """

    id: str
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    per_second: float | None = None
    per_day: int | None = None

    @property
    def sees_text(self) -> bool:
        """Whether it is shown texts as pipelines say for answers, and not masked as for an export."""
        return "text" in self.scopes or "admin" in self.scopes


class Keys:
    """The API keys."""

    def __init__(self, collection: Collection[Document], now: Callable[[], datetime]) -> None:
        self._c = collection
        self._usage = collection.database["key_usage"].with_options(write_concern=WriteConcern(w=1))
        self._now = now

    def create(
        self,
        name: str,
        *,
        scopes: Sequence[str],
        expires_at: datetime | None = None,
        per_second: float | None = None,
        per_day: int | None = None,
    ) -> tuple[str, ApiKey]:
        """Make a key: ``tcrm_<id>_<secret><checksum>``, 256 random bits. The first value is shown once and not kept.

        Raises
        ------
        UsageError
            A scope is unknown, or the name is empty.
        """
        unknown = [scope for scope in scopes if scope not in SCOPES]
        if unknown or not scopes:
            raise UsageError("A key needs known scopes", options=SCOPES)
        if not name.strip():
            raise UsageError("A key needs a name", hint="Name what will use it, so that it can be revoked later.")
        if self._c.find_one({"name": {"$eq": name}, **self._living()}):
            raise ConflictError(f"A key named {name[:64]!r} exists", hint="Revoke or rotate it, or take another name.")
        return self._make(name, scopes, expires_at, per_second, per_day)

    def rotate(self, name_or_id: str, *, overlap: timedelta) -> tuple[str, ApiKey, ApiKey]:
        """Make a key that takes the place of another, which works on for *overlap*.

        Returns
        -------
        The text of the new key, shown once; the new key; the old one.

        Raises
        ------
        NotFoundError
            No key in use has this name or id.
        """
        ends = self._now() + overlap
        named = {"$or": [{"_id": {"$eq": name_or_id}}, {"name": {"$eq": name_or_id}}], **self._living()}
        newest = self._c.find_one(named, sort=[("created_at", -1)])
        if newest is None:
            raise _no_key(name_or_id)
        old = _key(newest)
        text, made = self._make(old.name, old.scopes, None, old.per_second, old.per_day)
        if old.expires_at is None or old.expires_at > ends:
            self._c.update_one({"_id": old.id}, {"$set": {"expires_at": ends}})
        found = self._c.find_one({"_id": old.id})
        return text, made, _key(found) if found is not None else old

    def spend(self, key: ApiKey) -> bool:
        """Count one request of a key against its day, in UTC, whichever process it came to; False where it is spent."""
        if key.per_day is None:
            return True
        now = self._now()
        found = self._usage.find_one_and_update(
            {"_id": f"{key.id} {now:%Y-%m-%d}"},
            {"$inc": {"n": 1}, "$setOnInsert": {"at": now}},
            upsert=True,
            return_document=ReturnDocument.AFTER,
        )
        return found is not None and int(found["n"]) <= key.per_day

    def _living(self) -> Document:
        return {"revoked_at": None, "$and": [{"$or": [{"expires_at": None}, {"expires_at": {"$gt": self._now()}}]}]}

    def _make(
        self,
        name: str,
        scopes: Sequence[str],
        expires_at: datetime | None,
        per_second: float | None,
        per_day: int | None,
    ) -> tuple[str, ApiKey]:
        key_id = secrets.token_hex(6)
        body = f"{PREFIX}_{key_id}_{secrets.token_hex(32)}"
        text = body + _checksum(body)
        document: Document = {
            "_id": key_id,
            "name": name,
            "hash": _hash(text),
            "scopes": list(dict.fromkeys(scopes)),
            "created_at": self._now(),
            "expires_at": expires_at,
            "revoked_at": None,
            "per_second": per_second,
            "per_day": per_day,
        }
        self._c.insert_one(document)
        return text, _key(document)

    def check(self, text: str) -> ApiKey | None:
        """Return the key that *text* is, where it is valid now; None otherwise."""
        body, checksum = text[:-8], text[-8:]
        parts = body.split("_")
        if (
            len(text) > 128
            or len(parts) != 3
            or parts[0] != PREFIX
            or not hmac.compare_digest(_checksum(body), checksum)
        ):
            return None  # a typing error or no key at all: the database need not be asked
        document = self._c.find_one({"_id": {"$eq": parts[1]}})
        if document is None or not hmac.compare_digest(document["hash"], _hash(text)):
            return None
        key = _key(document)
        if key.revoked_at is not None or (key.expires_at is not None and key.expires_at <= self._now()):
            return None
        return key

    def list(self) -> list[ApiKey]:
        """Return all keys, newest first."""
        return [_key(d) for d in self._c.find({}).sort("created_at", -1)]

    def revoke(self, name_or_id: str) -> ApiKey:
        """End a key; by name also those that it took the place of.

        Raises
        ------
        NotFoundError
            No living key has this name or id.
        """
        named = {"$or": [{"_id": {"$eq": name_or_id}}, {"name": {"$eq": name_or_id}}], "revoked_at": None}
        newest = self._c.find_one(named, sort=[("created_at", -1)])
        if newest is None:
            raise _no_key(name_or_id)
        self._c.update_many(named, {"$set": {"revoked_at": self._now()}})
        return _key({**newest, "revoked_at": self._now()})


def _no_key(name_or_id: str) -> NotFoundError:
    return NotFoundError(f"No key in use is called {name_or_id[:64]!r}", hint="See: textcrm keys list.")


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _checksum(body: str) -> str:
    return f"{zlib.crc32(body.encode('utf-8', 'replace')):08x}"


def _key(d: Document) -> ApiKey:
    return ApiKey(
        id=d["_id"],
        name=d["name"],
        scopes=tuple(d["scopes"]),
        created_at=d["created_at"],
        expires_at=d["expires_at"],
        revoked_at=d["revoked_at"],
        per_second=d.get("per_second"),
        per_day=d.get("per_day"),
    )
