"""The database gone, cut off, slow, forgetful, full: nothing is lost, and the work comes back by itself.

``TEXTCRM_CHAOS=long`` (make chaos) keeps the database away for five minutes instead of two seconds, has more messages
come in, and the driver waits as long as it does in the product.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.errors import PyMongoError
from pymongo.write_concern import WriteConcern

from tests.chaos.check import check
from tests.chaos.source import numbered
from tests.e2e.standins import SmallEngine
from textcrm.errors import StoreError, UnavailableError
from textcrm.operations.work.stream import results_since
from textcrm.settings import Settings
from textcrm.store import Store
from textcrm.store.client import connect, translated
from textcrm.store.embedded import EmbeddedServer
from textcrm.stream.worker import Worker

LONG = os.environ.get("TEXTCRM_CHAOS") == "long"
AWAY_SECONDS, DEAD_SECONDS = (300, 5) if LONG else (2, 1)
SOME, MANY, FEW = (2_000, 1_000, 200) if LONG else (200, 400, 100)
# how long the driver waits until it says that a server is gone
QUICK = "" if LONG else "&heartbeatFrequencyMS=500&connectTimeoutMS=500&serverSelectionTimeoutMS=1000"
NOTHING = {"lost": 0, "doubled": 0, "wrong": 0, "quarantined": 0, "unfinished": 0}
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900 if LONG else 180)]


@contextmanager
def at_work(store: Store, **options: Any) -> Iterator[Worker]:
    worker = Worker(store, SmallEngine(seconds=0.001), sweep_seconds=1, **options)
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        yield worker
    finally:
        worker.stop()
        thread.join(timeout=30)
    assert not thread.is_alive()


def until(done: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def settled(store: Store) -> bool:
    try:
        return not {"pending", "leased"} & set(store.messages.counts())
    except Exception:  # noqa: BLE001 - the database may be away
        return False


def feed(store: Store, start: int, count: int) -> None:
    """Store messages as a caller does who tries again what was not acknowledged."""
    for first in range(start, start + count, 10):
        while True:
            try:
                with translated():
                    store.messages.add([numbered(n) for n in range(first, first + 10)])
            except StoreError:
                time.sleep(0.1)
            else:
                break


@pytest.fixture
def own(place: Path) -> Iterator[tuple[EmbeddedServer, str, Store]]:
    """A server of the test's own, and a store on it."""
    server = EmbeddedServer(place)
    uri = server.open() + QUICK
    with connect(uri) as client:
        store = Store(client, "chaos")
        store.prepare()
        yield server, uri, store
    server.close()


