"""Decisions of people about customers: who, when, what; undone ones stay on record.

The store knows a decision as the document that it is; `textcrm.link.decisions` knows what it means.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from datetime import datetime

from pymongo.collection import Collection

from textcrm.errors import NotFoundError
from textcrm.store.codec import Document


class Decisions:
    """The decisions."""

    def __init__(self, collection: Collection[Document], now: Callable[[], datetime]) -> None:
        self._c = collection
        self._now = now

    def add(self, *, kind: str, customer: str, other: str | None, messages: Sequence[str], by: str) -> Document:
        """Record one decision and return its document."""
        document: Document = {
            "_id": secrets.token_hex(10),
            "kind": kind,
            "customer": customer,
            "other": other,
            "messages": list(messages),
            "by": by,
            "at": self._now(),
            "undone": False,
        }
        self._c.insert_one(document)
        return document

    def mark(self, decision_id: str, *, undone: bool) -> Document:
        """Undo a decision, or make it stand again, and return its document.

        Raises
        ------
        NotFoundError
            There is none with this id.
        """
        found = self._c.find_one_and_update(
            {"_id": {"$eq": decision_id}}, {"$set": {"undone": undone}}, return_document=True
        )
        if found is None:
            raise NotFoundError(
                f"There is no decision {decision_id[:64]!r}", hint="List them: textcrm customers decisions."
            )
        return found

    def list(self, *, standing: bool = True) -> list[Document]:
        """Return the decisions, oldest first; *standing*: only those that are not undone."""
        query: Document = {"undone": False} if standing else {}
        return list(self._c.find(query).sort([("at", 1), ("_id", 1)]))
