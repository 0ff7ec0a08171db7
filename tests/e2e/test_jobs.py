"""Jobs: what fits is analysed anew, behind what is new; they go on after any end, and can be ended."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.e2e.standins import SmallEngine
from tests.factories import message
from textcrm.errors import ConflictError, NotFoundError, UsageError
from textcrm.operations.texts.analysis import AnalysisReport, analyse_stored, work_once
from textcrm.operations.work.jobs import cancel_job, carry_on, job_progress, start_job
from textcrm.store import Store


def stored(store: Store, number: int = 10) -> None:
    channels = ("chat", "email")
    store.messages.add([message(f"m{n}", channel=channels[n % 2]) for n in range(number)])
    assert analyse_stored(store, SmallEngine()).done == number


def walk(store: Store, *, owner: str = "w", at_once: int = 3) -> None:
    while carry_on(store, owner=owner, at_once=at_once):
        pass


def test_all_is_done_anew_and_told_of(store: Store) -> None:
    stored(store)
    begun = start_job(store, by="key:1")
    assert (begun.job.state, begun.job.matched, begun.done, begun.left) == ("waiting", 10, 0, 10)
    walk(store)
    now = job_progress(store, store.jobs.get(begun.job.id))
    assert (now.job.state, now.job.walked, now.done, now.left) == ("running", True, 0, 10)
    store.messages.add([message("new")])
    assert [m.text for m in store.messages.claim("t", limit=1, lease=timedelta(minutes=1)).messages] == ["new"]
    work_once(store, SmallEngine(version="p2"), report=AnalysisReport(), limit=4)
    now = job_progress(store, store.jobs.get(begun.job.id))
    assert (now.done, now.left) == (4, 6)
    analyse_stored(store, SmallEngine(version="p2"))
    walk(store)
    now = job_progress(store, store.jobs.get(begun.job.id))
    assert (now.job.state, now.done, now.left, now.seconds_left) == ("done", 10, 0, None)
    assert now.job.ended_at is not None
    assert {d["pipeline"] for d in store.database["insights"].find({})} == {"p2"}


def test_filters_and_stale_choose(store: Store) -> None:
    stored(store)
    assert start_job(store, by="k", filters={"channel": "email"}).job.matched == 5
    some = store.database["insights"].distinct("customer")[0]
    assert start_job(store, by="k", filters={"customer": some, "channel": "chat"}).job.matched == 5
    assert start_job(store, by="k", standing=["p1"]).job.matched == 0
    assert start_job(store, by="k", standing=["p2"]).job.matched == 10
    assert start_job(store, by="k", since=store.now() + timedelta(days=1)).job.matched == 0
    assert start_job(store, by="k", filters={"sentiment": "positive"}, standing=["p2"]).job.matched == 0
    with pytest.raises(UsageError):
        start_job(store, by="k", filters={"$where": "1"})
    walk(store)
    assert store.messages.counts() == {"pending": 10}


def test_a_job_goes_on_where_another_left_it_and_queues_nothing_twice(store: Store) -> None:
    stored(store)
    job = start_job(store, by="k").job
    assert carry_on(store, owner="a", at_once=4)
    assert not carry_on(store, owner="b", at_once=4)  # it is a's
    store.database["jobs"].update_one({}, {"$set": {"cursor": "", "queued": 0}})  # a ended before it could note
    analyse_stored(store, SmallEngine(version="p2"))
    store.jobs.give_up("a")
    walk(store, owner="b", at_once=4)
    assert store.messages.counts() == {"done": 4, "pending": 6}
    assert store.jobs.get(job.id).walked


def test_a_job_that_is_cancelled_leaves_all_as_it_was(store: Store) -> None:
    stored(store, 5)
    store.messages.add([message("bad")])
    claim = store.messages.claim("t", limit=1, lease=timedelta(minutes=1))
    store.messages.fail(claim, claim.messages[0].id, "reason")
    job = start_job(store, by="k").job
    walk(store)
    assert store.messages.counts() == {"pending": 6}
    assert cancel_job(store, job.id).job.state == "cancelled"
    assert store.messages.counts() == {"done": 5, "failed": 1}
    with pytest.raises(ConflictError):
        cancel_job(store, job.id)
    with pytest.raises(NotFoundError):
        cancel_job(store, "none")
    assert not carry_on(store, owner="w")
    # cancelled between the lease of a step and the step itself: what the step queued is withdrawn
    second = start_job(store, by="k").job
    held = store.jobs.lease("w", timedelta(minutes=1))
    assert held is not None
    store.jobs.cancel(second)
    store.jobs.withdraw(store.jobs.walk(held, limit=10))
    assert store.messages.counts() == {"done": 5, "failed": 1}
