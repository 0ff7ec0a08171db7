"""The models: versions, scores, which one serves."""

from __future__ import annotations

from collections import Counter

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from textcrm.registry import ModelEntry, Registry
from textcrm_api.dashboard.pages import Pages
from textcrm_api.dashboard.route import by, first

MOST_CONFUSED, MOST_BEHIND = 6, 100
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
            loaded = {c.name: c.version for line in pages.engine.lines.values() for c in line.classifiers}
        return pages.render(
            request,
            "models.html",
            named=named,
            corrections=corrections,
            confused={task: pairs.most_common(MOST_CONFUSED) for task, pairs in confused.items()},
            loaded=loaded,
            scores=_scores,
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
