"""The worker inside the service: analyses what comes in, in a thread of its own."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from textcrm.errors import StoreError

if TYPE_CHECKING:
    from textcrm.engine import Engine
    from textcrm.store import Store

LOG = logging.getLogger("textcrm.worker")
BATCH = 8  # small: requests to the models take turns with the worker
IDLE_SECONDS = 0.5
FAILED_SECONDS = 5.0


class Background:
    """Claims and analyses messages until it is closed; `wake` says that there are new ones."""

    def __init__(self, store: Store, engine: Engine) -> None:
        self._store = store
        self._engine = engine
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="textcrm-worker", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def wake(self) -> None:
        """Look for messages now."""
        self._wake.set()

    def close(self) -> None:
        """Finish the batch in hand and end the thread."""
        self._stop.set()
        self._wake.set()
        self._thread.join(timeout=60)

    def _run(self) -> None:
        from textcrm.operations.analysis import AnalysisReport, work_once

        while not self._stop.is_set():
            report = AnalysisReport()
            wait = IDLE_SECONDS
            try:
                if work_once(self._store, self._engine, report=report, limit=BATCH):
                    wait = 0.0
            except StoreError as error:
                LOG.warning("the worker waits: %s", error.what)
                wait = FAILED_SECONDS
            for message_id, _ in report.failed:
                LOG.warning("analysis failed message=%s", message_id)
            if wait:
                self._wake.wait(wait)
                self._wake.clear()
