"""Open to all who have the link: choosing a password."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from textcrm.errors import NotFoundError, TextcrmError, UsageError
from textcrm_api.dashboard.pages import Pages
from textcrm_api.dashboard.route import OLD_FORM, Form, first, signed_in_deed
from textcrm_api.dashboard.strangers import entered, form_page, sent_form


def add(router: APIRouter, pages: Pages) -> None:
    """Add the routes."""

    @router.get("/join", response_model=None)
    def join(request: Request) -> Response:
        given = request.query_params.get("token", "")
        name = pages.sessions.invited(given) if given else None
        return form_page(pages, request, "join.html", status=200 if name else 401, name=name, token=given, wrong="")

    @router.post("/join", response_model=None)
    async def choose_password(request: Request) -> Response:
        form = await sent_form(request)
        if form is None:
            return await run_in_threadpool(pages.problem, request, 403, OLD_FORM)
        return await run_in_threadpool(joined, request, form)

    def joined(request: Request, form: Form) -> Response:
        token, password = first(form, "token"), first(form, "password")
        try:
            if password != first(form, "again"):
                raise UsageError("The two passwords differ")
            user = pages.passwords.choose(token, password)
        except NotFoundError:
            return form_page(pages, request, "join.html", status=401, name=None, token="", wrong="")
        except TextcrmError as error:
            name = pages.sessions.invited(token)
            return form_page(pages, request, "join.html", status=422, name=name, token=token, wrong=str(error))
        pages.audit.append(signed_in_deed(request, user.name))
        return entered(request, pages.sessions.begin(user.name), "/desk")
