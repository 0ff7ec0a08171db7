"""The queue."""

from __future__ import annotations

import base64
import binascii
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from textcrm.errors import UsageError
from textcrm.operations.access.users import colleagues
from textcrm.operations.desk import desk
from textcrm.operations.trends import topics as topic_runs
from textcrm.store.desk import MOST_COUNTED, Cursor, Wanted
from textcrm_api.dashboard.pages import Pages
from textcrm_api.dashboard.reading import shown_text
from textcrm_api.dashboard.route import by, first, read
from textcrm_api.dashboard.session import local_path
from textcrm_api.dashboard.words import query

PER_PAGE = 50
MOST_VIEW_NAME = 40
FIELDS = (*desk.FIELDS, "state", "abstained", "mine", "since", "until", "search", "order")
CHOICES = ("channel", "intent", "sentiment", "urgency", "language")
VIEWS: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("open", "Open", {}),
    ("mine", "Mine", {"mine": "yes"}),
    ("urgent", "Critical", {"urgency": "critical"}),
    ("unsure", "Unsure", {"abstained": "yes"}),
    ("snoozed", "Snoozed", {"state": "snoozed"}),
    ("closed", "Closed", {"state": "closed"}),
)


def asked(request: Request) -> dict[str, str]:
    """Return what the address asks to see."""
    return {name: request.query_params[name] for name in FIELDS if request.query_params.get(name)}


def add(router: APIRouter, pages: Pages) -> None:
    """Add the routes."""

    @router.get("/desk", response_model=None)
    def queue(request: Request) -> Response:
        store, person = pages.store, request.state.person
        shown = asked(request)
        wanted = desk.wanted_of(shown, person=person)
        newest_first = shown.get("order") == "newest"
        after = _cursor(request.query_params.get("after"))
        at_desk = desk.desk_of(store)
        with ThreadPoolExecutor(1) as beside:  # the database counts while the rows are read
            counting = beside.submit(at_desk.count, wanted)
            rows = desk.queue_page(store, wanted, after=after, limit=PER_PAGE + 1, newest_first=newest_first)
            counted = counting.result()
        read(request, *(row.message.id for row in rows[:PER_PAGE]))
        return pages.render(
            request,
            "desk.html",
            rows=rows[:PER_PAGE],
            more=_text(rows[PER_PAGE - 1].cursor) if len(rows) > PER_PAGE else None,
            paged=after is not None,
            shown=shown,
            wanted=wanted,
            counted=min(counted, MOST_COUNTED),
            counted_more=counted > MOST_COUNTED,
            choices={name: at_desk.values(name) for name in CHOICES},
            views=VIEWS,
            saved=store.views.of(person),
            topic_names=topic_runs.names(store) if shown.get("topic") else {},
            customer=_customer(pages, wanted),
            colleagues=colleagues(store),
            now=datetime.now(UTC),
            own=lambda message, insight: shown_text(message, insight).text,
        )

    @router.post("/desk/views", response_model=None, **by("viewer"))
    def keep(request: Request) -> Response:
        form, person = request.state.form, request.state.person
        if removed := first(form, "remove"):
            pages.store.views.remove(person, removed)
            return RedirectResponse("/desk?done=unview:1", 303)
        name = " ".join(first(form, "name").split())[:MOST_VIEW_NAME]
        fields = {field: first(form, field) for field in FIELDS if first(form, field)}
        if not name or not fields:
            raise UsageError("A view has a name, and filters", hint="Choose filters first.")
        pages.store.views.keep(person, name, fields)
        return RedirectResponse("/desk" + query(fields, done="view:1"), 303)

    @router.post("/desk/act", response_model=None, **by("agent"))
    def act(request: Request) -> Response:
        form = request.state.form
        ids = form.get("id", [])
        hours = first(form, "hours", "24")
        action, _, to = first(form, "action").partition(":")
        done = desk.act(
            pages.store,
            ids,
            action,
            by=request.state.person,
            to=to,
            hours=int(hours) if hours.isdigit() and len(hours) < 5 else 24,
        )
        back = local_path(first(form, "back"), otherwise="/desk")
        return RedirectResponse(_told(back, f"{action}:{done}"), 303)


def _told(path: str, what: str) -> str:
    """Return *path* with what was done, for the page to say."""
    parts = urlsplit(path)
    fields = {name: values[0] for name, values in parse_qs(parts.query).items() if name != "done"}
    return parts.path + query(fields, done=what)


def _customer(pages: Pages, wanted: Wanted) -> str | None:
    chosen = dict(wanted.equal).get("customer")
    if chosen is None:
        return None
    found = pages.store.customers.get_many([chosen]).get(chosen)
    return (found.name or found.id) if found else chosen


def _text(cursor: Cursor) -> str:
    rank, at, last = cursor
    return base64.urlsafe_b64encode(json.dumps([rank, at.isoformat(), last]).encode()).decode()


def _cursor(text: str | None) -> Cursor | None:
    if not text:
        return None
    try:
        rank, at, last = json.loads(base64.urlsafe_b64decode(text.encode()))
        time = datetime.fromisoformat(at)
        if not isinstance(rank, int) or not isinstance(last, str) or time.tzinfo is None:
            raise ValueError("types")
    except (ValueError, TypeError, binascii.Error, UnicodeDecodeError) as error:
        raise UsageError("The address of this page cannot be read", hint="Go back to the queue.") from error
    return rank, time, last
