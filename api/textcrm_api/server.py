"""Runs the application: one process, or several behind one port."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import uvicorn
from fastapi import FastAPI

from textcrm.settings import Settings, read_settings
from textcrm_api.app import create_app

if TYPE_CHECKING:
    from textcrm.engine import Engine
    from textcrm.store import Store

DRAIN_SECONDS = 20
OPTIONS: dict[str, Any] = {
    "log_config": None,
    "log_level": "warning",
    "access_log": False,
    "server_header": False,
    "proxy_headers": False,
    "timeout_keep_alive": 30,
    "timeout_graceful_shutdown": DRAIN_SECONDS,
}
WORKER_BATCH = 8  # small: requests take turns with the worker for the models
_WITH_WORKER = "TEXTCRM_SERVE_WITH_WORKER"


def run(
    settings: Settings,
    *,
    store: Store,
    engine: Engine,
    with_worker: bool = False,
    ready: Callable[[str], None] = lambda _: None,
) -> None:
    """Serve from this process until stopped; what runs then is finished first.

    Parameters
    ----------
    with_worker
        Analyse stored messages, read the sources and tell the sinks in the same process.
    ready
        Called with the address, once the port is ours.
    """
    _log()
    app = _application(settings, store=store, engine=engine)
    config = uvicorn.Config(app, host=settings.host, port=settings.port, **OPTIONS)
    with config.bind_socket() as port, _working(store, engine, settings) if with_worker else nullcontext():
        port.listen(2048)  # whoever comes from now on waits and is not refused
        ready(f"http://{settings.host}:{port.getsockname()[1]}")
        server = uvicorn.Server(config)
        app.state.followers.ends = lambda: server.should_exit
        server.run(sockets=[port])


def run_many(settings: Settings, *, workers: int, with_worker: bool = False) -> None:
    """Serve from several processes behind one port. Each holds its own models, cache and rate limits."""
    _log()
    os.environ.update(settings.environment())
    os.environ[_WITH_WORKER] = "1" if with_worker else ""
    place = "textcrm_api.server:build_from_environment"
    uvicorn.run(place, factory=True, workers=workers, host=settings.host, port=settings.port, **OPTIONS)


def build_from_environment() -> FastAPI:
    """Return the application of one of several processes; it closes what it opened when it ends."""
    _log()
    settings = read_settings()
    with ExitStack() as stack:
        store, engine = stack.enter_context(opened(settings))
        if os.environ.get(_WITH_WORKER):
            stack.enter_context(_working(store, engine, settings))
        return _application(settings, store=store, engine=engine, resources=stack.pop_all())


@contextmanager
def opened(settings: Settings) -> Iterator[tuple[Store, Engine]]:
    """Open the store and the engine: the database starts while the models load."""
    from textcrm.engine import Engine
    from textcrm.store import open_store

    def load() -> Engine:
        engine = Engine.open(settings)
        engine.warm()
        return engine

    with ThreadPoolExecutor(1, thread_name_prefix="load") as beside:
        loading = beside.submit(load)
        with open_store(settings) as store:
            yield store, loading.result()


def _application(settings: Settings, *, store: Store, engine: Engine, resources: ExitStack | None = None) -> FastAPI:
    from textcrm_api.dashboard import pages

    router = pages(store, engine, settings)
    return create_app(settings, store=store, engine=engine, pages=router, resources=resources)


@contextmanager
def _working(store: Store, engine: Engine, settings: Settings) -> Iterator[None]:
    """Analyse what comes in, read the sources and tell the sinks, for as long as the block lasts."""
    from textcrm.operations.similar import encoder_of
    from textcrm.stream.feeds import Feeds
    from textcrm.stream.worker import Worker

    worker = Worker(store, engine, largest_batch=WORKER_BATCH)
    feeds = Feeds(store, settings, owner=worker.owner, encoder=encoder_of(engine))
    thread = threading.Thread(target=worker.run, name="textcrm-worker", daemon=True)
    thread.start()
    feeds.start()
    try:
        yield
    finally:
        worker.stop()
        feeds.close()
        thread.join(DRAIN_SECONDS)
        if thread.is_alive():
            worker.abandon()


def _log() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
