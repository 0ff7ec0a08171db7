"""Saved views of the queue: each person's own, by name."""

from __future__ import annotations

from collections.abc import Mapping

from pymongo.database import Database

from textcrm.errors import UsageError
from textcrm.store.codec import Document

MOST_VIEWS = 20


class Views:
    """The saved views."""

    def __init__(self, database: Database[Document]) -> None:
        self._c = database["views"]

    def keep(self, person: str, name: str, fields: Mapping[str, str]) -> None:
        """Keep what the queue shows under a name; a view of that name is replaced.

        Raises
        ------
        UsageError
            The person has too many views.
        """
        key = {"_id": {"person": person, "name": name}}
        if self._c.find_one(key) is None and self._c.count_documents({"_id.person": {"$eq": person}}) >= MOST_VIEWS:
            raise UsageError(f"There can be {MOST_VIEWS} saved views", hint="Remove one first.")
        self._c.replace_one(key, {**key, "fields": [[field, value] for field, value in fields.items()]}, upsert=True)

    def of(self, person: str) -> dict[str, dict[str, str]]:
        """Return the views of a person: name, and the fields of the queue."""
        rows = self._c.find({"_id.person": {"$eq": person}}).sort("_id.name", 1)
        return {d["_id"]["name"]: dict(d["fields"]) for d in rows}

    def remove(self, person: str, name: str) -> None:
        """Forget a view."""
        self._c.delete_one({"_id": {"person": person, "name": name}})
