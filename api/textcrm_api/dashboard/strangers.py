"""Forms of people who have no session yet: tied to a cookie of their own, as other forms are to the session."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from textcrm.errors import UsageError
from textcrm_api.dashboard.pages import Pages
from textcrm_api.dashboard.route import Form, first, read_form
from textcrm_api.dashboard.session import csrf_holds, form_session, from_here, set_form_session, set_session

HIDDEN = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


def form_page(pages: Pages, request: Request, template: str, *, status: int, **context: Any) -> Response:
    """Return a page with a form for somebody who has no session."""
    request.state.session = form_session(request)
    response = pages.render(request, template, status=status, **context)
    set_form_session(response, request.state.session, secure=request.url.scheme == "https")
    return response


async def sent_form(request: Request) -> Form | None:
    """Return the form, where it comes from a page of ours; else None."""
    try:
        form = await read_form(request)
    except UsageError:
        return None
    return form if from_here(request) and csrf_holds(form_session(request), first(form, "csrf")) else None


def entered(request: Request, token: str, to: str) -> Response:
    """Lead to a page, signed in."""
    response = RedirectResponse(to, 303, headers=HIDDEN)
    set_session(response, token, secure=request.url.scheme == "https")
    return response
