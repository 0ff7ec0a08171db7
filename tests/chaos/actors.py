"""The programs that are killed: those that take messages in, by a call and over HTTP, and those that work on them.

``python -m tests.chaos.actors LOG`` is the nursery: it has everything imported, and makes a program for each line that
it reads (one JSON list: kind, URI, database, seed, and more arguments), so that a kill costs a fork and not a start. It
prints ``born PID`` and, when one has ended, ``dead PID STATUS``. Each program picks, from its seed, one named point and
how often to pass it, notes the point in LOG, and kills itself there with signal 9. Seed 0 never does.
"""

from __future__ import annotations

import json
import os
import random
import select
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import uvicorn

import textcrm_api.app
from tests.chaos.source import numbered
from tests.e2e.standins import SmallEngine
from textcrm.errors import StoreError
from textcrm.operations.intake.ingest import take
from textcrm.settings import Settings
from textcrm.store.client import Store, connect, translated
from textcrm.stream.worker import Worker

POINTS = {
    "feed": ("storing", "stored", "acknowledged"),
    "api": ("storing", "stored", "acknowledged"),
    "work": ("claiming", "claimed", "middle", "analysed", "stored"),
}
PASSES = {"feed": 16, "api": 16, "work": 20}
BATCH = 20
Point = Callable[[str], None]


def doom(kind: str, seed: int, log: Path) -> Point:
    """Return what kills this process at one of its points, some time before it was passed so many times."""
    chance = random.Random(seed)
    where, left = chance.choice(POINTS[kind]), chance.randint(1, PASSES[kind])

    def point(name: str) -> None:
        nonlocal left
        if seed and name == where:
            left -= 1
            if left <= 0:
                note(log, f"killed {kind} {name}")
                os.kill(os.getpid(), signal.SIGKILL)

    return point


def note(log: Path, line: str) -> None:
    """Add a line to *log*, whole or not at all."""
    target = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(target, f"{line}\n".encode())
    os.close(target)


def feed(store: Store, point: Point, log: Path, start: int, count: int) -> None:
    """Store messages and note the number of each batch that was acknowledged."""
    for first in range(start, count, BATCH):
        batch = [numbered(n) for n in range(first, min(count, first + BATCH))]
        while True:
            point("storing")
            with suppress(StoreError), translated():  # not acknowledged: sent again
                take(store, batch, channel="chat")
                break
        point("stored")
        note(log, f"fed {first + len(batch)}")
        point("acknowledged")


def work(store: Store, point: Point) -> None:
    """Work until killed."""
    engine = SmallEngine(seconds=0.0005, trouble=lambda _: point("middle"))
    Worker(store, engine, sweep_seconds=0.5, largest_batch=50, point=point).run()


def serve(store: Store, point: Point, settings: Settings) -> None:
    """Take messages in over HTTP until killed."""
    app = textcrm_api.app.create_app(settings, store=store, engine=SmallEngine())  # type: ignore[arg-type]
    add = store.messages.add

    def watched(*arguments: Any, **options: Any) -> Any:
        point("storing")
        added = add(*arguments, **options)
        point("stored")
        return added

    async def answering(scope: Any, receive: Any, send: Any) -> None:
        await app(scope, receive, send)
        if scope["type"] == "http":
            point("acknowledged")

    store.messages.add = watched  # type: ignore[method-assign]
    uvicorn.run(answering, host="127.0.0.1", port=settings.port, log_level="critical", lifespan="on")


def live(log: Path, kind: str, uri: str, database: str, seed: int, *more: int) -> None:
    """Be one of them."""
    point = doom(kind, seed, log)
    with connect(uri) as client:
        store = Store(client, database)
        if kind == "feed":
            feed(store, point, log, *more)
        elif kind == "api":
            serve(store, point, Settings(home=log.parent, port=more[0], requests_per_second=1e6))
        else:
            work(store, point)


def nursery(log: Path) -> None:
    """Make programs as asked, and tell which have ended."""
    while True:
        if select.select([sys.stdin], [], [], 0.01)[0]:
            line = sys.stdin.readline()
            if not line:
                return
            child = os.fork()
            if not child:
                try:
                    live(log, *json.loads(line))
                except BaseException:  # noqa: BLE001 - shown, and told by the status
                    traceback.print_exc()
                    os._exit(1)
                os._exit(0)
            print("born", child, flush=True)
        with suppress(ChildProcessError):
            ended, status = os.waitpid(-1, os.WNOHANG)
            if ended:
                print("dead", ended, os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    nursery(Path(sys.argv[1]))
