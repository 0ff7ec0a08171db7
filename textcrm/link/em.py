"""Weights of evidence without labels: the Fellegi-Sunter model, fitted by expectation-maximisation.

For a pair of records with comparison levels :math:`\\gamma`, the log-odds of a match are

    log(lambda / (1 - lambda)) + sum over fields log(m[level] / u[level])

with m and u the frequencies of a level among matches and non-matches and lambda the share of matches among all pairs.
The pairs that blocking left out are non-matches whose levels are known from a random sample: they keep u honest.
Where a value is rare its agreement weighs more: u of an exact agreement is the frequency of the value, counted in
people.

References
----------
I. P. Fellegi, A. B. Sunter, "A theory for record linkage", JASA 64 (1969) 1183-1210.
W. E. Winkler, "Using the EM algorithm for weight computation in the Fellegi-Sunter model of record linkage", 1988
(the M step is his; the value-specific u is from his "Frequency-based matching", 1989).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from textcrm.link.compare import Compared

Array = NDArray[np.float64]
# Pseudo-pairs that speak for the prior shape of m: two records of one person mostly agree.
PRIOR_MATCHES = 10.0
ROUNDS = 60
TOLERANCE = 1e-5


@dataclass(frozen=True)
class Model:
    """Fitted weights. ``m`` and ``u`` hold, per field, the frequencies of levels 1 to n; ``rate`` is lambda."""

    m: tuple[Array, ...]
    u: tuple[Array, ...]
    rate: float

    def weights(self, field: int) -> Array:
        """Return log2(m / u) by level, 0 for missing; shape (n_levels + 1,)."""
        return np.concatenate([[0.0], np.log2(self.m[field] / self.u[field])])

    @property
    def prior(self) -> float:
        """Prior log2 odds of a match."""
        return float(np.log2(self.rate / (1.0 - self.rate)))


def fit(pairs: Sequence[Compared], sample: Sequence[Compared], *, total: float, start_rate: float) -> Model:
    """Fit the weights.

    Parameters
    ----------
    pairs
        The candidate pairs, compared.
    sample
        A random sample of all other pairs, compared; they stand for ``total - n_pairs``.
    total
        How many pairs there are at all.
    start_rate
        First guess of the share of matches among all pairs.
    """
    sizes = [len(field.names) for field in pairs]
    n = len(pairs[0].levels)
    counts = [_counts(field.levels, size) for field, size in zip(sample, sizes, strict=True)]
    scale = max(0.0, total - n) / max(1, len(sample[0].levels))
    rest = [c * scale for c in counts]
    prior = [_prior(size) for size in sizes]
    m = [p.copy() for p in prior]
    u = [_normal(r + _counts(f.levels, s) + 0.5) for r, f, s in zip(rest, pairs, sizes, strict=True)]
    rate = start_rate
    before = np.zeros(n)
    for _ in range(ROUNDS):
        model = Model(tuple(m), tuple(u), rate)
        odds = score(model, pairs)
        match = 1.0 / (1.0 + np.exp2(-np.clip(odds, -80, 80)))
        rate = float(np.clip((match.sum() + 0.5) / total, 1e-9, 0.5))
        for k, field in enumerate(pairs):
            m[k] = _normal(_counts(field.levels, sizes[k], match) + PRIOR_MATCHES * prior[k])
            u[k] = _normal(rest[k] + _counts(field.levels, sizes[k], 1.0 - match) + 0.5 / sizes[k])
        if np.abs(match - before).max(initial=0.0) < TOLERANCE:
            break
        before = match
    return Model(tuple(m), tuple(u), rate)


def score(model: Model, pairs: Sequence[Compared]) -> Array:
    """Return the log2 odds of a match of each pair, shape (n_pairs,)."""
    odds = np.full(len(pairs[0].levels), model.prior)
    for k, field in enumerate(pairs):
        odds += model.weights(k)[field.levels]
    return odds


def _counts(levels: NDArray[np.int8], size: int, weights: Array | None = None) -> Array:
    return np.bincount(levels, weights=weights, minlength=size + 1)[1:].astype(np.float64)


def _normal(values: Array) -> Array:
    result: Array = values / values.sum()
    return result


def _prior(size: int) -> Array:
    """Return the shape of m to start from: most agree, few differ, the rest lies between."""
    shape = np.full(size, 0.25 / max(1, size - 2))
    shape[0], shape[-1] = 0.65, 0.1
    return _normal(shape)
