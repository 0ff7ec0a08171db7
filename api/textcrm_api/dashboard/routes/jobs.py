"""Jobs: much analysed anew, started, watched and ended."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from textcrm.operations.desk import desk
from textcrm.operations.work.jobs import cancel_job, job_progress, start_job
from textcrm.store.jobs import OPEN
from textcrm_api.dashboard.pages import Pages
from textcrm_api.dashboard.route import by, first

MOST_SHOWN = 50
CHOICES = ("channel", "intent", "sentiment", "urgency", "language", "link")
FIELDS = (*CHOICES, "since", "until")


def add(router: APIRouter, pages: Pages) -> None:
    """Add the routes."""

    @router.get("/jobs", response_model=None)
    def jobs(request: Request) -> Response:
        store = pages.store
        at_desk = desk.desk_of(store)
        found = [job_progress(store, job) for job in store.jobs.list(limit=MOST_SHOWN)]
        return pages.render(
            request,
            "jobs.html",
            jobs=found,
            moving=any(one.job.state in OPEN for one in found),
            left={one.job.id: timedelta(seconds=one.seconds_left) for one in found if one.seconds_left is not None},
            choices={name: at_desk.values(name) for name in CHOICES},
            one_day=timedelta(days=1),
            open_states=OPEN,
            now=datetime.now(UTC),
        )

    @router.post("/jobs", response_model=None, **by("analyst"))
    def start(request: Request) -> Response:
        form = request.state.form
        asked = desk.wanted_of({name: first(form, name) for name in FIELDS}, person=request.state.person)
        lines = pages.engine.lines.values() if pages.engine is not None and first(form, "stale") else ()
        start_job(
            pages.store,
            by=request.state.person,
            filters=dict(asked.equal),
            since=asked.since,
            until=asked.until,
            standing=[line.fingerprint for line in lines],
        )
        return RedirectResponse("/jobs?done=job:1", 303)

    @router.post("/jobs/{job_id}/cancel", response_model=None, **by("analyst"))
    def cancel(job_id: str) -> Response:
        cancel_job(pages.store, job_id)
        return RedirectResponse("/jobs?done=job-cancelled:1", 303)
