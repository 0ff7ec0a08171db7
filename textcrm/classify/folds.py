"""Folds for any labels, also where a label has one row, and the decision values made with them."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from textcrm.classify.linear import Floats, Matrix, decide
from textcrm.classify.tfidf import Tfidf
from textcrm.classify.views import FittedView, ScoringView, fit_view


def assign_folds(
    targets: NDArray[np.bool_], groups: NDArray[np.int64] | None, *, count: int, seed: int
) -> NDArray[np.int64]:
    """Return the fold of each row, each label spread evenly over the folds; rows of one group share a fold.

    Parameters
    ----------
    targets : ndarray of shape (n, n_labels)
    groups : ndarray of shape (n,), optional
        Rows of the same group (the same text, say) are never on both sides.
    """
    n = len(targets)
    groups = np.arange(n) if groups is None else groups
    rng = np.random.default_rng(seed)
    first = targets.argmax(axis=1)
    _, leaders, group_of = np.unique(groups, return_index=True, return_inverse=True)
    order = rng.permutation(len(leaders))
    by_label = order[np.argsort(first[leaders][order], kind="stable")]
    fold_of_group = np.zeros(len(leaders), dtype=np.int64)
    fold_of_group[by_label] = np.arange(len(leaders)) % count
    return fold_of_group[group_of]


def fit_views(
    scoring: Sequence[ScoringView],
    made: Sequence[tuple[Matrix, Tfidf | None]],
    targets: NDArray[np.bool_],
    *,
    weights: NDArray[np.float64],
    folds: NDArray[np.int64],
    seed: int,
    threads: int,
) -> tuple[list[FittedView], list[Floats]]:
    """Fit each view on all rows, and without each fold in turn to get the decision values of its rows.

    Parameters
    ----------
    made
        Features and vectoriser of each view.

    Returns
    -------
    views
        Fitted on all rows.
    margins
        One array of shape (n, n_labels) a view, each row decided by a model that did not learn from it.
    """
    margins = [np.zeros(targets.shape, dtype=np.float32) for _ in scoring]

    def job(task: tuple[int, int]) -> FittedView | None:
        index, fold = task
        matrix, tfidf = made[index]
        rows = np.flatnonzero(folds != fold)
        part = fit_view(scoring[index], matrix[rows], tfidf, targets[rows], weights=weights[rows], seed=seed)
        if fold < 0:
            return part
        held = np.flatnonzero(folds == fold)
        margins[index][held] = decide(matrix[held], part.coef, part.intercept)
        return None

    tasks = [(index, fold) for index in range(len(scoring)) for fold in (-1, *range(int(folds.max()) + 1))]
    with ThreadPoolExecutor(threads) as pool:
        results = list(pool.map(job, tasks))
    return [part for part in results if part is not None], margins
