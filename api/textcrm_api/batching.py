"""Two threads for the models; requests that arrive while one works share the next run.

Where nothing runs, a thread starts at once: nothing waits for company. While a short run goes on, what arrives of the
same kind gathers for the next one, up to `MAX_ITEMS`, or fewer that are long: two short runs, side by side, would wait
for each other for longer. Where a crowd waits, the idle threads share it. A large request takes turns with the others,
so that single texts never wait behind a hundred.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from time import perf_counter
from typing import Any

from pymongo.errors import PyMongoError

from textcrm.errors import StoreError, TextcrmError
from textcrm_api.metrics import Metrics
from textcrm_api.problems import ProblemError, store_error

THREADS = 2  # the models work a part of their time without Python's lock: a third would wait for it
CROWD = 16  # units of work that are worth a thread of their own
MAX_ITEMS = 32
MAX_UNITS = 96
UNIT_CHARS = 500
Work = Callable[[Sequence[Any]], Sequence[Any]]


@dataclass
class _Job:
    kind: Hashable
    work: Work
    items: list[Any]
    units: list[int]
    loop: asyncio.AbstractEventLoop
    done: asyncio.Future[list[Any]]
    taken: int = 0
    left: int = field(init=False)
    results: list[Any] = field(init=False)

    def __post_init__(self) -> None:
        self.left = len(self.items)
        self.results = [None] * len(self.items)


class Batcher:
    """Runs work on items in threads of its own.

    Parameters
    ----------
    threads
        How many runs go on at once.
    max_waiting
        Units of work that may wait, one for an item and one for each `UNIT_CHARS` of it; beyond, requests are refused
        with 503.
    max_seconds
        The longest wait that is promised: where the queue is longer than that, requests are refused at once.
    """

    def __init__(
        self, metrics: Metrics, *, threads: int = THREADS, max_waiting: int = 4_000, max_seconds: float = 5.0
    ) -> None:
        self._metrics = metrics
        self._max_waiting = max_waiting
        self._max_seconds = max_seconds
        self._jobs: deque[_Job] = deque()
        self._waiting = 0
        self._unit_seconds = 0.005
        self._running: list[Hashable] = []  # the kinds of the runs that go on; None for a long one
        self._wake = threading.Condition()
        self._closing = False
        self._threads = [
            threading.Thread(target=self._run, name=f"textcrm-models-{n}", daemon=True) for n in range(threads)
        ]

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Finish what waits, then end the threads."""
        with self._wake:
            self._closing = True
            self._wake.notify_all()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(timeout=30)

    @property
    def alive(self) -> bool:
        """All threads run."""
        return all(thread.is_alive() for thread in self._threads)

    @property
    def waiting(self) -> int:
        """Units of work that wait."""
        return self._waiting

    @property
    def full(self) -> int:
        """In how many seconds to come again, because more waits than is promised; 0 where work is taken."""
        wait = self._waiting * self._unit_seconds / len(self._threads)
        return max(1, round(wait)) if wait > self._max_seconds else 0

    @property
    def _crowded(self) -> bool:
        """So much waits that another thread takes of it; in the end nothing gathers."""
        return self._waiting >= CROWD or self._closing

    async def run(
        self, kind: Hashable, work: Work, items: Sequence[Any], *, chars: Sequence[int] | None = None
    ) -> list[Any]:
        """Return what *work* makes of *items*, in order; an item that failed is its `TextcrmError`.

        Items of the same *kind* may share one call of *work*.

        Parameters
        ----------
        chars
            The length of each item; 0 without it.

        Raises
        ------
        ProblemError
            Too much waits already.
        """
        if not items:
            return []
        loop = asyncio.get_running_loop()
        units = [1 + length // UNIT_CHARS for length in chars or [0] * len(items)]
        job = _Job(kind, work, list(items), units, loop, loop.create_future())
        with self._wake:
            after = self._waiting + sum(units)
            full = self.full
            if full or (self._waiting and after > self._max_waiting):
                self._metrics.refused("overloaded")
                raise ProblemError(
                    "overloaded",
                    "Too many texts wait for the models.",
                    hint="Send fewer at once, or try again later.",
                    headers={"Retry-After": str(full or 1)},
                )
            self._jobs.append(job)
            self._waiting = after
            if self._crowded or kind not in self._running:
                self._wake.notify(len(items))
        return await job.done

    def _run(self) -> None:
        while True:
            with self._wake:
                while not (batch := self._next()):
                    if self._closing and not self._jobs:
                        return
                    self._wake.wait()
                units = sum(sum(job.units[place:end]) for job, place, end in batch)
                kind = batch[0][0].kind if units < CROWD else None
                self._running.append(kind)
            items = [item for job, place, end in batch for item in job.items[place:end]]
            begin = perf_counter()
            results = iter(_each(batch[0][0].work, items))
            spent = (perf_counter() - begin) / units
            self._metrics.batch(len(items))
            with self._wake:
                self._running.remove(kind)
                # one slow run (the first one loads things) says little of the next
                self._unit_seconds += 0.1 * (min(spent, 4 * self._unit_seconds) - self._unit_seconds)
                for job, place, end in batch:
                    job.results[place:end] = islice(results, end - place)
                    job.left -= end - place
                    if not job.left:
                        _settle(job)

    def _next(self) -> list[tuple[_Job, int, int]]:
        """Take the next run from the front: jobs of one kind, each with the places ``[start, end)`` of its items.

        Nothing, where all that waits is to gather.
        """
        batch: list[tuple[_Job, int, int]] = []
        items = MAX_ITEMS
        idle, crowd = len(self._threads) - len(self._running), self._crowded
        shares = idle if self._waiting >= idle * CROWD else 1
        units = min(MAX_UNITS, -(-self._waiting // shares))
        later: list[_Job] = []
        skipped: list[_Job] = []
        while self._jobs and items > 0 and units > 0:
            job = self._jobs.popleft()
            start = end = job.taken
            if job.done.cancelled():
                self._waiting -= sum(job.units[start:])
                continue
            fits = job.kind == batch[0][0].kind if batch else crowd or job.kind not in self._running
            if not fits:
                skipped.append(job)
                continue
            while end < len(job.items) and items > 0 and units > 0:
                items, units, end = items - 1, units - job.units[end], end + 1
            job.taken = end
            self._waiting -= sum(job.units[start:end])
            batch.append((job, start, end))
            if end < len(job.items):
                later.append(job)
        self._jobs.extendleft(reversed(skipped))
        self._jobs.extend(later)
        return batch


def _each(work: Work, items: Sequence[Any]) -> list[Any]:
    """Run *work* on all items; where that fails, on each alone, so that only the one at fault fails."""
    try:
        return list(work(items))
    except (StoreError, PyMongoError) as error:  # it would fail for each alone, and take as long each time
        return [store_error(error)] * len(items)
    except Exception as error:  # noqa: BLE001 - a failing text must not take its neighbours with it
        if len(items) == 1:
            return [error if isinstance(error, TextcrmError) else _failed(error)]
    return [result for item in items for result in _each(work, [item])]


def _failed(error: Exception) -> TextcrmError:
    return TextcrmError("The text could not be analysed", hint=f"The models failed with {type(error).__name__}.")


def _settle(job: _Job) -> None:
    def settle() -> None:
        if not job.done.done():
            job.done.set_result(job.results)

    if not job.loop.is_closed():
        job.loop.call_soon_threadsafe(settle)
