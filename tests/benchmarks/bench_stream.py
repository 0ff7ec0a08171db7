"""How soon a stored message has its insight, and how many go through: ``python -m tests.benchmarks.bench_stream``.

With TEXTCRM_BENCH_ENGINE=small the analysis is a stand-in, so that the figures are those of the worker and the
database alone; otherwise the shipped models analyse. TEXTCRM_BENCH_STORM_SECONDS shortens the storm of 60 s.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.standins import SmallEngine
from tests.factories import message
from textcrm.settings import Settings
from textcrm.store import Store
from textcrm.stream.worker import Worker

if TYPE_CHECKING:
    from textcrm.operations.links.claims import Analyser

ROOT = Path(__file__).resolve().parents[2]
SMALL = os.environ.get("TEXTCRM_BENCH_ENGINE") == "small"
STORM_SECONDS = float(os.environ.get("TEXTCRM_BENCH_STORM_SECONDS", "60"))
ROUNDS, MESSAGES = 3, 1_500  # of one process against two
WORDS = (
    "My order {n} has not arrived, and nobody answers the phone. I want my money back.",
    "Thank you for order {n}, it came today and fits well!",
    "Please change the address of order {n} to 12 Mill Lane, Leeds. Best, Ann",
    "I was charged twice for order {n}. Please refund one payment as soon as you can.",
)
pytestmark = pytest.mark.benchmark


@pytest.fixture
def analyser(request: pytest.FixtureRequest) -> Any:
    return SmallEngine(seconds=0.002) if SMALL else request.getfixturevalue("engine")


def text(number: int) -> str:
    return WORDS[number % len(WORDS)].format(n=number)


@contextmanager
def at_work(store: Store, analyser: Analyser) -> Iterator[Worker]:
    worker = Worker(store, analyser)
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        yield worker
    finally:
        worker.stop()
        thread.join(timeout=60)


def delays(store: Store, skip: int = 0) -> list[float]:
    """Seconds from stored to insight stored, by the server's clock, in the order they were stored."""
    done = {d["_id"]: d["stored_at"] for d in store.database["insights"].find({}, {"stored_at": 1})}
    rows = store.database["messages"].find({}, {"stored_at": 1}).sort([("stored_at", 1), ("_id", 1)])
    return [(done[d["_id"]] - d["stored_at"]).total_seconds() for d in rows if d["_id"] in done][skip:]


def share(values: Sequence[float], part: float) -> float:
    return sorted(values)[min(len(values) - 1, int(part * len(values)))]


def wait(store: Store, seconds: float = 900) -> None:
    deadline = time.monotonic() + seconds
    while {"pending", "leased"} & set(store.messages.counts()):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_idle(store: Store, analyser: Analyser) -> None:
    with at_work(store, analyser):
        time.sleep(2)
        walls = []
        for n in range(60):
            time.sleep(0.25)
            begin = time.perf_counter()
            sent = message(text(n))
            store.messages.add([sent])
            while store.database["insights"].find_one({"_id": sent.id}, {"_id": 1}) is None:
                time.sleep(0.002)
            walls.append(time.perf_counter() - begin)
    found = walls[10:]
    print(f"\nidle, from add() to the insight seen: p50 {1000 * statistics.median(found):.0f} ms, "
          f"p95 {1000 * share(found, 0.95):.0f} ms of {len(found)}")  # fmt: skip


def test_capacity_steady_and_storm(store: Store, analyser: Analyser) -> None:
    with at_work(store, analyser) as worker:
        store.messages.add([message(text(n)) for n in range(100)])
        wait(store)  # what loads at its first use is loaded
        begin = time.perf_counter()
        store.messages.add([message(text(n)) for n in range(1_000, 1_600)])
        wait(store)
        capacity = 600 / (time.perf_counter() - begin)
        print(f"\ncapacity: {capacity:.0f} messages/s, one worker")
        before = store.messages.count()
        steady(store, rate=capacity / 2, seconds=30, start=10_000)
        wait(store)
        found = delays(store, before)
        p50, p95, p99 = (1000 * share(found, part) for part in (0.5, 0.95, 0.99))
        print(f"steady at {capacity / 2:.0f}/s: p50 {p50:.0f} ms, p95 {p95:.0f} ms, p99 {p99:.0f} ms of {len(found)}")
        memory, begin, before = resident(), time.perf_counter(), worker.done
        steady(store, rate=capacity * 5, seconds=STORM_SECONDS, start=100_000)
        fed = time.perf_counter() - begin
        wait(store)
        total = store.messages.count()
        print(f"storm of ten times that for {fed:.0f} s: {worker.done - before} messages, drained after "
              f"{time.perf_counter() - begin:.0f} s, memory {memory:.0f} -> {resident():.0f} MB, "
              f"{total - store.insights.count()} lost")  # fmt: skip


