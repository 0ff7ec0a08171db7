"""Corrections: a person says which label is right; who, when, and what the model had said."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from pymongo.collection import Collection

from textcrm.errors import NotFoundError
from textcrm.records import Prediction
from textcrm.store.codec import Document


@dataclass(frozen=True)
class Correction:
    """One correction. ``undone`` ones stay on record and are not trained on."""

    id: str
    message_id: str
    task: str
    label: str
    by: str
    at: datetime
    said: Prediction | None
    undone: bool = False


class Corrections:
    """The corrections."""

    def __init__(self, collection: Collection[Document], now: Callable[[], datetime]) -> None:
        self._c = collection
        self._now = now

    def add(self, message_id: str, *, task: str, label: str, by: str, said: Prediction | None) -> Correction:
        """Record a correction."""
        document: Document = {
            "_id": secrets.token_hex(10),
            "message": message_id,
            "task": task,
            "label": label,
            "by": by,
            "at": self._now(),
            "said": said.model_dump() if said else None,
            "undone": False,
        }
        self._c.insert_one(document)
        return _correction(document)

    def undo(self, correction_id: str) -> Correction:
        """Take a correction back.

        Raises
        ------
        NotFoundError
            There is none with this id.
        """
        document = self._c.find_one_and_update(
            {"_id": {"$eq": correction_id}}, {"$set": {"undone": True}}, return_document=True
        )
        if document is None:
            raise NotFoundError(f"There is no correction {correction_id[:64]!r}")
        return _correction(document)

    def list(self, *, task: str | None = None, message_id: str | None = None) -> list[Correction]:
        """Return the corrections that stand, oldest first."""
        query: Document = {"undone": False}
        if task is not None:
            query["task"] = {"$eq": task}
        if message_id is not None:
            query["message"] = {"$eq": message_id}
        return [_correction(d) for d in self._c.find(query).sort([("at", 1), ("_id", 1)])]


def _correction(d: Document) -> Correction:
    said = Prediction.model_validate(d["said"]) if d["said"] else None
    return Correction(d["_id"], d["message"], d["task"], d["label"], d["by"], d["at"], said, d["undone"])
