"""Sessions of people at the pages: one-time links and what they are exchanged for. Only hashes are kept."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from pymongo.collection import Collection

from textcrm.store.codec import Document

LINK_LIFE = timedelta(hours=12)
SESSION_LIFE = timedelta(days=14)


@dataclass(frozen=True)
class Person:
    """Somebody who signed in."""

    name: str
    until: datetime


class Sessions:
    """The sessions."""

    def __init__(self, collection: Collection[Document], now: Callable[[], datetime]) -> None:
        self._c = collection
        self._now = now

    def link(self, name: str) -> str:
        """Return a token that signs *name* in once."""
        self._c.delete_many({"until": {"$lt": self._now()}})
        return self._keep("link", name, LINK_LIFE)

    def redeem(self, token: str) -> str | None:
        """Exchange the token of a link for that of a session; None where it is unknown, used or too old."""
        link = self._c.find_one_and_delete({"_id": _name("link", token), "until": {"$gt": self._now()}})
        return None if link is None else self._keep("session", link["person"], SESSION_LIFE)

    def find(self, token: str) -> Person | None:
        """Return whose session it is."""
        found = self._c.find_one({"_id": _name("session", token), "until": {"$gt": self._now()}})
        return None if found is None else Person(found["person"], found["until"])

    def end(self, token: str) -> None:
        """End a session."""
        self._c.delete_one({"_id": _name("session", token)})

    def _keep(self, kind: str, person: str, life: timedelta) -> str:
        token = secrets.token_urlsafe(32)
        self._c.insert_one({"_id": _name(kind, token), "person": person, "until": self._now() + life})
        return token


def _name(kind: str, token: str) -> str:
    return hashlib.sha256(f"{kind}:{token}".encode("utf-8", "surrogatepass")).hexdigest()
