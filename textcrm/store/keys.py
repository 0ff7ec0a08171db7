"""API keys: shown once, kept as hashes."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from pymongo.collection import Collection

from textcrm.errors import ConflictError, NotFoundError, UsageError
from textcrm.store.codec import Document

PREFIX = "tcrm"
SCOPES = ("read", "write", "correct", "admin")


@dataclass(frozen=True)
class ApiKey:
    """What is kept of a key. ``id`` is the public part that stands in it."""

    id: str
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


class Keys:
    """The API keys."""

    def __init__(self, collection: Collection[Document], now: Callable[[], datetime]) -> None:
        self._c = collection
        self._now = now

    def create(self, name: str, *, scopes: Sequence[str], expires_at: datetime | None = None) -> tuple[str, ApiKey]:
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
        if self._c.find_one({"name": name, "revoked_at": None}):
            raise ConflictError(f"A key named {name[:64]!r} exists", hint="Revoke it first, or choose another name.")
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
        """End a key.

        Raises
        ------
        NotFoundError
            No living key has this name or id.
        """
        document = self._c.find_one_and_update(
            {"$or": [{"_id": {"$eq": name_or_id}}, {"name": {"$eq": name_or_id}}], "revoked_at": None},
            {"$set": {"revoked_at": self._now()}},
            return_document=True,
        )
        if document is None:
            raise NotFoundError(f"No key in use is called {name_or_id[:64]!r}", hint="See: textcrm keys list.")
        return _key(document)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _checksum(body: str) -> str:
    return f"{zlib.crc32(body.encode('utf-8', 'replace')):08x}"


def _key(d: Document) -> ApiKey:
    return ApiKey(d["_id"], d["name"], tuple(d["scopes"]), d["created_at"], d["expires_at"], d["revoked_at"])
