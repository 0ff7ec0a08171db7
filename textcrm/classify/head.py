"""The head: answers "is it this label?" for each candidate, by trees or by a linear model over the figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from textcrm.classify.forest import Trees, from_sklearn
from textcrm.errors import ArtifactError
from textcrm.specs import TreesSpec

Floats = NDArray[np.float32]
HeadKind = Literal["random_forest", "extra_trees", "logistic_regression", "linear_svm", "decision_tree"]
TREE_HEADS = ("random_forest", "extra_trees", "decision_tree")
MAX_TREE_ROWS = 25_000
_TINY = 1e-3


@dataclass(frozen=True)
class LinearHead:
    """A linear model over standardised figures. All arrays have shape (n_figures,)."""

    coef: NDArray[np.float64]
    intercept: float
    mean: NDArray[np.float64]
    scale: NDArray[np.float64]


class Head:
    """A fitted head. ``score`` gives log-odds, larger for "yes"; they are calibrated elsewhere."""

    def __init__(self, kind: HeadKind, figures: int, model: Trees | LinearHead, *, threads: int = 1) -> None:
        self.kind = kind
        self.figures = figures
        self.model = model
        self._session = model.session(figures, threads=threads) if isinstance(model, Trees) else None

    def score(self, rows: Floats) -> Floats:
        """Return the log-odds of *rows*, of shape (n, n_figures), as an array of shape (n,)."""
        if len(rows) == 0:
            return np.zeros(0, dtype=np.float32)
        if self._session is not None:
            return log_odds(self._session.run(None, {"rows": np.ascontiguousarray(rows, dtype=np.float32)})[0][:, 0])
        model = self.model
        assert isinstance(model, LinearHead)  # noqa: S101 - tells mypy what the constructor saw to
        return np.asarray(((rows - model.mean) / model.scale) @ model.coef + model.intercept, dtype=np.float32)

    def contributions(self, row: Floats) -> NDArray[np.float64]:
        """Return what each figure of *row* adds to the answer, of shape (n_figures,)."""
        model = self.model
        if isinstance(model, Trees):
            return model.path_contributions(row, 0)[1]
        return np.asarray((row - model.mean) / model.scale * model.coef, dtype=np.float64)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays to keep."""
        model = self.model
        if isinstance(model, Trees):
            return model.arrays()
        return {
            "coef": model.coef,
            "intercept": np.array([model.intercept]),
            "mean": model.mean,
            "scale": model.scale,
        }

    @classmethod
    def from_arrays(cls, kind: HeadKind, figures: int, arrays: Mapping[str, NDArray[Any]], *, threads: int) -> Head:
        """Rebuild a head.

        Raises
        ------
        ArtifactError
            The arrays are no such head.
        """
        if kind in TREE_HEADS:
            return cls(kind, figures, Trees.from_arrays(arrays, features=figures, outputs=1), threads=threads)
        try:
            model = LinearHead(
                arrays["coef"].astype(np.float64),
                float(arrays["intercept"][0]),
                arrays["mean"].astype(np.float64),
                arrays["scale"].astype(np.float64),
            )
        except (KeyError, IndexError, ValueError) as error:
            raise ArtifactError("the head of the model is incomplete", hint="Train the model again.") from error
        if not model.coef.shape == model.mean.shape == model.scale.shape == (figures,) or (model.scale <= 0).any():
            raise ArtifactError("the head of the model has the wrong shape", hint="Train the model again.")
        return cls(kind, figures, model, threads=threads)


def log_odds(share: Floats) -> Floats:
    """Return the log-odds of a share, which is kept `_TINY` away from 0 and 1."""
    share = np.clip(share, _TINY, 1.0 - _TINY)
    return np.asarray(np.log(share) - np.log1p(-share), dtype=np.float32)


