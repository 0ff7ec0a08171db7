"""What customers write about: the topics, and what they say of them."""

from __future__ import annotations

from datetime import timedelta

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from textcrm.errors import NotFoundError
from textcrm.operations.trends import topics as topic_runs
from textcrm.operations.trends import trends
from textcrm.operations.trends.aspects import Aspect, aspects_of
from textcrm.operations.trends.phrases import phrases_of
from textcrm_api.dashboard.pages import Pages
from textcrm_api.dashboard.route import by, first
from textcrm_api.dashboard.routes.trends import CHOICES, asked_of, latest

MOST_READ = 400  # messages that one look at what is said reads with the models
MOST_WORDS = 4_000


def add(router: APIRouter, pages: Pages) -> None:
    """Add the routes."""

    @router.get("/topics", response_model=None)
    def topics(request: Request) -> Response:
        store = pages.store
        found = store.topics.list()
        asked = asked_of(pages, {"by": "week"})
        after = latest(asked.span, asked.by)
        compared = trends.compare(store, after.before, after, split="topic")
        return pages.render(
            request,
            "topics.html",
            topics=found,
            counts=topic_runs.counts(store),
            merged=topic_runs.merged(store),
            moved={change.key: change for change in compared.changes},
            after=after,
            one_day=timedelta(days=1),
            run=store.topics.fit(),
        )

    @router.post("/topics/{topic_id}", response_model=None, **by("analyst"))
    def change(request: Request, topic_id: str) -> Response:
        form, store = request.state.form, pages.store
        action = first(form, "action")
        if action == "rename":
            topic_runs.rename(store, topic_id, first(form, "name"))
        elif action == "merge":
            topic_runs.merge(store, topic_id, into=first(form, "into"))
        elif action == "unmerge":
            topic_runs.unmerge(store, topic_id)
            topic_runs.assign_waiting(store)  # the first thousand at once; the worker goes on
        else:
            topic_runs.pin(store, topic_id, pinned=action == "pin")
        return RedirectResponse("/topics?done=topic:1", 303)

    @router.get("/said", response_model=None)
    def said(request: Request) -> Response:
        store, engine = pages.store, pages.engine
        shown = {name: request.query_params[name] for name in CHOICES if request.query_params.get(name)}
        times = {name: request.query_params[name] for name in ("since", "until") if request.query_params.get(name)}
        span = asked_of(pages, {"by": "week", **times}).span
        if not times:
            span = latest(span, "week")
        praised: list[Aspect] = []
        blamed: list[Aspect] = []
        silent = ""
        try:
            if engine is None:
                raise NotFoundError("No models are loaded", hint="Make the shipped ones with: textcrm demo.")
            praised, blamed = aspects_of(store, engine, shown, since=span.since, until=span.until, most=MOST_READ)
        except NotFoundError as error:
            silent = str(error)
        return pages.render(
            request,
            "said.html",
            shown={**shown, **times},
            fields=shown,
            span=span,
            last_day=span.until - timedelta(days=1),
            praised=praised,
            blamed=blamed,
            silent=silent,
            phrases=phrases_of(store, shown, since=span.since, until=span.until, most=MOST_WORDS),
            topic_names=topic_runs.names(store),
        )
