"""From columns to people: candidates, comparison, weights, clusters, and what speaks for each pair."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from textcrm.link.block import Block, candidates
from textcrm.link.cluster import NEAR, agglomerate, second_neighbours
from textcrm.link.columns import Column
from textcrm.link.compare import Compared, compare
from textcrm.link.em import Fit, by_table, fit, rarity_of, sigmoid
from textcrm.records import Evidence

Ints = NDArray[np.int32]
Progress = Callable[[str], None]
SAMPLE = 300_000


@dataclass(frozen=True, eq=False)
class Resolved:
    """Who is who among *n* records.

    ``people`` of shape (n,) is the cluster of each record. The pairs ``left``, ``right`` were compared; ``odds`` are
    the log2 odds that each is a match; ``fields`` and ``fitted`` say why.
    """

    people: NDArray[np.int64]
    left: Ints
    right: Ints
    fields: tuple[Compared, ...]
    fitted: Fit
    rules: tuple[Block, ...]
    blocked: int

    @property
    def probability(self) -> NDArray[np.float64]:
        """Probability of a match, shape (n_pairs,)."""
        return sigmoid(self.fitted.odds)

    def evidence(self, pair: int) -> tuple[Evidence, ...]:
        """Return the weights of one pair, field by field."""
        rows = []
        for k, field in enumerate(self.fields):
            level, column = int(field.levels[pair]), field.column
            a, b = int(column.codes[self.left[pair]]), int(column.codes[self.right[pair]])
            rows.append(
                Evidence(
                    field=column.name,
                    level=field.names[level - 1] if level else "missing",
                    weight=round(float(self.fitted.weights[k, pair]), 2),
                    left=column.values[a] or None,
                    right=column.values[b] or None,
                )
            )
        return tuple(rows)


def resolve(
    columns: Sequence[Column],
    n: int,
    *,
    table: NDArray[np.int64] | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Resolved | None:
    """Find which of *n* records are one person; None where there is nothing to compare.

    Twice round: what the first round took for one person lets the second count how rare a value is among people.

    Parameters
    ----------
    table
        Which of two tables (0, 1) each record is of, shape (n,); None: there is one.
    """
    tell = progress or (lambda _: None)
    if n < 2 or not columns:
        return None
    tell("Finding candidate pairs")
    found = candidates(columns, n)
    left, right = found.left, found.right
    if not len(left):
        return None
    total = n * (n - 1) / 2
    tell("Comparing")
    fields = compare(columns, left, right)
    sample = compare(columns, *_others(left, right, n, seed))
    tell("Weighing")
    fitted = fit(fields, sample, total=total)
    a, b = second_neighbours(left, right, fitted.odds, n)
    left, right = np.concatenate([left, a]), np.concatenate([right, b])
    fields = [_extended(f, more) for f, more in zip(fields, compare(columns, a, b), strict=True)]
    fitted = _by_table(fit(fields, sample, total=total), left, right, table)
    tell("Clustering")
    people = _people(left, right, fields, fitted, n)
    rarity = rarity_of(fields, left, right, people)
    fitted = _by_table(fit(fields, sample, total=total, rarity=rarity), left, right, table)
    people = _people(left, right, fields, fitted, n)
    return Resolved(people, left, right, tuple(fields), fitted, found.rules, len(found.left))


def _by_table(fitted: Fit, left: Ints, right: Ints, table: NDArray[np.int64] | None) -> Fit:
    if table is None:
        return fitted
    first, second = np.bincount(table, minlength=2)[:2].tolist()
    totals = np.array([first * (first - 1) / 2, first * second, second * (second - 1) / 2])
    return by_table(fitted, table[left] + table[right], totals)


def _people(left: Ints, right: Ints, fields: Sequence[Compared], fitted: Fit, n: int) -> NDArray[np.int64]:
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    # pairs that no chain of likely ones connects never meet
    link = fitted.odds > NEAR
    graph = coo_matrix((np.ones(link.sum(), dtype=np.int8), (left[link], right[link])), shape=(n, n))
    _, group = connected_components(graph, directed=False)
    meet = np.flatnonzero(group[left] == group[right])
    logs = fitted.of_kinds(meet)
    present = np.ones((len(meet), logs.shape[2]), dtype=np.bool_)
    present[:, : len(fields)] = np.stack([field.levels[meet] > 0 for field in fields], axis=1)
    places = {field.column.name: k for k, field in enumerate(fields)}
    kept = [k for k in range(logs.shape[2]) if k >= len(fields) or fields[k].instead is None]
    for k, field in enumerate(fields):
        if field.instead is not None:  # never both: one field of a cluster
            logs[:, :, places[field.instead]] += logs[:, :, k]
            present[:, places[field.instead]] |= present[:, k]
    return agglomerate(
        left[meet], right[meet], logs[:, :, kept], present[:, kept], rates=fitted.rates, match=fitted.match, n=n
    )


def _extended(field: Compared, more: Compared) -> Compared:
    return replace(field, levels=np.concatenate([field.levels, more.levels]))


def _others(left: Ints, right: Ints, n: int, seed: int) -> tuple[Ints, Ints]:
    """Return a random sample of the pairs that are no candidates."""
    rng = np.random.default_rng(seed)
    size = int(min(SAMPLE, 4 * n * n))
    a, b = rng.integers(0, n, size), rng.integers(0, n, size)
    a, b = np.minimum(a, b), np.maximum(a, b)
    keep = (a != b) & ~np.isin(a * n + b, left.astype(np.int64) * n + right)
    return a[keep].astype(np.int32), b[keep].astype(np.int32)
