"""Counts over time: sentiment by period, split by what the messages are about or where they came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pymongo import MongoClient
from pymongo.database import Database

from textcrm.errors import UsageError
from textcrm.store.codec import Document
from textcrm.store.insights import Period, check_filters
from textcrm.store.rollup import EACH_TOPIC, MOODS, REQUESTS, Rollup, day_of

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
        moods: dict[tuple[datetime, str], Mood] = {}
        for day, key, mood in self._by_day(_checked(split), since, until, equal):
            place = (period_start(day, by), key)
            moods[place] = moods.get(place, Mood()) + mood
        return [Cell(start, key, moods[start, key]) for start, key in sorted(moods)]

    def totals(
        self,
        *,
        split: str,
        since: datetime | None = None,
        until: datetime | None = None,
        equal: Sequence[tuple[str, str]] = (),
    ) -> dict[str, Mood]:
        """Return counts by value of *split*."""
        moods: dict[str, Mood] = {}
        for _, key, mood in self._by_day(_checked(split), since, until, equal):
            moods[key] = moods.get(key, Mood()) + mood
        return moods

    def recount(
        self, split: str, since: datetime | None, until: datetime | None, equal: Sequence[tuple[str, str]]
    ) -> list[tuple[datetime, str, Mood]]:
        """Return day, value of *split* and mood, counted from the insights themselves."""
        match: Document = {"kind": REQUESTS, **check_filters(dict(equal))}
        bounds = {k: v for k, v in (("$gte", since), ("$lt", until)) if v is not None}
        if bounds:
            match["sent_at"] = bounds
        day: Document = {"$dateTrunc": {"date": "$sent_at", "unit": "day"}}
        counts: Document = {mood: {"$sum": {"$cond": [{"$eq": ["$sentiment", mood]}, 1, 0]}} for mood in MOODS}
        group = {"_id": {"day": day, "key": f"${_checked(split)}"}, "n": {"$sum": 1}, **counts}
        each = [EACH_TOPIC] if split == "topic" else []
        rows = self._c.aggregate([{"$match": match}, *each, {"$group": group}])
        return [(row["_id"]["day"], str(row["_id"].get("key") or ""), _mood(row)) for row in rows]

    def _by_day(
        self, split: str, since: datetime | None, until: datetime | None, equal: Sequence[tuple[str, str]]
    ) -> list[tuple[datetime, str, Mood]]:
        """Return counts by day: those kept ready where they answer the question, else a recount."""
        whole_days = all(time is None or time == day_of(time) for time in (since, until))
        if not whole_days or any(name != "channel" for name, _ in equal):
            return self.recount(split, since, until, equal)
        self._rollup.refresh()
        rows = self._rollup.rows(split, since=since, until=until, channel=dict(equal).get("channel"))
        return [(day, key, Mood(*counts)) for day, key, counts in rows]

    def span(self) -> tuple[datetime, datetime] | None:
        """Return when the oldest and the newest request were sent; None without any."""
        ends = [self._c.find_one({"kind": REQUESTS}, {"sent_at": 1}, sort=[("sent_at", way)]) for way in (1, -1)]
        return (ends[0]["sent_at"], ends[1]["sent_at"]) if ends[0] and ends[1] else None


def period_start(time: datetime, by: Period) -> datetime:
    """Return the beginning of the period that *time* is in, UTC."""
    day = day_of(time)
    if by == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if by == "month" else day


def _checked(split: str) -> str:
    if split not in SPLITS:
        raise UsageError(f"Trends cannot be split by {split[:32]!r}", options=SPLITS)
    return split


def _mood(row: Document) -> Mood:
    known = sum(row[mood] for mood in MOODS)
    return Mood(row["negative"], row["neutral"], row["positive"], row["n"] - known)
