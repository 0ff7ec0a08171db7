"""How the service is doing: work, lag, what waits; and the small things a person may set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from textcrm.operations.work.state import work_now
from textcrm.operations.work.stream import lag
from textcrm_api.dashboard.languages import LANGUAGES
from textcrm_api.dashboard.pages import THEMES, Pages
from textcrm_api.dashboard.route import by, first
from textcrm_api.dashboard.session import COOKIE, local_path

YEAR = 365 * 86_400


def add(router: APIRouter, pages: Pages) -> None:
    """Add the routes."""

    @router.get("/operations", response_model=None)
    def operations(request: Request) -> Response:
        lines = pages.engine.lines.values() if pages.engine is not None else ()
        behind = lag(pages.store)
        return pages.render(
            request,
            "operations.html",
            work=work_now(pages.store),
            lag=behind,
            left=timedelta(seconds=behind.seconds_left) if behind.seconds_left else None,
            pipelines=[(line.spec.name, line.fingerprint) for line in lines],
            now=datetime.now(UTC),
        )

    @router.post("/look", response_model=None, **by("viewer"))
    def look(request: Request) -> Response:
        form = request.state.form
        response = RedirectResponse(local_path(first(form, "back"), otherwise="/desk"), 303)
        secure = request.url.scheme == "https"
        for name, allowed in (("theme", THEMES), ("language", tuple(LANGUAGES))):
            if (value := first(form, name)) in allowed:
                response.set_cookie(f"textcrm_{name}", value, max_age=YEAR, samesite="strict", secure=secure)
        return response

    @router.post("/signout", response_model=None, **by("viewer"))
    def sign_out(request: Request) -> Response:
        pages.sessions.end(request.state.session)
        response = RedirectResponse("/signin", 303)
        response.delete_cookie(COOKIE)
        return response
