"""Weights of evidence without labels: the Fellegi-Sunter model, fitted by expectation-maximisation.

For a pair of records with comparison levels :math:`\\gamma`, the log-odds of a match are

    log(rate / (1 - rate)) + log(P(levels | match) / P(levels | no match))

with ``rate`` the share of matches among all pairs. The textbook lets the fields be independent in both cases. They are
not: who is not the same person may live in the same house, or merely be called the same; and who is the same person
may have moved. So each case is a mixture of `KINDS` of pairs, and fields are independent only within a kind. What a
kind does not explain (the first name of two people of one household) has there the levels of any two strangers, so
that no kind can take the matches for itself. A missing value is no evidence in any kind.

The pairs that blocking left out are non-matches whose levels are known from a random sample; they keep the levels of
strangers and the rate honest.

References
----------
I. P. Fellegi, A. B. Sunter, "A theory for record linkage", JASA 64 (1969) 1183-1210.
W. E. Winkler, "Using the EM algorithm for weight computation in the Fellegi-Sunter model of record linkage", 1988.
W. E. Winkler, "Frequency-based matching in the Fellegi-Sunter model of record linkage", 1989 (rare values).
M. D. Larsen, D. B. Rubin, "Iterative automated record linkage using mixture models", JASA 96 (2001) 32-41 (more than
two kinds of pairs, dependence within).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from textcrm.link.compare import Compared

Array = NDArray[np.float64]
Codes = NDArray[np.int64]
# Pseudo-pairs that speak for the prior shape of a match: two records of one person mostly agree.
PRIOR_MATCHES = 10.0
# Pseudo-pairs that pull the levels of a kind towards those of strangers.
PRIOR_KIND = 2.0
ROUNDS = 80
TOLERANCE = 1e-4
# What a person is born with differs in few pairs of true records, however damaged; what people change, in more.
_BORN = frozenset({"given", "date"})
MOST_DIFFERENT_BORN, MOST_DIFFERENT = 0.15, 0.35
RARITY = (-5, 8)
"""Least and most bits that the rarity of a value adds, in steps of one."""


@dataclass(frozen=True)
class Kind:
    """A kind of pair. ``like`` are the kinds of columns whose levels it has of its own; the rest are as of strangers.

    ``moved``: of the columns of a home, at least two.
    """

    name: str
    match: bool
    own: frozenset[str]


_HOME = frozenset({"place", "text", "code"})
_GIVEN, _FAMILY = frozenset({"given", "mail_given"}), frozenset({"family", "mail_family"})
_ALL = _GIVEN | _FAMILY | _HOME | frozenset({"email", "phone", "date", "category"})
KINDS = (
    Kind("one person", True, _ALL),
    Kind("one person, moved", True, _ALL - _HOME),
    Kind("strangers", False, frozenset()),
    Kind("one household", False, _ALL - _GIVEN - {"date"}),
    Kind("one place of work", False, _ALL - _GIVEN - _FAMILY - {"date"}),
    Kind("same given name", False, _GIVEN | {"email"}),
    Kind("namesakes", False, _GIVEN | _FAMILY | {"email"}),
)


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted model applied to its pairs.

    ``weights`` of shape (n_fields, n_pairs) are what each field adds to those before it in bits, 0 where a value is
    missing; ``prior`` and ``odds`` (n_pairs,) are log2 odds, ``odds = prior + weights.sum(axis=0)``. ``rates`` and
    ``tables``, shapes (n_kinds,) and (n_kinds, n_symbols) a field, are log2 of how often each kind of pair is, and each
    symbol in it; ``match`` says which kinds are matches. ``symbols`` of shape (n_fields, n_pairs).
    """

    weights: Array
    prior: float
    odds: Array
    rates: Array
    match: NDArray[np.bool_]
    tables: tuple[Array, ...]
    symbols: Codes

    def of_kinds(self, pairs: Codes) -> NDArray[np.float32]:
        """Return log2 of how often what each field shows is in each kind, shape (n_pairs, n_kinds, n_fields)."""
        rows = [table[:, row[pairs]].T for table, row in zip(self.tables, self.symbols, strict=True)]
        extra = self.weights[len(rows) :, pairs]  # see `by_table`
        rows += [np.where(self.match, bits[:, None], 0.0) for bits in extra]
        return np.stack([row.astype(np.float32) for row in rows], axis=2)


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
    return replace(fitted, weights=np.vstack([fitted.weights, shift[kind]]), odds=fitted.odds + shift[kind])


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
    symbols = _symbols(pairs, rarity)
    patterns, inverse, counts = _patterns(symbols)
    others, _, other_counts = _patterns(_symbols(sample, None))
    scale = max(0.0, total - n) / max(1, len(sample[0].levels))
    model = _Mixture(
        pairs, patterns, counts.astype(np.float64), others, scale=(other_counts * scale).astype(np.float64), total=total
    )
    model.start(_start(pairs, sample, scale, total)[_first_of(inverse, len(counts))])
    for _ in range(ROUNDS):
        if model.step() < TOLERANCE:
            break
    weights, prior = model.weights()
    weights = weights[:, inverse]
    odds: Array = prior + weights.sum(axis=0)
    return Fit(weights, prior, odds, np.log2(model.rates), model.match, tuple(model.tables), symbols)


