"""The speed of the service, line by line: ``python -m tests.benchmarks.bench_api [--quick] [--workers 1] [LINE ...]``.

Lines: classify, analyse, batches, overload, tfidf, peer; all unless named. Each figure is the median of the runs.
Server and load share the machine; the load is open loop, made by k6 (``load.py``). The service runs in a process of
its own, ``textcrm serve``, or in several (``--workers``), with the models of ``TEXTCRM_HOME``; for the line tfidf in
two, with the fast models, which are trained where they are missing.
``--quick`` shows that it works; its figures say nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from urllib.request import Request, urlopen

from tests.benchmarks.load import Body, Result, Target, Watched, capacity, medians, open_loop, text
from textcrm.catalog import Catalog
from textcrm.operations.models.training import train_missing
from textcrm.settings import read_settings

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = (sys.executable, "-c", "from textcrm.cli.main import main; main()")
FAST = {"sentiment": "sentiment-fast", "intent": "intent-fast", "urgency": "urgency-fast"}
PEER_P99 = 250.0  # milliseconds; the peer cannot keep 40 at any rate
FLOOD = 400.0  # requests a second that no two cores can answer
QUIET_SECONDS = 10


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
    processes: tuple[Watched, ...]

    def cpu(self) -> float:
        return sum(process.cpu() for process in self.processes)

    def memory(self) -> int:
        return sum(process.memory() for process in self.processes)


def single(words: int) -> Body:
    return lambda: json.dumps({"text": text(words)})


def whole(words: int) -> Body:
    """Return bodies of messages with an author, so that they are linked as well."""
    author = {"name": "Ann Lee", "email": "ann.lee@example.com"}
    return lambda: json.dumps({"text": text(words), "author": author})


def hundred() -> str:
    return json.dumps({"items": [{"text": text(20)} for _ in range(100)]})


def say(name: str, figures: str, target: str = "") -> None:
    print(f"{name:44} {figures}{f'   [{target}]' if target else ''}", flush=True)


def steady(name: str, server: Service, path: str, body: Body, *, rate: float, given: Given, target: str) -> None:
    """Print latencies at a rate."""
    aim = Target(server.url, server.key, path, body)
    open_loop(aim, (min(rate, 50), 2))
    begin = server.cpu()
    results = [open_loop(aim, (rate, given.seconds)) for _ in range(given.runs)]
    each = 1000 * (server.cpu() - begin) / sum(r.sent for r in results)
    p50, p99 = medians(results, 0.5, 0.99)
    sent = median([r.sent for r in results]) / given.seconds  # the load shares the cores: it may not come to its rate
    figures = f"p50 {p50:6.1f} ms  p99 {p99:6.1f} ms  CPU {each:5.1f} ms a request  {_statuses(results)}"
    say(name, f"{figures}  sent {sent:.0f}/s", target)


def classify(server: Service, given: Given) -> None:
    name, target = "classify one text, three models, 50/s", "p50 12, p99 40"
    steady(name, server, "/v1/classify", single(20), rate=50, given=given, target=target)


def analyse(server: Service, given: Given) -> None:
    name, target = "analyse 100 words, everything, 15/s", "p50 40, p99 120"
    steady(name, server, "/v1/analyse", whole(100), rate=15, given=given, target=target)


def tfidf(server: Service, given: Given) -> None:
    name, target = "classify with TF-IDF models alone, 2 processes, 400/s", "p99 25"
    steady(name, server, "/v1/classify", single(20), rate=400, given=given, target=target)
    aim = Target(server.url, server.key, "/v1/classify", single(20))
    most = median([capacity(aim, start=20, p99=25, seconds=given.sweep_seconds) for _ in range(given.runs)])
    say("  the most at p99 25 ms", f"{most:6.0f} requests/s", "400")


def batches(server: Service, given: Given) -> None:
    """Print how many texts a second are answered where more come than can be: four batches of a hundred a second."""
    aim = Target(server.url, server.key, "/v1/classify", hundred)
    results = [open_loop(aim, (4, given.seconds)) for _ in range(given.runs)]
    rate = median(100 * r.statuses[200] / r.end for r in results)
    say("batches of 100", f"{rate:6.0f} texts/s  {_statuses(results)}", "250 texts/s")


def overload(server: Service, given: Given) -> None:
    """Print what five times the capacity does, and how long it takes until all is as before."""
    aim = Target(server.url, server.key, "/v1/classify", single(20))
    full = open_loop(aim, (FLOOD, given.sweep_seconds))
    most = full.statuses[200] / full.end
    say("classify, answered where more comes", f"{most:6.0f} requests/s")
    rate, quiet, flood = 5 * most, most / 2, given.overload_seconds
    results, memory, times = [], [], []
    for _ in range(given.runs):
        before = server.memory()
        result = open_loop(aim, (quiet, QUIET_SECONDS), (rate, flood), (quiet, 2 * QUIET_SECONDS))
        results.append(result)
        memory.append((before, server.memory()))
        times.append(_back_to_normal(result, after=QUIET_SECONDS + flood))
    counts = sum((r.statuses for r in results), Counter())
    name = f"overload, {rate:.0f}/s for {flood:.0f} s, {quiet:.0f}/s around"
    figures = f"sent {sum(r.sent for r in results):,}: answered {counts.pop(200):,}, 429 {counts.pop(429, 0):,}"
    figures += f", 503 {counts.pop(503, 0):,}, lost {counts.total():,}"
    say(name, figures, "lost 0")
    rates = [r.since(QUIET_SECONDS, QUIET_SECONDS + flood).sent / flood for r in results]
    say("  sent while more came, for the load shares the cores", f"{median(rates):6.0f} requests/s", f"{rate:.0f}")
    say("  memory before and after, MB", ", ".join(f"{a} > {b}" for a, b in memory), "flat")
    say("  back to normal after", f"{median(times):6.1f} s", "10 s")


def _back_to_normal(result: Result, *, after: float) -> float:
    """Return the seconds from *after* until the first second in which all was answered as fast as in the beginning.

    As fast: nine of ten as fast as 99 of a hundred were then.
    """
    before = result.since(0, QUIET_SECONDS).at(0.99)
    for second in range(2 * QUIET_SECONDS):
        window = result.since(after + second, after + second + 1)
        if set(window.statuses) == {200} and window.at(0.9) <= before:
            return float(second)
    return float("inf")


def against_peer(given: Given) -> None:
    """Print the most requests a second at equal p99, one after the other: the peer, ours, ours with TF-IDF alone."""
    of_peer = 0.0
    for name, starter, path, start in (
        ("peer", peer, "/classify", 1.0),
        ("ours, sentence and word views", shipped, "/v1/classify", 15.0),
        ("ours, TF-IDF models alone", with_fast_models, "/v1/classify", 30.0),
    ):
        with starter() as server:
            aim = Target(server.url, server.key, path, single(20))
            open_loop(aim, (10, 2))
            runs = [capacity(aim, start=start, p99=PEER_P99, seconds=given.sweep_seconds) for _ in range(given.runs)]
        most = f"{median(runs):6.1f} requests/s"
        if starter is peer:
            of_peer = median(runs)
            say(f"{name}, the most at p99 {PEER_P99:.0f} ms", most)
        else:
            times = f"{median(runs) / of_peer:.1f} times" if of_peer else "the peer kept it at no rate"
            say(f"{name}, the same", f"{most}: {times}", "5 times")


@contextmanager
def shipped(workers: int = 1) -> Iterator[Service]:
    """Serve with the models of TEXTCRM_HOME."""
    with served(dict(os.environ), workers=workers) as server:
        yield server


@contextmanager
def with_fast_models(workers: int = 1) -> Iterator[Service]:
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
        with served({**os.environ, "TEXTCRM_HOME": folder}, workers=workers) as server:
            yield server


@contextmanager
def peer() -> Iterator[Service]:
    """Serve the peer."""
    arguments = ["--factory", "tests.benchmarks.api_peer:create_app", "--port", "0", "--no-access-log"]
    with _process([sys.executable, "-m", "uvicorn", *arguments], dict(os.environ), r"running on (http://\S+)") as found:
        yield Service(found[0], "", (Watched(found[1]),))


@contextmanager
def served(
    environment: dict[str, str], *options: str, scopes: Sequence[str] = ("read", "text"), workers: int = 1
) -> Iterator[Service]:
    """Run ``textcrm serve OPTIONS`` and make a key with *scopes* for it; several *workers* are waited for."""
    if workers > 1:
        options, scopes = (*options, "--workers", str(workers)), (*scopes, "admin")
    environment["TEXTCRM_REQUESTS_PER_SECOND"] = "100000"
    asked = [part for scope in scopes for part in ("--scope", scope)]
    command = [*PROGRAM, "keys", "create", f"bench-{time.time_ns()}", *asked, "--json"]
    made = subprocess.run(command, capture_output=True, check=True, env=environment, timeout=120)
    serve = [*PROGRAM, "serve", "--port", "0", *options]
    with _process(serve, environment, r"The API: (http://\S+)/v1") as (url, pid):
        key = json.loads(made.stdout)["key"]
        pids = {pid} if workers == 1 else _that_answer(url, key, workers)
        yield Service(url, key, tuple(map(Watched, pids)))


def _that_answer(url: str, key: str, count: int) -> set[int]:
    """Return the processes behind *url*, once all *count* of them have answered."""
    found: set[int] = set()
    deadline = time.monotonic() + 120
    while len(found) < count:
        assert time.monotonic() < deadline, f"{len(found)} of {count} processes answer"
        request = Request(f"{url}/metrics", headers={"Authorization": f"Bearer {key}"})
        with urlopen(request, timeout=60) as answer:
            found |= set(map(int, re.findall(r'process="(\d+)"', answer.read().decode())))
    return found


@contextmanager
def _process(command: list[str], environment: dict[str, str], ready: str) -> Iterator[tuple[str, int]]:
    """Run *command* until the block ends, once it said where it serves."""
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment, cwd=ROOT) as server:
        assert server.stderr is not None
        said, found = "", None
        for line in server.stderr:
            said += line
            if found := re.search(ready, line):
                break
        assert found, f"it did not start:\n{said}"
        threading.Thread(target=server.stderr.read, daemon=True).start()
        try:
            yield found[1], server.pid
        finally:
            server.terminate()


def _statuses(results: list[Result]) -> str:
    counts: Counter[int] = sum((r.statuses for r in results), Counter())
    return " ".join(f"{status}:{count}" for status, count in sorted(counts.items()))


LINES: dict[str, Callable[[Service, Given], None]] = {
    "classify": classify,
    "analyse": analyse,
    "batches": batches,
    "overload": overload,
    "tfidf": tfidf,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lines", nargs="*", metavar="LINE", help=f"{', '.join(LINES)}, peer")
    parser.add_argument("--seconds", type=float, default=20, help="of each run")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--workers", type=int, default=1, help="processes of the service, for all but tfidf and peer")
    parser.add_argument("--quick", action="store_true", help="one short run of each")
    asked = parser.parse_args()
    given = Given(4, 1, 5, 2) if asked.quick else Given(asked.seconds, asked.runs, 60, 10)
    wanted = asked.lines or [*LINES, "peer"]
    if unknown := [name for name in wanted if name not in (*LINES, "peer")]:
        parser.error(f"there is no line {unknown[0]}")
    if together := [name for name in LINES if name in wanted and name != "tfidf"]:
        with shipped(asked.workers) as server:
            for name in together:
                LINES[name](server, given)
            say("memory of the service at the end", f"{server.memory()} MB")
    if "tfidf" in wanted:
        with with_fast_models(workers=2) as server:
            tfidf(server, given)
    if "peer" in wanted:
        against_peer(given)


if __name__ == "__main__":
    main()
