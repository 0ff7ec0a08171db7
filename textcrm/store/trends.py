"""Counts over time: sentiment by period, split by what the messages are about or where they came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pymongo.collection import Collection

from textcrm.errors import UsageError
from textcrm.store.codec import Document
from textcrm.store.insights import Period, check_filters

SPLITS = ("channel", "intent", "product", "language", "urgency")
MOODS = ("negative", "neutral", "positive")


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

    def __init__(self, insights: Collection[Document]) -> None:
        self._c = insights

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
        truncated: Document = {"date": "$sent_at", "unit": by}
        if by == "week":
            truncated["startOfWeek"] = "monday"
        group = {"at": {"$dateTrunc": truncated}, "key": f"${_checked(split)}"}
        rows = self._counted(group, since, until, equal)
        cells = [Cell(row["_id"]["at"], str(row["_id"].get("key") or ""), _mood(row)) for row in rows]
        return sorted(cells, key=lambda cell: (cell.start, cell.key))

    def totals(
        self,
        *,
        split: str,
        since: datetime | None = None,
        until: datetime | None = None,
        equal: Sequence[tuple[str, str]] = (),
    ) -> dict[str, Mood]:
        """Return counts by value of *split*."""
        rows = self._counted({"key": f"${_checked(split)}"}, since, until, equal)
        return {str(row["_id"].get("key") or ""): _mood(row) for row in rows}

    def span(self) -> tuple[datetime, datetime] | None:
        """Return when the oldest and the newest request were sent; None without any."""
        ends = [
            self._c.find_one({"kind": {"$in": ["request", "empty"]}}, {"sent_at": 1}, sort=[("sent_at", way)])
            for way in (1, -1)
        ]
        return (ends[0]["sent_at"], ends[1]["sent_at"]) if ends[0] and ends[1] else None

    def _counted(
        self, key: Document, since: datetime | None, until: datetime | None, equal: Sequence[tuple[str, str]]
    ) -> list[Document]:
        match: Document = {"kind": {"$in": ["request", "empty"]}, **check_filters(dict(equal))}
        bounds = {k: v for k, v in (("$gte", since), ("$lt", until)) if v is not None}
        if bounds:
            match["sent_at"] = bounds
        counts: Document = {mood: {"$sum": {"$cond": [{"$eq": ["$sentiment", mood]}, 1, 0]}} for mood in MOODS}
        return list(self._c.aggregate([{"$match": match}, {"$group": {"_id": key, "n": {"$sum": 1}, **counts}}]))


def _checked(split: str) -> str:
    if split not in SPLITS:
        raise UsageError(f"Trends cannot be split by {split[:32]!r}", options=SPLITS)
    return split


def _mood(row: Document) -> Mood:
    known = sum(row[mood] for mood in MOODS)
    return Mood(row["negative"], row["neutral"], row["positive"], row["n"] - known)
