"""Topics in the store: found, assigned, counted by the trends, changed by people, kept from run to run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from tests.desk_data import at, keep, known
from tests.factories import message
from textcrm.errors import ConflictError, NotFoundError, UsageError
from textcrm.operations.desk.desk import queue_page, wanted_of
from textcrm.operations.trends import topics as topic_runs
from textcrm.operations.trends import trends
from textcrm.records import Message
from textcrm.store import Store
from textcrm.store.rollup import Rollup
from textcrm.store.trends import Mood

SUBJECTS = ("kettle leaks water", "parcel is late", "invoice shows twice")


class Words:
    """Makes vectors of the words that a text holds: an encoder whose answers a test can foresee."""

    hash = "0123456789ab"
    dimensions = 16

    def encode(self, texts: Sequence[str], *, step: Callable[[int], object] | None = None) -> Any:
        rows = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        for row, text in enumerate(texts):
            for word in text.casefold().split():
                rows[row, sum(word.encode()) % self.dimensions] += 1
        del step
        return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)


@pytest.fixture
def sent(store: Store) -> list[Message]:
    messages = [message(f"{SUBJECTS[n % 3]} r{n % 40}", external_id=str(n), sent_at=at(n % 20)) for n in range(90)]
    moods = ("negative", "positive", "neutral")
    keep(store, [(m, known(m, sentiment=moods[n % 3])) for n, m in enumerate(messages)])
    topic_runs.fit(store, Words())  # type: ignore[arg-type]  # what it needs of an encoder
    while topic_runs.assign_waiting(store):
        pass
    return messages


def test_found_assigned_and_counted(store: Store, sent: list[Message]) -> None:
    topics = store.topics.list()
    assert len(topics) == 3
    assert sum(topic_runs.counts(store).values()) >= 80
    kettle = next(t for t in topics if "kettle" in t.terms or "leaks" in " ".join(t.terms))
    rows = queue_page(store, wanted_of({"topic": kettle.id, "state": "all"}, person="x"), limit=100)
    assert rows
    assert all("kettle" in r.message.text for r in rows)
    span = trends.Span(datetime(2026, 8, 1, tzinfo=UTC), datetime(2026, 9, 2, tzinfo=UTC))
    series = trends.series(store, span, by="week", split="topic")
    assert series.all.total == len(sent)
    assert {line.key for line in series.lines} >= {t.id for t in topics}
    chosen = trends.series(store, span, by="week", split="channel", equal=(("topic", kettle.id),))
    assert chosen.all.total == len(rows)


def test_the_counts_that_are_kept_equal_a_recount(store: Store, sent: list[Message]) -> None:
    del sent
    counted = trends.trends_of(store)
    since, until = at(30).replace(hour=0), at(-1).replace(hour=0)
    ready = counted.totals(split="topic", since=since, until=until)
    again: dict[str, Mood] = {}
    for _, key, counts in counted.recount("topic", since, until, ()):
        again[key] = again.get(key, Mood()) + Mood(*counts)
    assert ready == again
    assert Rollup(store.client, store.database).refresh() == 0


def test_what_people_decide_outlives_the_next_run(store: Store, sent: list[Message]) -> None:
    del sent
    one, two, three = store.topics.list()
    topic_runs.rename(store, one.id, "  Kettles  that leak ")
    topic_runs.pin(store, two.id)
    moved = topic_runs.merge(store, three.id, into=two.id)
    assert moved
    assert three.id not in topic_runs.counts(store)
    run = topic_runs.fit(store, Words())  # type: ignore[arg-type]
    assert (run.new, run.known, run.gone) == (0, 3, 0)
    while topic_runs.assign_waiting(store):
        pass
    topics = {t.id: t for t in store.topics.list()}
    assert set(topics) == {one.id, two.id}
    assert topics[one.id].name == "Kettles that leak"
    assert topics[two.id].pinned
    assert three.id not in topic_runs.counts(store)


def test_a_merge_that_is_taken_back(store: Store, sent: list[Message]) -> None:
    del sent
    one, two, three = store.topics.list()
    before = topic_runs.counts(store)
    topic_runs.merge(store, three.id, into=two.id)
    assert {into: [t.id for t in topics] for into, topics in topic_runs.merged(store).items()} == {two.id: [three.id]}
    assert topic_runs.unmerge(store, three.id) == before[two.id] + before[three.id]
    while topic_runs.assign_waiting(store):
        pass
    assert topic_runs.counts(store) == before
    assert {t.id for t in store.topics.list()} == {one.id, two.id, three.id}
    assert not topic_runs.merged(store)
    with pytest.raises(ConflictError):
        topic_runs.unmerge(store, three.id)


def test_a_new_analysis_keeps_the_topics_and_a_new_message_gets_them(store: Store, sent: list[Message]) -> None:
    before = topic_runs.counts(store)
    fresh = message("kettle leaks water oh", external_id="new", sent_at=at(0) + timedelta(hours=1))
    keep(store, [(fresh, known(fresh))])
    assert topic_runs.assign_waiting(store) == 0  # its vector is not made yet
    from textcrm.operations.desk.similar import make_vectors

    make_vectors(store, Words(), owner="t")  # type: ignore[arg-type]
    assert topic_runs.assign_waiting(store) == 1
    assert sum(topic_runs.counts(store).values()) == sum(before.values()) + 1
    store.messages.requeue({"_id": sent[0].id}, priority=1)
    claim = store.messages.claim("again", limit=10, lease=timedelta(minutes=1))
    store.insights.complete(claim, [known(m) for m in claim.messages])
    assert sum(topic_runs.counts(store).values()) == sum(before.values()) + 1


def test_what_cannot_be(store: Store, sent: list[Message]) -> None:
    del sent
    one, two, _ = store.topics.list()
    for name in ("", " ", "x" * 81, "a\x00b"):
        with pytest.raises(UsageError):
            topic_runs.rename(store, one.id, name)
    with pytest.raises(NotFoundError):
        topic_runs.pin(store, "t0")
    with pytest.raises(ConflictError):
        topic_runs.merge(store, one.id, into=one.id)
    topic_runs.merge(store, one.id, into=two.id)
    with pytest.raises(ConflictError):
        topic_runs.merge(store, two.id, into=one.id)


def test_topics_need_messages(store: Store) -> None:
    with pytest.raises(UsageError, match="at least"):
        topic_runs.fit(store, Words())  # type: ignore[arg-type]
    assert topic_runs.assign_waiting(store) == 0
