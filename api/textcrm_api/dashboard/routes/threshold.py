"""The confidence below which a version declines to answer: chosen on its curve, confirmed, taken back."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from textcrm.errors import ConflictError, UsageError
from textcrm.operations.models.coverage import curve_of, threshold_of
from textcrm.registry import ModelEntry, Registry
from textcrm_api.dashboard.pages import Pages
from textcrm_api.dashboard.route import by, first

OWN = "own"  # in place of a confidence: back to the one that training chose


def add(router: APIRouter, pages: Pages) -> None:
    """Add the routes."""

    @router.get("/models/threshold", response_model=None, **by("analyst"))
    def choose(request: Request) -> Response:
        asked = request.query_params
        entry = _active(pages, asked.get("name", ""), asked.get("version", ""))
        curve = curve_of(entry, pages.settings)
        at = asked.get("at", "")
        if curve is None or not (at.isascii() and at.isdigit() and len(at) < 4 and int(at) < len(curve.points)):
            raise UsageError("There is no such point on the curve", hint="Move the slider on the page Models.")
        now = threshold_of(entry)
        return pages.render(
            request,
            "threshold.html",
            entry=entry,
            curve=curve,
            now=now,
            before=curve.points[curve.at(now)],
            chosen=curve.points[int(at)],
        )

    @router.post("/models/threshold", response_model=None, **by("analyst"))
    def set_threshold(request: Request) -> Response:
        form = request.state.form
        entry = _active(pages, first(form, "name"), first(form, "version"))
        given = first(form, "threshold")
        confidence = None if given == OWN else _confidence(given)
        Registry(pages.settings.registry_dir).set_threshold(entry.name, entry.version, confidence)
        return RedirectResponse(f"/models?done=threshold{'' if confidence is not None else '-own'}:1", 303)


def _active(pages: Pages, name: str, version: str) -> ModelEntry:
    """Return the version whose curve somebody looked at.

    Raises
    ------
    ConflictError
        Another version is active now.
    """
    entry = Registry(pages.settings.registry_dir).entry(name, version)
    if not entry.active:
        raise ConflictError("Another version is active now", hint="Look at its curve first.")
    return entry


def _confidence(given: str) -> float:
    """Return the confidence that was typed; its range is for the registry to judge.

    Raises
    ------
    UsageError
        It is no number.
    """
    try:
        return float(given[:32])
    except ValueError as error:
        raise UsageError("A threshold is a confidence from 0 to 1") from error
