"""The worker: analyses what waits, as soon as it waits, until it is told to stop."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta

from pymongo.errors import ConnectionFailure, PyMongoError

from textcrm.errors import EngineDownError, StoreError
from textcrm.operations.links.claims import (
    Analyser,
    Outcome,
    check_engine,
    owner_name,
    settle,
    take_over_dead,
    work_on,
)
from textcrm.store import Store
from textcrm.store.messages import Claim
from textcrm.stream.canary import Canary
from textcrm.stream.circuit import Circuit
from textcrm.stream.wake import Wake

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=30)
BEAT_SECONDS = 5.0
SWEEP_SECONDS = 5.0
OUTAGE_SECONDS = 1.0
STUCK_SECONDS = 120.0
BATCH_SECONDS = 0.4  # a batch is as large as what can be done in this time, so that a new message does not wait long
LARGEST_BATCH = 128
Point = Callable[[str], None]


class Worker:
    """Claims, analyses, stores; in one thread, with a second one that keeps the lease and a third that wakes up.

    Several workers, on several machines, share the queue: each message belongs to whoever leased it last, and only that
    worker can complete it.

    Parameters
    ----------
    point
        Called with the name of each point that is passed: ``claiming``, ``claimed``, ``analysed``, ``stored``. For
        tests that end the process there.
    on_stuck
        Called once when one batch takes longer than two minutes. Its lease is kept no longer.
    """

    def __init__(
        self,
        store: Store,
        engine: Analyser,
        *,
        sweep_seconds: float = SWEEP_SECONDS,
        largest_batch: int = LARGEST_BATCH,
        point: Point = lambda _: None,
        on_stuck: Callable[[], None] = lambda: None,
    ) -> None:
        self.owner = owner_name()
        self.wake = Wake(store.database["messages"])
        self.done = 0
        self.failed = 0
        self.state, self.why = "idle", ""
        self._store = store
        self._engine = engine
        self._sweep_seconds = sweep_seconds
        self._largest_batch = largest_batch
        self._point = point
        self._on_stuck = on_stuck
        self._circuit = Circuit(time.monotonic)
        self._stop = threading.Event()
        self._held: Claim | None = None
        self._since = 0.0
        self._seconds_each = 0.05
        self._recent: deque[tuple[float, int]] = deque()
        self._retry_first = True
        self._unheard = False
        self._sinks: Sequence[str] = ()
        self._canary = Canary(store, engine, owner=self.owner)

    def run(self) -> None:
        """Work until `stop` is called; finish the batch in hand."""
        keeper = threading.Thread(target=self._keep, name="textcrm-lease", daemon=True)
        self.wake.start()
        keeper.start()
        self._canary.start()
        try:
            self._begin()
            while not self._stop.is_set():
                self._turn()
        finally:
            self._stop.set()
            self._canary.close()
            self.wake.close()
            keeper.join(timeout=BEAT_SECONDS)
            with suppress(StoreError, PyMongoError):
                self._store.workers.remove(self.owner)

    def stop(self) -> None:
        """Take no more work."""
        self._stop.set()
        self.wake.set()

    def abandon(self) -> None:
        """Give back what is in hand, from another thread, because there is no more time. No attempt is used up."""
        claim = self._held
        if claim is not None:
            with suppress(StoreError, PyMongoError):
                self._store.messages.release(claim)

    def rate(self) -> float:
        """Return messages a second over the last minute."""
        now = time.monotonic()
        return sum(n for at, n in list(self._recent) if at > now - 60) / 60

    def _begin(self) -> None:
        """Tell that this worker lives; take over from those of this machine that were killed."""
        while not self._stop.is_set():
            try:
                self._beat()
                taken = take_over_dead(self._store)
            except (StoreError, PyMongoError) as error:
                self._wait_for_database(error)
                continue
            if taken:
                log.warning("%d messages were left by a worker that was killed; they are tried again", taken)
            return

    def _turn(self) -> None:
        """Do one batch, or wait for one."""
        pause = self._circuit.wait_seconds()
        if pause:
            self._stop.wait(pause)
            return
        self._point("claiming")
        try:
            self._store.space.check_work()
            claim = self._claim()
        except (StoreError, PyMongoError) as error:
            self._wait_for_database(error)
            return
        if not claim.messages:
            self._say("idle", "")
            self.wake.wait(self._sweep_seconds)
            return
        self._held, self._since = claim, time.monotonic()
        try:
            self._point("claimed")
            outcome = self._work(claim)
        finally:
            self._held = None
        if outcome is not None:
            self._count(outcome)

    def _claim(self) -> Claim:
        """Lease the next batch; first give back what was leased by a claim whose answer never came."""
        if self._unheard:
            for lost in self._store.messages.claims_of(self.owner):
                self._store.messages.release(lost)
        self._unheard = True
        limit = max(1, min(self._largest_batch, int(BATCH_SECONDS / self._seconds_each)))
        if self._circuit.is_open:
            limit = 1
        self._retry_first = not self._retry_first
        claim = self._store.messages.claim(self.owner, limit=limit, lease=LEASE, retry_first=self._retry_first)
        self._unheard = False
        return claim

    def _work(self, claim: Claim) -> Outcome | None:
        """Work on a claim until it is settled, however often the database fails; None when told to stop before."""
        self._say("working", "")
        begin = time.perf_counter()
        worked = None
        while True:
            try:
                if worked is None:
                    worked = work_on(self._store, self._engine, claim)
                    self._learn(time.perf_counter() - begin, len(claim.messages))
                    self._point("analysed")
                outcome = settle(self._store, claim, worked, sinks=self._sinks)
                self._point("stored")
            except EngineDownError as error:
                self._give_back(claim)
                self._wait_for_engine(error)
                return None
            except (StoreError, PyMongoError) as error:
                self._wait_for_database(error)
                if self._stop.is_set():
                    self.abandon()
                    return None
            else:
                return outcome

    def _learn(self, seconds: float, messages: int) -> None:
        """Follow how long a message takes, so that batches fit their time; the first batch loads what loads late."""
        each = max(seconds, 1e-4) / messages
        self._seconds_each = 0.8 * self._seconds_each + 0.2 * min(each, 5 * self._seconds_each)

    def _count(self, outcome: Outcome) -> None:
        self.done += len(outcome.done)
        self.failed += len(outcome.failed)
        now = time.monotonic()
        self._recent.append((now, len(outcome.done)))
        while self._recent and self._recent[0][0] < now - 60:
            self._recent.popleft()
        for message_id, _ in outcome.failed:
            log.warning("message %s could not be analysed and went to the quarantine", message_id)
        if self._circuit.record(passed=len(outcome.done), failed=len(outcome.failed) + len(outcome.again)):
            if self._circuit.is_open:
                log.error("the circuit is open: %s; the work pauses", self._circuit.why)
                self._say("open", self._circuit.why)
            else:
                log.warning("the circuit is closed again")

    def _give_back(self, claim: Claim) -> None:
        while not self._stop.is_set():
            try:
                self._store.messages.release(claim)
            except (StoreError, PyMongoError) as error:
                self._wait_for_database(error)
            else:
                return

    def _wait_for_database(self, error: Exception) -> None:
        if isinstance(error, StoreError):
            why = error.what
        elif isinstance(error, ConnectionFailure):
            why = "the database does not answer"
        else:
            why = f"the database failed ({type(error).__name__})"
        self._say("waiting", why)
        self._stop.wait(OUTAGE_SECONDS)

    def _wait_for_engine(self, error: EngineDownError) -> None:
        """Wait until a good text passes again."""
        self._say("waiting", error.what)
        pause = OUTAGE_SECONDS
        while not self._stop.wait(pause):
            try:
                check_engine(self._engine, now=self._store.now())
            except (EngineDownError, StoreError, PyMongoError):
                pause = min(30.0, 2 * pause)
            else:
                return

    def _say(self, state: str, why: str) -> None:
        """Note a change of state, and log it where it is bad news or the end of it."""
        if state == "waiting" and (self.state, self.why) != (state, why):
            log.error("the worker waits: %s", why)
        elif self.state == "waiting" and state != "waiting":
            log.warning("the worker goes on")
        self.state, self.why = state, why

    def _keep(self) -> None:
        """Keep the lease while a batch is worked on, and say that this worker lives."""
        told = False
        while not self._stop.wait(BEAT_SECONDS) or self._held is not None:
            claim = self._held
            if claim is not None and time.monotonic() - self._since > STUCK_SECONDS and self.state == "working":
                if not told:
                    told = True
                    log.critical(
                        "one batch has taken longer than %d seconds; its lease is kept no longer", STUCK_SECONDS
                    )
                    self._on_stuck()
                continue
            with suppress(StoreError, PyMongoError):
                if claim is not None:
                    self._store.messages.extend(claim, LEASE)
                self._beat()
            if self._stop.is_set():
                time.sleep(0.5)

    def _beat(self) -> None:
        self._store.workers.beat(
            self.owner,
            state=self.state,
            why=self.why,
            done=self.done,
            failed=self.failed,
            rate=self.rate(),
            gaps=self.wake.gaps,
        )
        self._sinks = self._store.sinks.names()