class _Mixture:
    """The kinds of pairs and how often each level of each field is in each, over the different patterns of levels."""

    def __init__(
        self, fields: Sequence[Compared], patterns: Codes, counts: Array, others: Codes, *, scale: Array, total: float
    ) -> None:
        self.total = total
        self.patterns = np.concatenate([patterns, others], axis=1)
        self.mass = np.concatenate([counts, scale])
        self.candidate = np.arange(len(self.mass)) < len(counts)
        self.sizes = [len(field.names) for field in fields]
        self.born = [field.column.kind in _BORN for field in fields]
        self.levels = [_level_of(size)[row] for size, row in zip(self.sizes, self.patterns, strict=True)]
        self.states = [field.state_of_level[row] for field, row in zip(fields, self.levels, strict=True)]
        home = sum(field.column.kind in _HOME for field in fields) >= 2
        kinds = [
            k for k in KINDS if (any(self.born) or k.match or not k.own) and (home or k.name != "one person, moved")
        ]
        self.kinds = kinds
        self.own = [[field.column.kind in kind.own for field in fields] for kind in kinds]
        self.match = np.array([kind.match for kind in kinds])
        self.order = sorted(
            range(len(fields)), key=lambda k: (not self.born[k] and fields[k].column.kind != "family", k)
        )
        self.given, self.family = (
            next((k for k, field in enumerate(fields) if field.column.kind == name), None)
            for name in ("given", "family")
        )
        self.share = np.zeros((len(self.mass), len(kinds)))

    def start(self, match: Array) -> None:
        """Begin: *match* is the first probability of each pattern of candidates."""
        agree = sum((state == 1).astype(np.int8) for state in self.states)
        born_differ = np.any(
            [s == 2 for s, born in zip(self.states, self.born, strict=True) if born] or [agree < 0], axis=0
        )
        nothing = agree < 0
        given = self.states[self.given] == 1 if self.given is not None else nothing
        family = self.states[self.family] == 1 if self.family is not None else nothing
        begin = {
            "one household": born_differ & ~given & family & (agree >= 2),
            "one place of work": born_differ & ~given & ~family & (agree >= 2),
            "same given name": given & ~family & (agree == 2),
            "namesakes": given & family & (agree < 4) & born_differ,
        }
        likely = np.zeros(len(self.mass))
        likely[: len(match)] = match
        self.share[:, :] = 0.0
        for place, kind in enumerate(self.kinds):
            if kind.match:
                self.share[:, place] = likely * (0.9 if place == 0 else 0.1)
            elif kind.name in begin:
                self.share[:, place] = (1.0 - likely) * begin[kind.name]
        strangers = [kind.name for kind in self.kinds].index("strangers")
        self.share[:, strangers] += 1.0 - self.share.sum(axis=1)
        self._learn()

    def step(self) -> float:
        """Do one round; return by how much a probability of a match changed at most."""
        joint = self._joint()
        joint[np.ix_(~self.candidate, self.match)] = -np.inf
        share = np.exp2(joint - joint.max(axis=1, keepdims=True))
        share /= share.sum(axis=1, keepdims=True)
        before, self.share = self.share, share
        self._learn()
        change = np.abs((share - before)[:, self.match].sum(axis=1))
        return float(change.max(initial=0.0))

    def weights(self) -> tuple[Array, float]:
        """Return the weight of each field of each candidate pattern in bits, and the log2 odds before any.

        A weight is what a field adds to those before it: that people of one household share a street, too, is little.
        """
        chosen = self.patterns[:, self.candidate]
        logs = np.tile(np.log2(self.rates), (chosen.shape[1], 1))
        before = _odds(logs, self.match)
        prior = float(np.log2(self.rates[self.match].sum() / self.rates[~self.match].sum()))
        weights = np.zeros(chosen.shape)
        for k in self.order:
            logs += self.tables[k][:, chosen[k]].T
            now = _odds(logs, self.match)
            weights[k], before = now - before, now
        return weights, prior

    def _joint(self) -> Array:
        logs = np.tile(np.log2(self.rates), (len(self.mass), 1))
        for table, row in zip(self.tables, self.patterns, strict=True):
            logs += table[:, row].T
        return logs

    def _learn(self) -> None:
        mass = self.share * self.mass[:, None]
        rates = (mass.sum(axis=0) + 0.5) / self.total
        self.rates = rates / rates.sum()
        self.tables: list[Array] = []
        for k, size in enumerate(self.sizes):
            counts = np.stack(
                [
                    np.bincount(self.levels[k], mass[:, c], size + 1)[1:].astype(np.float64)
                    for c in range(len(self.kinds))
                ]
            )
            self.tables.append(self._table(k, size, counts))

    def _table(self, k: int, size: int, counts: Array) -> Array:
        """Return log2 of how often each symbol of field *k* is in each kind; 0 for what is missing."""
        own = np.array([row[k] for row in self.own])
        strangers = counts[~own].sum(axis=0) + 0.5 / size
        strangers /= strangers.sum()
        same = _shape(size) * PRIOR_MATCHES + counts[own & self.match].sum(axis=0)
        same = _capped(same / same.sum(), MOST_DIFFERENT_BORN if self.born[k] else MOST_DIFFERENT)
        level, gain = _level_of(size), _gain_of(size)
        rows = []
        for c, kind in enumerate(self.kinds):
            if not own[c]:
                rate, bits = strangers, -gain
            elif kind.match:
                rate, bits = same, np.zeros(len(gain))
            else:
                rate, bits = (counts[c] + PRIOR_KIND * strangers) / (counts[c].sum() + PRIOR_KIND), np.zeros(len(gain))
            rows.append(np.concatenate([[0.0], np.log2(rate)])[level] + bits)
        return np.stack(rows)


