"""What every page goes through: who is it, may this form be sent, and a readable page for every error."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import parse_qsl, quote

from fastapi import Request
from fastapi.exceptions import HTTPException, RequestValidationError
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from textcrm.errors import TextcrmError, UsageError
from textcrm.operations.access.users import may, signed_in
from textcrm.store.audit import Deed, Kind
from textcrm_api.dashboard.pages import Pages
from textcrm_api.dashboard.session import COOKIE, csrf_holds, from_here
from textcrm_api.problems import KINDS

MOST_FORM_BYTES = 200_000
MOST_FORM_FIELDS = 600
OLD_FORM = "This form is too old. Go back, reload the page, and try again."
Form = dict[str, list[str]]


def by(role: str) -> dict[str, Any]:
    """Return the arguments of a page that asks for *role* or one that may more.

    Without them a page is open to every role where it only shows, and to admins alone where it changes something.
    """
    return {"openapi_extra": {"x-role": role}}


def role_of(route: APIRoute) -> str:
    """Return the least role that a page asks for."""
    least = "viewer" if (route.methods or set()) <= {"GET", "HEAD"} else "admin"
    return str((route.openapi_extra or {}).get("x-role", least))


def page_route(pages: Pages) -> type[APIRoute]:
    """Return the route class of pages for people who signed in."""

    class PageRoute(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle = super().get_route_handler()
            least = role_of(self)

            async def page(request: Request) -> Response:
                session = request.cookies.get(COOKIE, "")
                person = await run_in_threadpool(signed_in, pages.store, session) if session else None
                if person is None:
                    return _sign_in(request)
                request.state.person, request.state.role, request.state.session = person.name, person.role, session
                request.state.account = person.account
                try:
                    if not may(person.role, least):
                        raise HTTPException(403, "Your role may not do this.")
                    if request.method == "POST":
                        request.state.form = await read_form(request)
                        if not from_here(request) or not csrf_holds(session, first(request.state.form, "csrf")):
                            raise HTTPException(403, OLD_FORM)
                    response = await handle(request)
                    if deed := _deed(request, response, self.path):
                        await run_in_threadpool(pages.audit.append, deed)
                    return response
                except TextcrmError as error:
                    kind = KINDS.get(error.code, KINDS["internal"])
                    return await run_in_threadpool(pages.problem, request, kind.status, str(error))
                except RequestValidationError:
                    return await run_in_threadpool(
                        pages.problem, request, 422, "The address of this page cannot be read."
                    )
                except HTTPException as error:
                    return await run_in_threadpool(pages.problem, request, error.status_code, str(error.detail))

            return page

    return PageRoute


def read(request: Request, *message_ids: str) -> None:
    """Say that a page shows the texts of these messages; it is written to the audit log before the page goes out."""
    request.state.read = message_ids


def signed_in_deed(request: Request, name: str) -> Deed:
    """Return what the audit log says of somebody who signed in."""
    number = str(request.scope["state"].get("request_id", ""))
    return Deed(f"person:{name}", "write", f"{request.method} {request.url.path}", (name,), number)


def _deed(request: Request, response: Response, path: str) -> Deed | None:
    """Return what the audit log says of a page: what a form changed, or which texts were shown."""
    shown = getattr(request.state, "read", None)
    writes = request.method == "POST" and path not in ("/look",)
    if response.status_code >= 400 or not (writes or shown is not None):
        return None
    ids = [str(value) for value in request.path_params.values()]
    if writes:
        ids += [
            one[:64]
            for name in ("id", "name", "version", "threshold", "correction", "customer", "into", "decision")
            for one in request.state.form.get(name, [])
        ]
    about = tuple(dict.fromkeys([*ids, *(shown or ())] if writes else shown or ()))
    number = str(request.scope["state"].get("request_id", ""))
    kind: Kind = "write" if writes else "read"
    return Deed(f"person:{request.state.person}", kind, f"{request.method} {path}", about, number)


def first(form: Form, name: str, default: str = "") -> str:
    """Return the first value of a field."""
    return form.get(name, [default])[0]


async def read_form(request: Request) -> Form:
    """Return the fields of a form.

    Raises
    ------
    UsageError
        It is too large.
    """
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_FORM_BYTES:
            raise UsageError("The form is too large")
    form: Form = {}
    pairs = parse_qsl(
        body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MOST_FORM_FIELDS, errors="replace"
    )
    for name, value in pairs:
        form.setdefault(name, []).append(value)
    return form


def _sign_in(request: Request) -> Response:
    accepts = request.headers.get("accept", "*/*")
    if request.method != "GET" or not ("text/html" in accepts or "*/*" in accepts):
        return Response("Sign in first.", 401, media_type="text/plain")
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse(f"/signin?next={quote(here)}", 303)
