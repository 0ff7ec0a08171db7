"""The models: versions, scores, which one serves."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request
from fastapi.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from textcrm.catalog import Catalog
from textcrm.errors import ConflictError, UsageError
from textcrm.operations.access.users import may
from textcrm.operations.models.coverage import Curve, curve_of, own_threshold, threshold_of
from textcrm.operations.models.trainings import start_training, trainings_of
from textcrm.registry import ModelEntry, Registry
from textcrm_api.dashboard.pages import Pages
from textcrm_api.dashboard.route import by, first

MOST_CONFUSED, MOST_BEHIND = 6, 100
MOST_COMPARED = 300
MOST_TRAININGS = 5
SCORES = (
    "accuracy",
    "macro_f1",
    "macro_recall",
    "ece",
    "coverage",
    "accuracy_at_coverage",
)


def add(router: APIRouter, pages: Pages) -> None:
    """Add the routes."""
    one_at_a_time = threading.Lock()  # two models in memory at once are enough

    @router.get("/models", response_model=None)
    def models(request: Request) -> Response:
        registry = Registry(pages.settings.registry_dir)
        named: dict[str, list[ModelEntry]] = {}
        for entry in registry.list():
            named.setdefault(entry.name, []).insert(0, entry)
        corrections: dict[str, int] = {}
        confused: dict[str, Counter[tuple[str, str]]] = {}
        for correction in pages.store.corrections.list():
            corrections[correction.task] = corrections.get(correction.task, 0) + 1
            if correction.said is not None and correction.said.label != correction.label:
                pair = (correction.said.label, correction.label)
                confused.setdefault(correction.task, Counter())[pair] += 1
        loaded = {}
        if pages.engine is not None:
            loaded = {
                c.name: (c.version, c.threshold) for line in pages.engine.lines.values() for c in line.classifiers
            }
        active = [next((e for e in entries if e.active), None) for entries in named.values()]
        curves = {
            e.name: _drawn(curve, threshold_of(e)) for e in active if e and (curve := curve_of(e, pages.settings))
        }
        return pages.render(
            request,
            "models.html",
            named=named,
            corrections=corrections,
            confused={task: pairs.most_common(MOST_CONFUSED) for task, pairs in confused.items()},
            loaded=loaded,
            scores=_scores,
            trainings=trainings_of(pages.store).list(limit=MOST_TRAININGS),
            recipes=Catalog(pages.settings.home).recipes().keys(),
            now=datetime.now(UTC),
            curves=curves,
            threshold_of=threshold_of,
            own_threshold=own_threshold,
        )

    @router.get("/models/compare", response_model=None)
    def compare(request: Request) -> Response:
        registry = Registry(pages.settings.registry_dir)
        name = request.query_params.get("name", "")
        before, after = (registry.entry(name, request.query_params.get(which, "")) for which in ("before", "after"))
        corrections = pages.store.corrections.list(task=str(after.body.get("task", name)))
        found = None
        if request.query_params.get("on") == "corrections":
            if not may(request.state.role, "analyst"):
                raise HTTPException(403, "Your role may not do this.")
            if not one_at_a_time.acquire(blocking=False):
                raise ConflictError("Models are being compared already", hint="Try again in a minute.")
            try:
                found = _on_corrections(pages, before, after)
            finally:
                one_at_a_time.release()
        return pages.render(
            request,
            "compare.html",
            name=name,
            versions=registry.versions(name)[::-1],
            before=before,
            after=after,
            rows=[(score, _scored(before, score), _scored(after, score)) for score in SCORES],
            corrections=len({c.message_id for c in corrections}),
            most=MOST_COMPARED,
            found=found,
        )

    @router.get("/models/confused", response_model=None)
    def behind(request: Request) -> Response:
        task, said, right = (request.query_params.get(name, "") for name in ("task", "said", "right"))
        rows = [
            c for c in pages.store.corrections.list(task=task) if c.said and (c.said.label, c.label) == (said, right)
        ]
        found = pages.store.messages.get_many([c.message_id for c in rows[-MOST_BEHIND:]])
        return pages.render(
            request, "confused.html", task=task, said=said, right=right, rows=rows[::-1][:MOST_BEHIND], found=found
        )

    @router.post("/models/train", response_model=None, **by("analyst"))
    def train(request: Request) -> Response:
        name = first(request.state.form, "name")
        start_training(pages.store, pages.settings, name, by=request.state.person)
        return RedirectResponse("/models?done=train:1", 303)

    @router.post("/models/train/{training_id}/cancel", response_model=None, **by("analyst"))
    def cancel(request: Request, training_id: str) -> Response:
        trainings_of(pages.store).cancel(training_id, by=request.state.person)
        return RedirectResponse("/models?done=train-cancelled:1", 303)

    @router.post("/models/activate", response_model=None, **by("analyst"))
    def activate(request: Request) -> Response:
        form = request.state.form
        Registry(pages.settings.registry_dir).activate(first(form, "name"), first(form, "version"))
        return RedirectResponse("/models?done=activate:1", 303)

    @router.post("/models/rollback", response_model=None, **by("analyst"))
    def rollback(request: Request) -> Response:
        Registry(pages.settings.registry_dir).rollback(first(request.state.form, "name"))
        return RedirectResponse("/models?done=rollback:1", 303)


def _scores(entry: ModelEntry) -> list[tuple[str, float]]:
    """Return the scores that a model carries, the known ones in their order."""
    held = entry.body.get("scores") or entry.body.get("evaluation") or {}
    return [(name, float(held[name])) for name in SCORES if isinstance(held.get(name), int | float)]


def _scored(entry: ModelEntry, score: str) -> float | None:
    return dict(_scores(entry)).get(score)


def _on_corrections(pages: Pages, before: ModelEntry, after: ModelEntry) -> dict[str, Any]:
    """Return how two versions answer the newest messages that people corrected."""
    from textcrm.operations.models.models import compare_texts, open_model
    from textcrm.operations.models.training import corrections_of

    rows = corrections_of(pages.store, task=str(after.body.get("task", after.name)))[-MOST_COMPARED:]
    if not rows:
        raise UsageError("Nobody corrected an answer of this model yet", hint="Label some messages first.")
    old, new = (open_model(f"{entry.name}@{entry.version}", settings=pages.settings) for entry in (before, after))
    return compare_texts(old, new, [row.text for row in rows], [[row.label] for row in rows])


def _drawn(curve: Curve, threshold: float) -> dict[str, Any]:
    """Return a curve with its points as the picture has them, and the place of the threshold that holds."""
    low = max(0.0, min(point.accuracy for point in curve.points) - 0.02)
    xy = [(round(100 * p.coverage, 1), round(40 * (1 - p.accuracy) / (1 - low), 2)) for p in curve.points]
    return {"curve": curve, "at": curve.at(threshold), "xy": xy}
