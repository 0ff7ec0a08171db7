"""Runs the application: one process, or several behind one port."""

from __future__ import annotations

import logging
import os
from contextlib import ExitStack
from functools import partial

from fastapi import FastAPI

from textcrm.settings import Settings, read_settings
from textcrm_api.app import create_app
from textcrm_api.background import Background

DRAIN_SECONDS = 30
_WITH_WORKER = "TEXTCRM_SERVE_WITH_WORKER"


def run(settings: Settings, *, workers: int = 1, with_worker: bool = False) -> None:
    """Serve until stopped; what runs then is finished first.

    Parameters
    ----------
    workers
        Processes that answer behind the one port. Each holds its own models and its own rate limits.
    with_worker
        Analyse stored messages in the same processes.
    """
    import uvicorn

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    options = {
        "host": settings.host,
        "port": settings.port,
        "factory": True,
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,
        "timeout_keep_alive": 30,
        "timeout_graceful_shutdown": DRAIN_SECONDS,
    }
    if workers == 1:
        uvicorn.run(partial(build, settings, with_worker=with_worker), **options)  # type: ignore[arg-type]
        return
    os.environ.update(_environment(settings))
    os.environ[_WITH_WORKER] = "1" if with_worker else ""
    uvicorn.run("textcrm_api.server:build_from_environment", workers=workers, **options)  # type: ignore[arg-type]


def build(settings: Settings, *, with_worker: bool = False) -> FastAPI:
    """Open store and engine and return the application; it closes them when it ends."""
    from textcrm.engine import Engine
    from textcrm.store import open_store

    with ExitStack() as stack:
        store = stack.enter_context(open_store(settings))
        engine = Engine.open(settings)
        engine.warm()
        background = Background(store, engine) if with_worker else None
        return create_app(settings, store=store, engine=engine, background=background, resources=stack.pop_all())


def build_from_environment() -> FastAPI:
    """Return the application of one of several processes."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    return build(read_settings(), with_worker=bool(os.environ.get(_WITH_WORKER)))


def _environment(settings: Settings) -> dict[str, str]:
    """Return *settings* as the environment that the processes read."""
    given = {
        "home": settings.home,
        "database": settings.database,
        "mongod": settings.mongod,
        "mongodb_uri": settings.mongodb_uri.get_secret_value() if settings.mongodb_uri else None,
    }
    return {f"TEXTCRM_{name.upper()}": str(value) for name, value in given.items() if value is not None}
