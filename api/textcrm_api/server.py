"""Runs the application: one process, or several behind one port."""

from __future__ import annotations

import gc
import os
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import uvicorn
from fastapi import FastAPI
from uvicorn.supervisors import Multiprocess

from textcrm.settings import Settings, read_settings
from textcrm_api.app import create_app
from textcrm_api.logs import set_up_logs
from textcrm_api.traces import exporting_provider

if TYPE_CHECKING:
    from textcrm.engine import Engine
    from textcrm.store import Store

DRAIN_SECONDS = 20
OPTIONS: dict[str, Any] = {
    "log_config": None,
    "loop": "asyncio",  # accepts all that wait at once; uvloop takes one a round: a flood overflows the kernel's queue
    "log_level": "warning",
    "access_log": False,
    "server_header": False,
    "proxy_headers": False,
    "timeout_keep_alive": 30,
    "timeout_graceful_shutdown": DRAIN_SECONDS,
}
WORKER_BATCH = 8  # small: requests take turns with the worker for the models
_WITH_WORKER = "TEXTCRM_SERVE_WITH_WORKER"
_JSON_LOGS = "TEXTCRM_SERVE_JSON_LOGS"
_TRACES = "TEXTCRM_SERVE_TRACES"


def run(
    settings: Settings,
    *,
    store: Store,
    engine: Engine,
    with_worker: bool = False,
    json_logs: bool = False,
    traces: bool = False,
    ready: Callable[[str], None] = lambda _: None,
) -> None:
    """Serve from this process until stopped; what runs then is finished first.

    Parameters
    ----------
    with_worker
        Analyse stored messages, read the sources and tell the sinks in the same process.
    json_logs, traces
        Log JSON lines; send OpenTelemetry spans.
    ready
        Called with the address, once the port is ours.
    """
    set_up_logs(as_json=json_logs)
    app = _application(settings, store=store, engine=engine, traces=traces)
    config = uvicorn.Config(app, host=settings.host, port=settings.port, **OPTIONS)
    with open_port(config) as port, _working(store, engine, settings) if with_worker else nullcontext():
        ready(f"http://{settings.host}:{port.getsockname()[1]}")
        server = uvicorn.Server(config)
        app.state.followers.ends = lambda: server.should_exit
        server.run(sockets=[port])


def run_many(
    settings: Settings,
    *,
    workers: int,
    with_worker: bool = False,
    json_logs: bool = False,
    traces: bool = False,
    ready: Callable[[str], None] = lambda _: None,
) -> None:
    """Serve from several processes behind one port. Each holds its own models, cache and rate limits."""
    set_up_logs(as_json=json_logs)
    os.environ.update(settings.environment())
    for name, on in ((_WITH_WORKER, with_worker), (_JSON_LOGS, json_logs), (_TRACES, traces)):
        os.environ[name] = "1" if on else ""
    place = "textcrm_api.server:build_from_environment"
    config = uvicorn.Config(place, factory=True, workers=workers, host=settings.host, port=settings.port, **OPTIONS)
    with open_port(config) as port:
        ready(f"http://{settings.host}:{port.getsockname()[1]}")
        Multiprocess(config, sockets=[port]).run()


def open_port(config: uvicorn.Config) -> socket.socket:
    """Return the port, listening: whoever comes while the models load waits and is not refused."""
    port = config.bind_socket()
    # asyncio does not do it for a socket made like this; the second part of an answer would wait 40 ms for the caller's
    # word that the first one came
    port.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    port.listen(2048)
    return port


def build_from_environment() -> FastAPI:
    """Return the application of one of several processes; it closes what it opened when it ends."""
    set_up_logs(as_json=bool(os.environ.get(_JSON_LOGS)))
    settings = read_settings()
    with ExitStack() as stack:
        store, engine = stack.enter_context(opened(settings))
        if os.environ.get(_WITH_WORKER):
            stack.enter_context(_working(store, engine, settings))
        return _application(
            settings,
            store=store,
            engine=engine,
            traces=bool(os.environ.get(_TRACES)),
            resources=stack.pop_all(),
            process=str(os.getpid()),
        )


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


def _application(
    settings: Settings,
    *,
    store: Store,
    engine: Engine,
    traces: bool,
    resources: ExitStack | None = None,
    process: str | None = None,
) -> FastAPI:
    from textcrm_api.dashboard import pages

    router = pages(store, engine, settings)
    provider = exporting_provider() if traces else None
    app = create_app(
        settings, store=store, engine=engine, pages=router, resources=resources, traces=provider, process=process
    )
    gc.collect()
    gc.freeze()  # models and routes stay: a round of the collector over them stops all threads for tenths of a second
    return app


@contextmanager
def _working(store: Store, engine: Engine, settings: Settings) -> Iterator[None]:
    """Analyse what comes in, read the sources and tell the sinks, for as long as the block lasts."""
    from textcrm.operations.desk.similar import encoder_of
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
