"""People who may sign in to the pages: their role, the hash of their password, and how often they failed."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from pymongo.collection import Collection
from pymongo.errors import DuplicateKeyError

from textcrm.errors import ConflictError, NotFoundError, UsageError
from textcrm.store.codec import Document

ROLES = ("viewer", "agent", "analyst", "admin")  # each may what those before it may
MOST_FAILURES = 5
LOCKED = timedelta(minutes=15)
MOST_NAME = 64


@dataclass(frozen=True)
class User:
    """Somebody who may sign in. ``has_password``: one was chosen; until then there is only a one-time link."""

    name: str
    role: str
    created_at: datetime
    disabled_at: datetime | None
    has_password: bool
    locked_until: datetime | None


class Users:
    """The users. A name is the same name in any case."""

    def __init__(self, collection: Collection[Document], now: Callable[[], datetime]) -> None:
        self._c = collection
        self._now = now

    def add(self, name: str, *, role: str, password_hash: str | None = None) -> User:
        """Add a user.

        Raises
        ------
        UsageError
            The role is unknown, or the name cannot be shown.
        ConflictError
            There is one of that name.
        """
        _check_role(role)
        shown = " ".join(name.split())
        if not (shown and shown.isprintable() and len(shown) <= MOST_NAME):
            raise UsageError(f"A name has 1 to {MOST_NAME} visible characters")
        document: Document = {
            "_id": _key(shown),
            "name": shown,
            "role": role,
            "hash": password_hash,
            "created_at": self._now(),
            "disabled_at": None,
            "failures": 0,
            "failed_at": None,
            "locked_until": None,
        }
        try:
            self._c.insert_one(document)
        except DuplicateKeyError as error:
            raise ConflictError(f"There is a user {shown!r}", hint="See: textcrm users list.") from error
        return _user(document)

    def get(self, name: str) -> User | None:
        """Return a user, or None."""
        found = self._c.find_one({"_id": {"$eq": _key(name)}})
        return None if found is None else _user(found)

    def list(self) -> list[User]:
        """Return all users by name."""
        return [_user(d) for d in self._c.find({}).sort("_id", 1)]

    def any(self) -> bool:
        """Tell whether there is a user."""
        return self._c.find_one({}, {"_id": 1}) is not None

    def set_role(self, name: str, role: str) -> User:
        """Give a user another role.

        Raises
        ------
        NotFoundError
            There is no such user.
        ConflictError
            Nobody would be left who may do everything.
        """
        _check_role(role)
        if role != "admin":
            self._keep_an_admin(name)
        return self._change(name, {"role": role})

    def set_disabled(self, name: str, *, disabled: bool) -> User:
        """Let a user in no more, or again; errors as `set_role`."""
        if disabled:
            self._keep_an_admin(name)
        return self._change(name, {"disabled_at": self._now() if disabled else None})

    def set_hash(self, name: str, password_hash: str | None) -> User:
        """Keep the hash of a new password; None: the user has none until another is chosen. Ends a lock."""
        return self._change(name, {"hash": password_hash, "failures": 0, "locked_until": None})

    def attempt(self, name: str) -> str | None:
        """Count one try to sign in before it is looked at, so that tries side by side count, too.

        Returns
        -------
        The hash to compare with; None where there is no such user, none that may sign in now, or no password.
        """
        now = self._now()
        fresh = {"$gt": [{"$ifNull": ["$failed_at", now - 2 * LOCKED]}, now - LOCKED]}
        found = self._c.find_one_and_update(
            {
                "_id": {"$eq": _key(name)},
                "disabled_at": None,
                "hash": {"$ne": None},
                "$or": [{"locked_until": None}, {"locked_until": {"$lte": now}}],
            },
            [
                {"$set": {"failures": {"$cond": [fresh, {"$add": ["$failures", 1]}, 1]}, "failed_at": now}},
                {"$set": {"locked_until": {"$cond": [{"$gte": ["$failures", MOST_FAILURES]}, now + LOCKED, None]}}},
            ],
        )
        return None if found is None else str(found["hash"])

    def succeeded(self, name: str) -> User:
        """Forget the failed tries of a user who signed in."""
        return self._change(name, {"failures": 0, "locked_until": None})

    def _change(self, name: str, fields: Document) -> User:
        found = self._c.find_one_and_update({"_id": {"$eq": _key(name)}}, {"$set": fields}, return_document=True)
        if found is None:
            raise NotFoundError(f"There is no user {name[:MOST_NAME]!r}", hint="See: textcrm users list.")
        return _user(found)

    def _keep_an_admin(self, name: str) -> None:
        others = {"_id": {"$ne": _key(name)}, "role": "admin", "disabled_at": None}
        found = self.get(name)
        admin = found is not None and found.role == "admin" and found.disabled_at is None
        if admin and self._c.find_one(others, {"_id": 1}) is None:
            raise ConflictError(f"{name[:MOST_NAME]} is the only admin", hint="Make another admin first.")


def _check_role(role: str) -> None:
    if role not in ROLES:
        raise UsageError("There is no such role", options=ROLES)


def _key(name: str) -> str:
    """Return what names a user in the database: the name without case, in one form of writing."""
    return unicodedata.normalize("NFKC", " ".join(name[:400].split())).casefold()


def _user(d: Document) -> User:
    return User(d["name"], d["role"], d["created_at"], d["disabled_at"], d["hash"] is not None, d["locked_until"])
