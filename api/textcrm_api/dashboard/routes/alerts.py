"""What is watched, and what moved."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from textcrm.operations.desk.desk import desk_of
from textcrm.operations.trends import topics as topic_runs
from textcrm.operations.trends.alerts import add_rule
from textcrm.records import CHANNELS
from textcrm.store.alerts import WHATS
from textcrm_api.dashboard.pages import Pages
from textcrm_api.dashboard.route import by, first


def add(router: APIRouter, pages: Pages) -> None:
    """Add the routes."""

    @router.get("/alerts", response_model=None)
    def alerts(request: Request) -> Response:
        store = pages.store
        sinks = store.sinks.list()
        return pages.render(
            request,
            "alerts.html",
            rules=store.alerts.rules(),
            told=store.alerts.told(),
            whats=WHATS,
            channels=CHANNELS,
            topics=store.topics.list(),
            intents=desk_of(store).values("intent"),
            hooks=[sink.name for sink in sinks if sink.kind == "webhook"],
            mails=pages.settings.smtp_url is not None,
            topic_names=topic_runs.names(store),
            now=datetime.now(UTC),
        )

    @router.post("/alerts", response_model=None, **by("analyst"))
    def watch(request: Request) -> Response:
        form = request.state.form
        what, _, key = first(form, "what").partition(":")
        add_rule(
            pages.store,
            what,
            key=key or None,
            channel=first(form, "channel") or None,
            mails=[mail for mail in first(form, "mails").replace(",", " ").split() if mail],
            hook=first(form, "hook") or None,
            by=request.state.person,
        )
        return RedirectResponse("/alerts?done=watch:1", 303)

    @router.post("/alerts/{rule_id}/remove", response_model=None, **by("analyst"))
    def remove(rule_id: str) -> Response:
        pages.store.alerts.remove(rule_id)
        return RedirectResponse("/alerts?done=unwatch:1", 303)
