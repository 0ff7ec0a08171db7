"""Puts the pages together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter
from starlette.responses import HTMLResponse

from textcrm.settings import Settings
from textcrm.store import Store
from textcrm_api.dashboard.pages import Pages
from textcrm_api.dashboard.route import page_route
from textcrm_api.dashboard.routes import (
    alerts,
    audit,
    customers,
    desk,
    events,
    imports,
    jobs,
    join,
    label,
    links,
    message,
    models,
    operations,
    quarantine,
    signin,
    threshold,
    topics,
    trends,
    users,
)

if TYPE_CHECKING:
    from textcrm.engine import Engine

SIGNED_IN = (
    desk,
    events,
    message,
    customers,
    links,
    trends,
    topics,
    alerts,
    label,
    models,
    threshold,
    quarantine,
    operations,
    jobs,
    imports,
    users,
    audit,
)


def pages(store: Store, engine: Engine | None, settings: Settings) -> APIRouter:
    """Return the pages as a router, static files included.

    Parameters
    ----------
    store, engine
        Open; they stay the caller's. Without an engine the pages say that they cannot explain.
    """
    shared = Pages(store, engine, settings)
    whole = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
    signin.add(whole, shared)
    join.add(whole, shared)
    inner = APIRouter(include_in_schema=False, route_class=page_route(shared), default_response_class=HTMLResponse)
    for part in SIGNED_IN:
        part.add(inner, shared)
    whole.include_router(inner)
    return whole
