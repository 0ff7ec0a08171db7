"""From columns to scored pairs: candidates, comparison, weights, and what the weights of one pair are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from textcrm.link.block import Block, candidates
from textcrm.link.columns import Column
from textcrm.link.compare import Compared, compare
from textcrm.link.em import Model, fit, score
from textcrm.records import Evidence

Ints = NDArray[np.int32]
SAMPLE = 300_000
LINK = 0.5
"""Pairs at least as probable are linked."""


@dataclass(frozen=True, eq=False)
class Scored:
    """Candidate pairs with their log2 odds of a match, and what is needed to explain each."""

    n: int
    left: Ints
    right: Ints
    odds: NDArray[np.float64]
    fields: tuple[Compared, ...]
    model: Model
    rules: tuple[Block, ...]

    @property
    def probability(self) -> NDArray[np.float64]:
        """Probability of a match, shape (n_pairs,)."""
        return probability(self.odds)

    def evidence(self, pair: int) -> tuple[Evidence, ...]:
        """Return the weights of one pair, field by field."""
        rows = []
        for k, field in enumerate(self.fields):
            level = int(field.levels[pair])
            column = field.column
            a, b = int(column.codes[self.left[pair]]), int(column.codes[self.right[pair]])
            rows.append(
                Evidence(
                    field=column.name,
                    level=field.names[level - 1] if level else "missing",
                    weight=round(float(self.model.weights(k)[level]), 2),
                    left=column.values[a] or None,
                    right=column.values[b] or None,
                )
            )
        return tuple(rows)


def probability(odds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return probabilities from log2 odds."""
    result: NDArray[np.float64] = 1.0 / (1.0 + np.exp2(-np.clip(odds, -80.0, 80.0)))
    return result


def score_pairs(columns: Sequence[Column], n: int, *, seed: int = 0) -> Scored | None:
    """Find and score the candidate pairs of *n* records; None where there is nothing to compare."""
    if n < 2 or not columns:
        return None
    found = candidates(columns, n)
    if not len(found.left):
        return None
    total = n * (n - 1) / 2
    fields = compare(columns, found.left, found.right)
    model = fit(
        fields, compare(columns, *_others(found.left, found.right, n, seed)), total=total, start_rate=n / 2 / total
    )
    return Scored(n, found.left, found.right, score(model, fields), tuple(fields), model, found.rules)


def _others(left: Ints, right: Ints, n: int, seed: int) -> tuple[Ints, Ints]:
    """Return a random sample of the pairs that are no candidates."""
    rng = np.random.default_rng(seed)
    size = int(min(SAMPLE, 4 * n * n))
    a, b = rng.integers(0, n, size), rng.integers(0, n, size)
    a, b = np.minimum(a, b), np.maximum(a, b)
    keep = (a != b) & ~np.isin(a * n + b, left.astype(np.int64) * n + right)
    return a[keep].astype(np.int32), b[keep].astype(np.int32)
