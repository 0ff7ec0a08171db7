"""The head straight on one view: a linear model of it, or a forest over its features, for comparison with margins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textcrm.classify.calibrate import fit_calibration
from textcrm.classify.fitted import Fitted, Training
from textcrm.classify.folds import fit_views
from textcrm.classify.forest import Trees, from_sklearn
from textcrm.classify.head import log_odds
from textcrm.classify.linear import Floats
from textcrm.classify.refuse import choose_thresholds, fit_familiarity, make_signs
from textcrm.classify.views import FittedView, dense, make_features
from textcrm.errors import UsageError
from textcrm.specs import CuesView, RecipeSpec

MAX_FEATURES = 5_000


def fit_direct(
    recipe: RecipeSpec,
    data: Training,
    labels: Sequence[str],
    targets: NDArray[np.bool_],
    *,
    weights: NDArray[np.float64],
    folds: NDArray[np.int64],
    threads: int,
) -> Fitted:
    """Train a recipe with ``input = "features"``.

    Raises
    ------
    UsageError
        The recipe is multi-label, leaves the head open, or has more features than trees are given.
    """
    view = recipe.views[0]
    if recipe.multi_label or recipe.head == "auto" or isinstance(view, CuesView):
        raise UsageError(
            'input = "features" takes one label a text and a named head', hint='Use input = "margins" else.'
        )
    matrix, tfidf = make_features(view, data.texts, data.embeddings, targets)
    trees: Trees | None = None
    if recipe.head in ("logistic_regression", "linear_svm"):
        view = view.model_copy(update={"linear": recipe.head})
        views, margins = fit_views(
            [view], [(matrix, tfidf)], targets, weights=weights, folds=folds, seed=recipe.seed, threads=threads
        )
        scores = margins[0]
    else:
        if matrix.shape[1] > MAX_FEATURES:
            raise UsageError(
                f"trees on features take at most {MAX_FEATURES}",
                hint="Lower features, or choose the best by selection.",
            )
        trees, scores = _fit_trees(recipe, dense(matrix), targets, weights=weights, threads=threads)
        none = np.zeros((matrix.shape[1], len(labels)), dtype=np.float32)
        views = [FittedView(view.kind, none, np.zeros(len(labels), dtype=np.float32), tfidf)]
    calibration = fit_calibration(scores, targets, multi_label=False, complete=True)
    outside = calibration.probabilities(scores)
    signs = make_signs(scores, [scores], None)
    familiarity = fit_familiarity(signs, None)
    accuracy = float(np.take_along_axis(targets, outside.argmax(axis=1)[:, None], axis=1).mean())
    return Fitted(
        recipe,
        tuple(labels),
        tuple(views),
        None,
        np.zeros(0, dtype=np.int64),
        trees,
        calibration,
        familiarity,
        choose_thresholds(familiarity.score(signs), outside, targets, recipe.abstain),
        outside,
        targets,
        {recipe.head: round(accuracy, 4)},
    )


def _fit_trees(
    recipe: RecipeSpec, rows: Floats, targets: NDArray[np.bool_], *, weights: NDArray[np.float64], threads: int
) -> tuple[Trees, Floats]:
    from sklearn.ensemble import BaggingClassifier, ExtraTreesClassifier, RandomForestClassifier
    from sklearn.tree import DecisionTreeClassifier

    spec = recipe.trees
    options: dict[str, Any] = {"max_depth": spec.max_depth, "min_samples_leaf": spec.min_leaf}
    y = targets.argmax(axis=1)
    if recipe.head == "decision_tree":
        forest: Any = DecisionTreeClassifier(**options, random_state=recipe.seed).fit(rows, y, sample_weight=weights)
        bags = BaggingClassifier(DecisionTreeClassifier(**options), 10, random_state=recipe.seed).fit(rows, y)
        estimators, drawn = [forest], None
        outside = _out_of_bag(bags.estimators_, bags.estimators_samples_, rows, targets.shape[1])
    else:
        make = RandomForestClassifier if recipe.head == "random_forest" else ExtraTreesClassifier
        forest = make(
            spec.trees, **options, max_features=spec.max_features or "sqrt", bootstrap=True, n_jobs=threads,
            random_state=recipe.seed,
        ).fit(rows, y, sample_weight=weights)  # fmt: skip
        estimators, drawn = forest.estimators_, forest.estimators_samples_
        outside = _out_of_bag(estimators, drawn, rows, targets.shape[1])
    return from_sklearn(estimators), log_odds(outside)


def _out_of_bag(estimators: Sequence[Any], drawn: Sequence[NDArray[np.int64]], rows: Floats, labels: int) -> Floats:
    total = np.full((len(rows), labels), 1e-6)
    for estimator, own in zip(estimators, drawn, strict=True):
        out = np.ones(len(rows), dtype=bool)
        out[own] = False
        if out.any():
            total[np.ix_(out, estimator.classes_.astype(np.int64))] += estimator.predict_proba(rows[out])
    return np.asarray(total / total.sum(axis=1, keepdims=True), dtype=np.float32)
