"""The trends: how many messages, how customers feel, and what moved between two periods."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pymongo.errors import PyMongoError

from textcrm.errors import StoreError
from textcrm.operations.trends.significance import net_difference, rate_difference, significant
from textcrm.records import Channel
from textcrm.store import Store
from textcrm.store.rollup import Period, Rollup, period_end, period_start
from textcrm.store.trends import SPLITS, Cell, Mood, Trends

log = logging.getLogger(__name__)

PERIODS: tuple[Period, ...] = ("day", "week", "month")
MOST_LINES = 8
COUNT_SECONDS = 30.0
REST = 9  # times as long as a count took: an import of old messages marks every day again and again


@dataclass(frozen=True)
class Span:
    """A stretch of time, ``[since, until)``."""

    since: datetime
    until: datetime

    @property
    def days(self) -> float:
        """Its length in days."""
        return (self.until - self.since) / timedelta(days=1)

    @property
    def before(self) -> Span:
        """The stretch of the same length that comes before it."""
        return Span(self.since - (self.until - self.since), self.since)


@dataclass(frozen=True)
class Line:
    """One value of the split over time: one mood a period, in the order of ``Series.starts``."""

    key: str
    moods: tuple[Mood, ...]

    @property
    def total(self) -> int:
        """All messages of the line."""
        return sum(mood.total for mood in self.moods)


@dataclass(frozen=True)
class Series:
    """Counts over time. ``rest`` is how many smaller lines are not among ``lines``."""

    starts: tuple[datetime, ...]
    all: Line
    lines: tuple[Line, ...]
    rest: int


@dataclass(frozen=True)
class Change:
    """How one value of the split moved between two periods.

    ``moved`` is by how much the net sentiment of all messages would have moved less without this one: what it
    contributes to the whole change. ``real_volume`` and ``real_net`` say whether the difference is significant
    (false discovery rate 5 % over the table).
    """

    key: str
    before: Mood
    after: Mood
    moved: float | None
    real_volume: bool
    real_net: bool


@dataclass(frozen=True)
class Comparison:
    """Two periods side by side: all messages, then each value of the split, largest contribution first."""

    before: Span
    after: Span
    whole: Change
    changes: tuple[Change, ...]


def trends_of(store: Store) -> Trends:
    """Return the trends of a store."""
    return Trends(store.client, store.database)


def keep_counted(store: Store, *, stop: threading.Event) -> None:
    """Count the days that changed anew until *stop*, so that whoever opens the trends finds most of it done."""
    while not stop.is_set():
        begin = time.monotonic()
        try:
            Rollup(store.client, store.database).refresh()
        except (StoreError, PyMongoError) as error:
            log.warning("counts wait for the database: %s", type(error).__name__)
        stop.wait(max(COUNT_SECONDS, REST * (time.monotonic() - begin)))


def by_channel(
    store: Store,
    *,
    by: Period = "week",
    channel: Channel | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[Cell]:
    """Return counts by period and channel, oldest first."""
    equal = (("channel", channel),) if channel else ()
    return trends_of(store).cells(by=by, split="channel", since=since, until=until, equal=equal)


def series(
    store: Store, span: Span, *, by: Period, split: str, equal: Sequence[tuple[str, str]] = (), most: int = MOST_LINES
) -> Series:
    """Return counts by period and value of *split*; periods without messages are there, empty.

    Raises
    ------
    UsageError
        There is no such split or filter.
    """
    cells = trends_of(store).cells(by=by, split=split, since=span.since, until=span.until, equal=equal)
    starts = tuple(period_starts(span, by))
    found: dict[str, dict[datetime, Mood]] = {}
    for cell in cells:
        found.setdefault(cell.key, {})[cell.start] = cell.mood
    lines = sorted(
        (Line(key, tuple(moods.get(start, Mood()) for start in starts)) for key, moods in found.items()),
        key=lambda line: (-line.total, line.key),
    )
    if split == "topic":  # a message may be about several
        channels = trends_of(store).cells(by=by, split="channel", since=span.since, until=span.until, equal=equal)
        every: dict[datetime, Mood] = {}
        for cell in channels:
            every[cell.start] = every.get(cell.start, Mood()) + cell.mood
        whole = Line("", tuple(every.get(start, Mood()) for start in starts))
    else:
        whole = Line("", tuple(sum((line.moods[i] for line in lines), Mood()) for i in range(len(starts))))
    return Series(starts, whole, tuple(lines[:most]), max(0, len(lines) - most))


def compare(
    store: Store, before: Span, after: Span, *, split: str, equal: Sequence[tuple[str, str]] = ()
) -> Comparison:
    """Compare two periods: all messages, and each value of *split*.

    Raises
    ------
    UsageError
        There is no such split or filter.
    """
    trends = trends_of(store)
    a = trends.totals(split=split, since=before.since, until=before.until, equal=equal)
    b = trends.totals(split=split, since=after.since, until=after.until, equal=equal)
    all_a, all_b = sum(a.values(), Mood()), sum(b.values(), Mood())
    if split == "topic":  # a message may be about several
        all_a, all_b = (
            sum(trends.totals(split="channel", since=s.since, until=s.until, equal=equal).values(), Mood())
            for s in (before, after)
        )
    keys = sorted({*a, *b})
    pairs = [(a.get(key, Mood()), b.get(key, Mood())) for key in keys]
    # before the first message of all there is nothing to compare with
    days = before.days if all_a.total else 0.0
    volume = significant([rate_difference(x.total, days, y.total, after.days) for x, y in pairs])
    nets = significant([net_difference(x, y) for x, y in pairs])
    changes = [
        Change(key, x, y, _contribution(all_a, all_b, x, y), volume[i], nets[i])
        for i, (key, (x, y)) in enumerate(zip(keys, pairs, strict=True))
    ]
    changes.sort(key=lambda c: (-abs(c.moved or 0.0), -c.after.total, c.key))
    whole_volume = rate_difference(all_a.total, days, all_b.total, after.days)
    whole_net = net_difference(all_a, all_b)
    whole = Change(
        "",
        all_a,
        all_b,
        None,
        whole_volume is not None and whole_volume <= 0.05,
        whole_net is not None and whole_net <= 0.05,
    )
    return Comparison(before, after, whole, tuple(changes))


def default_span(store: Store, by: Period) -> Span:
    """Return what to show first: 30 days, 26 weeks or 24 months that end with the newest message."""
    ends = trends_of(store).span()
    newest = ends[1] if ends else store.now()
    last = period_end(period_start(newest, by), by)
    first = {"day": last - timedelta(days=30), "week": last - timedelta(weeks=26), "month": last - timedelta(days=730)}[
        by
    ]
    if ends:
        first = max(first, ends[0])
    return Span(period_start(first, by), last)


def period_starts(span: Span, by: Period) -> list[datetime]:
    """Return the beginnings of the periods that *span* touches."""
    starts = [period_start(span.since, by)]
    while (following := period_end(starts[-1], by)) < span.until and len(starts) < 1_000:
        starts.append(following)
    return starts


def _contribution(all_a: Mood, all_b: Mood, a: Mood, b: Mood) -> float | None:
    with_it = _moved(all_a, all_b)
    without = _moved(all_a - a, all_b - b)
    return None if with_it is None or without is None else with_it - without


def _moved(a: Mood, b: Mood) -> float | None:
    return None if a.net is None or b.net is None else b.net - a.net


__all__ = [
    "PERIODS",
    "SPLITS",
    "Change",
    "Comparison",
    "Line",
    "Series",
    "Span",
    "by_channel",
    "compare",
    "default_span",
    "keep_counted",
    "series",
]
