"""Weights of evidence without labels: the Fellegi-Sunter model, fitted by expectation-maximisation.

For a pair of records with comparison levels :math:`\\gamma`, the log-odds of a match are

    log(rate / (1 - rate)) + sum over fields log(m[level] / u[level])

with m and u the frequencies of a level among matches and non-matches, and ``rate`` the share of matches among all
pairs. Two things are added to the textbook.

The pairs that blocking left out are non-matches whose levels are known from a random sample; they keep u and rate
honest. And u of a field depends on whether up to two other fields agree: that different people with one family name
often share a street, and people with one name a mail address, is learned from the non-matches, and such agreement
counts for less. Without it, members of a household are one person.

References
----------
I. P. Fellegi, A. B. Sunter, "A theory for record linkage", JASA 64 (1969) 1183-1210.
W. E. Winkler, "Using the EM algorithm for weight computation in the Fellegi-Sunter model of record linkage", 1988.
W. E. Winkler, "Frequency-based matching in the Fellegi-Sunter model of record linkage", 1989 (rare values).
N. Friedman, D. Geiger, M. Goldszmidt, "Bayesian network classifiers", Machine Learning 29 (1997) 131-163 (dependence).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from textcrm.link.compare import Compared

Array = NDArray[np.float64]
Codes = NDArray[np.int64]
# Pseudo-pairs that speak for the prior shape of m: two records of one person mostly agree.
PRIOR_MATCHES = 10.0
# Pseudo-pairs that pull u given other fields towards u alone.
PRIOR_DEPENDENCE = 5.0
MOST_PARENTS = 2
ROUNDS = 60
TOLERANCE = 1e-4
# What a person is born with differs in few pairs of true records, however damaged; what people change, in more.
_BORN = frozenset({"given", "date"})
MOST_DIFFERENT_BORN, MOST_DIFFERENT = 0.15, 0.35


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted model applied to its pairs.

    ``weights`` of shape (n_fields, n_pairs) are log2(m / u), 0 where a value is missing; ``prior`` and ``odds``
    (n_pairs,) are log2 odds.
    """

    weights: Array
    prior: float
    odds: Array


def by_table(fitted: Fit, kind: NDArray[np.int64], totals: Array) -> Fit:
    """Return the fit with a share of matches of its own for each kind of pair: within a table, between two.

    Tables without doubles are seen to have none, and then two of their records are never one person. The difference
    to the common share becomes one more row of ``weights``.

    Parameters
    ----------
    kind
        The kind of each pair, from 0, shape (n_pairs,).
    totals
        How many pairs of each kind there are at all.
    """
    shift = np.zeros(len(totals))
    for _ in range(ROUNDS):
        match = sigmoid(fitted.odds + shift[kind])
        rate = np.clip((np.bincount(kind, match, len(totals)) + 0.5) / np.maximum(totals, 1.0), 1e-9, 0.5)
        before, shift = shift, np.log2(rate / (1.0 - rate)) - fitted.prior
        if np.abs(shift - before).max() < TOLERANCE:
            break
    return Fit(np.vstack([fitted.weights, shift[kind]]), fitted.prior, fitted.odds + shift[kind])


