"""Open to all: signing in by the link, and the static files."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from textcrm_api.dashboard.pages import Pages
from textcrm_api.dashboard.session import local_path, set_session


def add(router: APIRouter, pages: Pages) -> None:
    """Add the routes."""

    @router.get("/", response_model=None)
    def home() -> Response:
        return RedirectResponse("/desk", 303)

    @router.get("/signin", response_model=None)
    def sign_in(request: Request) -> Response:
        to = local_path(request.query_params.get("next", ""), otherwise="/desk")
        given = request.query_params.get("token", "")
        token = pages.sessions.redeem(given) if given else None
        if token is None:
            return pages.render(request, "signin.html", status=401, used=bool(given))
        response = RedirectResponse(to, 303, headers={"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})
        set_session(response, token, secure=request.url.scheme == "https")
        return response

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