def _capped(shape: Array, most: float) -> Array:
    if shape[-1] > most:
        shape[:-1] *= (1.0 - most) / (1.0 - shape[-1])
        shape[-1] = most
    return shape


def _odds(logs: Array, match: NDArray[np.bool_]) -> Array:
    odds: Array = np.logaddexp2.reduce(logs[:, match], axis=1) - np.logaddexp2.reduce(logs[:, ~match], axis=1)
    return odds


def _symbols(fields: Sequence[Compared], rarity: Array | None) -> Codes:
    """Return the levels of each field, told apart further by rarity where equal, shape (n_fields, n_pairs)."""
    rows = []
    for k, field in enumerate(fields):
        row = field.levels.astype(np.int64)
        if rarity is not None:
            bits = np.clip(np.rint(rarity[k]), *RARITY).astype(np.int64)
            row = np.where((row == 1) & (bits != 0), len(field.names) + 1 + bits - RARITY[0], row)
        rows.append(row)
    return np.stack(rows)


def _level_of(size: int) -> Codes:
    """Return the level of each symbol of a field with *size* levels."""
    return np.concatenate([np.arange(size + 1), np.ones(RARITY[1] - RARITY[0] + 1, dtype=np.int64)])


def _gain_of(size: int) -> Array:
    """Return the bits that each symbol adds for the rarity of its value."""
    return np.concatenate([np.zeros(size + 1), np.arange(RARITY[0], RARITY[1] + 1, dtype=np.float64)])


def _patterns(symbols: Codes) -> tuple[Codes, Codes, Codes]:
    """Return the different columns of *symbols*, which of them each column is, and how many are so."""
    key = np.zeros(symbols.shape[1], dtype=np.int64)
    for row in symbols:
        _, key = np.unique(key * (int(row.max(initial=0)) + 1) + row, return_inverse=True)
    counts = np.bincount(key)
    return symbols[:, _first_of(key, len(counts))], key, counts


def _first_of(key: Codes, n: int) -> Codes:
    first = np.zeros(n, dtype=np.int64)
    first[key[::-1]] = np.arange(len(key))[::-1]
    return first


def rarity_of(pairs: Sequence[Compared], left: NDArray[np.int32], right: NDArray[np.int32], people: Codes) -> Array:
    """Return what the rarity of an equal value adds to its weight, in bits, shape (n_fields, n_pairs).

    Frequencies are counted in *people* (the cluster of each record, shape (n_records,)): a rare name that one person
    gave ten times is still rare.
    """
    rows = []
    for field in pairs:
        codes = field.column.codes.astype(np.int64)
        owners = np.unique(people * len(field.column.values) + codes)
        counts = np.bincount(owners % len(field.column.values), minlength=len(field.column.values)).astype(np.float64)
        counts[0] = 0.0
        share = (counts + 1.0) / (counts.sum() + 1.0)
        usual = float((share[1:] ** 2).sum())
        gain = np.clip(np.log2(usual / share), *RARITY)
        rows.append(np.where(field.levels == 1, gain[np.maximum(codes[left], codes[right])], 0.0))
    return np.stack(rows)


def _start(pairs: Sequence[Compared], sample: Sequence[Compared], scale: float, total: float) -> Array:
    """Return first probabilities: strict, so that people who share much (a household) begin as different ones."""
    n, states = len(pairs[0].levels), [field.states for field in pairs]
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
