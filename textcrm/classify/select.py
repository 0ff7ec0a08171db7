"""Feature selection: the n-grams that tell most about the labels.

References
----------
Yang, Pedersen (1997), A comparative study on feature selection in text categorization (chi-squared and information
gain; both by presence of the feature, the score of a feature is its best over the labels).
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import sparse


def select_features(
    matrix: sparse.csr_matrix, targets: NDArray[np.bool_], *, count: int, by: Literal["chi2", "mutual_information"]
) -> NDArray[np.int64]:
    """Return the columns of the *count* best features, ascending.

    Parameters
    ----------
    matrix : CSR matrix of shape (n, d)
        Only presence is read.
    targets : ndarray of shape (n, n_labels)
    """
    presence = matrix.copy()
    presence.data = np.ones_like(presence.data, dtype=np.float32)
    n = matrix.shape[0]
    both = np.asarray(presence.T @ targets.astype(np.float32), dtype=np.float64)
    have = np.asarray(presence.sum(axis=0)).reshape(-1, 1).astype(np.float64)
    label = targets.sum(axis=0).reshape(1, -1).astype(np.float64)
    cells = (both, have - both, label - both, n - have - label + both)
    expected = (have * label / n, have * (n - label) / n, (n - have) * label / n, (n - have) * (n - label) / n)
    with np.errstate(divide="ignore", invalid="ignore"):
        if by == "chi2":
            parts = [np.where(e > 0, (c - e) ** 2 / e, 0.0) for c, e in zip(cells, expected, strict=True)]
        else:
            parts = [
                np.where((c > 0) & (e > 0), c / n * np.log(c / e), 0.0) for c, e in zip(cells, expected, strict=True)
            ]
    score = np.sum(parts, axis=0).max(axis=1)
    return np.sort(np.argsort(-score, kind="stable")[:count])
