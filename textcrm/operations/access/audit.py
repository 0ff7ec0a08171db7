"""The audit log of a store: opened with the key of the home, written by the API, the pages and the terminal."""

from __future__ import annotations

import getpass
import secrets
from collections.abc import Sequence

from textcrm.operations.access.keyfile import key_in
from textcrm.settings import Settings
from textcrm.store import Store
from textcrm.store.audit import AuditLog, Deed


def audit_of(store: Store, settings: Settings) -> AuditLog:
    """Return the audit log of *store*; its key is ``secrets/audit.key`` of the home, made at the first time.

    Homes that write to one database need the same key: copy the file.
    """
    folder = settings.home / "secrets"
    key = key_in(folder / "audit.key", lambda: secrets.token_hex(32).encode())
    return AuditLog(store.database, store.now, key=key, anchor=folder / f"audit-{store.database.name}.head")


def note_terminal(store: Store, settings: Settings, command: str, *about: str | Sequence[str]) -> None:
    """Write down what was done at the terminal: the command, and what it was about."""
    ids = [one for part in about for one in ((part,) if isinstance(part, str) else part)]
    audit_of(store, settings).append(Deed(f"terminal:{_user()}", "write", f"textcrm {command}", tuple(ids)))


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as in some containers
        return "unknown"
