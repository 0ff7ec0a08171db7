"""Training: views, out-of-fold margins, head, calibration, refusal."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from textcrm.classify.calibrate import fit_calibration
from textcrm.classify.candidates import make_candidates
from textcrm.classify.cues import cues
from textcrm.classify.direct import fit_direct
from textcrm.classify.fitted import Fitted, Training
from textcrm.classify.folds import assign_folds, fit_views
from textcrm.classify.head import Head, HeadKind, fit_head
from textcrm.classify.neighbours import make_neighbours
from textcrm.classify.refuse import choose_thresholds, fit_familiarity, make_signs
from textcrm.classify.spread import CANDIDATES, spread_out
from textcrm.classify.strangers import LEAST_LABELS, signs_of_strangers
from textcrm.classify.views import make_features
from textcrm.errors import UsageError
from textcrm.specs import CuesView, RecipeSpec

Floats = NDArray[np.float32]
LEAST_ROWS = 10
MAX_LABELS = 400
FEW_ROWS = 2_000


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
    if recipe.input == "features":
        return fit_direct(recipe, data, labels, targets, weights=weights, folds=folds, threads=threads)
    made = [make_features(view, data.texts, data.embeddings, targets) for view in scoring]
    views, margins = fit_views(scoring, made, targets, weights=weights, folds=folds, seed=recipe.seed, threads=threads)
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
    strangers = None
    if not recipe.multi_label and len(labels) >= LEAST_LABELS:
        say("learning what the unknown looks like: a fifth of the labels left out")
        strangers = signs_of_strangers(
            scoring,
            made,
            margins,
            targets,
            weights=weights,
            similarities=similarities,
            cues=figures_cues,
            head=head,
            seed=recipe.seed,
        )
    familiarity = fit_familiarity(
        signs if strangers is None else strangers[0], None if strangers is None else strangers[1]
    )
    return Fitted(
        recipe,
        labels,
        tuple(views),
        neighbours,
        examples,
        head,
        calibration,
        familiarity,
        choose_thresholds(familiarity.score(signs), outside, targets, recipe.abstain),
        outside,
        targets,
        head_scores,
    )


def _targets(data: Training, *, multi_label: bool) -> tuple[tuple[str, ...], NDArray[np.bool_]]:
    if len(data.texts) != len(data.labels):
        raise UsageError("texts and labels differ in number", hint="Give each text its labels.")
    names = tuple(sorted({label for row in data.labels for label in row}))
    if len(names) < 2 or len(names) > MAX_LABELS:
        raise UsageError(
            f"a model needs 2 to {MAX_LABELS} different labels; the data has {len(names)}",
            hint="Give texts of at least two kinds, or name another column of labels with --label.",
        )
    if len(data.texts) < LEAST_ROWS:
        raise UsageError(
            f"a model needs at least {LEAST_ROWS} texts; the data has {len(data.texts)}",
            hint="Label more: what so few say of others is chance.",
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