def steady(store: Store, *, rate: float, seconds: float, start: int) -> None:
    """Store *rate* messages a second, ten times a second."""
    begin = time.monotonic()
    sent = 0
    while (now := time.monotonic() - begin) < seconds:
        due = int(rate * now)
        if due > sent:
            store.messages.add([message(text(start + n)) for n in range(sent, due)])
            sent = due
        time.sleep(0.1)


def resident() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


PROGRAM = """
import sys, threading
from tests.e2e.standins import SmallEngine
from textcrm.settings import read_settings
from textcrm.store import open_store
from textcrm.stream.worker import Worker
settings = read_settings()
with open_store(settings, prepare=False) as store:
    if sys.argv[1] == "small":
        engine = SmallEngine(seconds=0.002)
    else:
        from textcrm.engine import Engine
        engine = Engine.open(settings)
        engine.warm()
    worker = Worker(store, engine)
    threading.Thread(target=lambda: (sys.stdin.read(), worker.stop())).start()
    print("ready", flush=True)
    worker.run()
"""


def test_a_second_process(store: Store, settings: Settings, request: pytest.FixtureRequest) -> None:
    if not SMALL:
        request.getfixturevalue("models")
    assert settings.mongodb_uri is not None
    environment = {
        **os.environ,
        "TEXTCRM_HOME": str(settings.home),
        "TEXTCRM_MONGODB_URI": settings.mongodb_uri.get_secret_value(),
        "TEXTCRM_DATABASE": settings.database,
        "OMP_NUM_THREADS": "1",
    }
    database = int(store.client.admin.command("serverStatus")["pid"])
    rates: dict[int, list[float]] = {1: [], 2: []}
    spent: dict[int, list[tuple[float, float]]] = {1: [], 2: []}
    for turn in range(2 * ROUNDS):
        processes = 1 + turn % 2
        with programs(processes, environment) as workers:
            store.messages.add([message(text(n)) for n in range(turn * 100_000, turn * 100_000 + 300)])
            wait(store)  # what loads at its first use is loaded
            sent = [message(text(n)) for n in range(turn * 100_000 + 1_000, turn * 100_000 + 1_000 + MESSAGES)]
            before = sum(map(cpu, workers)), cpu(database)
            begin = time.perf_counter()
            store.messages.add(sent)
            wait(store)
            rates[processes].append(MESSAGES / (time.perf_counter() - begin))
            after = sum(map(cpu, workers)), cpu(database)
            spent[processes].append(
                (1000 * (after[0] - before[0]) / MESSAGES, 1000 * (after[1] - before[1]) / MESSAGES)
            )
    one, two = (statistics.median(rates[n]) for n in (1, 2))
    work, base = (statistics.median(part) for part in zip(*spent[2], strict=True))
    print(f"\none process {one:.0f}/s, two {two:.0f}/s: {two / one:.2f} times (medians of {ROUNDS})")
    print(f"CPU time a message with two: workers {work:.2f} ms, mongod {base:.2f} ms; "
          f"two cores that do nothing else can do {2000 / (work + base):.0f}/s")  # fmt: skip


@contextmanager
def programs(count: int, environment: dict[str, str]) -> Iterator[list[int]]:
    """Start workers, wait until they are ready, and yield their process ids."""
    command = [sys.executable, "-c", PROGRAM, "small" if SMALL else "shipped"]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    workers = [subprocess.Popen(command, env=environment, cwd=ROOT, **pipes) for _ in range(count)]
    for worker in workers:
        assert worker.stdout is not None and worker.stdout.readline().strip() == "ready"
    yield [worker.pid for worker in workers]
    for worker in workers:
        worker.communicate()


def cpu(process: int) -> float:
    """Return the CPU time of a process in seconds."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    sys.exit(pytest.main([__file__, "-q", "-s", "--no-header", "-p", "no:cacheprovider"]))
