"""The worker on the real database: woken, drained, poisoned, cut off."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.standins import SmallEngine, is_canary, label_of
from tests.factories import message
from textcrm.errors import UnavailableError
from textcrm.operations.intake.quarantine import replay_items
from textcrm.operations.links.claims import is_dead, owner_name, take_over_dead
from textcrm.operations.texts.analysis import AnalysisReport, analyse_stored, work_once
from textcrm.records import Message
from textcrm.settings import Settings
from textcrm.store import Store
from textcrm.store.messages import BACKFILL
from textcrm.stream.worker import Worker


@contextmanager
def running(*workers: Worker) -> Iterator[None]:
    threads = [threading.Thread(target=worker.run) for worker in workers]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for worker in workers:
            worker.stop()
        for thread in threads:
            thread.join(timeout=20)
            assert not thread.is_alive()


def until(done: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def is_settled(store: Store) -> bool:
    return not {"pending", "leased"} & set(store.messages.counts())


def test_a_message_is_analysed_when_it_comes_not_when_the_sweep_does(store: Store) -> None:
    worker = Worker(store, SmallEngine(), sweep_seconds=600)
    with running(worker):
        until(lambda: worker.state == "idle" and worker.wake.gaps == 0)
        time.sleep(0.5)
        for n in range(5):
            sent = message(f"now {n}")
            store.messages.add([sent])
            until(lambda: sent.id in done_ids(store), 5)  # noqa: B023 - called before the next turn


def done_ids(store: Store) -> set[str]:
    return {d["_id"] for d in store.database["insights"].find({}, {"_id": 1})}


def test_what_is_put_back_into_the_queue_wakes_up_too(store: Store) -> None:
    sent = message("again")
    store.messages.add([sent])
    analyse_stored(store, SmallEngine(version="old"))
    worker = Worker(store, SmallEngine(version="new"), sweep_seconds=600)
    with running(worker):
        until(lambda: worker.state == "idle")
        time.sleep(0.5)
        store.messages.requeue()
        until(lambda: store.insights.get(sent.id).pipeline == "new", 5)


def test_the_sweep_finds_what_the_stream_missed(store: Store) -> None:
    worker = Worker(store, SmallEngine(), sweep_seconds=0.2)
    worker.wake._stop.set()  # the stream ends before it begins
    with running(worker):
        store.messages.add([message("unheard")])
        until(lambda: is_settled(store) and store.insights.count() == 1)


def test_two_workers_share_the_queue_and_do_nothing_twice(store: Store) -> None:
    sent = [message(f"m{n}") for n in range(400)]
    store.messages.add(sent)
    first, second = SmallEngine(seconds=0.002), SmallEngine(seconds=0.002)
    workers = Worker(store, first, largest_batch=20), Worker(store, second, largest_batch=20)
    with running(*workers):
        until(lambda: is_settled(store))
    assert sum(first.sizes) + sum(second.sizes) == 400
    assert min(sum(first.sizes), sum(second.sizes)) > 80
    assert all(store.insights.get(m.id).clean == label_of(m.text) for m in sent)
    assert store.database["outbox"].count_documents({}) == 400


def test_batches_fit_their_time(store: Store) -> None:
    engine = SmallEngine(seconds=0.04)
    store.messages.add([message(f"slow {n}") for n in range(60)])
    with running(Worker(store, engine)):
        until(lambda: is_settled(store))
    assert 5 <= max(engine.sizes[3:]) <= 16  # 0.4 s at 40 ms and what a claim costs


def test_live_messages_do_not_wait_for_a_backfill(store: Store) -> None:
    store.messages.add([message(f"old {n}") for n in range(300)], priority=BACKFILL)
    worker = Worker(store, SmallEngine(seconds=0.01))
    with running(worker):
        until(lambda: worker.done > 20)
        live = message("live")
        store.messages.add([live])
        until(lambda: live.id in done_ids(store), 3)
        assert store.messages.counts()["pending"] > 50


def poison(*texts: str) -> Callable[[Message], None]:
    def trouble(one: Message) -> None:
        if one.text in texts:
            raise ValueError("something that the customer wrote")

    return trouble


def test_poison_goes_to_quarantine_after_three_attempts_and_its_neighbours_do_not_wait(store: Store) -> None:
    sent = [message(f"m{n}") for n in range(30)]
    store.messages.add(sent)
    with running(Worker(store, SmallEngine(trouble=poison("m3")))):
        until(lambda: is_settled(store))
    assert store.messages.counts() == {"done": 29, "failed": 1}
    (item,) = store.quarantine.list()
    assert item.message_id == sent[3].id and item.reason == "analysis_failed"
    assert "ValueError" in item.detail and "standins.py" not in item.detail.split("\n")[0]
    assert "something that the customer wrote" not in item.detail
    document = store.database["messages"].find_one({"_id": sent[3].id})
    assert document is not None and document["work"]["attempts"] == 3


def test_an_engine_that_is_down_blames_no_message_and_is_tried_again(store: Store) -> None:
    broken = threading.Event()
    broken.set()

    def trouble(_: Message) -> None:
        if broken.is_set():
            raise MemoryError

    store.messages.add([message(f"m{n}") for n in range(5)])
    worker = Worker(store, SmallEngine(trouble=trouble))
    with running(worker):
        until(lambda: worker.state == "waiting")
        time.sleep(3.5)
        assert store.messages.counts() == {"pending": 5}
        broken.clear()
        until(lambda: is_settled(store))
    assert store.messages.counts() == {"done": 5} and store.quarantine.count() == 0


def test_the_circuit_opens_says_so_and_closes_by_itself(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    bad = [message(f"bad {n}") for n in range(60)]
    broken = threading.Event()
    broken.set()

    def trouble(one: Message) -> None:
        if broken.is_set() and not is_canary(one):
            raise ValueError

    store.messages.add(bad)
    worker = Worker(store, SmallEngine(trouble=trouble))
    with running(worker):
        until(lambda: worker.state == "open")
        broken.clear()
        until(lambda: is_settled(store), 30)
    assert "the circuit is open" in caplog.text and "closed again" in caplog.text
    assert store.messages.counts()["done"] >= 55


def test_a_message_that_ends_the_worker_is_found_out_alone(store: Store) -> None:
    sent = [message(f"m{n}") for n in range(10)]
    store.messages.add(sent)
    killed = 0
    while not is_settled(store):
        claim = store.messages.claim("doomed", limit=10, lease=timedelta(seconds=-1))
        if any(m.text == "m7" for m in claim.messages) and max(claim.attempts) <= 3:
            killed += 1  # the process is gone; the lease has run out
            continue
        store.messages.release(claim)
        work_once(store, SmallEngine(trouble=poison("m7")), report=AnalysisReport())
    assert killed <= 3
    assert store.messages.counts() == {"done": 9, "failed": 1}
    assert [item.message_id for item in store.quarantine.list()] == [sent[7].id]


def test_leases_of_a_worker_that_was_killed_are_taken_over_at_once(store: Store) -> None:
    child = subprocess.run(
        [sys.executable, "-c", "from textcrm.operations.links.claims import owner_name; print(owner_name())"],
        capture_output=True,
        text=True,
        check=True,
    )
    dead = child.stdout.strip()
    assert is_dead(dead) and not is_dead(owner_name()) and not is_dead("elsewhere:1:1:x")
    store.messages.add([message("left")])
    store.messages.claim(dead, limit=1, lease=timedelta(hours=1))
    store.workers.beat(dead, state="working", why="", done=0, failed=0, rate=0.0, gaps=0)
    assert take_over_dead(store) == 1 and store.workers.list() == []
    assert store.messages.claim("next", limit=1, lease=timedelta(hours=1)).attempts == (2,)


def test_what_was_leased_by_a_claim_whose_answer_was_lost_does_not_wait_for_the_end_of_its_lease(store: Store) -> None:
    sent = [message(f"m{n}") for n in range(5)]
    store.messages.add(sent)
    claim = store.messages.claim

    def lost(*arguments: Any, **options: Any) -> None:
        store.messages.claim = claim  # type: ignore[method-assign]
        assert claim(*arguments, **options).messages
        raise UnavailableError("the answer was lost")

    store.messages.claim = lost  # type: ignore[method-assign, assignment]
    worker = Worker(store, SmallEngine(), sweep_seconds=600)
    with running(worker):
        until(lambda: is_settled(store), 15)  # the lease is one of 30 seconds
    assert worker.done == 5 and store.messages.counts() == {"done": 5}
    attempts = {d["work"]["attempts"] for d in store.database["messages"].find({}, {"work.attempts": 1})}
    assert attempts == {1}  # what was lost does not count


def test_a_long_batch_keeps_its_lease(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("textcrm.stream.worker.LEASE", timedelta(seconds=2))
    monkeypatch.setattr("textcrm.stream.worker.BEAT_SECONDS", 0.5)
    store.messages.add([message("long")])
    slow, other = SmallEngine(seconds=5), SmallEngine()
    with running(Worker(store, slow)):
        until(lambda: slow.sizes == [1])
        with running(Worker(store, other, sweep_seconds=0.1)):
            until(lambda: is_settled(store))
    assert other.sizes == []


def test_sigterm_finishes_the_batch_and_leaves_no_lease(settings: Settings, store: Store) -> None:
    store.messages.add([message(f"m{n}") for n in range(500)])
    with program(settings, seconds=0.01) as child:
        until(lambda: store.messages.counts().get("done", 0) > 20)
        begin = time.monotonic()
        child.send_signal(signal.SIGTERM)
        assert child.wait(timeout=15) == 0
    assert time.monotonic() - begin < 10
    assert set(store.messages.counts()) == {"done", "pending"}
    assert store.workers.list() == []


def test_sigterm_in_a_batch_that_does_not_end_gives_it_back_in_ten_seconds(settings: Settings, store: Store) -> None:
    store.messages.add([message("endless")])
    with program(settings, seconds=600) as child:
        until(lambda: store.messages.counts().get("leased", 0) == 1)
        begin = time.monotonic()
        child.send_signal(signal.SIGTERM)
        child.wait(timeout=15)
    assert time.monotonic() - begin < 11
    document = store.database["messages"].find_one({})
    assert document is not None and document["work"] | {"queued_at": 0} == {
        "state": "pending",
        "priority": 0,
        "queued_at": 0,
        "place": 0,
        "attempts": 0,
    }


PROGRAM = """
import sys
from tests.e2e.standins import SmallEngine
from textcrm.cli.worker import run_worker
from textcrm.settings import read_settings
from textcrm.store import open_store
settings = read_settings()
with open_store(settings) as store:
    sys.exit(run_worker(store, SmallEngine(seconds=float(sys.argv[1])), settings))
