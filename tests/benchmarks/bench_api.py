"""Open-loop load on a served API: ``python tests/benchmarks/bench_api.py [--seconds 20] [--runs 3]``.

Requests leave at Poisson times whether or not earlier ones were answered, and each latency counts from the time at
which the request was due, so that a server that stalls cannot hide it. Every text is new: no answer comes from the
cache. The service runs in a process of its own, ``textcrm serve``, with the models of ``TEXTCRM_HOME``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

WORDS = (
    "my order parcel refund invoice account password late broken again please help still waiting since monday kettle "
    "blue delivery address change cancel subscription card charged twice nobody answers thank you great fast wrong "
    "size return label app crashes login error number street london friday urgent today kindly confirm receipt price"
).split()


@dataclass
class Result:
    """What came of one run."""

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)

    def at(self, share: float) -> float:
        """Return the latency in milliseconds that *share* of the answers kept."""
        ordered = sorted(self.seconds)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def text(words: int) -> str:
    return " ".join(random.choices(WORDS, k=words)) + f" {random.randrange(10**9)}."


@dataclass(frozen=True)
class Watched:
    """The process of the service."""

    pid: int

    def memory(self) -> int:
        """Return its resident memory in megabytes."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) // 1024

    def cpu(self) -> float:
        """Return the CPU seconds it used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Pool:
    """Connections that stay open."""

    def __init__(self, url: str, key: str) -> None:
        self._address = urlsplit(url)
        self._head = f"Host: bench\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n"
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def post(self, path: str, body: bytes) -> int:
        """Return the status of the answer; 0 where there was none."""
        for _ in range(2):
            reader, writer = self._idle.pop() if self._idle else await self._open()
            try:
                writer.write(f"POST {path} HTTP/1.1\r\n{self._head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
                await reader.readexactly(int(length[1]) if length else 0)
            except (OSError, asyncio.IncompleteReadError):
                writer.close()
                continue
            self._idle.append((reader, writer))
            return int(head[9:12])
        return 0

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(self._address.hostname, self._address.port, limit=2**22)


async def open_loop(pool: Pool, path: str, body: Callable[[], bytes], *, rate: float, seconds: float) -> Result:
    """Send *rate* requests a second at random times."""
    result = Result()
    tasks = []

    async def one(due: float, data: bytes) -> None:
        status = await pool.post(path, data)
        result.seconds.append(time.perf_counter() - due)
        result.statuses[status] += 1

    due = time.perf_counter()
    end = due + seconds
    while due < end:
        due += random.expovariate(rate)
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        tasks.append(asyncio.create_task(one(due, body())))
    await asyncio.gather(*tasks)
    return result


def single(words: int) -> Callable[[], bytes]:
    return lambda: json.dumps({"text": text(words)}).encode()


def hundred() -> bytes:
    return json.dumps({"items": [{"text": text(20)} for _ in range(100)]}).encode()


SCENARIOS: tuple[tuple[str, str, Callable[[], bytes], float], ...] = (
    ("classify one text of 20 words, 50/s", "/v1/classify", single(20), 50),
    ("analyse 100 words, 15/s", "/v1/analyse", single(100), 15),
    ("batches of 100, 2/s", "/v1/classify", hundred, 2),
)


async def measure(url: str, key: str, *, seconds: float, runs: int, find_limit: bool, watched: Watched) -> None:
    pool = Pool(url, key)
    for _ in range(30):
        await pool.post("/v1/classify", single(20)())
    for name, path, body, rate in SCENARIOS:
        begin = watched.cpu()
        results = [await open_loop(pool, path, body, rate=rate, seconds=seconds) for _ in range(runs)]
        p50, p99 = (median(r.at(share) for r in results) for share in (0.5, 0.99))
        statuses = dict(sum((r.statuses for r in results), Counter()))
        each = 1000 * (watched.cpu() - begin) / max(1, sum(statuses.values()))
        print(f"{name:36} p50 {p50:7.1f} ms  p99 {p99:7.1f} ms  CPU {each:6.1f} ms a request  {statuses}")
    if not find_limit:
        return
    rate = 50.0
    while True:
        result = await open_loop(pool, "/v1/classify", single(20), rate=rate, seconds=min(seconds, 8))
        print(
            f"classify at {rate:5.0f}/s  p50 {result.at(0.5):7.1f}  p99 {result.at(0.99):7.1f}  {dict(result.statuses)}"
        )
        if result.at(0.99) > 40 or set(result.statuses) != {200}:
            break
        rate *= 1.4
    before = watched.memory()
    print(f"overload: {5 * rate:.0f}/s for {seconds:.0f} s, {before} MB before")
    result = await open_loop(pool, "/v1/classify", single(20), rate=5 * rate, seconds=seconds)
    print(f"  {dict(result.statuses)} (0: no answer), {watched.memory()} MB after")
    await asyncio.sleep(5)
    result = await open_loop(pool, "/v1/classify", single(20), rate=30, seconds=5)
    print(f"  5 s later, 30/s: p50 {result.at(0.5):.1f} p99 {result.at(0.99):.1f} {dict(result.statuses)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument(
        "--find-limit", action="store_true", help="also raise the rate until p99 passes 40 ms, then overload"
    )
    given = parser.parse_args()
    command = [sys.executable, "-c", "from textcrm.cli.main import main; main()"]
    made = subprocess.run(
        [*command, "keys", "create", f"bench-{time.time_ns()}", "--json"], capture_output=True, check=True
    )
    key = json.loads(made.stdout)["key"]
    environment = {**os.environ, "TEXTCRM_REQUESTS_PER_SECOND": "100000"}
    begin = time.perf_counter()
    with subprocess.Popen(
        [*command, "serve", "--port", "0"], stderr=subprocess.PIPE, text=True, env=environment
    ) as server:
        assert server.stderr is not None
        url = next(found[1] for line in server.stderr if (found := re.search(r"The API: (http://\S+)/v1", line)))
        print(f"ready after {time.perf_counter() - begin:.1f} s")
        drain = subprocess.Popen(["cat"], stdin=server.stderr, stdout=subprocess.DEVNULL)  # noqa: S607

        try:
            watched = Watched(server.pid)
            options = {"seconds": given.seconds, "runs": given.runs, "find_limit": given.find_limit}
            asyncio.run(measure(url, key, watched=watched, **options))
            print(f"memory {watched.memory()} MB")
        finally:
            server.terminate()
            drain.wait(30)


if __name__ == "__main__":
    main()