def test_the_database_is_gone_for_a_while(
    own: tuple[EmbeddedServer, str, Store], place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server, uri, store = own
    feeder = threading.Thread(target=feed, args=(store, 0, MANY), daemon=True)
    with at_work(store) as worker:
        feeder.start()
        until(lambda: worker.done > 50)
        with (place / "mongodb" / "start.lock").open("w") as lock:  # nobody may start it again
            fcntl.flock(lock, fcntl.LOCK_EX)
            running = server.running()
            assert running is not None
            os.kill(running.pid, signal.SIGKILL)
            until(lambda: worker.state == "waiting")
            time.sleep(AWAY_SECONDS)
        begin = time.monotonic()
        done = worker.done
        until(lambda: worker.done > done, 90)
        back = time.monotonic() - begin
        feeder.join()
        until(lambda: settled(store), 120)
    counts = check(uri, "chaos", MANY)
    with capsys.disabled():
        print(f"\nmongod away for {AWAY_SECONDS} s: back in {back:.1f} s (its own start included), {counts}")
    assert counts == {"messages": MANY, **NOTHING}


def test_a_database_that_hangs_is_noticed_and_found_again(
    own: tuple[EmbeddedServer, str, Store], capsys: pytest.CaptureFixture[str]
) -> None:
    server, uri, store = own
    running = server.running()
    assert running is not None
    feeder = threading.Thread(target=feed, args=(store, 0, 2 * SOME), daemon=True)
    with at_work(store) as worker:
        feeder.start()
        until(lambda: worker.done > 20)
        os.kill(running.pid, signal.SIGSTOP)  # its connections stay open, and nothing is answered
        try:
            until(lambda: worker.state == "waiting", 45)  # sooner than a single command may last
            why = worker.why
        finally:
            os.kill(running.pid, signal.SIGCONT)
        feeder.join()
        until(lambda: settled(store), 120)
    counts = check(uri, "chaos", 2 * SOME)
    with capsys.disabled():
        print(f"\nmongod hung: {counts}")
    assert "does not answer" in why.lower()
    assert counts == {"messages": 2 * SOME, **NOTHING}


@contextmanager
def failing(store: Store, data: dict[str, Any], mode: dict[str, Any] | str = "alwaysOn") -> Iterator[None]:
    command = store.client.admin.command
    command("configureFailPoint", "failCommand", mode=mode, data={"appName": "textcrm", **data})
    try:
        yield
    finally:
        command("configureFailPoint", "failCommand", mode="off")


WRITES = ["find", "update", "insert", "commitTransaction", "aggregate", "bulkWrite"]


@pytest.mark.parametrize(
    "data",
    [
        {"closeConnection": True, "failCommands": WRITES},
        {"blockConnection": True, "blockTimeMS": 150, "failCommands": WRITES},
        {"errorCode": 262, "failCommands": WRITES},  # ExceededTimeLimit
        {"errorCode": 112, "errorLabels": ["TransientTransactionError"], "failCommands": ["commitTransaction"]},
    ],
    ids=["cut", "slow", "out of time", "write conflict"],
)
def test_connections_that_are_cut_and_delayed(
    store: Store, settings: Settings, data: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    with at_work(store) as worker:
        with failing(store, data, {"activationProbability": 0.15}):
            feed(store, 0, FEW)
            until(lambda: worker.done > 20, 60)
        until(lambda: settled(store))
    assert settings.mongodb_uri is not None
    counts = check(settings.mongodb_uri.get_secret_value(), settings.database, FEW)
    with capsys.disabled():
        print(f"\n{data}: {counts}")
    assert counts == {"messages": FEW, **NOTHING}


def test_a_change_stream_that_loses_its_place_again_and_again(
    store: Store, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    with at_work(store) as worker:
        with failing(store, {"errorCode": 286, "failCommands": ["getMore", "aggregate"]}):
            begin = time.monotonic()
            feed(store, 0, 100)
            until(lambda: settled_by_find(store))
            time.sleep(4 if LONG else 2)
            seconds, gaps = time.monotonic() - begin, worker.wake.gaps
        assert 1 <= gaps <= seconds + 2  # at most one retry a second
        assert "lost its place" in caplog.text
        feed(store, 100, 100)
        until(lambda: settled(store))
    assert settings.mongodb_uri is not None
    assert check(settings.mongodb_uri.get_secret_value(), settings.database, 200) == {"messages": 200, **NOTHING}


def settled_by_find(store: Store) -> bool:
    return store.database["messages"].find_one({"work.state": {"$in": ["pending", "leased"]}}, {"_id": 1}) is None


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 700 MB in memory."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=700m", "tmpfs", str(place)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("a small disk can be mounted by root alone")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)  # noqa: S607


def test_a_full_disk_refuses_before_the_database_dies_and_takes_again_when_freed(
    small_disk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server = EmbeddedServer(small_disk / "home")
    uri = server.open() + QUICK
    try:
        with connect(uri) as client:
            store = Store(client, "chaos", disk_floor=100_000_000)
            store.prepare()
            feed(store, 0, 200)
            space = store.space.read()
            assert space is not None and space.free > 130_000_000
            ballast = small_disk / "ballast"
            occupy(ballast, space.free - 60_000_000)
            time.sleep(1.2)
            with pytest.raises(UnavailableError, match="nearly full"):
                store.messages.add([numbered(200)])
            refused = 0
            with at_work(store) as worker:  # between the floors: what was taken is worked on
                until(lambda: settled(store))
                occupy(ballast, space.free - 30_000_000)
                until(lambda: worker.state == "waiting", 20)
                for _ in range(20):
                    try:
                        store.messages.add([numbered(200)])
                    except UnavailableError:
                        refused += 1
                ballast.unlink()
                feed(store, 200, 200)
                until(lambda: settled(store))
    finally:
        counts = check(uri, "chaos", 400)
        server.close()
    with capsys.disabled():
        print(f"\nfull disk: {refused} of 20 refused, {counts}")
    assert refused == 20 and counts == {"messages": 400, **NOTHING}


def occupy(ballast: Path, size: int) -> None:
    with ballast.open("ab") as file:
        os.posix_fallocate(file.fileno(), 0, size)


def test_a_disk_that_is_full_to_the_last_byte_ends_the_database_and_loses_nothing(
    small_disk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server = EmbeddedServer(small_disk / "home")
    uri = server.open() + QUICK
    try:
        with connect(uri) as client:
            store = Store(client, "chaos", disk_floor=0)  # nobody looks at the floor
            store.prepare()
            first = server.running()
            with at_work(store):
                feed(store, 0, SOME)
                feeder = threading.Thread(target=feed, args=(store, SOME, SOME), daemon=True)
                flood(client, small_disk)
                feeder.start()
                until(lambda: server.running() != first, 120)  # the server has ended, by itself
                time.sleep(DEAD_SECONDS)  # it is started, and does not start
                (small_disk / "ballast").unlink()
                feeder.join(timeout=200)
                until(lambda: settled(store), 120)
    finally:
        (small_disk / "ballast").unlink(missing_ok=True)
        counts = check(uri, "chaos", 2 * SOME)
        server.close()
    with capsys.disabled():
        print(f"\nfull to the last byte: the database ended and came back, {counts}")
    assert counts == {"messages": 2 * SOME, **NOTHING}


def flood(client: MongoClient[dict[str, Any]], disk: Path) -> None:
    """Let the database itself write until there is no space."""
    occupy(disk / "ballast", shutil.disk_usage(disk).free - 20_000_000)
    with suppress(PyMongoError):
        while True:
            client["ballast"]["documents"].insert_one({"data": os.urandom(4_000_000)})


@pytest.mark.skipif(not LONG, reason="it writes 5 GB: make chaos; the short form lets the server say that it forgot")
def test_an_oplog_that_rolled_over_is_a_gap_that_is_told(
    own: tuple[EmbeddedServer, str, Store], capsys: pytest.CaptureFixture[str]
) -> None:
    _, uri, store = own
    with at_work(store) as worker:
        results = results_since(store, wait_seconds=0.1)
        next(results)
        feed(store, 0, 100)
        until(lambda: settled(store))
        token = next(result.token for result in results if result is not None)
        results.close()  # type: ignore[attr-defined]
        oplog = store.client["local"]["oplog.rs"]
        begin = oplog.find_one({}, {"ts": 1}, sort=[("$natural", 1)])
        written = 0
        quick = store.client["ballast"].get_collection("documents", write_concern=WriteConcern(1))
        while oplog.find_one({}, {"ts": 1}, sort=[("$natural", 1)]) == begin:
            quick.insert_many([{"data": bytes(12_000_000)} for _ in range(4)])
            written += 48
            assert written < 20_000
        feed(store, 100, 100)
        until(lambda: settled(store))
        told = next(results_since(store, token, wait_seconds=0.1))
        assert told is not None and told.delivery is None
        gaps = worker.wake.gaps
    counts = check(uri, "chaos", 200)
    with capsys.disabled():
        print(
            f"\noplog rolled over after {written} MB: the gap is told, the worker's stream cut {gaps} times, {counts}"
        )
    assert counts == {"messages": 200, **NOTHING}
