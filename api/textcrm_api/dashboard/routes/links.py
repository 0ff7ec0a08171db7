"""Links that wait for a person: who wrote these messages, with the evidence; each answer can be taken back."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from textcrm.errors import UsageError
from textcrm.operations.desk.views import snippet
from textcrm.operations.links import decisions, review
from textcrm_api.dashboard.pages import Pages
from textcrm_api.dashboard.route import by, first, read

PER_PAGE = 20


def add(router: APIRouter, pages: Pages) -> None:
    """Add the routes."""

    @router.get("/links", response_model=None)
    def links(request: Request) -> Response:
        found = review.questions(pages.store, limit=PER_PAGE + 1)
        read(request, *(q.message.id for q in found[:PER_PAGE]))
        return pages.render(
            request,
            "links.html",
            questions=found[:PER_PAGE],
            more=len(found) > PER_PAGE,
            now=datetime.now(UTC),
            snippet=snippet,
        )

    @router.post("/links", response_model=None, **by("agent"))
    def answer(request: Request) -> Response:
        form, store, person = request.state.form, pages.store, request.state.person
        action, customer = first(form, "action"), first(form, "customer")
        if action == "merge":
            made = decisions.decide(store, "merge", customer, other=first(form, "into"), by=person)
        elif action in ("confirm", "reject"):
            made = review.answer(store, first(form, "id"), customer, same=action == "confirm", by=person)
        else:
            raise UsageError("There is no such answer", options=("confirm", "reject", "merge"))
        return RedirectResponse(f"/links?done={action}:{made.id}", 303)

    @router.post("/links/undo", response_model=None, **by("agent"))
    def undo(request: Request) -> Response:
        decisions.undo(pages.store, first(request.state.form, "decision"))
        return RedirectResponse("/links?done=undecided:1", 303)
