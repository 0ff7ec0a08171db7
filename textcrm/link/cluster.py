"""Clusters of records that are one person, without chains."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def components(left: NDArray[np.int32], right: NDArray[np.int32], n: int) -> NDArray[np.int64]:
    """Return the connected component of each of *n* records, numbered by first member."""
    parent = np.arange(n)

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = int(parent[i])
        return i

    for a, b in zip(left.tolist(), right.tolist(), strict=True):
        x, y = root(a), root(b)
        if x != y:
            parent[max(x, y)] = min(x, y)
    return np.array([root(i) for i in range(n)])
