"""People: the first admin, who else may sign in, and one's own password."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from textcrm.errors import TextcrmError, UsageError
from textcrm.operations.access import users
from textcrm.store.users import ROLES
from textcrm_api.dashboard.pages import Pages
from textcrm_api.dashboard.route import Form, by, first
from textcrm_api.dashboard.session import WELCOME, invitation_link
from textcrm_api.dashboard.strangers import entered


def add(router: APIRouter, pages: Pages) -> None:
    """Add the routes."""

    @router.get(WELCOME, response_model=None, **by("admin"))
    def welcome(request: Request) -> Response:
        if users.users_of(pages.store).any():
            return RedirectResponse("/users", 303)
        return pages.render(request, "welcome.html", wrong="", name="")

    @router.post(WELCOME, response_model=None, **by("admin"))
    def first_admin(request: Request) -> Response:
        form = request.state.form
        name = first(form, "name")
        try:
            made = pages.passwords.first_admin(name, _password(form))
        except TextcrmError as error:
            return pages.render(request, "welcome.html", status=422, wrong=str(error), name=name)
        pages.sessions.end(request.state.session)
        return entered(request, pages.sessions.begin(made.name), "/users?done=admin:1")

    def users_page(request: Request, **context: Any) -> Response:
        found = users.users_of(pages.store).list()
        shown: dict[str, Any] = {"link": "", "link_of": "", "wrong": "", "status": 200, **context}
        return pages.render(request, "users.html", users=found, roles=ROLES, now=datetime.now(UTC), **shown)

    def with_link(request: Request, name: str, token: str) -> Response:
        """Show the page with the one-time link on it: it stands nowhere else, and not in an address of ours."""
        return users_page(request, link=invitation_link(str(request.base_url), token), link_of=name)

    @router.get("/users", response_model=None, **by("admin"))
    def show(request: Request) -> Response:
        return users_page(request)

    @router.post("/users", response_model=None, **by("admin"))
    def add_user(request: Request) -> Response:
        form = request.state.form
        try:
            made, token = users.add_user(pages.store, first(form, "name"), role=first(form, "role"))
        except TextcrmError as error:
            return users_page(request, status=422, wrong=str(error))
        return with_link(request, made.name, token)

    @router.post("/users/role", response_model=None, **by("admin"))
    def set_role(request: Request) -> Response:
        form = request.state.form
        users.set_role(pages.store, first(form, "name"), first(form, "role"))
        return RedirectResponse("/users?done=role:1", 303)

    @router.post("/users/disable", response_model=None, **by("admin"))
    def disable(request: Request) -> Response:
        users.set_disabled(pages.store, first(request.state.form, "name"), disabled=True)
        return RedirectResponse("/users?done=disable:1", 303)

    @router.post("/users/enable", response_model=None, **by("admin"))
    def enable(request: Request) -> Response:
        users.set_disabled(pages.store, first(request.state.form, "name"), disabled=False)
        return RedirectResponse("/users?done=enable:1", 303)

    @router.post("/users/reset", response_model=None, **by("admin"))
    def reset(request: Request) -> Response:
        name = first(request.state.form, "name")
        return with_link(request, name, users.reset_password(pages.store, name))

    @router.get("/account", response_model=None)
    def account(request: Request) -> Response:
        return pages.render(request, "account.html", account=request.state.account, wrong="")

    @router.post("/account", response_model=None, **by("viewer"))
    def change_password(request: Request) -> Response:
        form = request.state.form
        try:
            token = pages.passwords.change(request.state.person, old=first(form, "old"), new=_password(form))
        except TextcrmError as error:
            account = request.state.account
            return pages.render(request, "account.html", status=422, account=account, wrong=str(error))
        return entered(request, token, "/account?done=password:1")


def _password(form: Form) -> str:
    """Return the password that was typed twice."""
    if first(form, "password") != first(form, "again"):
        raise UsageError("The two passwords differ")
    return first(form, "password")
