"""Counts by day, week and month, kept ready for the trends, and always equal to a recount.

Whoever changes an insight marks its day in the same transaction (a mark is a new document, so that writers never wait
for each other). Whoever reads the trends first counts the marked days anew, in one snapshot: the marks that it sees
are those of the changes that it sees, and only these it takes away. The weeks and months of these days are summed up
again in the same snapshot, so that half a year by week reads 26 documents and not 182 a channel.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal

from pymongo import MongoClient
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.read_concern import ReadConcern

from textcrm.store.codec import Document

Period = Literal["day", "week", "month"]
KEPT = (
    "urgency",
    "intent",
    "product",
    "language",
    "topic",
)  # by channel, each; the channels follow from the first, the smallest
LONGER: tuple[Period, ...] = ("week", "month")
MOODS = ("negative", "neutral", "positive")
DAYS_AT_ONCE = 14  # in one transaction, which the server ends after a minute
EVERY = None  # in place of a channel: all of them
STATE = "trend_counts"
EACH_TOPIC: Document = {"$unwind": {"path": "$topic", "preserveNullAndEmptyArrays": True}}  # a message has several
REQUESTS: Document = {"$in": ["request", "empty"]}

Place = tuple[Period, datetime, str, str | None]  # of counts: period, its start, split, channel
Counts = dict[str | None, list[int]]  # by value of the split: negative, neutral, positive, unknown


class Rollup:
    """The counts by day, week and month."""

    def __init__(self, client: MongoClient[Document], database: Database[Document]) -> None:
        self._client = client
        self._insights = database["insights"]
        self._kept = database["trend_days"]
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
        self, split: str, *, by: Period, since: datetime | None, until: datetime | None, channel: str | None
    ) -> list[tuple[datetime, str, list[int]]]:
        """Return start, value of *split* and counts (negative, neutral, positive, unknown). `refresh` first.

        Parameters
        ----------
        by
            The longest period to count by; where the ends lie within one, its days stand for it.
        since, until
            Beginnings of days, UTC; None: from the first on, to the last.
        """
        query: Document = {"split": KEPT[0] if split == "channel" else split}
        if split != "channel" or channel is not None:
            query["channel"] = {"$eq": channel}  # None: all of them
        else:
            query["channel"] = {"$ne": EVERY}
        found: list[Document] = []
        for period, start, end in _parts(by, since, until):
            bounds = {k: v for k, v in (("$gte", start), ("$lt", end)) if v is not None}
            place = {**query, "period": period, **({"day": bounds} if bounds else {})}
            found += self._kept.find(place, {"_id": 0, "day": 1, "channel": 1, "rows": 1})
        return [
            (_aware(d["day"]), d["channel"] if split == "channel" else str(key or ""), counts)
            for d in found
            for key, *counts in d["rows"]
        ]

    def _mark_all_once(self) -> None:
        """Mark every day of a database that was filled before these counts were kept."""
        if self._meta.find_one({"_id": STATE}) is not None:
            return
        found = self._insights.aggregate([{"$group": {"_id": {"$dateTrunc": {"date": "$sent_at", "unit": "day"}}}}])
        marks = [{"day": d["_id"]} for d in found]
        if marks:
            self._marks.insert_many(marks)
        self._meta.update_one({"_id": STATE}, {"$set": {"marked": True}}, upsert=True)

    def _count(self, chosen: Sequence[datetime], session: ClientSession) -> None:
        # one at a time: two days of one week add up to the same week; the second begins anew, and finds less to do
        self._meta.update_one({"_id": STATE}, {"$inc": {"counted": 1}}, session=session)
        days = sorted(
            _aware(day) for day in self._marks.distinct("day", {"day": {"$in": list(chosen)}}, session=session)
        )
        if not days:
            return
        inside = [{"sent_at": {"$gte": first, "$lt": end}} for first, end in _runs(days)]
        match: Document = {"kind": REQUESTS, "$or": inside}
        moods: Document = {mood: {"$sum": {"$cond": [{"$eq": ["$sentiment", mood]}, 1, 0]}} for mood in MOODS}
        day: Document = {"$dateTrunc": {"date": "$sent_at", "unit": "day"}}
        made: dict[Place, Counts] = {}
        for split in KEPT:
            group = {"_id": {"day": day, "channel": "$channel", "key": f"${split}"}, "n": {"$sum": 1}, **moods}
            each = [EACH_TOPIC] if split == "topic" else []
            for d in self._insights.aggregate([{"$match": match}, *each, {"$group": group}], session=session):
                known = [d[mood] for mood in MOODS]
                counts = [*known, d["n"] - sum(known)]
                for channel in (d["_id"]["channel"], EVERY):
                    place: Place = ("day", _aware(d["_id"]["day"]), split, channel)
                    _add(made.setdefault(place, {}), d["_id"].get("key"), counts)
        self._replace("day", days, made, session)
        for period in LONGER:
            self._sum_up(period, sorted({period_start(day, period) for day in days}), session)
        self._marks.delete_many({"day": {"$in": list(days)}}, session=session)

    def _sum_up(self, period: Period, starts: Sequence[datetime], session: ClientSession) -> None:
        """Add the days of weeks or months up anew."""
        inside = [{"day": {"$gte": start, "$lt": period_end(start, period)}} for start in starts]
        made: dict[Place, Counts] = {}
        for d in self._kept.find({"period": "day", "$or": inside}, session=session):
            place: Place = (period, period_start(d["day"], period), d["split"], d["channel"])
            total = made.setdefault(place, {})
            for key, *counts in d["rows"]:
                _add(total, key, counts)
        self._replace(period, starts, made, session)

    def _replace(
        self, period: Period, starts: Sequence[datetime], made: dict[Place, Counts], session: ClientSession
    ) -> None:
        old: Document = {"period": {"$in": [period, None]}, "day": {"$in": list(starts)}}  # None: of an older version
        self._kept.delete_many(old, session=session)
        if made:
            documents = [
                {"period": p, "day": d, "split": s, "channel": c, "rows": [[key, *n] for key, n in counts.items()]}
                for (p, d, s, c), counts in made.items()
            ]
            self._kept.insert_many(documents, session=session)


def day_of(time: datetime) -> datetime:
    """Return the beginning of the day of *time*, UTC."""
    return _aware(time).astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def period_start(time: datetime, by: Period) -> datetime:
    """Return the beginning of the period that *time* is in, UTC. Weeks begin on Monday (ISO 8601)."""
    day = day_of(time)
    if by == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if by == "month" else day


def period_end(start: datetime, by: Period) -> datetime:
    """Return where the period that begins at *start* ends."""
    if by == "month":
        return (start + timedelta(days=32)).replace(day=1)
    return start + timedelta(days=7 if by == "week" else 1)


def _parts(
    by: Period, since: datetime | None, until: datetime | None
) -> list[tuple[Period, datetime | None, datetime | None]]:
    """Cut a stretch of whole days into days at its ends, where it begins or ends within a period, and whole periods."""
    if by == "day":
        return [("day", since, until)]
    first, last = since, until
    if since is not None and (start := period_start(since, by)) != since:
        first = period_end(start, by)
    if until is not None:
        last = period_start(until, by)
    if first is not None and last is not None and first >= last:
        return [("day", since, until)]
    parts: list[tuple[Period, datetime | None, datetime | None]] = [(by, first, last)]
    parts += [("day", since, first)] if first != since else []
    parts += [("day", last, until)] if last != until else []
    return parts


def _runs(days: Sequence[datetime]) -> list[tuple[datetime, datetime]]:
    """Return days in order as runs of neighbours: first, and the end of the last."""
    runs: list[tuple[datetime, datetime]] = []
    for day in days:
        if runs and runs[-1][1] == day:
            runs[-1] = (runs[-1][0], day + timedelta(days=1))
        else:
            runs.append((day, day + timedelta(days=1)))
    return runs


def _add(total: Counts, key: str | None, counts: Sequence[int]) -> None:
    total[key] = [a + b for a, b in zip(total.get(key, (0, 0, 0, 0)), counts, strict=True)]


def _aware(time: datetime) -> datetime:
    return time if time.tzinfo else time.replace(tzinfo=UTC)
