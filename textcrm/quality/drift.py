"""Whether the columns of a table look as they did at the last import."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from textcrm.quality.table import DATES, Reading, Table

KEPT_NUMBERS = 1000
KEPT_WORDS = 50
REST = "(other)"
Level = Literal["stable", "moderate", "large"]
STABLE, LARGE = 0.1, 0.25
LEAST = 1e-4  # a share of nothing is taken as one in ten thousand, so that the logarithm exists


@dataclass(frozen=True)
class Profile:
    """How one column looked: the share of missing values, and evenly spaced values in order, or shares of words.

    Of columns that identify people only the share of missing values is kept.
    """

    name: str
    kind: str
    rows: int
    missing: float
    numbers: tuple[float, ...] = ()
    shares: Mapping[str, float] = field(default_factory=dict)

    def as_facts(self) -> dict[str, Any]:
        """Return the profile for the store: words are values, never names of fields."""
        facts = {"name": self.name, "kind": self.kind, "rows": self.rows, "missing": self.missing}
        return {**facts, "numbers": list(self.numbers), "shares": [list(pair) for pair in self.shares.items()]}

    @classmethod
    def of_facts(cls, facts: Mapping[str, Any]) -> Profile:
        """Return the profile that `as_facts` made."""
        shares = {str(word): float(share) for word, share in facts["shares"]}
        return cls(facts["name"], facts["kind"], facts["rows"], facts["missing"], tuple(facts["numbers"]), shares)


@dataclass(frozen=True)
class Drift:
    """How one column moved since the last import. ``ks`` and ``p`` are of numbers and dates, None for words."""

    column: str
    kind: str
    level: Level
    psi: float
    ks: float | None
    p: float | None
    missing_before: float
    missing_now: float


def profiles(table: Table, reading: Reading) -> list[Profile]:
    """Return how the columns of a table look."""
    made = []
    for column in table.columns:
        missing = float(column.missing.mean()) if table.rows else 0.0
        numbers: tuple[float, ...] = ()
        shares: dict[str, float] = {}
        if column.kind == "number" or column.kind in DATES:
            values = column.numbers() if column.kind == "number" else column.days(reading)
            known = np.sort(values[np.isfinite(values)])
            if len(known) > KEPT_NUMBERS:
                known = known[np.linspace(0, len(known) - 1, KEPT_NUMBERS).round().astype(int)]
            numbers = tuple(float(v) for v in known)
        elif column.kind in ("category", "country", "currency"):
            shares = _shares(column.known())
        made.append(Profile(column.name, column.kind, table.rows, missing, numbers, shares))
    return made


def drift(before: Sequence[Profile], now: Sequence[Profile]) -> list[Drift]:
    """Compare the columns that both have, those that moved most first.

    The level follows the larger of two population stability indices: that of the values and that of being missing.

    References
    ----------
    Siddiqi, N. (2006). Credit Risk Scorecards, p. 136: PSI = sum((now - before) ln(now / before)) over shares; under
    0.1 little changed, over 0.25 much. Two-sample Kolmogorov-Smirnov test: ``scipy.stats.ks_2samp``.
    """
    old = {profile.name: profile for profile in before}
    found = []
    for profile in now:
        last = old.get(profile.name)
        if last is None:
            continue
        psi, ks, p = 0.0, None, None
        if last.numbers and profile.numbers:
            psi = _psi_of_numbers(last.numbers, profile.numbers)
            ks, p = _ks(last.numbers, profile.numbers)
        elif last.shares and profile.shares:
            psi = _psi_of_shares(last.shares, profile.shares)
        gone = {"known": 1 - last.missing, "missing": last.missing}
        gap = _psi_of_shares(gone, {"known": 1 - profile.missing, "missing": profile.missing})
        worst = max(psi, gap)
        level: Level = "stable" if worst < STABLE else "moderate" if worst < LARGE else "large"
        row = Drift(profile.name, profile.kind, level, round(psi, 4), ks, p, last.missing, profile.missing)
        found.append((worst, row))
    return [row for _, row in sorted(found, key=lambda pair: -pair[0])]


def _shares(words: Sequence[str]) -> dict[str, float]:
    counts = Counter(words)
    if not counts:
        return {}
    total = counts.total()
    kept = {word: n / total for word, n in counts.most_common(KEPT_WORDS)}
    rest = 1.0 - sum(kept.values())
    return {**kept, REST: rest} if rest > 1e-12 else kept


def _psi_of_numbers(before: Sequence[float], now: Sequence[float]) -> float:
    """Return the index over the tenths of the values before; equal edges fall together."""
    edges = np.unique(np.quantile(before, np.linspace(0.1, 0.9, 9)))
    shares = [np.bincount(np.searchsorted(edges, v), minlength=len(edges) + 1) / len(v) for v in (before, now)]
    return _psi(list(shares[0]), list(shares[1]))


def _psi_of_shares(before: Mapping[str, float], now: Mapping[str, float]) -> float:
    words = sorted({*before, *now})
    return _psi([before.get(word, 0.0) for word in words], [now.get(word, 0.0) for word in words])


def _psi(before: Sequence[float], now: Sequence[float]) -> float:
    pairs = [(max(b, LEAST), max(n, LEAST)) for b, n in zip(before, now, strict=True)]
    return sum((n - b) * math.log(n / b) for b, n in pairs)


def _ks(before: Sequence[float], now: Sequence[float]) -> tuple[float, float]:
    from scipy.stats import ks_2samp

    result = ks_2samp(before, now, method="asymp")
    return round(float(result.statistic), 4), float(result.pvalue)
