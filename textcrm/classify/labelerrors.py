"""Rows whose label is likely wrong, found by confident learning.

References
----------
Northcutt, Jiang, Chuang (2021), Confident Learning: Estimating Uncertainty in Dataset Labels: a row counts for a label
when its out-of-fold probability of it is at least the mean of that label's own rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class LikelyError:
    """A row, the index of the label it has, of the one it likely should have, and its probability of its own."""

    row: int
    label: int
    suggested: int
    confidence: float


def find_label_errors(probabilities: NDArray[np.float64], labels: NDArray[np.int64]) -> list[LikelyError]:
    """Return the rows that belong confidently to another label than theirs, the surest errors first.

    Parameters
    ----------
    probabilities : ndarray of shape (n, n_labels)
        Calibrated and out of fold.
    labels : ndarray of shape (n,)
    """
    count = probabilities.shape[1]
    threshold = np.full(count, 2.0)
    for label in range(count):
        own = labels == label
        if own.any():
            threshold[label] = probabilities[own, label].mean()
    passing = np.where(probabilities >= threshold, probabilities, -1.0)
    best = passing.argmax(axis=1)
    rows = np.flatnonzero((passing.max(axis=1) >= 0) & (best != labels))
    own = probabilities[rows, labels[rows]]
    margin = own - probabilities[rows, best[rows]]
    order = np.argsort(margin, kind="stable")
    return [LikelyError(int(rows[i]), int(labels[rows[i]]), int(best[rows[i]]), float(own[i])) for i in order]
