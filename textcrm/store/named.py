"""What is kept under a name of its own and worked on by one process at a time."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from textcrm.errors import ConflictError, NotFoundError
from textcrm.store.codec import Document

Entry = TypeVar("Entry")


class Named(Generic[Entry]):
    """The documents of one collection, by name.

    Parameters
    ----------
    kind
        What one of them is called, "sink"; the collection is called "sinks".
    read
        Makes an entry of a document.
    """

    def __init__(
        self, database: Database[Document], now: Callable[[], datetime], *, kind: str, read: Callable[[Document], Entry]
    ) -> None:
        self._c = database[f"{kind}s"]
        self._now = now
        self._kind = kind
        self._read = read

    def list(self) -> list[Entry]:
        """Return them by name."""
        return [self._read(d) for d in self._c.find({}).sort("_id", 1)]

    def names(self) -> builtins.list[str]:
        """Return their names."""
        return [d["_id"] for d in self._c.find({}, {"_id": 1}).sort("_id", 1)]

    def get(self, name: str) -> Entry:
        """Return one.

        Raises
        ------
        NotFoundError
            There is none of this name.
        """
        document = self._c.find_one({"_id": {"$eq": name}})
        if document is None:
            raise self._none(name)
        return self._read(document)

    def lease(self, name: str, owner: str, lease: timedelta) -> bool:
        """Take or keep the right to work on one alone; tell whether it was given."""
        now = self._now()
        free = {"$or": [{"lease.owner": owner}, {"lease": None}, {"lease.deadline": {"$lt": now}}]}
        change = {"$set": {"lease": {"owner": owner, "deadline": now + lease}}}
        return self._c.update_one({"_id": {"$eq": name}, **free}, change).matched_count == 1

    def give_up(self, name: str, owner: str) -> None:
        """Let another one work on it."""
        self._c.update_one({"_id": {"$eq": name}, "lease.owner": owner}, {"$set": {"lease": None}})

    def _add(self, name: str, fields: Document) -> None:
        try:
            self._c.insert_one({"_id": name, **fields})
        except DuplicateKeyError as error:
            raise ConflictError(f"A {self._kind} named {name[:64]!r} exists", hint="Choose another name.") from error

    def _forget(self, name: str) -> None:
        if not self._c.delete_one({"_id": {"$eq": name}}).deleted_count:
            raise self._none(name)

    def _none(self, name: str) -> NotFoundError:
        return NotFoundError(f"There is no {self._kind} {name[:64]!r}", hint=f"See: textcrm {self._kind}s list.")
