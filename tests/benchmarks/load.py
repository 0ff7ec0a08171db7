"""Load on an HTTP server, made by tsung (``apt-get install tsung``): requests leave whether earlier ones are answered.

A run is a row of phases, each with so many new clients a second at Poisson times; each client opens a connection, sends
one request, and goes six seconds later, because tsung writes down every five what it noted. Every body is another one,
so that no answer comes from a cache. tsung is a process of its own.

References
----------
Schroeder, Wierman and Harchol-Balter 2006, "Open Versus Closed: A Cautionary Tale" (NSDI).
"""

from __future__ import annotations

import os
import random
import re
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from statistics import median
from urllib.parse import urlsplit
from xml.sax.saxutils import quoteattr

WORDS = (
    "my order parcel refund invoice account password late broken again please help still waiting since monday kettle "
    "blue delivery address change cancel subscription card charged twice nobody answers thank you great fast wrong "
    "size return label app crashes login error number street london friday urgent today kindly confirm receipt price"
).split()
Body = Callable[[], str]
Phase = tuple[float, float]  # requests a second, and for how many seconds
_SETUP = """<?xml version="1.0"?>
<!DOCTYPE tsung SYSTEM "/usr/share/tsung/tsung-1.0.dtd">
<tsung loglevel="error" dumptraffic="protocol">
  <clients><client host="localhost" use_controller_vm="true" maxusers="60000"/></clients>
  <servers><server host={host} port={port} type="tcp"/></servers>
  <load>{phases}</load>
  <options>
    <option name="max_retries" value="0"/>
    <option name="file_server" id="bodies" value={bodies}/>
  </options>
  <sessions><session name="one" probability="100" type="ts_http">
    <setdynvars sourcetype="file" fileid="bodies" delimiter="|" order="iter"><var name="body"/></setdynvars>
    <request subst="true">
      <http url={path} version="1.1" method="POST" contents="%%_body%%" content_type="application/json">
        <http_header name="Authorization" value={key}/>
        <http_header name="Connection" value="close"/>
      </http>
    </request>
    <thinktime value="6"/>
  </session></sessions>
</tsung>
"""
_PHASE = (
    '<arrivalphase phase="{place}" duration="{seconds}" unit="second">'
    '<users arrivalrate="{rate}" unit="second"/></arrivalphase>'
)


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
    """What came of one run: all answers in the order in which their requests left, and how many requests that were."""

    answers: tuple[Answer, ...]
    sent: int

    @property
    def statuses(self) -> Counter[int]:
        """How many answers of each status; 0 for requests without one."""
        counts = Counter(a.status for a in self.answers)
        counts[0] += self.sent - len(self.answers)
        return +counts

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
        chosen = tuple(a for a in self.answers if begin <= a.sent < end)
        return Result(chosen, len(chosen))


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


def open_loop(target: Target, *phases: Phase) -> Result:
    """Send requests at random times, so many a second in each phase, and wait for all answers."""
    if which("tsung") is None:
        raise SystemExit("The load is made by tsung: apt-get install tsung")
    address = urlsplit(target.url)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        count = int(1.3 * sum(rate * seconds for rate, seconds in phases)) + 200
        (folder / "bodies").write_text("\n".join(target.body() for _ in range(count)), encoding="utf-8")
        setup = _SETUP.format(
            host=quoteattr(str(address.hostname)),
            port=quoteattr(str(address.port)),
            bodies=quoteattr(str(folder / "bodies")),
            path=quoteattr(target.path),
            key=quoteattr(f"Bearer {target.key}"),
            phases="".join(
                _PHASE.format(place=place, rate=rate, seconds=round(seconds))
                for place, (rate, seconds) in enumerate(phases, start=1)
            ),
        )
        (folder / "setup.xml").write_text(setup, encoding="utf-8")
        command = ["tsung", "-f", str(folder / "setup.xml"), "-l", str(folder / "log"), "start"]
        subprocess.run(command, check=True, capture_output=True, timeout=600)
        log = next((folder / "log").iterdir())
        return _read((log / "tsung.dump").read_text(), (log / "tsung.log").read_text())


def _read(dump: str, log: str) -> Result:
    """Read what tsung wrote; a line of the dump is ``end;process;id;method;host;path;status;size;milliseconds;...``."""
    lines = [line.split(";") for line in dump.splitlines() if line and not line.startswith("#")]
    rows = [(line[0], line[6], line[8]) for line in lines]
    found = sorted((float(end) - float(took) / 1000, _status(said), float(took)) for end, said, took in rows)
    first = found[0][0] if found else 0.0
    sent = [int(total) for total in re.findall(r"^stats: users_count \d+ (\d+)", log, re.MULTILINE)]
    return Result(tuple(Answer(at - first, status, took) for at, status, took in found), sent[-1] if sent else 0)


def _status(said: str) -> int:
    """Return the status of an answer; 0 where tsung notes an error in its place."""
    return int(said) if said.isdecimal() else 0


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