def fit(pairs: Sequence[Compared], sample: Sequence[Compared], *, total: float, rarity: Array | None = None) -> Fit:
    """Fit the weights of candidate pairs.

    Parameters
    ----------
    pairs
        The candidate pairs, compared.
    sample
        A random sample of all other pairs, compared; they stand for ``total - n_pairs``.
    total
        How many pairs there are at all.
    rarity
        What rare and common values add to the weights, in bits, shape (n_fields, n_pairs); see `rarity_of`.
    """
    n = len(pairs[0].levels)
    scale = max(0.0, total - n) / max(1, len(sample[0].levels))
    states = [field.states for field in pairs]
    others = [field.states for field in sample]
    match = _start(pairs, sample, states, scale, total)
    parents = _parents(pairs, states, others, 1.0 - match, scale)
    tables = [
        _Table(field, rest, [states[j] for j in parents[k]], [others[j] for j in parents[k]], scale)
        for k, (field, rest) in enumerate(zip(pairs, sample, strict=True))
    ]
    # a value that is shared because something else is shared (a household) is not rare
    free = np.stack([_none_agrees([states[j] for j in parents[k]], n) for k in range(len(pairs))])
    extra = rarity * free if rarity is not None else np.zeros((len(pairs), n))
    for _ in range(ROUNDS):
        weights = np.stack([table.weights(match) for table in tables]) + extra
        rate = float(np.clip((match.sum() + 0.5) / total, 1e-9, 0.5))
        prior = float(np.log2(rate / (1.0 - rate)))
        odds: Array = prior + weights.sum(axis=0)
        before, match = match, sigmoid(odds)
        if np.abs(match - before).max(initial=0.0) < TOLERANCE:
            break
    return Fit(weights, prior, odds)


def rarity_of(pairs: Sequence[Compared], left: NDArray[np.int32], people: Codes) -> Array:
    """Return what the rarity of an equal value adds to its weight, in bits, shape (n_fields, n_pairs).

    *left* is one record of each pair: both have the value. Frequencies are counted in *people* (the
    cluster of each record, shape (n_records,)): a rare name that one person gave ten times is still rare.
    """
    rows = []
    for field in pairs:
        codes = field.column.codes.astype(np.int64)
        owners = np.unique(people * len(field.column.values) + codes)
        counts = np.bincount(owners % len(field.column.values), minlength=len(field.column.values)).astype(np.float64)
        counts[0] = 0.0
        share = (counts + 1.0) / (counts.sum() + 1.0)
        usual = float((share[1:] ** 2).sum())
        gain = np.clip(np.log2(usual / share), -4.0, 4.0)
        rows.append(np.where(field.levels == 1, gain[codes[left]], 0.0))
    return np.stack(rows)


class _Table:
    """Counts of one field by level, and by what its parents say."""

    def __init__(
        self,
        field: Compared,
        rest: Compared,
        parents: Sequence[NDArray[np.int8]],
        rest_parents: Sequence[NDArray[np.int8]],
        scale: float,
    ) -> None:
        self.size = len(field.names)
        self.levels = field.levels
        self.most = MOST_DIFFERENT_BORN if field.column.kind in _BORN else MOST_DIFFERENT
        self.configurations = 3 ** len(parents)
        self.cell = _combined(parents, len(field.levels)) * (self.size + 1) + field.levels
        others = _combined(rest_parents, len(rest.levels)) * (self.size + 1) + rest.levels
        self.rest = self._count(others, None) * scale

    def _count(self, cells: Codes, weights: Array | None) -> Array:
        counts = np.bincount(cells, weights=weights, minlength=self.configurations * (self.size + 1))
        return counts.reshape(self.configurations, self.size + 1)[:, 1:].astype(np.float64)

    def weights(self, match: Array) -> Array:
        """Return log2(m / u) of each pair, from the probabilities that each is a match."""
        m = _shape(self.size) * PRIOR_MATCHES + self._count(self.cell, match).sum(axis=0)
        m /= m.sum()
        if m[-1] > self.most:
            m[:-1] *= (1.0 - self.most) / (1.0 - m[-1])
            m[-1] = self.most
        counts = self.rest + self._count(self.cell, 1.0 - match)
        alone = counts.sum(axis=0) + 0.5 / self.size
        alone /= alone.sum()
        u = (counts + PRIOR_DEPENDENCE * alone) / (counts.sum(axis=1, keepdims=True) + PRIOR_DEPENDENCE)
        by_cell = np.concatenate([np.zeros((self.configurations, 1)), np.log2(m / u)], axis=1)
        result: Array = by_cell.ravel()[self.cell]
        return result


