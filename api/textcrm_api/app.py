"""Puts the application together."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.routing import APIRoute

from textcrm import __version__
from textcrm.operations.access.audit import audit_of
from textcrm.operations.desk.similar import Similar
from textcrm.settings import Settings
from textcrm.store import Store
from textcrm_api import problems
from textcrm_api.batching import Batcher
from textcrm_api.contract import contract_of
from textcrm_api.edge import Edge
from textcrm_api.gate import Gate
from textcrm_api.idempotency import Idempotency
from textcrm_api.limits import RateLimit
from textcrm_api.metrics import Metrics
from textcrm_api.routes import ROUTERS
from textcrm_api.routes.events import Followers
from textcrm_api.service import Models, Service
from textcrm_api.traces import Traced

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider

    from textcrm.engine import Engine

NEED_MODELS = frozenset(("/v1/classify", "/v1/analyse", "/v1/entities", "/v1/mask", "/v1/similar"))


def create_app(
    settings: Settings,
    *,
    store: Store,
    engine: Engine,
    pages: APIRouter | None = None,
    resources: ExitStack | None = None,
    traces: TracerProvider | None = None,
    process: str | None = None,
) -> FastAPI:
    """Return the application.

    Parameters
    ----------
    store, engine
        Open; they stay the caller's.
    pages
        HTML pages to serve beside the API; they bring their own access rules.
    resources
        Closed when the application ends.
    traces
        Makes a span a request (OpenTelemetry); without it there are none.
    process
        A name of this process in the metrics, where several serve one port.
    """
    metrics = Metrics(engine.clock, process=process)
    batcher = Batcher(metrics)
    metrics.watch_queue(lambda: batcher.waiting)
    similar = Similar(store, engine, settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        with resources or ExitStack():
            batcher.start()
            similar.start()
            try:
                yield
            finally:
                similar.close()
                batcher.close()

    app = bare_app(lifespan=lifespan)
    limit = RateLimit(settings.requests_per_second)
    app.state.followers = Followers()
    app.state.service = Service(
        settings=settings,
        store=store,
        engine=engine,
        models=Models(engine, store, batcher=batcher, metrics=metrics),
        metrics=metrics,
        gate=Gate(store.keys, limit=limit, metrics=metrics),
        idempotency=Idempotency(store.idempotency),
        audit=audit_of(store, settings),
        similar=similar,
    )
    if pages is not None:
        app.include_router(pages)
    app.add_middleware(GZipMiddleware, minimum_size=2_000, compresslevel=4)
    if settings.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.origins),
            allow_methods=["GET", "POST", "PUT", "DELETE"],
            allow_headers=["Authorization", "X-API-Key", "Content-Type", "Idempotency-Key", "If-Match", "X-Request-Id"],
            expose_headers=["ETag", "X-Request-Id", "Retry-After"],
        )
    app.add_middleware(
        Edge,
        metrics=metrics,
        max_body_bytes=settings.max_body_bytes,
        max_running=512,
        full=lambda path: batcher.full if path in NEED_MODELS else 0,
    )
    if traces is not None:
        app.add_middleware(Traced, provider=traces)
    return app


def bare_app(*, lifespan: Any = None) -> FastAPI:
    """Return the application without what it serves from: enough to write down its contract."""
    app = FastAPI(
        title="textcrm",
        version=__version__,
        description="Customer messages in, linked and explained records out.",
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        lifespan=lifespan,
        generate_unique_id_function=_name,
        redirect_slashes=False,
    )
    problems.install(app)
    for router in ROUTERS:
        app.include_router(router)
    app.openapi = lambda: contract_of(app)  # type: ignore[method-assign]
    return app


def _name(route: APIRoute) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", route.name)
