"""API keys: make, list, end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from textcrm.store import Store
from textcrm.store.keys import ApiKey

DEFAULT_SCOPES = ("read", "write", "correct")


def create_key(
    store: Store, name: str, *, scopes: Sequence[str] = DEFAULT_SCOPES, expires_days: int | None = None
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
    return store.keys.create(name, scopes=scopes, expires_at=expires_at)


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
