"""How far behind the work is, what comes out of it as it comes, and working everything anew."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from pymongo.errors import OperationFailure

from textcrm.errors import UsageError
from textcrm.store import Store
from textcrm.store.messages import BACKFILL, LIVE
from textcrm.store.outbox import Delivery, delivery_of
from textcrm.store.workers import WorkerState

NOT_READY_SECONDS = 300.0
NOT_READY_SHARE = 0.5
STALE_SECONDS = 60.0  # a worker says every few seconds that it lives
UNPARSED = {9, 15, 207}  # FailedToParse, Overflow, InvalidUUID
FIRST_PLACE_IN_SOURCE = 40_000  # named codes are below
PLACE_LOST = {136, 260, 280, 286}  # CappedPositionLost, InvalidResumeToken, ChangeStreamFatalError, ...HistoryLost


@dataclass(frozen=True)
class Lag:
    """How far behind the work is.

    ``waiting`` live messages wait or are worked on, the oldest for ``seconds``; ``backfill`` more are to be done again.
    ``window_seconds`` is what the server's oplog reaches back, None where it does not tell; ``share`` of it is behind.
    ``rate`` is what the workers do, in messages a second over the last minute. ``canary_seconds`` is how long the test
    text of the last minute took, or is under way, with the slowest worker; None where none was sent yet.
    """

    waiting: int
    seconds: float
    backfill: int
    window_seconds: float | None
    rate: float
    workers: int
    canary_seconds: float | None = None

    @property
    def share(self) -> float | None:
        """``seconds`` as a share of the window, in [0, 1] and above."""
        return None if not self.window_seconds else self.seconds / self.window_seconds

    @property
    def ready(self) -> bool:
        """Whether the work keeps up: less than 5 minutes behind, and less than half of the window."""
        return self.seconds < NOT_READY_SECONDS and (self.share or 0.0) < NOT_READY_SHARE

    @property
    def seconds_left(self) -> float | None:
        """Seconds until all is done at the rate of the last minute; None while nothing moves."""
        return (self.waiting + self.backfill) / self.rate if self.rate else None


def lag(store: Store) -> Lag:
    """Return how far behind the work is, by the server's clock."""
    now = store.now()
    oldest = store.messages.oldest_waiting()
    waiting = store.messages.count_waiting()
    workers = [w for w in store.workers.list() if (now - w.seen_at).total_seconds() <= STALE_SECONDS]
    return Lag(
        waiting=waiting.get(LIVE, 0),
        seconds=max(0.0, (now - oldest[LIVE]).total_seconds()) if LIVE in oldest else 0.0,
        backfill=waiting.get(BACKFILL, 0),
        window_seconds=oplog_window(store),
        rate=sum(worker.rate for worker in workers),
        workers=len(workers),
        canary_seconds=max((s for s in (_canary(worker, now) for worker in workers) if s is not None), default=None),
    )


def _canary(worker: WorkerState, now: datetime) -> float | None:
    if worker.canary_sent is None:
        return None
    back = worker.canary_back if worker.canary_back and worker.canary_back >= worker.canary_sent else now
    return (back - worker.canary_sent).total_seconds()


def oplog_window(store: Store) -> float | None:
    """Return how many seconds the oplog reaches back when it is full, from its size and age; None if not told."""
    oplog = store.client.get_database("local")["oplog.rs"]
    try:
        stats = store.client.get_database("local").command("collStats", "oplog.rs")
        first = oplog.find_one({}, {"ts": 1}, sort=[("$natural", 1)])
        last = oplog.find_one({}, {"ts": 1}, sort=[("$natural", -1)])
    except OperationFailure:  # the user of the URI may not read it
        return None
    if first is None or last is None or not stats.get("size"):
        return None
    age = float(last["ts"].time - first["ts"].time)
    return age * max(1.0, float(stats["maxSize"]) / float(stats["size"]))


@dataclass(frozen=True)
class Result:
    """One result, or None where a gap is told: results before it may be missing, and are to be read from the store.

    ``token`` names the place after it: give it back to go on from there.
    """

    delivery: Delivery | None
    token: str


def results_since(store: Store, token: str | None = None, *, wait_seconds: float = 1.0) -> Iterator[Result | None]:
    """Yield results as they are stored, in order, for as long as the caller asks; None when there was none for a while.

    Parameters
    ----------
    token
        The token of the last result that was received; None: from now on. Where the server has forgotten that place,
        the first that is yielded is a `Result` without a delivery: the gap is told.
    wait_seconds
        How long to wait before None is yielded.

    Raises
    ------
    UsageError
        *token* is none.
    """
    resume = None if token is None else _place(token)
    begun = False
    try:
        for result in _follow(store, resume, wait_seconds):
            begun = True
            yield result
    except OperationFailure as error:
        if resume is not None and not begun and _unreadable(error.code):
            raise _unknown_place() from error
        if resume is None or error.code not in PLACE_LOST:
            raise
        told = False
        for result in _follow(store, None, wait_seconds):
            if not told:
                told = True
                yield Result(None, result.token if result else "")
            yield result


def _follow(store: Store, resume: dict[str, str] | None, wait_seconds: float) -> Iterator[Result | None]:
    pipeline = [{"$match": {"operationType": "insert"}}]
    wait = max(1, int(wait_seconds * 1000))
    with store.database["outbox"].watch(pipeline, resume_after=resume, max_await_time_ms=wait) as stream:
        while stream.alive:
            change = stream.try_next()
            yield None if change is None else Result(delivery_of(change["fullDocument"]), change["_id"]["_data"])


def _place(token: str) -> dict[str, str]:
    if not token or len(token) > 4096 or not all(c in "0123456789ABCDEFabcdef" for c in token):
        raise _unknown_place()
    return {"_data": token}


def _unknown_place() -> UsageError:
    return UsageError("The token of the last result cannot be read", hint="Give back the one that came with it.")


def _unreadable(code: int | None) -> bool:
    """Tell whether the server stumbled over a token that none of its kind made.

    It has no code for that: some tokens fail to parse, others at the place in its source that first doubts them, whose
    number is the code.
    """
    return code is not None and (code in UNPARSED or code >= FIRST_PLACE_IN_SOURCE)


def rework(store: Store, *, standing: Sequence[str]) -> int:
    """Put every message back into the queue whose insight is not of one of the pipelines *standing*; return how many.

    They go after all live messages; the insights that stand are replaced one by one. Called again after an
    interruption, it finds what is left.

    Parameters
    ----------
    standing
        Fingerprints of the pipelines that serve: ``line.fingerprint`` of ``Engine.lines``.
    """
    return store.messages.requeue({"work.pipeline": {"$nin": list(standing)}}, priority=BACKFILL)
