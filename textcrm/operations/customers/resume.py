"""How far the import of a file came, so that one that was cut short goes on there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from textcrm.store import Store

MOST_AGE = timedelta(days=1)
"""An older mark is not followed: too much may have been changed by others since."""


class Mark:
    """How many rows of a file are stored, as long as its import is not finished.

    A mark holds for one content of the file, read in one way: a file that was changed, or is read with other columns
    or options, begins at its first row.

    Parameters
    ----------
    kind
        What is imported: ``customers``, ``events``.
    how
        What else decides what becomes of a row; JSON can hold it.

    Raises
    ------
    OSError
        The file cannot be read.
    """

    def __init__(self, store: Store, path: Path, *, kind: str, how: Mapping[str, Any]) -> None:
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        told = json.dumps([kind, path.name, content, how], sort_keys=True)
        self._store = store
        self._kind = kind
        self._id = hashlib.sha256(told.encode()).hexdigest()[:24]
        found = store.database["import_marks"].find_one({"_id": self._id, "at": {"$gt": store.now() - MOST_AGE}})
        self.rows: int = found["rows"] if found else 0
        """Rows from the top of the file that are stored, those that were quarantined counted too."""

    def move(self, rows: int) -> None:
        """Keep that this many rows more are stored."""
        self.rows += rows
        new = {"kind": self._kind, "rows": self.rows, "at": self._store.now()}
        self._store.database["import_marks"].update_one({"_id": self._id}, {"$set": new}, upsert=True)


def forget_marks(store: Store, kind: str) -> None:
    """Forget all marks of a kind: what came in since another import stopped is not to be left in its middle."""
    store.database["import_marks"].delete_many({"kind": kind})
