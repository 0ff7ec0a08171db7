"""Sessions of people at the pages: one-time links and what they are exchanged for. Only hashes are kept."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from pymongo.collection import Collection

from textcrm.store.codec import Document

LINK_LIFE = timedelta(hours=12)
INVITATION_LIFE = timedelta(days=3)
SESSION_LIFE = timedelta(days=14)
Kind = Literal["link", "invitation", "session"]


@dataclass(frozen=True)
class Person:
    """Somebody who signed in. ``role`` is that of the link; None where it is the one of the user."""

    name: str
    until: datetime
    role: str | None = None


class Sessions:
    """The sessions."""

    def __init__(self, collection: Collection[Document], now: Callable[[], datetime]) -> None:
        self._c = collection
        self._now = now

    def link(self, name: str, *, role: str = "admin") -> str:
        """Return a token that signs *name* in once."""
        self._c.delete_many({"until": {"$lt": self._now()}})
        return self._keep("link", name, role)

    def redeem(self, token: str) -> str | None:
        """Exchange the token of a link for that of a session; None where it is unknown, used or too old."""
        link = self._c.find_one_and_delete({"_id": _name("link", token), "until": {"$gt": self._now()}})
        return None if link is None else self._keep("session", link["person"], link.get("role", "admin"))

    def invite(self, name: str) -> str:
        """Return a token with which the user *name* chooses a password once; earlier ones end."""
        self._c.delete_many({"kind": "invitation", "person": {"$eq": name}})
        return self._keep("invitation", name, None)

    def invited(self, token: str) -> str | None:
        """Return whom an invitation is for, and leave it; None where it is unknown, used or too old."""
        found = self._c.find_one({"_id": _name("invitation", token), "until": {"$gt": self._now()}})
        return None if found is None else str(found["person"])

    def use_invitation(self, token: str) -> str | None:
        """Return whom an invitation is for, and end it."""
        found = self._c.find_one_and_delete({"_id": _name("invitation", token), "until": {"$gt": self._now()}})
        return None if found is None else str(found["person"])

    def begin(self, name: str) -> str:
        """Return the token of a new session of the user *name*."""
        return self._keep("session", name, None)

    def find(self, token: str) -> Person | None:
        """Return whose session it is."""
        found = self._c.find_one({"_id": _name("session", token), "until": {"$gt": self._now()}})
        return None if found is None else Person(found["person"], found["until"], found.get("role", "admin"))

    def end(self, token: str) -> None:
        """End a session."""
        self._c.delete_one({"_id": _name("session", token)})

    def end_all(self, name: str) -> None:
        """End every session, link and invitation of *name*."""
        self._c.delete_many({"person": {"$eq": name}})

    def _keep(self, kind: Kind, person: str, role: str | None) -> str:
        token = secrets.token_urlsafe(32)
        life = {"link": LINK_LIFE, "invitation": INVITATION_LIFE, "session": SESSION_LIFE}[kind]
        self._c.insert_one(
            {"_id": _name(kind, token), "kind": kind, "person": person, "role": role, "until": self._now() + life}
        )
        return token


def _name(kind: Kind, token: str) -> str:
    return hashlib.sha256(f"{kind}:{token}".encode("utf-8", "surrogatepass")).hexdigest()
