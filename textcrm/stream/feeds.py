"""Runs beside the worker: a thread for each source that is read, each sink that is told, and each standing task."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from pymongo.errors import PyMongoError

from textcrm.embed.sentence import SentenceEncoder
from textcrm.errors import StoreError
from textcrm.operations.desk.similar import keep_vectors
from textcrm.operations.intake.kafka import follow_topic
from textcrm.operations.intake.sources import follow
from textcrm.operations.trends.alerts import run_alerts
from textcrm.operations.trends.topics import keep_assigned
from textcrm.operations.trends.trends import keep_counted
from textcrm.operations.work.jobs import run_jobs
from textcrm.operations.work.push import push
from textcrm.settings import Settings
from textcrm.store import Store

log = logging.getLogger(__name__)

LOOK_SECONDS = 5.0


class Feeds:
    """Follows the sources and sinks that are kept, those that are added and removed meanwhile too.

    Parameters
    ----------
    encoder
        Makes the vectors that similar messages are found by; None: none are made here.
    """

    def __init__(self, store: Store, settings: Settings, *, owner: str, encoder: SentenceEncoder | None = None) -> None:
        self._store = store
        self._settings = settings
        self._owner = owner
        self._encoder = encoder
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="textcrm-feeds", daemon=True)
        self._running: dict[tuple[str, str], tuple[threading.Thread, threading.Event]] = {}

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self, seconds: float = 5.0) -> None:
        """End all, as far as that goes in the time; what is cut off is done again by the next one."""
        until = time.monotonic() + seconds
        self._stop.set()
        self._thread.join(seconds)
        for _, stop in self._running.values():
            stop.set()
        for thread, _ in self._running.values():
            thread.join(max(0.0, until - time.monotonic()))

    def _watch(self) -> None:
        while True:
            try:
                self._adapt()
            except (StoreError, PyMongoError) as error:
                log.warning("sources and sinks cannot be looked up: %s", type(error).__name__)
            if self._stop.wait(LOOK_SECONDS):
                return

    def _adapt(self) -> None:
        wanted: dict[tuple[str, str], Callable[[threading.Event], None]] = {}
        for source in self._store.sources.list():
            if source.kind == "webhook":  # it is posted to the service, and not read
                continue
            wanted[("source", source.name)] = self._source(source.name, source.kind)
        for name in self._store.sinks.names():
            wanted[("sink", name)] = self._sink(name)
        wanted[("jobs", "")] = lambda stop: run_jobs(self._store, owner=self._owner, stop=stop)
        if (encoder := self._encoder) is not None:
            wanted[("vectors", "")] = lambda stop: keep_vectors(self._store, encoder, owner=self._owner, stop=stop)
        wanted[("topics", "")] = lambda stop: keep_assigned(self._store, owner=self._owner, stop=stop)
        wanted[("counts", "")] = lambda stop: keep_counted(self._store, stop=stop)
        wanted[("alerts", "")] = lambda stop: run_alerts(self._store, self._settings, stop=stop)
        for key in [key for key in self._running if key not in wanted]:
            self._running.pop(key)[1].set()
        for key, work in wanted.items():
            if key not in self._running or not self._running[key][0].is_alive():
                stop = threading.Event()
                thread = threading.Thread(target=work, args=(stop,), name=f"textcrm-{key[0]}", daemon=True)
                self._running[key] = (thread, stop)
                thread.start()

    def _source(self, name: str, kind: str) -> Callable[[threading.Event], None]:
        if kind == "kafka":
            return lambda stop: follow_topic(self._store, name, settings=self._settings, stop=stop)
        return lambda stop: follow(self._store, name, settings=self._settings, owner=self._owner, stop=stop)

    def _sink(self, name: str) -> Callable[[threading.Event], None]:
        return lambda stop: push(self._store, name, settings=self._settings, owner=self._owner, stop=stop)
