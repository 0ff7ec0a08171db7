"""The programs that are killed: one that takes messages in, one that works on them.

``python -m tests.chaos.actors feed|work URI DATABASE SEED [FROM COUNT]``. Each picks, from its seed, one named point
and how often to pass it, and kills itself there with signal 9. Seed 0 never does.
"""

from __future__ import annotations

import os
import random
import signal
import sys
from collections.abc import Callable

from tests.chaos.source import numbered
from tests.e2e.standins import SmallEngine
from textcrm.errors import StoreError
from textcrm.operations.ingest import take
from textcrm.store.client import Store, connect, translated

FEED_POINTS = ("storing", "stored", "acknowledged")
WORK_POINTS = ("claiming", "claimed", "middle", "analysed", "stored")
BATCH = 20


def doom(seed: int, points: tuple[str, ...], passes: int) -> Callable[[str], None]:
    """Return what kills this process at one of *points*, some time before it was passed *passes* times."""
    chance = random.Random(seed)
    where, left = chance.choice(points), chance.randint(1, passes)

    def point(name: str) -> None:
        nonlocal left
        if seed and name == where:
            left -= 1
            if left <= 0:
                os.kill(os.getpid(), signal.SIGKILL)

    return point


def feed(store: Store, point: Callable[[str], None], start: int, count: int) -> None:
    """Store messages and print the number of each batch that was acknowledged."""
    for first in range(start, count, BATCH):
        batch = [numbered(n) for n in range(first, min(count, first + BATCH))]
        while True:
            point("storing")
            try:
                with translated():
                    take(store, batch, channel="chat")
            except StoreError:
                continue  # not acknowledged: sent again
            break
        point("stored")
        print(first + len(batch), flush=True)
        point("acknowledged")


def work(store: Store, point: Callable[[str], None]) -> None:
    """Work until killed."""
    from textcrm.stream.worker import Worker

    engine = SmallEngine(seconds=0.0005, trouble=lambda _: point("middle"))
    Worker(store, engine, sweep_seconds=0.5, largest_batch=50, point=point).run()


def main() -> None:
    """Be one of the two."""
    kind, uri, database, seed = sys.argv[1:5]
    with connect(uri) as client:
        store = Store(client, database)
        if kind == "feed":
            feed(store, doom(int(seed), FEED_POINTS, 16), int(sys.argv[5]), int(sys.argv[6]))
        else:
            work(store, doom(int(seed), WORK_POINTS, 20))


if __name__ == "__main__":
    main()
