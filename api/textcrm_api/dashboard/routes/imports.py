"""Imports: which tables were taken in, with which columns, and what was done to their values."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import APIRouter, Request
from starlette.responses import Response

from textcrm_api.dashboard.pages import Pages

MOST_SHOWN = 50


def add(router: APIRouter, pages: Pages) -> None:
    """Add the routes."""

    @router.get("/imports", response_model=None)
    def imports(request: Request) -> Response:
        found = pages.store.imports.list(limit=MOST_SHOWN)
        return pages.render(request, "imports.html", imports=found, now=datetime.now(UTC))
