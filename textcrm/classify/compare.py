"""What got better and what worse from one model to another.

References
----------
McNemar (1947), Note on the sampling error of the difference between correlated proportions; the exact form counts the
rows on which just one of the two is right.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import comb
from typing import Any


def compare_answers(gold: Sequence[str], before: Sequence[str], after: Sequence[str]) -> dict[str, Any]:
    """Compare the answers of two models to the same rows.

    Returns
    -------
    dict
        ``before`` and ``after`` with accuracy and macro F1 (over the labels in *gold*), ``labels`` with the F1 of each
        label, the largest change first, ``fixed`` and ``broken`` rows, the exact two-sided p of McNemar's test, and a
        ``verdict`` at 0.05.
    """
    fixed = sum(a == g != b for g, b, a in zip(gold, before, after, strict=True))
    broken = sum(b == g != a for g, b, a in zip(gold, before, after, strict=True))
    p = mcnemar(fixed, broken)
    labels = sorted(set(gold))
    f1 = [(label, _f1(gold, before, label), _f1(gold, after, label)) for label in labels]
    rows: list[dict[str, Any]] = [
        {"label": label, "before": round(old, 4), "after": round(new, 4), "change": round(new - old, 4)}
        for label, old, new in f1
    ]
    rows.sort(key=lambda row: -abs(row["change"]))
    verdict = "no difference beyond chance" if p >= 0.05 else "better" if fixed > broken else "worse"
    return {
        "n": len(gold),
        "before": _whole(gold, before, [old for _, old, _ in f1]),
        "after": _whole(gold, after, [new for _, _, new in f1]),
        "fixed": fixed,
        "broken": broken,
        "p": round(p, 5),
        "verdict": verdict,
        "labels": rows,
    }


def mcnemar(fixed: int, broken: int) -> float:
    """Return the chance of a split at least as uneven as *fixed* to *broken* if both were as likely."""
    n, least = fixed + broken, min(fixed, broken)
    if n == 0:
        return 1.0
    if n > 2_000:  # the exact sum is long; the normal approximation with continuity is close
        from math import erfc, sqrt

        return erfc(max(0.0, abs(fixed - broken) - 1) / sqrt(2 * n))
    return min(1.0, float(2 * sum(comb(n, k) for k in range(least + 1)) / 2**n))


def _whole(gold: Sequence[str], said: Sequence[str], f1: Sequence[float]) -> dict[str, float]:
    accuracy = sum(g == s for g, s in zip(gold, said, strict=True)) / max(1, len(gold))
    return {"accuracy": round(accuracy, 4), "macro_f1": round(sum(f1) / max(1, len(f1)), 4)}


def _f1(gold: Sequence[str], said: Sequence[str], label: str) -> float:
    hit = sum(g == s == label for g, s in zip(gold, said, strict=True))
    total = sum(g == label for g in gold) + sum(s == label for s in said)
    return 2 * hit / total if total else 0.0
