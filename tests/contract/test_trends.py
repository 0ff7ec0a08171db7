"""The counts that are kept ready for the trends equal a recount, whatever was done."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest

from tests.desk_data import at, fill, keep, known
from tests.factories import NOON, message
from textcrm.operations.models import corrections
from textcrm.operations.trends import topics as topic_runs
from textcrm.operations.trends import trends
from textcrm.operations.trends.significance import net_difference, rate_difference, significant
from textcrm.store import Store
from textcrm.store.rollup import LONGER, REQUESTS, day_of, period_start
from textcrm.store.topics import Topic
from textcrm.store.trends import SPLITS, Mood


def counted(store: Store, split: str, equal: Sequence[tuple[str, str]]) -> dict[tuple[datetime, str], Mood]:
    recount = trends.trends_of(store).recount(split, None, None, equal)
    return {(day, key): Mood(*counts) for day, key, counts in recount}


def assert_equal_to_a_recount(store: Store) -> None:
    for split in SPLITS:
        for equal in ((), (("channel", "email"),)):
            cells = trends.trends_of(store).cells(by="day", split=split, equal=equal)
            days = counted(store, split, equal)
            assert {(c.start, c.key): c.mood for c in cells} == days, (split, equal)
            for by in LONGER:  # from the first to the last, and from within a period to within one
                for since, until in ((None, None), (day_of(at(61)), day_of(at(8))), (day_of(at(9)), day_of(at(7)))):
                    expected: dict[tuple[datetime, str], Mood] = {}
                    for (day, key), mood in days.items():
                        if (since is None or day >= since) and (until is None or day < until):
                            place = (period_start(day, by), key)
                            expected[place] = expected.get(place, Mood()) + mood
                    cells = trends.trends_of(store).cells(by=by, split=split, equal=equal, since=since, until=until)
                    assert {(c.start, c.key): c.mood for c in cells} == expected, (split, equal, by, since)
    about = Counter(
        topic
        for d in store.database["insights"].find({"kind": REQUESTS}, {"topic": 1})
        for topic in d.get("topic") or ()
    )
    assert topic_runs.counts(store) == about


def test_kept_counts_follow_arrivals_corrections_and_new_analyses(store: Store) -> None:
    messages = fill(store)
    assert_equal_to_a_recount(store)
    late = message("A late one.", sent_at=at(20), channel="review", product="Kettle")
    keep(store, [(late, known(late, sentiment="negative"))])
    assert_equal_to_a_recount(store)
    made = corrections.correct(store, messages[0].id, task="sentiment", label="neutral", by="ann")
    assert_equal_to_a_recount(store)
    store.messages.requeue({"_id": messages[0].id})
    keep(store, [(messages[0], known(messages[0], sentiment="positive", intent="other"))])
    assert_equal_to_a_recount(store)
    corrections.undo(store, made.id, by="ann")
    assert_equal_to_a_recount(store)


def test_a_database_filled_before_days_were_counted(store: Store) -> None:
    fill(store)
    for name in ("trend_marks", "trend_days"):
        store.database[name].delete_many({})
    day = day_of(at(3))
    store.database["trend_days"].insert_one({"day": day, "split": "urgency", "channel": "email", "rows": [["x", 1]]})
    assert_equal_to_a_recount(store)
    assert store.database["trend_days"].count_documents({"period": None}) == 0  # an older version's


def test_counts_by_week_and_channel(store: Store) -> None:
    moods = ["negative", "negative", "positive", "neutral"]
    sent = [message(f"{n}", sent_at=NOON + timedelta(days=3 * n)) for n in range(4)]
    keep(store, [(m, known(m, sentiment=mood)) for m, mood in zip(sent, moods, strict=True)])
    weeks = trends.by_channel(store)
    assert [(f"{c.start:%m-%d}", c.key, c.mood.net) for c in weeks] == [("08-31", "chat", -1.0), ("09-07", "chat", 0.5)]
    second = trends.by_channel(store, by="day", channel="chat", since=sent[1].sent_at, until=sent[2].sent_at)
    assert [(c.start, c.mood) for c in second] == [(day_of(NOON + timedelta(days=3)), Mood(negative=1))]
    assert trends.by_channel(store, channel="email") == []


def test_a_worker_counts_before_anybody_asks(store: Store) -> None:
    fill(store)
    kept, stop = store.database["trend_days"], threading.Event()
    assert kept.count_documents({}) == 0
    with ThreadPoolExecutor(1) as beside:
        beside.submit(trends.keep_counted, store, stop=stop)
        until = time.monotonic() + 20
        while kept.count_documents({}) == 0 and time.monotonic() < until:
            time.sleep(0.05)
        stop.set()
    assert store.database["trend_marks"].count_documents({}) == 0
    assert_equal_to_a_recount(store)


def test_kept_counts_follow_topics(store: Store) -> None:
    messages = fill(store)
    topics = [Topic(f"t{k}", f"T{k}", (), b"", 0.5, 0, NOON) for k in range(4)]
    run = store.topics.keep(topics, encoder="e", centre=b"", messages=len(messages))
    rng = random.Random(5)
    times = [m.sent_at or NOON for m in messages]
    names = ["t0", "t1", "t2", "t3"]
    store.topics.assign(
        run, [(m.id, at, rng.sample(names, k % 3)) for k, (m, at) in enumerate(zip(messages, times, strict=True))]
    )
    assert_equal_to_a_recount(store)
    topic_runs.merge(store, "t1", into="t2")
    assert_equal_to_a_recount(store)
    store.topics.assign(run, [(messages[0].id, times[0], ["t0", "t3"])])
    assert_equal_to_a_recount(store)


def test_days_of_one_week_that_are_counted_at_once(store: Store) -> None:
    fill(store)
    with ThreadPoolExecutor(4) as pool:  # the week itself is not there yet
        list(pool.map(lambda _: trends.trends_of(store).totals(split="intent"), range(8)))
    assert_equal_to_a_recount(store)


def test_many_writers_and_readers_at_once(store: Store) -> None:
    messages = fill(store)
    rng = random.Random(3)

    def change(number: int) -> None:
        label = rng.choice(["negative", "neutral", "positive"])
        corrections.correct(store, messages[number % 40].id, task="sentiment", label=label, by="ann")
        if number % 5 == 0:
            trends.trends_of(store).totals(split="intent")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(change, range(60)))
    assert_equal_to_a_recount(store)


@pytest.mark.parametrize("by", ["day", "week", "month"])
def test_periods_cover_the_span_once(store: Store, by: str) -> None:
    messages = fill(store)
    period = next(p for p in trends.PERIODS if p == by)
    span = trends.Span(day_of(at(60)), day_of(NOON) + timedelta(days=1))
    series = trends.series(store, span, by=period, split="channel")
    assert series.all.total == len(messages)
    assert len(series.starts) == len(set(series.starts)) == len(series.all.moods)


def test_what_fell_is_significant_and_named_first(store: Store) -> None:
    fill(store)
    after = trends.Span(day_of(at(27)), day_of(NOON) + timedelta(days=1))
    compared = trends.compare(store, after.before, after, split="intent")
    assert compared.whole.real_net
    assert not compared.whole.real_volume
    assert compared.changes[0].key == "complaint"
    assert compared.changes[0].moved is not None
    assert compared.changes[0].moved < 0


def test_chance_is_no_arrow() -> None:
    rng = random.Random(11)
    found = 0
    for _ in range(400):
        before, after = (Mood(*(sum(rng.random() < p for _ in range(60)) for p in (0.3, 0.3, 0.3))) for _ in range(2))
        found += (net_difference(before, after) or 1.0) <= 0.05
    assert found <= 40  # 5 % expected; 10 % would be 4.6 standard deviations away
    assert net_difference(Mood(3, 0, 0, 0), Mood(0, 0, 3, 0)) is None
    assert (net_difference(Mood(50, 5, 5, 0), Mood(5, 5, 50, 0)) or 1.0) < 1e-6
    assert (rate_difference(100, 28, 100, 28) or 0.0) == 1.0
    assert (rate_difference(100, 28, 160, 28) or 1.0) < 0.001
    assert significant([0.001, 0.04, None, 0.5]) == [True, False, False, False]
