"""One message: read it, see why, correct it, answer for it."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from textcrm.errors import NotFoundError
from textcrm.operations.access.users import colleagues
from textcrm.operations.desk import desk
from textcrm.operations.desk.views import snippet
from textcrm.operations.models import corrections
from textcrm.records import Insight
from textcrm_api.dashboard.original import FRAME_HEADERS, original_page
from textcrm_api.dashboard.pages import Pages
from textcrm_api.dashboard.reading import read
from textcrm_api.dashboard.route import by, first
from textcrm_api.dashboard.route import read as audited
from textcrm_api.dashboard.routes.desk import asked
from textcrm_api.dashboard.session import local_path
from textcrm_api.dashboard.words import query

ORDER = ("urgency", "sentiment", "intent")


def add(router: APIRouter, pages: Pages) -> None:
    """Add the routes."""

    @router.get("/desk/{message_id}", response_model=None)
    def message(request: Request, message_id: str) -> Response:
        store = pages.store
        opened = desk.open_message(store, message_id)
        row = opened.row
        shown = asked(request)
        wanted = desk.wanted_of(shown, person=request.state.person)
        newest_first = shown.get("order") == "newest"
        predictions = sorted(row.insight.predictions, key=lambda p: ORDER.index(p.task) if p.task in ORDER else 9)
        similar, alike = _similar(pages, request, row)
        others = (other.message.id for other in [*similar, *opened.timeline])
        audited(request, *dict.fromkeys((message_id, *others)))
        return pages.render(
            request,
            "message.html",
            row=row,
            opened=opened,
            reading=read(row.message, row.insight, pages.engine),
            predictions=predictions,
            corrected={c.task: c for c in opened.corrections},
            labels={p.task: labels_for(pages, p.task, row.insight) for p in predictions},
            similar=similar,
            alike=alike,
            colleagues=[name for name in colleagues(store) if name not in (row.desk.assignee, request.state.person)],
            following=desk.next_after(store, wanted, row.cursor, newest_first=newest_first),
            shown=shown,
            now=datetime.now(UTC),
            snippet=snippet,
        )

    @router.get("/desk/{message_id}/original", response_model=None)
    def original(request: Request, message_id: str) -> Response:
        audited(request, message_id)
        return HTMLResponse(original_page(pages.store.messages.get(message_id)), headers=FRAME_HEADERS)

    @router.post("/desk/{message_id}/correct", response_model=None, **by("agent"))
    def correct(request: Request, message_id: str) -> Response:
        form = request.state.form
        task = first(form, "task")
        corrections.correct(
            pages.store,
            message_id,
            task=task,
            label=first(form, "label"),
            by=request.state.person,
            labels=labels_for(pages, task, pages.store.insights.get(message_id)),
        )
        return _back(request, message_id, f"correct:{task}")

    @router.post("/desk/{message_id}/undo", response_model=None, **by("agent"))
    def undo(request: Request, message_id: str) -> Response:
        undone = corrections.undo(pages.store, first(request.state.form, "correction"), by=request.state.person)
        return _back(request, message_id, f"undo:{undone.task}")

    @router.post("/desk/{message_id}/note", response_model=None, **by("agent"))
    def note(request: Request, message_id: str) -> Response:
        desk.add_note(pages.store, message_id, text=first(request.state.form, "text"), by=request.state.person)
        return _back(request, message_id, "note:1")


def _similar(pages: Pages, request: Request, row: desk.DeskRow) -> tuple[list[desk.DeskRow], dict[str, float]]:
    """Return similar earlier messages, and how similar in meaning; without that, by the words that they share."""
    try:
        found = desk.similar_in_meaning(pages.store, row, request.app.state.service.similar)
    except NotFoundError:
        return desk.similar(pages.store, row), {}
    return [other for other, _ in found], {other.message.id: cosine for other, cosine in found}


def labels_for(pages: Pages, task: str, insight: Insight) -> list[str]:
    """Return the labels to choose from: those of the model; without one, those that were ever given."""
    line = pages.engine.lines.get(insight.channel) if pages.engine is not None else None
    found = next((c.labels for c in line.classifiers if c.task == task), ()) if line else ()
    if found:
        return list(found)
    given = desk.desk_of(pages.store).values(task) if task in desk.FIELDS else []
    prediction = insight.prediction(task)
    return sorted({*given, *(one.label for one in prediction.top)} if prediction else given)


def _back(request: Request, message_id: str, done: str) -> Response:
    back = local_path(first(request.state.form, "back"), otherwise=f"/desk/{message_id}")
    path, _, _ = back.partition("?")
    shown = {name: value for name, value in _fields(back).items() if name != "done"}
    return RedirectResponse(path + query(shown, done=done), 303)


def _fields(address: str) -> dict[str, str]:
    return dict(parse_qsl(address.partition("?")[2]))
