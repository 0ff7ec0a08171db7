"""People who sign in: added by an admin, known by a password that they chose, let in with one role.

A password is kept as its argon2id hash. A wrong name takes as long as a wrong password, and both are answered alike.

References
----------
OWASP Password Storage Cheat Sheet: argon2id with 19 MiB, two passes, one lane.
NIST SP 800-63B: length and not composition; no periodic change.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textcrm.errors import DependencyError, NotFoundError, UsageError
from textcrm.store import Store
from textcrm.store.sessions import Sessions
from textcrm.store.users import ROLES, User, Users

if TYPE_CHECKING:
    from argon2 import PasswordHasher

LEAST_PASSWORD, MOST_PASSWORD = 12, 256
LEAST_DIFFERENT = 5


@dataclass(frozen=True)
class SignedIn:
    """Somebody who is at the pages, and what they may do. ``account``: a user with a password of their own."""

    name: str
    role: str
    account: bool


def users_of(store: Store) -> Users:
    """Return the users of a store."""
    return Users(store.database["users"], store.now)


def sessions_of(store: Store) -> Sessions:
    """Return the sessions of a store."""
    return Sessions(store.database["sessions"], store.now)


def colleagues(store: Store) -> list[str]:
    """Return the names of the users who may answer messages."""
    return [user.name for user in users_of(store).list() if user.disabled_at is None and may(user.role, "agent")]


def may(role: str, least: str) -> bool:
    """Tell whether *role* may do what asks for *least*."""
    return role in ROLES and ROLES.index(role) >= ROLES.index(least)


def signed_in(store: Store, token: str) -> SignedIn | None:
    """Return whose session it is and what they may do now; None where they may nothing any more."""
    person = sessions_of(store).find(token)
    if person is None:
        return None
    user = users_of(store).get(person.name)
    if user is not None:
        return None if user.disabled_at is not None else SignedIn(user.name, user.role, account=True)
    return None if person.role is None else SignedIn(person.name, person.role, account=False)


def add_user(store: Store, name: str, *, role: str) -> tuple[User, str]:
    """Add a user; the second value is the token with which they choose their password, once.

    Raises
    ------
    UsageError
        The role is unknown, or the name cannot be shown.
    ConflictError
        There is one of that name.
    """
    user = users_of(store).add(name, role=role)
    return user, sessions_of(store).invite(user.name)


def set_role(store: Store, name: str, role: str) -> User:
    """Give a user another role; it counts from their next page on.

    Raises
    ------
    UsageError, NotFoundError, ConflictError
        No such role; no such user; nobody would be left who may do everything.
    """
    return users_of(store).set_role(name, role)


def set_disabled(store: Store, name: str, *, disabled: bool) -> User:
    """Let a user in no more, or again. What they had open ends at once."""
    user = users_of(store).set_disabled(name, disabled=disabled)
    if disabled:
        sessions_of(store).end_all(user.name)
    return user


def reset_password(store: Store, name: str) -> str:
    """End the password and the sessions of a user; return the token with which they choose another, once.

    Raises
    ------
    NotFoundError
        There is no such user.
    """
    user = users_of(store).set_hash(name, None)
    sessions = sessions_of(store)
    sessions.end_all(user.name)
    return sessions.invite(user.name)


class Passwords:
    """Hashes and checks passwords, one at a time: each takes 19 MiB and some milliseconds of a core."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._turn = threading.Lock()
        self._hasher: PasswordHasher | None = None
        self._nobody = ""

    def first_admin(self, name: str, password: str) -> User:
        """Make the first user, an admin.

        Raises
        ------
        UsageError
            There are users already, or the name or password will not do.
        """
        if users_of(self._store).any():
            raise UsageError("There are users already", hint="An admin adds more on the page Users.")
        _check(password, name)
        return users_of(self._store).add(name, role="admin", password_hash=self._hash(password))

    def choose(self, token: str, password: str) -> User:
        """Set the password of whom the invitation *token* is for; it ends then.

        Raises
        ------
        NotFoundError
            The invitation is unknown, used or too old.
        UsageError
            The password will not do; the invitation stays.
        """
        sessions = sessions_of(self._store)
        name = sessions.invited(token)
        if name is not None:
            _check(password, name)
            made = self._hash(password)
            if sessions.use_invitation(token) == name:
                return users_of(self._store).set_hash(name, made)
        raise NotFoundError("This link was used already, or is too old", hint="Ask an admin for another one.")

    def sign_in(self, name: str, password: str) -> str | None:
        """Return the token of a new session; None where name or password is wrong, or came wrong too often."""
        stored = users_of(self._store).attempt(name)
        if not self._holds(stored, password) or stored is None:
            return None
        user = users_of(self._store).succeeded(name)
        if self._need_hasher().check_needs_rehash(stored):
            users_of(self._store).set_hash(name, self._hash(password))
        return sessions_of(self._store).begin(user.name)

    def change(self, name: str, *, old: str, new: str) -> str:
        """Set another password, end the other sessions, and return the token of a new one.

        Raises
        ------
        UsageError
            The old one is wrong, or the new one will not do.
        """
        if not self._holds(users_of(self._store).attempt(name), old):
            raise UsageError("That is not your password now")
        _check(new, name)
        user = users_of(self._store).set_hash(name, self._hash(new))
        sessions = sessions_of(self._store)
        sessions.end_all(user.name)
        return sessions.begin(user.name)

    def _holds(self, stored: str | None, password: str) -> bool:
        from argon2.exceptions import InvalidHashError, VerificationError

        hasher = self._need_hasher()
        with self._turn:
            if not self._nobody:
                self._nobody = hasher.hash("nobody has this password")
            try:
                return hasher.verify(stored or self._nobody, password[:MOST_PASSWORD]) and stored is not None
            except (VerificationError, InvalidHashError):
                return False

    def _hash(self, password: str) -> str:
        hasher = self._need_hasher()
        with self._turn:
            return hasher.hash(password)

    def _need_hasher(self) -> PasswordHasher:
        if self._hasher is None:
            try:
                from argon2 import PasswordHasher
            except ModuleNotFoundError as error:
                raise DependencyError(
                    "Passwords need argon2-cffi", hint="Install it with: pip install 'textcrm[api]'."
                ) from error
            self._hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
        return self._hasher


def _check(password: str, name: str) -> None:
    """Refuse a password that is easily guessed."""
    if not LEAST_PASSWORD <= len(password) <= MOST_PASSWORD:
        raise UsageError(f"A password has {LEAST_PASSWORD} to {MOST_PASSWORD} characters", hint="Take a few words.")
    if len(set(password)) < LEAST_DIFFERENT or name.casefold() in password.casefold():
        raise UsageError("This password is easily guessed", hint="Take a few words that are not your name.")
