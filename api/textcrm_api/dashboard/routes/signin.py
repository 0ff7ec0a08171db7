"""Open to all: signing in by name and password or by a link, and the static files."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from textcrm_api.dashboard.pages import Pages
from textcrm_api.dashboard.route import OLD_FORM, first, signed_in_deed
from textcrm_api.dashboard.session import local_path
from textcrm_api.dashboard.strangers import entered, form_page, sent_form
from textcrm_api.limits import RateLimit

TRIES_A_SECOND, TRIES_AT_ONCE = 0.5, 20.0  # of one address, whatever the name


def add(router: APIRouter, pages: Pages) -> None:
    """Add the routes."""
    limit = RateLimit(TRIES_A_SECOND, burst=TRIES_AT_ONCE)

    def sign_in_page(request: Request, *, status: int, to: str, **context: Any) -> Response:
        shown = {"used": False, "wrong": False, "busy": False, "name": "", **context}
        return form_page(pages, request, "signin.html", status=status, to=to, **shown)

    @router.get("/", response_model=None)
    def home() -> Response:
        return RedirectResponse("/desk", 303)

    @router.get("/signin", response_model=None)
    def sign_in(request: Request) -> Response:
        to = local_path(request.query_params.get("next", ""), otherwise="/desk")
        given = request.query_params.get("token", "")
        token = pages.sessions.redeem(given) if given else None
        if token is None:
            return sign_in_page(request, status=401 if given else 200, to=to, used=bool(given))
        person = pages.sessions.find(token)
        pages.audit.append(signed_in_deed(request, person.name if person else ""))
        return entered(request, token, to)

    @router.post("/signin", response_model=None)
    async def sign_in_by_password(request: Request) -> Response:
        form = await sent_form(request)
        if form is None:
            return await run_in_threadpool(pages.problem, request, 403, OLD_FORM)
        to, name = local_path(first(form, "next"), otherwise="/desk"), first(form, "name")[:400]
        if limit.wait(request.client.host if request.client else "") > 0:
            return await run_in_threadpool(sign_in_page, request, status=429, to=to, busy=True, name=name)
        token = await run_in_threadpool(pages.passwords.sign_in, name, first(form, "password"))
        if token is None:
            return await run_in_threadpool(sign_in_page, request, status=401, to=to, wrong=True, name=name)
        await run_in_threadpool(pages.audit.append, signed_in_deed(request, name[:64]))
        return entered(request, token, to)

    @router.get("/static/{digest}/{name}", response_model=None)
    def static(request: Request, digest: str, name: str) -> Response:
        found = pages.assets.get(name)
        if found is None or pages.assets.address(name) != f"/static/{digest}/{name}":
            return Response("There is no such file.", 404, media_type="text/plain")
        headers = {
            "Cache-Control": "public, max-age=31536000, immutable",
            "Vary": "Accept-Encoding",
            "Content-Security-Policy": "default-src 'none'",
        }
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(found.packed, media_type=found.media_type, headers={**headers, "Content-Encoding": "gzip"})
        return Response(found.body, media_type=found.media_type, headers=headers)
