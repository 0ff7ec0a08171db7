"""Load on an HTTP server, made by k6 (https://k6.io): requests leave whether earlier ones are answered or not.

A run is a row of phases, each with so many requests a second; each leaves up to a second late, at random, which comes
close to Poisson times. Every body is another one, so that no answer comes from a cache. k6 is a process of its own.

References
----------
Schroeder, Wierman and Harchol-Balter 2006, "Open Versus Closed: A Cautionary Tale" (NSDI).
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from statistics import median

WORDS = (
    "my order parcel refund invoice account password late broken again please help still waiting since monday kettle "
    "blue delivery address change cancel subscription card charged twice nobody answers thank you great fast wrong "
    "size return label app crashes login error number street london friday urgent today kindly confirm receipt price"
).split()
Body = Callable[[], str]
Phase = tuple[float, float]  # requests a second, and for how many seconds
_SCRIPT = Path(__file__).with_suffix(".js")


def text(words: int) -> str:
    """Return a text of so many words that was not sent before."""
    return " ".join(random.choices(WORDS, k=words)) + f" {random.randrange(10**9)}."


@dataclass(frozen=True)
class Answer:
    """When it was sent, in seconds since the first one, its status, and how many milliseconds it took."""

    sent: float
    status: int
    took: float


@dataclass(frozen=True)
class Result:
    """What came of one run: all answers in the order in which their requests left, those without one with status 0."""

    answers: tuple[Answer, ...]

    @property
    def sent(self) -> int:
        """How many requests left."""
        return len(self.answers)

    @property
    def statuses(self) -> Counter[int]:
        """How many answers of each status; 0 for requests without one."""
        return Counter(a.status for a in self.answers)

    @property
    def end(self) -> float:
        """When the last answer came."""
        return max((a.sent + a.took / 1000 for a in self.answers), default=0.0)

    def at(self, share: float) -> float:
        """Return the latency in milliseconds that *share* of the answers kept."""
        ordered = sorted(a.took for a in self.answers)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")

    def good(self, p99: float) -> bool:
        """Tell whether all was answered, within *p99* milliseconds but for one in a hundred."""
        return set(self.statuses) == {200} and self.at(0.99) <= p99

    def since(self, begin: float, end: float = float("inf")) -> Result:
        """Return the answers to what was sent from *begin* to *end*."""
        return Result(tuple(a for a in self.answers if begin <= a.sent < end))


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


@dataclass(frozen=True)
class Target:
    """Where the requests go. ``body`` makes a new one each time."""

    url: str
    key: str
    path: str
    body: Body


def open_loop(target: Target, *phases: Phase, close: bool = False) -> Result:
    """Send so many requests a second in each phase and wait for all answers; *close*: a new connection for each."""
    program = which("k6")
    if program is None:
        raise SystemExit("The load is made by k6, which is not on the PATH: see CONTRIBUTING.md")
    bodies: list[str] = []
    scenarios: dict[str, object] = {}
    begin = 0.0
    for place, (rate, seconds) in enumerate(phases):
        scenarios[f"phase{place}"] = _scenario(rate, seconds, begin=begin, first=len(bodies))
        bodies += [target.body() for _ in range(int(rate * (seconds + 1)) + 2)]
        begin += seconds
    headers = {"Authorization": f"Bearer {target.key}", "Content-Type": "application/json"}
    with tempfile.TemporaryDirectory() as name:
        setup, texts, answers = (Path(name) / part for part in ("setup.json", "bodies", "answers"))
        texts.write_text("\n".join(bodies), encoding="utf-8")
        asked = {"url": target.url + target.path, "headers": headers, "bodies": str(texts), "close": close}
        setup.write_text(json.dumps(asked | {"scenarios": scenarios}), encoding="utf-8")
        quiet = ("--quiet", "--no-summary", "--no-thresholds", "--no-usage-report", "--log-format", "raw")
        command = [program, "run", *quiet, "--console-output", str(answers), "--env", f"SETUP={setup}", str(_SCRIPT)]
        subprocess.run(command, check=True, capture_output=True, timeout=600)
        return _read(answers.read_text())


def _scenario(rate: float, seconds: float, *, begin: float, first: int) -> dict[str, object]:
    """Describe a phase to k6. Each request waiting to leave or for its answer takes a "virtual user"."""
    return {
        "executor": "constant-arrival-rate",
        "rate": max(1, round(60 * rate)),
        "timeUnit": "60s",
        "startTime": f"{begin}s",
        "duration": f"{seconds}s",
        "gracefulStop": "65s",
        "preAllocatedVUs": int(2 * rate) + 10,
        "maxVUs": int(20 * rate) + 100,
        "env": {"FIRST": str(first)},
    }


def _read(answers: str) -> Result:
    """Read what the script wrote: a line for each request, with its time, status and latency, both in milliseconds."""
    rows = sorted((float(at), int(status), float(took)) for at, status, took in map(str.split, answers.splitlines()))
    first = rows[0][0] if rows else 0.0
    return Result(tuple(Answer((at - first) / 1000, status, took) for at, status, took in rows))


def capacity(target: Target, *, start: float, p99: float, seconds: float) -> float:
    """Return the most requests a second at which one in a hundred at most takes longer than *p99* milliseconds.

    Found by raising the rate by half until it fails, then by halving the step four times; 0 where *start* fails.
    """
    good, bad, rate = 0.0, 0.0, start
    for _ in range(16):
        if not open_loop(target, (rate, seconds)).good(p99):
            bad = rate
            break
        good, rate = rate, rate * 1.5
    for _ in range(4 if good else 0):
        rate = (good + bad) / 2
        if open_loop(target, (rate, seconds)).good(p99):
            good = rate
        else:
            bad = rate
    return good


def medians(results: Sequence[Result], *shares: float) -> list[float]:
    """Return the median over the runs of the latency that each share of the answers kept."""
    return [median(r.at(share) for r in results) for share in shares]