"""


@contextmanager
def program(settings: Settings, *, seconds: float) -> Iterator[subprocess.Popen[bytes]]:
    assert settings.mongodb_uri is not None
    environment = {
        **os.environ,
        "TEXTCRM_HOME": str(settings.home),
        "TEXTCRM_MONGODB_URI": settings.mongodb_uri.get_secret_value(),
        "TEXTCRM_DATABASE": settings.database,
    }
    root = Path(__file__).resolve().parents[2]
    with subprocess.Popen([sys.executable, "-c", PROGRAM, str(seconds)], env=environment, cwd=root) as child:
        try:
            yield child
        finally:
            child.kill()


def test_the_canary_comes_back(store: Store) -> None:
    worker = Worker(store, SmallEngine())
    worker._canary._every = 0.2
    with running(worker):
        until(lambda: any(state.canary_back for state in store.workers.list()))
        until(lambda: worker._canary.seconds is not None)
    assert store.messages.count() == 0 and store.insights.count() == 0


def test_what_fails_again_after_a_replay_waits_in_quarantine_again(store: Store, settings: Settings) -> None:
    store.messages.add([message("m3")])
    for _ in range(2):
        analyse_stored(store, SmallEngine(trouble=poison("m3")))
        (item,) = store.quarantine.list()
        assert replay_items(store, [item], settings=settings)[0].outcome == "requeued"
    assert store.quarantine.count() == 0
    analyse_stored(store, SmallEngine())
    assert store.messages.counts() == {"done": 1}


def test_below_the_floor_of_free_space_nothing_is_taken_until_there_is_space(store: Store) -> None:
    floor = store.space.floor
    space = store.space.read()
    assert space is not None
    store.space.floor = space.total * 2
    with pytest.raises(UnavailableError, match="nearly full"):
        store.messages.add([message("one")])
    store.space.floor = floor
    assert store.messages.add([message("one")]).stored
    worker = Worker(store, SmallEngine())
    store.space.floor = space.total * 4
    with running(worker):
        until(lambda: worker.state == "waiting")
        store.space.floor = floor
        until(lambda: is_settled(store))
