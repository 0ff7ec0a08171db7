"""The labelling queue: one message at a time, the most useful first, by keyboard."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from textcrm.errors import NotFoundError
from textcrm.operations.models import corrections
from textcrm.operations.models.labelling import next_to_label
from textcrm.records import Insight
from textcrm_api.dashboard.pages import Pages
from textcrm_api.dashboard.reading import shown_text
from textcrm_api.dashboard.route import by, first
from textcrm_api.dashboard.routes.message import labels_for
from textcrm_api.dashboard.words import query

TASKS = ("intent", "sentiment", "urgency")


def add(router: APIRouter, pages: Pages) -> None:
    """Add the routes."""

    @router.get("/label", response_model=None)
    def label(request: Request) -> Response:
        store = pages.store
        task = _task(request.query_params.get("task", "intent"))
        skipped = [part for part in request.query_params.get("skipped", "").split(".") if part][-200:]
        found = next(
            (i for i in next_to_label(store, task, limit=len(skipped) + 1) if i.message_id not in skipped), None
        )
        message = store.messages.get(found.message_id) if found else None
        return pages.render(
            request,
            "label.html",
            task=task,
            tasks=TASKS,
            insight=found,
            message=message,
            text=shown_text(message, found).text if message and found else "",
            said=found.prediction(task) if found else None,
            labels=_ordered(pages, found, task) if found else [],
            skipped=skipped,
            made=sum(c.by == request.state.person for c in store.corrections.list(task=task)),
            last=request.query_params.get("last", "")[:64],
        )

    @router.post("/label", response_model=None, **by("agent"))
    def say(request: Request) -> Response:
        form = request.state.form
        task, message_id = _task(first(form, "task")), first(form, "id")
        if undone := first(form, "undo"):
            corrections.undo(pages.store, undone, by=request.state.person)
            return RedirectResponse("/label" + query({"task": task, "done": f"undo:{task}"}), 303)
        made = corrections.correct(
            pages.store,
            message_id,
            task=task,
            label=first(form, "label"),
            by=request.state.person,
            labels=labels_for(pages, task, pages.store.insights.get(message_id)),
        )
        return RedirectResponse(
            "/label" + query({"task": task, "skipped": first(form, "skipped"), "last": made.id}), 303
        )


def _ordered(pages: Pages, found: Insight, task: str) -> list[str]:
    """Return the labels, those that the model thinks likely first."""
    said = found.prediction(task)
    likely = [score.label for score in said.top] if said else []
    return likely + [name for name in labels_for(pages, task, found) if name not in likely]


def _task(name: str) -> str:
    if name not in TASKS:
        raise NotFoundError("There is no such task", options=TASKS)
    return name
