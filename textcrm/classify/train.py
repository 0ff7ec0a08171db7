"""Training: views, out-of-fold margins, head, calibration, refusal; the result is an artifact's folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textcrm import artifact
from textcrm.classify.calibrate import Calibration, expected_calibration_error, fit_calibration
from textcrm.classify.candidates import make_candidates
from textcrm.classify.cues import cues
from textcrm.classify.folds import assign_folds
from textcrm.classify.head import Head, HeadKind, fit_head
from textcrm.classify.neighbours import Neighbours, make_neighbours
from textcrm.classify.refuse import (
    SIGNS,
    Familiarity,
    fit_familiarity,
    make_signs,
    threshold_ambiguous,
    threshold_unknown,
)
from textcrm.classify.spread import CANDIDATES, spread_out
from textcrm.classify.views import FittedView, ScoringView, fit_view, make_features
from textcrm.errors import UsageError
from textcrm.specs import CuesView, RecipeSpec

Floats = NDArray[np.float32]
MAX_LABELS = 400
FEW_ROWS = 2_000


@dataclass(frozen=True)
class Training:
    """What a model learns from.

    Attributes
    ----------
    texts
        n texts.
    labels
        The labels of each text; one each unless the recipe is ``multi_label``.
    embeddings : ndarray of shape (n, dimensions), float32, optional
        Needed by a recipe with a sentence view.
    encoder
        Hash of the encoder that made them.
    ledger
        What is written to the manifest about where the texts come from.
    weights : ndarray of shape (n,), optional
        Weight of each text, 1 where absent.
    """

    texts: Sequence[str]
    labels: Sequence[Sequence[str]]
    embeddings: Floats | None = None
    encoder: str | None = None
    ledger: dict[str, Any] = field(default_factory=dict)
    weights: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class Fitted:
    """A trained model in memory, and what it says out of fold about its own training texts.

    ``outside`` has shape (n, n_labels): the calibrated probabilities of each training text, made without it.
    """

    recipe: RecipeSpec
    labels: tuple[str, ...]
    views: tuple[FittedView, ...]
    neighbours: Neighbours | None
    examples: NDArray[np.int64]
    head: Head
    calibration: Calibration
    familiarity: Familiarity
    thresholds: dict[str, float]
    outside: NDArray[np.float64]
    targets: NDArray[np.bool_]
    head_scores: dict[str, float]

    def summary(self) -> dict[str, Any]:
        """Return the figures out of fold, on the training texts."""
        confidence, correct = self.outside.max(axis=1), self._correct()
        answered = confidence >= self.thresholds["ambiguous"]
        return {
            "n": len(correct),
            "accuracy": round(float(correct.mean()), 4),
            "ece": round(expected_calibration_error(confidence, correct), 4),
            "coverage": round(float(answered.mean()), 4),
            "accuracy_at_coverage": round(float(correct[answered].mean()), 4) if answered.any() else None,
        }

    def accuracy_outside(self, rows: Sequence[int]) -> float:
        """Return the out-of-fold accuracy on some of the training texts."""
        return round(float(self._correct()[list(rows)].mean()), 4)

    def _correct(self) -> NDArray[np.bool_]:
        return np.take_along_axis(self.targets, self.outside.argmax(axis=1)[:, None], axis=1)[:, 0]


def fit(recipe: RecipeSpec, data: Training, *, threads: int = 1, say: Callable[[str], object] | None = None) -> Fitted:
    """Train *recipe* on *data*.

    Raises
    ------
    UsageError
        Fewer than two labels or rows, more than `MAX_LABELS` labels, or embeddings that are missing.
    """
    say = say or (lambda _: None)
    labels, targets = _targets(data, multi_label=recipe.multi_label)
    weights = _row_weights(targets, balanced=recipe.class_weight == "balanced")
    if data.weights is not None:
        weights = weights * data.weights
    n = len(targets)
    folds_wanted = min(n, recipe.folds if n > FEW_ROWS else max(recipe.folds, 10))
    _, groups = np.unique([text.strip().lower() for text in data.texts], return_inverse=True)
    folds = assign_folds(targets, groups, count=folds_wanted, seed=recipe.seed)
    scoring = [view for view in recipe.views if not isinstance(view, CuesView)]
    say(f"{n} texts, {len(labels)} labels, {folds_wanted} folds")
    views, margins = _fit_views(scoring, data, targets, weights, folds, seed=recipe.seed, threads=threads)
    figures_cues = cues(data.texts) if len(scoring) < len(recipe.views) else None
    neighbours, examples, similarities = None, np.zeros(0, dtype=np.int64), None
    if recipe.sentence is not None and data.embeddings is not None:
        neighbours, examples = make_neighbours(data.embeddings, targets, seed=recipe.seed)
        itself = np.full(n, -1, dtype=np.int64)
        itself[examples] = np.arange(len(examples))
        similarities = neighbours.similarities(data.embeddings, itself=itself)
    stacked = [*margins, *([similarities] if similarities is not None else [])]
    count = len(labels) if recipe.multi_label else CANDIDATES
    candidates = make_candidates(stacked, figures_cues, count=count)
    right = np.take_along_axis(targets, candidates.labels, axis=1)
    say(f"head over {candidates.figures.shape[2]} figures of {candidates.labels.shape[1]} candidates")
    head, scores, head_scores = _fit_best_head(recipe, candidates.figures, right, weights, folds=folds, threads=threads)
    complete = candidates.labels.shape[1] == len(labels)
    calibration = fit_calibration(scores, right, multi_label=recipe.multi_label, complete=complete)
    outside = spread_out(calibration, scores, candidates.labels, len(labels))
    signs = make_signs(scores, margins, similarities)
    familiarity = fit_familiarity(signs, None)
    confidence = outside.max(axis=1)
    correct = np.take_along_axis(targets, outside.argmax(axis=1)[:, None], axis=1)[:, 0]
    thresholds = {
        "unknown": threshold_unknown(familiarity.score(signs), recipe.abstain),
        "ambiguous": threshold_ambiguous(confidence, correct, recipe.abstain),
    }
    return Fitted(
        recipe,
        labels,
        tuple(views),
        neighbours,
        examples,
        head,
        calibration,
        familiarity,
        thresholds,
        outside,
        targets,
        head_scores,
    )


def save(fitted: Fitted, data: Training, folder: Path) -> str:
    """Write the artifact of *fitted* to *folder*, which must be empty or absent, and return its version."""
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise UsageError(f"{folder.name} is not empty", hint="Name a new folder.")
    for index, view in enumerate(fitted.views):
        artifact.write_arrays(folder / f"view{index}.npz", view.arrays())
    artifact.write_arrays(folder / "head.npz", fitted.head.arrays())
    if fitted.neighbours is not None:
        kept: dict[str, NDArray[Any]] = {
            "vectors": fitted.neighbours.vectors.astype(np.float16),
            "firsts": fitted.neighbours.firsts,
            "members": fitted.neighbours.members,
        }
        artifact.write_arrays(folder / "neighbours.npz", kept)
        shown = [[data.texts[row][:300], list(data.labels[row])] for row in fitted.examples]
        (folder / "examples.json").write_text(json.dumps(shown, ensure_ascii=True), encoding="utf-8")
    recipe = fitted.recipe
    body = {
        "task": recipe.task,
        "labels": list(fitted.labels),
        "multi_label": recipe.multi_label,
        "languages": list(recipe.languages),
        "encoder": data.encoder if recipe.sentence is not None else None,
        "views": [view.describe() for view in fitted.views],
        "cues": len(fitted.views) < len(recipe.views),
        "neighbours": fitted.neighbours is not None,
        "head": fitted.head.kind,
        "calibration": {"slope": fitted.calibration.slope, "offset": fitted.calibration.offset},
        "familiarity": {
            "signs": list(SIGNS),
            "mean": fitted.familiarity.mean.tolist(),
            "scale": fitted.familiarity.scale.tolist(),
            "weights": fitted.familiarity.weights.tolist(),
        },
        "thresholds": {**fitted.thresholds, "per_label": dict(recipe.abstain.per_label)},
        "min_letters": recipe.abstain.min_letters,
        "recipe": recipe.model_dump(mode="json", by_alias=True),
        "recipe_fingerprint": recipe.fingerprint(),
        "training": {
            **data.ledger,
            "rows": len(data.texts),
            "rows_per_label": dict(zip(fitted.labels, fitted.targets.sum(axis=0).tolist(), strict=True)),
            "out_of_fold": fitted.summary(),
            "heads": fitted.head_scores,
        },
    }
    return artifact.write_manifest(folder, kind="classifier", name=recipe.name, body=body)


def _targets(data: Training, *, multi_label: bool) -> tuple[tuple[str, ...], NDArray[np.bool_]]:
    if len(data.texts) != len(data.labels):
        raise UsageError("texts and labels differ in number", hint="Give each text its labels.")
    names = tuple(sorted({label for row in data.labels for label in row}))
    if len(names) < 2 or len(names) > MAX_LABELS:
        raise UsageError(
            f"a model needs 2 to {MAX_LABELS} different labels; the data has {len(names)}",
            hint="Name the column of labels with --label.",
        )
    if not multi_label and any(len(row) != 1 for row in data.labels):
        raise UsageError("every text needs exactly one label", hint="Use a recipe with multi_label = true.")
    place = {name: index for index, name in enumerate(names)}
    targets = np.zeros((len(data.texts), len(names)), dtype=bool)
    for row, labels in enumerate(data.labels):
        targets[row, [place[label] for label in labels]] = True
    return names, targets


def _row_weights(targets: NDArray[np.bool_], *, balanced: bool) -> NDArray[np.float64]:
    if not balanced:
        return np.ones(len(targets))
    counts = np.maximum(targets.sum(axis=0), 1)
    each = len(targets) / (len(counts) * counts)
    return np.asarray((targets * each).sum(axis=1) / np.maximum(targets.sum(axis=1), 1))


def _fit_views(
    scoring: Sequence[ScoringView],
    data: Training,
    targets: NDArray[np.bool_],
    weights: NDArray[np.float64],
    folds: NDArray[np.int64],
    *,
    seed: int,
    threads: int,
) -> tuple[list[FittedView], list[Floats]]:
    """Fit each view on all rows, and on the rows outside each fold to get margins of the rows inside."""
    made = [make_features(view, data.texts, data.embeddings, targets) for view in scoring]
    margins = [np.zeros(targets.shape, dtype=np.float32) for _ in scoring]

    def job(task: tuple[int, int]) -> FittedView | None:
        index, fold = task
        matrix, tfidf = made[index]
        inside = folds != fold
        rows = np.flatnonzero(inside)
        part = fit_view(scoring[index], matrix[rows], tfidf, targets[rows], weights=weights[rows], seed=seed)
        if fold < 0:
            return part
        held = np.flatnonzero(~inside)
        margins[index][held] = matrix[held] @ part.coef + part.intercept
        return None

    tasks = [(index, fold) for index in range(len(scoring)) for fold in (-1, *range(int(folds.max()) + 1))]
    with ThreadPoolExecutor(threads) as pool:
        results = list(pool.map(job, tasks))
    return [part for part in results if part is not None], margins


def _fit_best_head(
    recipe: RecipeSpec,
    figures: Floats,
    right: NDArray[np.bool_],
    weights: NDArray[np.float64],
    *,
    folds: NDArray[np.int64],
    threads: int,
) -> tuple[Head, Floats, dict[str, float]]:
    n, k, width = figures.shape
    kinds: tuple[HeadKind, ...] = (
        ("random_forest", "extra_trees", "logistic_regression") if recipe.head == "auto" else (recipe.head,)
    )
    best: tuple[float, Head, Floats] | None = None
    accuracy: dict[str, float] = {}
    for kind in kinds:
        head, flat = fit_head(
            kind,
            figures.reshape(n * k, width),
            right.reshape(-1),
            np.repeat(np.arange(n), k),
            np.repeat(weights, k),
            trees=recipe.trees,
            folds=folds,
            seed=recipe.seed,
            threads=threads,
        )
        scores = flat.reshape(n, k)
        accuracy[kind] = round(float(np.take_along_axis(right, scores.argmax(axis=1)[:, None], axis=1).mean()), 4)
        if best is None or accuracy[kind] > best[0]:
            best = (accuracy[kind], head, scores)
    assert best is not None  # noqa: S101 - kinds is never empty
    return best[1], best[2], accuracy