def fit_head(
    kind: HeadKind,
    rows: Floats,
    target: NDArray[np.bool_],
    groups: NDArray[np.int64],
    weights: NDArray[np.float64],
    *,
    trees: TreesSpec,
    folds: NDArray[np.int64],
    seed: int,
    threads: int,
) -> tuple[Head, Floats]:
    """Fit a head and return it with log-odds of its own training rows, made without them.

    Forests answer for the rows that a tree did not draw (out of bag); other heads by cross-validation.

    Parameters
    ----------
    rows : ndarray of shape (n, n_figures), float32
    target : ndarray of shape (n,)
    groups : ndarray of shape (n,)
        The text that each row belongs to.
    weights : ndarray of shape (n,)
    folds : ndarray of shape (n_texts,)
        The fold of each text.
    """
    if target.all() or not target.any():  # one label only: nothing to tell apart
        constant = LinearHead(
            np.zeros(rows.shape[1]), 3.0 if target.any() else -3.0, np.zeros(rows.shape[1]), np.ones(rows.shape[1])
        )
        return Head("logistic_regression", rows.shape[1], constant), np.full(len(rows), constant.intercept, np.float32)
    if kind in ("random_forest", "extra_trees"):
        return _fit_forest(kind, rows, target, weights, spec=trees, seed=seed, threads=threads)
    outside = np.zeros(len(rows), dtype=np.float32)
    fold_of_row = folds[groups]
    for fold in np.unique(folds):
        inside = fold_of_row != fold
        if inside.all() or target[inside].all() or not target[inside].any():
            continue
        part = _fit_single(kind, rows[inside], target[inside], weights[inside], spec=trees, seed=seed)
        outside[~inside] = part.score(rows[~inside])
    return _fit_single(kind, rows, target, weights, spec=trees, seed=seed), outside


def _fit_forest(
    kind: HeadKind,
    rows: Floats,
    target: NDArray[np.bool_],
    weights: NDArray[np.float64],
    *,
    spec: TreesSpec,
    seed: int,
    threads: int,
) -> tuple[Head, Floats]:
    from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier

    make = RandomForestClassifier if kind == "random_forest" else ExtraTreesClassifier
    forest = make(
        n_estimators=spec.trees,
        max_depth=spec.max_depth,
        min_samples_leaf=spec.min_leaf,
        max_features=spec.max_features or "sqrt",
        max_samples=MAX_TREE_ROWS if len(rows) > MAX_TREE_ROWS else None,
        bootstrap=True,
        n_jobs=threads,
        random_state=seed,
    )
    forest.fit(rows, target, sample_weight=weights)
    head = Head(kind, rows.shape[1], from_sklearn(forest.estimators_, outputs=[1]), threads=threads)
    total = np.zeros(len(rows))
    count = np.zeros(len(rows))
    for estimator, drawn in zip(forest.estimators_, forest.estimators_samples_, strict=True):
        out = np.ones(len(rows), dtype=bool)
        out[drawn] = False
        total[out] += estimator.predict_proba(rows[out])[:, 1]
        count[out] += 1
    share = np.where(count > 0, total / np.maximum(count, 1), target.mean())
    return head, log_odds(share.astype(np.float32))


def _fit_single(
    kind: HeadKind,
    rows: Floats,
    target: NDArray[np.bool_],
    weights: NDArray[np.float64],
    *,
    spec: TreesSpec,
    seed: int,
) -> Head:
    from sklearn.linear_model import LogisticRegression
    from sklearn.svm import LinearSVC
    from sklearn.tree import DecisionTreeClassifier

    if kind == "decision_tree":
        tree = DecisionTreeClassifier(
            max_depth=spec.max_depth, min_samples_leaf=max(spec.min_leaf, 5), random_state=seed
        )
        tree.fit(rows, target, sample_weight=weights)
        return Head(kind, rows.shape[1], from_sklearn([tree], outputs=[1]))
    mean, scale = rows.mean(axis=0, dtype=np.float64), rows.std(axis=0, dtype=np.float64) + 1e-9
    model = LogisticRegression(max_iter=500) if kind == "logistic_regression" else LinearSVC(C=0.1, random_state=seed)
    model.fit((rows - mean) / scale, target, sample_weight=weights)
    return Head(kind, rows.shape[1], LinearHead(model.coef_[0], float(model.intercept_[0]), mean, scale))
