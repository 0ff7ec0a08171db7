"""Looks customers up for people: by what they type, and with how much each wrote."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pymongo.collection import Collection

from textcrm.records import Customer
from textcrm.store.codec import Document, customer_of

_PATIENCE_MS = 5_000


@dataclass(frozen=True)
class Contact:
    """How much a customer wrote: messages, those with a negative sentiment, and when last."""

    messages: int = 0
    negative: int = 0
    last: datetime | None = None


class People:
    """Reads customers for the pages."""

    def __init__(self, customers: Collection[Document], insights: Collection[Document]) -> None:
        self._customers = customers
        self._insights = insights

    def search(self, words: str, *, limit: int = 50) -> list[Customer]:
        """Return customers whose id, name, number, company or an identifier holds *words*, in any case.

        The words are compared as a value, letter by letter; no pattern is made of them.
        """
        needle = {"$literal": words.lower()}
        fields: list[object] = ["$_id", "$record.name", "$record.number", "$record.company"]
        joined = {"$reduce": {"input": "$keys", "initialValue": "", "in": {"$concat": ["$$value", " ", "$$this"]}}}
        texts = [{"$toLower": {"$ifNull": [field, ""]}} for field in [*fields, joined]]
        holds = {"$or": [{"$gte": [{"$indexOfCP": [text, needle]}, 0]} for text in texts]}
        rows = self._customers.find({"$expr": holds}).sort("_id", 1).limit(limit).max_time_ms(_PATIENCE_MS)
        return [customer_of(d) for d in rows]

    def busiest(self, *, limit: int = 50) -> list[str]:
        """Return the ids of the customers who wrote most, of all time."""
        rows = self._insights.aggregate(
            [
                {"$match": {"customer": {"$ne": None}}},
                {"$group": {"_id": "$customer", "n": {"$sum": 1}}},
                {"$sort": {"n": -1, "_id": 1}},
                {"$limit": limit},
            ]
        )
        return [row["_id"] for row in rows]

    def contacts(self, ids: Sequence[str]) -> dict[str, Contact]:
        """Return how much each customer wrote, by id."""
        rows = self._insights.aggregate(
            [
                {"$match": {"customer": {"$in": list(ids)}}},
                {
                    "$group": {
                        "_id": "$customer",
                        "n": {"$sum": 1},
                        "negative": {"$sum": {"$cond": [{"$eq": ["$sentiment", "negative"]}, 1, 0]}},
                        "last": {"$max": "$sent_at"},
                    }
                },
            ]
        )
        return {row["_id"]: Contact(row["n"], row["negative"], row["last"]) for row in rows}
