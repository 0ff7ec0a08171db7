"""A text that is known to be good goes the whole way each minute: written, read, analysed, written again."""

from __future__ import annotations

import logging
import threading
import time

from pymongo.errors import PyMongoError

from textcrm.errors import EngineDownError, StoreError
from textcrm.operations.links.claims import Analyser, check_engine
from textcrm.store import Store

log = logging.getLogger(__name__)

EVERY_SECONDS = 60.0


class Canary:
    """Sends the text in a thread of its own, so that it waits its turn as a message would.

    Attributes
    ----------
    seconds
        How long the last one took; None before the first, and after one that did not come back.
    """

    def __init__(self, store: Store, engine: Analyser, *, owner: str, every_seconds: float = EVERY_SECONDS) -> None:
        self.seconds: float | None = None
        self._store = store
        self._engine = engine
        self._owner = owner
        self._every = every_seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._fly, name="textcrm-canary", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End; one that is under way is not waited for."""
        self._stop.set()

    def _fly(self) -> None:
        while not self._stop.wait(self._every):
            begin = time.monotonic()
            try:
                number = self._store.workers.send_canary(self._owner)
                check_engine(self._engine, now=self._store.now())
                self._store.workers.land_canary(self._owner, number)
            except (StoreError, PyMongoError, EngineDownError) as error:
                self.seconds = None
                log.warning("the canary did not come back (%s)", type(error).__name__)
            else:
                self.seconds = time.monotonic() - begin
