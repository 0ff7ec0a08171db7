"""Folds for any labels: also where a label has one row."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


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
