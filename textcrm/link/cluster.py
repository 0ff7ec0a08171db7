"""Clusters of records that are one person, without chains.

Clusters are merged best first. What speaks for a merge is, field by field, mostly the mean of the weights over all
pairs across the two clusters, and partly the best of them: one record's mail address and another's birth date add up,
while a chain of records that each resemble only the next falls apart, because its ends differ.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int32]
Array = NDArray[np.float64]
Logs = NDArray[np.floating]
BEST = 0.3
"""Share of the best pair in the weight of a field; the rest is the mean."""
NEAR = -3.0
"""Log2 odds above which two records count as neighbours, whose neighbours are compared with each other."""
MOST_NEAR = 20
_NONE = -99.0


def second_neighbours(left: Ints, right: Ints, odds: Array, n: int) -> tuple[Ints, Ints]:
    """Return the pairs of records with a common likely neighbour that are not among the given pairs."""
    likely = np.flatnonzero(odds > NEAR)
    likely = likely[np.argsort(-odds[likely], kind="stable")]
    near: list[list[int]] = [[] for _ in range(n)]
    for a, b in zip(left[likely].tolist(), right[likely].tolist(), strict=True):
        if len(near[a]) < MOST_NEAR:
            near[a].append(b)
        if len(near[b]) < MOST_NEAR:
            near[b].append(a)
    found = [np.empty(0, dtype=np.int64)]
    for around in near:
        if len(around) > 1:
            some = np.array(around, dtype=np.int64)
            i, j = np.triu_indices(len(some), 1)
            found.append(np.minimum(some[i], some[j]) * n + np.maximum(some[i], some[j]))
    new = np.setdiff1d(np.concatenate(found), left.astype(np.int64) * n + right)
    a, b = np.divmod(new, n)
    return a.astype(np.int32), b.astype(np.int32)


def agglomerate(
    left: Ints,
    right: Ints,
    logs: Logs,
    present: NDArray[np.bool_],
    *,
    rates: Array,
    match: NDArray[np.bool_],
    n: int,
    threshold: float = -0.5,
) -> NDArray[np.int64]:
    """Merge records into clusters.

    Parameters
    ----------
    left, right
        The pairs that were compared, shape (n_pairs,).
    logs, present
        Log2 of how often what each field of each pair shows is in each kind of pair, shape (n_pairs, n_kinds,
        n_fields), and where the field shows anything, shape (n_pairs, n_fields).
    rates, match
        Log2 of how often each kind is, and which kinds are matches, shape (n_kinds,).
    threshold
        Clusters are merged while their log2 odds are above this.

    Returns
    -------
    The cluster of each record, numbered from 0 in the order of the records, shape (n,).
    """
    around = _around(left, right, logs, present, match, n=n)
    version, members = [0] * n, [[i] for i in range(n)]
    heap: list[tuple[float, int, int, int, int]] = []

    def consider(i: int, others: Sequence[int]) -> None:
        if not others:
            return
        scores = _odds(np.stack([around[i][j] for j in others]), rates, match)
        for j, score in zip(others, scores.tolist(), strict=True):
            if score > threshold:
                a, b = min(i, j), max(i, j)
                heapq.heappush(heap, (-score, a, b, version[a], version[b]))

    for i in range(n):
        consider(i, [j for j in around[i] if j > i])
    while heap:
        _, i, j, seen_i, seen_j = heapq.heappop(heap)
        if version[i] != seen_i or version[j] != seen_j:
            continue
        if len(around[i]) < len(around[j]):
            i, j = j, i
        members[i] += members[j]
        version[i] += 1
        version[j] = -1  # it is no more
        del around[i][j]
        for other, known in around[j].items():
            if other == i:
                continue
            del around[other][j]
            merged = _joined(around[i][other], known) if other in around[i] else known
            around[i][other] = around[other][i] = merged
        members[j], around[j] = [], {}
        consider(i, list(around[i]))
    return _numbered(members, n)


def _around(
    left: Ints, right: Ints, logs: Logs, present: NDArray[np.bool_], match: NDArray[np.bool_], *, n: int
) -> list[dict[int, Logs]]:
    """Return per record its neighbours, each with what is pooled, shape (2 * n_kinds + 2, n_fields).

    That is the sums over pairs, the values of the best pair, how good that is, and the number of pairs.
    """
    around: list[dict[int, Logs]] = [{} for _ in range(n)]
    known = np.where(present[:, None, :], logs, 0.0)
    good = np.where(present, known[:, match].max(axis=1) - known[:, ~match].max(axis=1), _NONE)
    stacked = np.concatenate(
        [known, known, good[:, None, :].astype(known.dtype), present[:, None, :].astype(known.dtype)], axis=1
    )
    for place, (a, b) in enumerate(zip(left.tolist(), right.tolist(), strict=True)):
        around[a][b] = around[b][a] = stacked[place]
    return around


def _odds(known: Logs, rates: Array, match: NDArray[np.bool_]) -> Array:
    """Return the log2 odds of pairs of clusters, *known* of shape (n_pairs, 2 * n_kinds + 2, n_fields)."""
    kinds = len(rates)
    mean = known[:, :kinds] / np.maximum(known[:, -1:], 1.0)
    joint = rates + ((1.0 - BEST) * mean + BEST * known[:, kinds : 2 * kinds]).sum(axis=2)
    odds: Array = np.logaddexp2.reduce(joint[:, match], axis=1) - np.logaddexp2.reduce(joint[:, ~match], axis=1)
    return odds


def _joined(a: Logs, b: Logs) -> Logs:
    kinds = (len(a) - 2) // 2
    joined = a + b
    joined[kinds:-1] = np.where(a[-2] >= b[-2], a[kinds:-1], b[kinds:-1])
    return joined


def _numbered(members: list[list[int]], n: int) -> NDArray[np.int64]:
    labels = np.full(n, -1, dtype=np.int64)
    for number, group in enumerate(sorted((group for group in members if group), key=min)):
        labels[group] = number
    return labels
