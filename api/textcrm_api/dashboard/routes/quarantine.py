"""What could not be taken, and another try."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from textcrm.operations.intake.quarantine import replay_items
from textcrm_api.dashboard.pages import Pages
from textcrm_api.dashboard.route import by, first, read

MOST_SHOWN = 200
MOST_BYTES = 2_000


def add(router: APIRouter, pages: Pages) -> None:
    """Add the routes."""

    @router.get("/quarantine", response_model=None)
    def quarantine(request: Request) -> Response:
        store = pages.store
        replayed = request.query_params.get("status") == "replayed"
        source = request.query_params.get("source") or None
        status = "replayed" if replayed else "waiting"
        items = store.quarantine.list(status=status, source=source, limit=MOST_SHOWN)
        return pages.render(
            request,
            "quarantine.html",
            items=items,
            waiting=store.quarantine.count(),
            replayed=replayed,
            source=source,
            now=datetime.now(UTC),
        )

    @router.get("/quarantine/{item_id}", response_model=None)
    def item(request: Request, item_id: str) -> Response:
        found = pages.store.quarantine.get(item_id)
        raw = pages.store.raws.get(found.raw_sha256)
        read(request, item_id)
        return pages.render(
            request,
            "quarantined.html",
            item=found,
            beginning=raw[:MOST_BYTES].decode("utf-8", "replace"),
            cut=len(raw) > MOST_BYTES,
            now=datetime.now(UTC),
        )

    @router.post("/quarantine/{item_id}/replay", response_model=None, **by("analyst"))
    def replay(request: Request, item_id: str) -> Response:
        (done,) = replay_items(pages.store, [pages.store.quarantine.get(item_id)], settings=pages.settings)
        to = "/quarantine" if first(request.state.form, "from") == "list" else f"/quarantine/{item_id}"
        return RedirectResponse(f"{to}?done=replay-{done.outcome}:1", 303)
