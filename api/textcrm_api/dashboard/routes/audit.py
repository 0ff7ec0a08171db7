"""The audit log, for admins."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import APIRouter, Request
from starlette.responses import Response

from textcrm.store.audit import KINDS
from textcrm_api.dashboard.pages import Pages
from textcrm_api.dashboard.route import by

PER_PAGE = 100


def add(router: APIRouter, pages: Pages) -> None:
    """Add the route."""

    @router.get("/audit", response_model=None, **by("admin"))
    def audit(request: Request) -> Response:
        asked = request.query_params
        shown = {name: asked[name][:128] for name in ("who", "kind", "about") if asked.get(name)}
        before = asked.get("before", "")
        entries = pages.audit.page(
            before=int(before) if before.isascii() and before.isdigit() and len(before) < 16 else None,
            who=shown.get("who"),
            kind=next((kind for kind in KINDS if kind == shown.get("kind")), None),
            about=shown.get("about"),
            limit=PER_PAGE,
        )
        more = str(entries[-1].number) if len(entries) == PER_PAGE else None
        checked = pages.audit.verify() if asked.get("check") else None
        return pages.render(
            request,
            "audit.html",
            entries=entries,
            more=more,
            shown=shown,
            kinds=KINDS,
            checked=checked,
            now=datetime.now(UTC),
        )