def _start(
    pairs: Sequence[Compared],
    sample: Sequence[Compared],
    states: Sequence[NDArray[np.int8]],
    scale: float,
    total: float,
) -> Array:
    """Return first probabilities: strict, so that people who share much (a household) begin as different ones."""
    n = len(pairs[0].levels)
    odds = np.full(n, np.log2(n / total / 4 + 1e-9))
    for field, rest in zip(pairs, sample, strict=True):
        size = len(field.names)
        u = np.bincount(rest.levels, minlength=size + 1)[1:] * scale
        u = u + np.bincount(field.levels, minlength=size + 1)[1:] + 0.5 / size
        odds += np.concatenate([[0.0], np.log2(_shape(size) / (u / u.sum()))])[field.levels]
    agree = sum((state == 1).astype(np.int8) for state in states)
    differ = sum((state == 2).astype(np.int8) for state in states)
    born = [state == 2 for state, field in zip(states, pairs, strict=True) if field.column.kind in _BORN]
    likely = (differ == 1) & (agree >= 3) & ~np.any([np.zeros(n, np.bool_), *born], axis=0)
    match: Array = np.where(odds > 0, np.where(differ == 0, 0.95, np.where(likely, 0.5, 0.02)), 0.0)
    return match


def _parents(
    pairs: Sequence[Compared],
    states: Sequence[NDArray[np.int8]],
    others: Sequence[NDArray[np.int8]],
    weight: Array,
    scale: float,
) -> list[list[int]]:
    """Return for each field up to two earlier ones (names first) on which it depends most among non-matches."""
    order = sorted(range(len(pairs)), key=lambda k: (pairs[k].column.kind not in ("given", "family"), k))
    joined = [np.concatenate([a, b]).astype(np.int64) for a, b in zip(states, others, strict=True)]
    mass = np.concatenate([weight, np.full(len(others[0]), scale)])
    chosen: list[list[int]] = [[] for _ in pairs]
    for place, k in enumerate(order):
        for _ in range(MOST_PARENTS):
            base = _combined([joined[j] for j in chosen[k]], len(mass))
            gains = {j: _gain(base, joined[j], joined[k], mass) for j in order[:place] if j not in chosen[k]}
            best = max(gains, key=lambda j: gains[j], default=None)
            if best is None or gains[best] < 10.0:
                break
            chosen[k].append(best)
    return chosen


def _gain(base: Codes, parent: Codes, child: Codes, mass: Array) -> float:
    """Return the conditional mutual information of two states in nats, times the number of pairs (half of G)."""
    cells = (base * 3 + parent) * 3 + child
    size = 9 * (int(base.max(initial=0)) + 1)
    tables: Array = (
        np.bincount(cells, weights=mass, minlength=size).astype(np.float64).reshape(-1, 3, 3)[:, 1:, 1:] + 1e-9
    )
    expected = tables.sum(2, keepdims=True) * tables.sum(1, keepdims=True) / tables.sum((1, 2), keepdims=True)
    return float((tables * np.log(tables / expected)).sum())


def _combined(states: Sequence[NDArray[np.int8]] | Sequence[Codes], n: int) -> Codes:
    combined = np.zeros(n, dtype=np.int64)
    for state in states:
        combined = combined * 3 + state
    return combined


def _none_agrees(states: Sequence[NDArray[np.int8]], n: int) -> NDArray[np.bool_]:
    agrees = np.zeros(n, dtype=np.bool_)
    for state in states:
        agrees |= state == 1
    return ~agrees


def _shape(size: int) -> Array:
    """Return the shape of m to start from: most agree, few differ, the rest lies between."""
    shape = np.full(size, 0.25 / max(1, size - 2))
    shape[0], shape[-1] = 0.65, 0.1
    shape /= shape.sum()
    return shape


def sigmoid(odds: Array) -> Array:
    """Return probabilities from log2 odds."""
    result: Array = 1.0 / (1.0 + np.exp2(-np.clip(odds, -80.0, 80.0)))
    return result
