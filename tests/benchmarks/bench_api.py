"""The speed of the service, line by line: ``python -m tests.benchmarks.bench_api [--quick] [--runs 3] [LINE ...]``.

Lines: classify, analyse, batches, overload, tfidf, peer; all unless named. Each figure is the median of the runs.
Server and load share the machine; how the load is made: ``load.py``. The service runs in a process of its own,
``textcrm serve``, with the models of ``TEXTCRM_HOME``; the fast models that are missing are trained. ``--quick`` shows
that it works; its figures say nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.benchmarks.load import Body, Pool, Result, Watched, capacity, closed_loop, open_loop, text
from textcrm.catalog import Catalog
from textcrm.operations.models.training import train_missing
from textcrm.settings import read_settings

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = (sys.executable, "-c", "from textcrm.cli.main import main; main()")
FAST = {"sentiment": "sentiment-fast", "intent": "intent-fast", "urgency": "urgency-fast"}
P99 = 40.0  # milliseconds; what counts as normal
PEER_P99 = 100.0  # the peer cannot keep 40 at any rate
NORMAL_RATE = 50.0


@dataclass(frozen=True)
class Given:
    """How long and how often is measured."""

    seconds: float
    runs: int
    overload_seconds: float
    sweep_seconds: float


@dataclass(frozen=True)
class Service:
    """A server that runs."""

    url: str
    key: str
    process: Watched


def single(words: int) -> Body:
    return lambda: json.dumps({"text": text(words)}).encode()


def whole(words: int) -> Body:
    """Return bodies of messages with an author, so that they are linked as well."""
    author = {"name": "Ann Lee", "email": "ann.lee@example.com"}
    return lambda: json.dumps({"text": text(words), "author": author}).encode()


def hundred() -> bytes:
    return json.dumps({"items": [{"text": text(20)} for _ in range(100)]}).encode()


def say(name: str, figures: str, target: str = "") -> None:
    print(f"{name:44} {figures}{f'   [{target}]' if target else ''}", flush=True)


async def steady(name: str, server: Service, path: str, body: Body, *, rate: float, given: Given, target: str) -> None:
    """Print latencies at a rate."""
    pool = Pool(server.url, server.key)
    await open_loop(pool, path, body, rate=min(rate, 50), seconds=1)
    begin = server.process.cpu()
    results = [await open_loop(pool, path, body, rate=rate, seconds=given.seconds) for _ in range(given.runs)]
    each = 1000 * (server.process.cpu() - begin) / sum(r.sent for r in results)
    p50, p99 = (median(r.at(share) for r in results) for share in (0.5, 0.99))
    say(name, f"p50 {p50:6.1f} ms  p99 {p99:6.1f} ms  CPU {each:5.1f} ms a request  {_statuses(results)}", target)


async def classify(server: Service, given: Given) -> None:
    name, target = "classify one text, three models, 50/s", "p50 12, p99 40"
    await steady(name, server, "/v1/classify", single(20), rate=50, given=given, target=target)


async def analyse(server: Service, given: Given) -> None:
    name, target = "analyse 100 words, everything, 15/s", "p50 40, p99 120"
    await steady(name, server, "/v1/analyse", whole(100), rate=15, given=given, target=target)


async def tfidf(server: Service, given: Given) -> None:
    name, target = "classify with TF-IDF models alone, 400/s", "p99 25"
    await steady(name, server, "/v1/classify", single(20), rate=400, given=given, target=target)


async def batches(server: Service, given: Given) -> None:
    """Print the texts a second of two clients that send batches of a hundred, one after another."""
    pool = Pool(server.url, server.key)
    runs = [
        await closed_loop(pool, "/v1/classify", hundred, clients=2, seconds=given.seconds) for _ in range(given.runs)
    ]
    rate = median(100 * r.statuses[200] / seconds for r, seconds in runs)
    p99 = median(r.at(0.99) for r, _ in runs)
    results = [r for r, _ in runs]
    say("batches of 100", f"{rate:6.0f} texts/s  p99 {p99:6.1f} ms a batch  {_statuses(results)}", "250 texts/s")


async def overload(server: Service, given: Given) -> None:
    """Print what five times the capacity does, and how long it takes until all is as before."""
    pool = Pool(server.url, server.key)
    body = single(20)
    most = await capacity(pool, "/v1/classify", body, start=NORMAL_RATE, p99=P99, seconds=given.sweep_seconds)
    say("classify, the most at p99 40 ms", f"{most:6.0f} requests/s")
    rate = 5 * (most or NORMAL_RATE)
    results, memory, times = [], [], []
    for _ in range(given.runs):
        before = server.process.memory()
        flood = Pool(server.url, server.key)
        result = await open_loop(flood, "/v1/classify", body, rate=rate, seconds=given.overload_seconds)
        flood.close()
        results.append(result)
        memory.append((before, server.process.memory()))
        times.append(await _back_to_normal(server, since=result.last_sent))
    counts = sum((r.statuses for r in results), Counter())
    sent = sum(r.sent for r in results)
    lost = sent - counts[200] - counts[429] - counts[503]
    name = f"overload, {rate:.0f}/s for {given.overload_seconds:.0f} s"
    figures = f"sent {sent:,}: answered {counts[200]:,}, 429 {counts[429]:,}, 503 {counts[503]:,}, lost {lost:,}"
    say(name, figures, "lost 0")
    say("  memory before and after, MB", ", ".join(f"{a} > {b}" for a, b in memory), "flat")
    say("  back to normal after", f"{median(times):6.1f} s", "10 s")


async def _back_to_normal(server: Service, *, since: float) -> float:
    """Return the seconds from *since* until the first second of 50 requests that were answered as in quiet times."""
    pool = Pool(server.url, server.key)
    while True:
        begin = time.perf_counter()
        if (await open_loop(pool, "/v1/classify", single(20), rate=NORMAL_RATE, seconds=1)).good(P99):
            return begin - since
        if begin - since > 60:
            return float("inf")


def against_peer(given: Given) -> None:
    """Print the most requests a second at equal p99, one after the other: the peer, ours, ours with TF-IDF alone."""
    found: list[float] = []
    for starter, path, start in (
        (peer, "/classify", 1.0),
        (shipped, "/v1/classify", 20.0),
        (with_fast_models, "/v1/classify", 20.0),
    ):
        with starter() as server:
            found.append(median([asyncio.run(_most(server, path, start, given)) for _ in range(given.runs)]))
    first, second, third = found
    say(f"peer, the most at p99 {PEER_P99:.0f} ms", f"{first:6.1f} requests/s")
    for name, rate in (("ours, sentence and word views", second), ("ours, TF-IDF models alone", third)):
        times = f"{rate / first:.1f} times" if first else "the peer kept it at no rate"
        say(f"{name}, the same", f"{rate:6.1f} requests/s: {times}", "5 times")


async def _most(server: Service, path: str, start: float, given: Given) -> float:
    pool = Pool(server.url, server.key)
    for _ in range(20):
        await pool.post(path, single(20)())
    return await capacity(pool, path, single(20), start=start, p99=PEER_P99, seconds=given.sweep_seconds)


@contextmanager
def shipped() -> Iterator[Service]:
    """Serve with the models of TEXTCRM_HOME."""
    with _served(dict(os.environ)) as server:
        yield server


@contextmanager
def with_fast_models() -> Iterator[Service]:
    """Serve with pipelines that read words alone, from a home of its own."""
    settings = read_settings()
    train_missing(list(FAST.values()), settings=settings)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "registry").symlink_to(settings.registry_dir)
        (home / "pipelines").mkdir()
        for name, path in Catalog(home).pipelines().items():
            pipeline = path.read_text(encoding="utf-8")
            for task, model in FAST.items():
                pipeline, changed = re.subn(rf'(?m)^{task} = "{task}"', f'{task} = "{model}"', pipeline)
                assert changed == 1, (name, task)
            (home / "pipelines" / f"{name}.toml").write_text(pipeline, encoding="utf-8")
        with _served({**os.environ, "TEXTCRM_HOME": folder}) as server:
            yield server


@contextmanager
def peer() -> Iterator[Service]:
    """Serve the peer."""
    arguments = ["--factory", "tests.benchmarks.api_peer:create_app", "--port", "0", "--no-access-log"]
    with _process([sys.executable, "-m", "uvicorn", *arguments], dict(os.environ), r"running on (http://\S+)") as found:
        yield Service(found[0], "", found[1])


@contextmanager
def _served(environment: dict[str, str]) -> Iterator[Service]:
    environment["TEXTCRM_REQUESTS_PER_SECOND"] = "100000"
    name = f"bench-{time.time_ns()}"
    command = [*PROGRAM, "keys", "create", name, "--scope", "read", "--scope", "text", "--json"]
    made = subprocess.run(command, capture_output=True, check=True, env=environment, timeout=120)
    with _process([*PROGRAM, "serve", "--port", "0"], environment, r"The API: (http://\S+)/v1") as (url, process):
        yield Service(url, json.loads(made.stdout)["key"], process)


@contextmanager
def _process(command: list[str], environment: dict[str, str], ready: str) -> Iterator[tuple[str, Watched]]:
    """Run *command* until the block ends, once it said where it serves."""
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment, cwd=ROOT) as server:
        assert server.stderr is not None
        url = next((found[1] for line in server.stderr if (found := re.search(ready, line))), None)
        assert url is not None, "it did not start"
        threading.Thread(target=server.stderr.read, daemon=True).start()
        try:
            yield url, Watched(server.pid)
        finally:
            server.terminate()


def _statuses(results: list[Result]) -> str:
    counts: Counter[int] = sum((r.statuses for r in results), Counter())
    return " ".join(f"{status}:{count}" for status, count in sorted(counts.items()))


LINES: dict[str, Callable[[Service, Given], Awaitable[None]]] = {
    "classify": classify,
    "analyse": analyse,
    "batches": batches,
    "overload": overload,
    "tfidf": tfidf,
}


async def measure(server: Service, names: list[str], given: Given) -> None:
    for name in names:
        await LINES[name](server, given)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lines", nargs="*", metavar="LINE", help=f"{', '.join(LINES)}, peer")
    parser.add_argument("--seconds", type=float, default=20, help="of each run")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="one short run of each")
    asked = parser.parse_args()
    given = Given(3, 1, 5, 1.5) if asked.quick else Given(asked.seconds, asked.runs, 60, 8)
    wanted = asked.lines or [*LINES, "peer"]
    if unknown := [name for name in wanted if name not in (*LINES, "peer")]:
        parser.error(f"there is no line {unknown[0]}")
    if together := [name for name in LINES if name in wanted and name != "tfidf"]:
        with shipped() as server:
            asyncio.run(measure(server, together, given))
            say("memory of the service at the end", f"{server.process.memory()} MB")
    if "tfidf" in wanted:
        with with_fast_models() as server:
            asyncio.run(measure(server, ["tfidf"], given))
    if "peer" in wanted:
        against_peer(given)


if __name__ == "__main__":
    main()
