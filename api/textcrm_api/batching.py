"""One thread for the models; requests that arrive while it works share its next run.

An idle thread starts at once: nothing waits for company. While it works, what arrives gathers, and the next run takes
up to `MAX_ITEMS` of it, or fewer that are long. A large request takes turns with the others, so that single texts never
wait behind a hundred.
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
    results: list[Any] = field(default_factory=list)


class Batcher:
    """Runs work on items in one thread of its own.

    Parameters
    ----------
    max_waiting
        Units of work that may wait, one for an item and one for each `UNIT_CHARS` of it; beyond, requests are refused
        with 503.
    max_seconds
        The longest wait that is promised: where the queue is longer than that, requests are refused at once.
    """

    def __init__(self, metrics: Metrics, *, max_waiting: int = 4_000, max_seconds: float = 5.0) -> None:
        self._metrics = metrics
        self._max_waiting = max_waiting
        self._max_seconds = max_seconds
        self._jobs: deque[_Job] = deque()
        self._waiting = 0
        self._unit_seconds = 0.005
        self._wake = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="textcrm-models", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self) -> None:
        """Finish what waits, then end the thread."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        if self._thread.is_alive():
            self._thread.join(timeout=30)

    @property
    def alive(self) -> bool:
        """The thread runs."""
        return self._thread.is_alive()

    @property
    def waiting(self) -> int:
        """Units of work that wait."""
        return self._waiting

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
            if self._waiting and (after > self._max_waiting or self._waiting * self._unit_seconds > self._max_seconds):
                self._metrics.refused("overloaded")
                raise ProblemError(
                    "overloaded",
                    "Too many texts wait for the models.",
                    hint="Send fewer at once, or try again later.",
                    headers={"Retry-After": str(max(1, round(self._waiting * self._unit_seconds)))},
                )
            self._jobs.append(job)
            self._waiting = after
            self._wake.notify()
        return await job.done

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._jobs and not self._closing:
                    self._wake.wait()
                if not self._jobs:
                    return
                batch = self._next()
            if not batch:
                continue
            items = [item for job, place, end in batch for item in job.items[place:end]]
            begin = perf_counter()
            results = iter(_each(batch[0][0].work, items))
            spent = (perf_counter() - begin) / sum(sum(job.units[place:end]) for job, place, end in batch)
            # one slow run (the first one loads things) says little of the next
            self._unit_seconds += 0.1 * (min(spent, 4 * self._unit_seconds) - self._unit_seconds)
            self._metrics.batch(len(items))
            for job, place, end in batch:
                job.results += islice(results, end - place)
                if len(job.results) == len(job.items):
                    _settle(job)

    def _next(self) -> list[tuple[_Job, int, int]]:
        """Take the next run from the front: jobs of one kind, each with the places ``[start, end)`` of its items."""
        batch: list[tuple[_Job, int, int]] = []
        items, units = MAX_ITEMS, MAX_UNITS
        later: list[_Job] = []
        skipped: list[_Job] = []
        while self._jobs and items > 0 and units > 0:
            job = self._jobs.popleft()
            start = end = job.taken
            if job.done.cancelled():
                self._waiting -= sum(job.units[start:])
                continue
            if batch and job.kind != batch[0][0].kind:
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
