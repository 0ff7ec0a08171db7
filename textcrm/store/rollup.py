"""Counts by day, kept ready for the trends, and always equal to a recount.

Whoever changes an insight marks its day in the same transaction (a mark is a new document, so that writers never wait
for each other). Whoever reads the trends first counts the marked days anew, in one snapshot: the marks that it sees
are those of the changes that it sees, and only these it takes away.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from pymongo import MongoClient
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.read_concern import ReadConcern

from textcrm.store.codec import Document

KEPT = (
    "urgency",
    "intent",
    "product",
    "language",
    "topic",
)  # by channel, each; the channels follow from the first, the smallest
MOODS = ("negative", "neutral", "positive")
DAYS_AT_ONCE = 40
EACH_TOPIC: Document = {"$unwind": {"path": "$topic", "preserveNullAndEmptyArrays": True}}  # a message has several
REQUESTS: Document = {"$in": ["request", "empty"]}


class Rollup:
    """The counts by day."""

    def __init__(self, client: MongoClient[Document], database: Database[Document]) -> None:
        self._client = client
        self._insights = database["insights"]
        self._days = database["trend_days"]
        self._marks = database["trend_marks"]
        self._meta = database["meta"]

    def mark(self, times: Iterable[datetime], *, session: ClientSession) -> None:
        """Say, within the transaction of a change, that the days of these times are to be counted anew."""
        days = sorted({day_of(time) for time in times})
        if days:
            self._marks.insert_many([{"day": day} for day in days], session=session)

    def refresh(self) -> int:
        """Count the marked days anew; return how many there were."""
        self._mark_all_once()
        days = sorted(_aware(day) for day in self._marks.distinct("day"))
        for start in range(0, len(days), DAYS_AT_ONCE):
            chosen = days[start : start + DAYS_AT_ONCE]
            with self._client.start_session() as session:
                session.with_transaction(
                    lambda s, chosen=chosen: self._count(chosen, s),  # type: ignore[misc]
                    read_concern=ReadConcern("snapshot"),
                )
        return len(days)

    def rows(
        self, split: str, *, since: datetime | None, until: datetime | None, channel: str | None
    ) -> list[tuple[datetime, str, list[int]]]:
        """Return day, value of *split* and counts (negative, neutral, positive, unknown). `refresh` first."""
        query: Document = {"split": KEPT[0] if split == "channel" else split}
        if channel is not None:
            query["channel"] = {"$eq": channel}
        bounds = {k: v for k, v in (("$gte", since), ("$lt", until)) if v is not None}
        if bounds:
            query["day"] = bounds
        found = self._days.find(query, {"day": 1, "channel": 1, "rows": 1})
        return [
            (_aware(d["day"]), d["channel"] if split == "channel" else str(key or ""), counts)
            for d in found
            for key, *counts in d["rows"]
        ]

    def _mark_all_once(self) -> None:
        """Mark every day of a database that was filled before days were counted."""
        if self._meta.find_one({"_id": "trend_days"}) is not None:
            return
        found = self._insights.aggregate([{"$group": {"_id": {"$dateTrunc": {"date": "$sent_at", "unit": "day"}}}}])
        marks = [{"day": d["_id"]} for d in found]
        if marks:
            self._marks.insert_many(marks)
        self._meta.update_one({"_id": "trend_days"}, {"$set": {"marked": True}}, upsert=True)

    def _count(self, days: Sequence[datetime], session: ClientSession) -> None:
        inside = [{"sent_at": {"$gte": first, "$lt": end}} for first, end in _runs(days)]
        match: Document = {"kind": REQUESTS, "$or": inside}
        moods: Document = {mood: {"$sum": {"$cond": [{"$eq": ["$sentiment", mood]}, 1, 0]}} for mood in MOODS}
        day: Document = {"$dateTrunc": {"date": "$sent_at", "unit": "day"}}
        made: dict[tuple[datetime, str, str], list[list[Any]]] = {}
        for split in KEPT:
            group = {"_id": {"day": day, "channel": "$channel", "key": f"${split}"}, "n": {"$sum": 1}, **moods}
            each = [EACH_TOPIC] if split == "topic" else []
            for d in self._insights.aggregate([{"$match": match}, *each, {"$group": group}], session=session):
                known = [d[mood] for mood in MOODS]
                row = [d["_id"].get("key"), *known, d["n"] - sum(known)]
                made.setdefault((d["_id"]["day"], split, d["_id"]["channel"]), []).append(row)
        self._days.delete_many({"day": {"$in": list(days)}}, session=session)
        if made:
            documents = [{"day": d, "split": s, "channel": c, "rows": rows} for (d, s, c), rows in made.items()]
            self._days.insert_many(documents, session=session)
        self._marks.delete_many({"day": {"$in": list(days)}}, session=session)


def day_of(time: datetime) -> datetime:
    """Return the beginning of the day of *time*, UTC."""
    return _aware(time).astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _runs(days: Sequence[datetime]) -> list[tuple[datetime, datetime]]:
    """Return days in order as runs of neighbours: first, and the end of the last."""
    runs: list[tuple[datetime, datetime]] = []
    for day in days:
        if runs and runs[-1][1] == day:
            runs[-1] = (runs[-1][0], day + timedelta(days=1))
        else:
            runs.append((day, day + timedelta(days=1)))
    return runs


def _aware(time: datetime) -> datetime:
    return time if time.tzinfo else time.replace(tzinfo=UTC)
