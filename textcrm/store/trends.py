"""Counts over time: sentiment by period, split by what the messages are about or where they came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pymongo import MongoClient
from pymongo.database import Database

from textcrm.errors import UsageError
from textcrm.store.codec import Document
from textcrm.store.insights import check_filters
from textcrm.store.rollup import EACH_TOPIC, MOODS, REQUESTS, Period, Rollup, day_of, period_start

SPLITS = ("channel", "intent", "topic", "product", "language", "urgency")


@dataclass(frozen=True)
class Mood:
    """Messages by sentiment. ``unknown`` are those whose sentiment the model declined to say."""

    negative: int = 0
    neutral: int = 0
    positive: int = 0
    unknown: int = 0

    @property
    def total(self) -> int:
        """All messages."""
        return self.negative + self.neutral + self.positive + self.unknown

    @property
    def known(self) -> int:
        """Messages with a known sentiment."""
        return self.negative + self.neutral + self.positive

    @property
    def net(self) -> float | None:
        """(positive - negative) / known, in [-1, 1]; None without any."""
        return (self.positive - self.negative) / self.known if self.known else None

    def __add__(self, other: Mood) -> Mood:
        return Mood(
            self.negative + other.negative,
            self.neutral + other.neutral,
            self.positive + other.positive,
            self.unknown + other.unknown,
        )

    def __sub__(self, other: Mood) -> Mood:
        return Mood(
            self.negative - other.negative,
            self.neutral - other.neutral,
            self.positive - other.positive,
            self.unknown - other.unknown,
        )


@dataclass(frozen=True)
class Cell:
    """Messages of one period and one value of the split ('' where it is not known)."""

    start: datetime
    key: str
    mood: Mood


class Trends:
    """Counts requests over time; what is no request (bounces, newsletters) is left out."""

    def __init__(self, client: MongoClient[Document], database: Database[Document]) -> None:
        self._c = database["insights"]
        self._rollup = Rollup(client, database)

    def cells(
        self,
        *,
        by: Period,
        split: str,
        since: datetime | None = None,
        until: datetime | None = None,
        equal: Sequence[tuple[str, str]] = (),
    ) -> list[Cell]:
        """Return counts by period and value of *split*, oldest first. Weeks begin on Monday (ISO 8601), UTC."""
        starts: dict[datetime, datetime] = {}
        moods: dict[tuple[datetime, str], list[int]] = {}
        for day, key, counts in self._counts(_checked(split), by, since, until, equal):
            start = starts.get(day) or starts.setdefault(day, period_start(day, by))
            _add(moods, (start, key), counts)
        return [Cell(start, key, Mood(*moods[start, key])) for start, key in sorted(moods)]

    def totals(
        self,
        *,
        split: str,
        since: datetime | None = None,
        until: datetime | None = None,
        equal: Sequence[tuple[str, str]] = (),
    ) -> dict[str, Mood]:
        """Return counts by value of *split*."""
        by: Period = "month" if since is None and until is None else "week"
        moods: dict[str, list[int]] = {}
        for _, key, counts in self._counts(_checked(split), by, since, until, equal):
            _add(moods, key, counts)
        return {key: Mood(*counts) for key, counts in moods.items()}

    def recount(
        self, split: str, since: datetime | None, until: datetime | None, equal: Sequence[tuple[str, str]]
    ) -> list[tuple[datetime, str, list[int]]]:
        """Return day, value of *split* and counts by mood, counted from the insights themselves."""
        match: Document = {"kind": REQUESTS, **check_filters(dict(equal))}
        bounds = {k: v for k, v in (("$gte", since), ("$lt", until)) if v is not None}
        if bounds:
            match["sent_at"] = bounds
        day: Document = {"$dateTrunc": {"date": "$sent_at", "unit": "day"}}
        counts: Document = {mood: {"$sum": {"$cond": [{"$eq": ["$sentiment", mood]}, 1, 0]}} for mood in MOODS}
        group = {"_id": {"day": day, "key": f"${_checked(split)}"}, "n": {"$sum": 1}, **counts}
        each = [EACH_TOPIC] if split == "topic" else []
        rows = self._c.aggregate([{"$match": match}, *each, {"$group": group}])
        return [(row["_id"]["day"], str(row["_id"].get("key") or ""), _moods(row)) for row in rows]

    def _counts(
        self, split: str, by: Period, since: datetime | None, until: datetime | None, equal: Sequence[tuple[str, str]]
    ) -> list[tuple[datetime, str, list[int]]]:
        """Return counts by day or longer: those kept ready where they answer the question, else a recount."""
        whole_days = all(time is None or time == day_of(time) for time in (since, until))
        if not whole_days or any(name != "channel" for name, _ in equal):
            return self.recount(split, since, until, equal)
        self._rollup.refresh()
        channel = dict(equal).get("channel")
        return self._rollup.rows(split, by=by, since=since, until=until, channel=channel)

    def span(self) -> tuple[datetime, datetime] | None:
        """Return when the oldest and the newest request were sent; None without any."""
        ends = [self._c.find_one({"kind": REQUESTS}, {"sent_at": 1}, sort=[("sent_at", way)]) for way in (1, -1)]
        return (ends[0]["sent_at"], ends[1]["sent_at"]) if ends[0] and ends[1] else None


def _checked(split: str) -> str:
    if split not in SPLITS:
        raise UsageError(f"Trends cannot be split by {split[:32]!r}", options=SPLITS)
    return split


def _moods(row: Document) -> list[int]:
    known = [row[mood] for mood in MOODS]
    return [*known, row["n"] - sum(known)]


def _add(moods: dict[Any, list[int]], key: Any, counts: Sequence[int]) -> None:
    total = moods.get(key)
    if total is None:
        moods[key] = list(counts)
    else:
        for i, count in enumerate(counts):
            total[i] += count
