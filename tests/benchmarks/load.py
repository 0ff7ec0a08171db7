"""Open-loop load on an HTTP server: requests leave at Poisson times whether or not earlier ones were answered.

Each latency counts from the time at which the request was due, so that a server that stalls cannot hide it, and each
body is new, so that no answer comes from a cache. The generator is our own because none of the public tools that the
package indexes here hold (PyPI, Debian, npm) does that: hey, wrk, ab, siege, locust and autocannon are closed loops
(a client that waits sends less, and the wait is not counted), httperf and tsung send bodies that were written before.
Those that do (vegeta, k6, wrk2, oha) are not among them.

References
----------
Schroeder, Wierman and Harchol-Balter 2006, "Open Versus Closed: A Cautionary Tale" (NSDI); Tene 2015, "How NOT to
Measure Latency" (coordinated omission).
"""

from __future__ import annotations

import asyncio
import os
import random
import re
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

WORDS = (
    "my order parcel refund invoice account password late broken again please help still waiting since monday kettle "
    "blue delivery address change cancel subscription card charged twice nobody answers thank you great fast wrong "
    "size return label app crashes login error number street london friday urgent today kindly confirm receipt price"
).split()
Body = Callable[[], bytes]


def text(words: int) -> str:
    """Return a text of so many words that was not sent before."""
    return " ".join(random.choices(WORDS, k=words)) + f" {random.randrange(10**9)}."


@dataclass
class Result:
    """What came of one run; the status 0 is a request without an answer."""

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    sent: int = 0
    last_sent: float = 0.0

    def at(self, share: float) -> float:
        """Return the latency in milliseconds that *share* of the answers kept."""
        ordered = sorted(self.seconds)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")

    def good(self, p99: float) -> bool:
        """Tell whether all was answered, within *p99* milliseconds but for one in a hundred."""
        return set(self.statuses) == {200} and self.at(0.99) <= p99


@dataclass(frozen=True)
class Watched:
    """The process of a server."""

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

    def __init__(self, url: str, key: str = "") -> None:
        self._address = urlsplit(url)
        self._head = f"Host: bench\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n"
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def post(self, path: str, body: bytes) -> int:
        """Return the status of the answer; 0 where there was none."""
        for _ in range(2):  # a connection that was idle may be closed just now: once more on another one
            try:
                reader, writer = self._idle.pop() if self._idle else await self._open()
            except OSError:
                return 0
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

    def close(self) -> None:
        """Close the connections."""
        for _, writer in self._idle:
            writer.close()

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(self._address.hostname, self._address.port, limit=2**22)


async def open_loop(pool: Pool, path: str, body: Body, *, rate: float, seconds: float) -> Result:
    """Send *rate* requests a second at random times, and wait for all answers."""
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
    result.sent, result.last_sent = len(tasks), time.perf_counter()
    await asyncio.gather(*tasks)
    return result


async def closed_loop(pool: Pool, path: str, body: Body, *, clients: int, seconds: float) -> tuple[Result, float]:
    """Have *clients* send one request after another. Returns also the seconds until the last answer."""
    result = Result()
    begin = time.perf_counter()

    async def client() -> None:
        while (sent := time.perf_counter()) < begin + seconds:
            result.statuses[await pool.post(path, body())] += 1
            result.seconds.append(time.perf_counter() - sent)

    await asyncio.gather(*(client() for _ in range(clients)))
    return result, time.perf_counter() - begin


async def capacity(pool: Pool, path: str, body: Body, *, start: float, p99: float, seconds: float) -> float:
    """Return the most requests a second at which one in a hundred at most takes longer than *p99* milliseconds.

    Found by raising the rate by half until it fails, then by halving the step four times; 0 where *start* fails.
    """
    good, bad, rate = 0.0, 0.0, start
    for _ in range(16):
        if (await open_loop(pool, path, body, rate=rate, seconds=seconds)).good(p99):
            good, rate = rate, rate * 1.5
        else:
            bad = rate
            break
        await asyncio.sleep(0.2)
    for _ in range(4 if good else 0):
        rate = (good + bad) / 2
        await asyncio.sleep(0.5)  # let what waits be answered
        if (await open_loop(pool, path, body, rate=rate, seconds=seconds)).good(p99):
            good = rate
        else:
            bad = rate
    return good
