"""API keys: make, rotate, list, end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from textcrm.store import Store
from textcrm.store.keys import ApiKey

DEFAULT_SCOPES = ("read", "text", "write", "correct")
DEFAULT_OVERLAP = timedelta(days=1)


def create_key(
    store: Store,
    name: str,
    *,
    scopes: Sequence[str] = DEFAULT_SCOPES,
    expires_days: int | None = None,
    per_second: float | None = None,
    per_day: int | None = None,
) -> tuple[str, ApiKey]:
    """Make a key; the first value is its text, shown once.

    Raises
    ------
    UsageError
        A scope is unknown, or the name is empty.
    ConflictError
        A key of that name is in use.
    """
    expires_at = store.now() + timedelta(days=expires_days) if expires_days is not None else None
    return store.keys.create(name, scopes=scopes, expires_at=expires_at, per_second=per_second, per_day=per_day)


def rotate_key(store: Store, name_or_id: str, *, overlap: timedelta = DEFAULT_OVERLAP) -> tuple[str, ApiKey, ApiKey]:
    """Make a key in the place of another, which works on for *overlap*; return its text, it, and the old one.

    Raises
    ------
    NotFoundError
        No key in use has this name or id.
    """
    return store.keys.rotate(name_or_id, overlap=overlap)


def list_keys(store: Store) -> list[ApiKey]:
    """Return all keys, newest first."""
    return store.keys.list()


def revoke_key(store: Store, name_or_id: str) -> ApiKey:
    """End a key.

    Raises
    ------
    NotFoundError
        No key in use has this name or id.
    """
    return store.keys.revoke(name_or_id)
