"""One thread for the models; requests that arrive while it works share its next run.

An idle thread starts at once: nothing waits for company. While it works, what arrives gathers, and the next run takes
up to `MAX_ITEMS` of it. A large request takes turns with the others, so that single texts never wait behind a hundred.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from pymongo.errors import PyMongoError

from textcrm.errors import StoreError, TextcrmError
from textcrm_api.metrics import Metrics
from textcrm_api.problems import ProblemError, store_error

MAX_ITEMS = 32
Work = Callable[[Sequence[Any]], Sequence[Any]]


@dataclass
class _Job:
    kind: Hashable
    work: Work
    items: list[Any]
    loop: asyncio.AbstractEventLoop
    done: asyncio.Future[list[Any]]
    taken: int = 0
    results: list[Any] = field(default_factory=list)


class Batcher:
    """Runs work on items in one thread of its own.

    Parameters
    ----------
    max_waiting
        Items that may wait; beyond, requests are refused with 503.
    max_seconds
        The longest wait that is promised: where the queue is longer than that, requests are refused at once.
    """

    def __init__(self, metrics: Metrics, *, max_waiting: int = 2_000, max_seconds: float = 5.0) -> None:
        self._metrics = metrics
        self._max_waiting = max_waiting
        self._max_seconds = max_seconds
        self._jobs: deque[_Job] = deque()
        self._waiting = 0
        self._item_seconds = 0.005
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
        """Items that wait."""
        return self._waiting

    async def run(self, kind: Hashable, work: Work, items: Sequence[Any]) -> list[Any]:
        """Return what *work* makes of *items*, in order; an item that failed is its `TextcrmError`.

        Items of the same *kind* may share one call of *work*.

        Raises
        ------
        ProblemError
            Too much waits already.
        """
        if not items:
            return []
        loop = asyncio.get_running_loop()
        job = _Job(kind, work, list(items), loop, loop.create_future())
        with self._wake:
            expected = (self._waiting + len(items)) * self._item_seconds
            if self._waiting and (self._waiting + len(items) > self._max_waiting or (expected > self._max_seconds)):
                self._metrics.refused("overloaded")
                raise ProblemError(
                    "overloaded",
                    "Too many texts wait for the models.",
                    hint="Send fewer at once, or try again later.",
                    headers={"Retry-After": str(max(1, round(self._waiting * self._item_seconds)))},
                )
            self._jobs.append(job)
            self._waiting += len(items)
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
            items = [item for job, share in batch for item in share]
            begin = perf_counter()
            results = _each(batch[0][0].work, items)
            spent = (perf_counter() - begin) / len(items)
            self._item_seconds += 0.1 * (spent - self._item_seconds)
            self._metrics.batch(len(items))
            place = 0
            for job, share in batch:
                job.results += results[place : place + len(share)]
                place += len(share)
                if len(job.results) == len(job.items):
                    _settle(job)

    def _next(self) -> list[tuple[_Job, list[Any]]]:
        """Take the next run: items of one kind from the front, each job a fair share; the rest goes to the back."""
        batch: list[tuple[_Job, list[Any]]] = []
        room = MAX_ITEMS
        later: list[_Job] = []
        skipped: list[_Job] = []
        kind: Hashable = None
        while self._jobs and room:
            job = self._jobs.popleft()
            if job.done.cancelled():
                self._waiting -= len(job.items) - job.taken
                continue
            if batch and job.kind != kind:
                skipped.append(job)
                continue
            kind = job.kind
            share = job.items[job.taken : job.taken + room]
            job.taken += len(share)
            room -= len(share)
            self._waiting -= len(share)
            batch.append((job, share))
            if job.taken < len(job.items):
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
