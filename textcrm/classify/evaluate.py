"""Evaluation: figures that a person can decide on, with intervals, calibration, coverage and slices.

References
----------
Efron, Tibshirani (1993), An Introduction to the Bootstrap (percentile intervals).
Geifman, El-Yaniv (2017), Selective classification for deep neural networks (accuracy against coverage).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textcrm.classify.calibrate import expected_calibration_error
from textcrm.errors import UsageError

BOOTSTRAPS = 500
LENGTHS = (
    (0, 40, "under 40 characters"),
    (40, 120, "40 to 119"),
    (120, 400, "120 to 399"),
    (400, 10**9, "400 and more"),
)


def evaluate_single(
    gold: Sequence[str],
    labels: Sequence[str],
    probabilities: NDArray[np.float64],
    declined: NDArray[np.bool_],
    *,
    texts: Sequence[str],
    slices: Mapping[str, Sequence[str]],
    seed: int = 7,
) -> dict[str, Any]:
    """Compare answers with the truth, one label a text.

    Parameters
    ----------
    gold
        The true label of each text; labels that the model does not know count as wrong.
    labels
        The labels of the columns of *probabilities*, of shape (n, n_labels).
    declined : ndarray of shape (n,)
        Where the model abstains.

    Returns
    -------
    dict
        Plain values, ready for JSON. ``accuracy``, ``macro_f1`` and ``macro_recall`` count every text by its best
        label, abstained or not; ``coverage`` is the share of texts answered, ``accuracy_at_coverage`` the accuracy of
        those. Averages are over the labels that occur in *gold*.
    """
    n = len(gold)
    if n == 0:
        raise UsageError("there is nothing to evaluate", hint="The file has no row with text and label.")
    names = sorted({*gold, *labels})
    index = {name: place for place, name in enumerate(names)}
    truth = np.array([index[label] for label in gold])
    columns = np.array([index[label] for label in labels])
    said = columns[probabilities.argmax(axis=1)]
    confidence = probabilities.max(axis=1)
    correct = truth == said
    matrix = np.zeros((len(names), len(names)), dtype=np.int64)
    np.add.at(matrix, (truth, said), 1)
    answered = ~declined
    result: dict[str, Any] = {
        "n": n,
        "accuracy": _round(correct.mean()),
        **_macro(matrix),
        "per_class": _per_class(matrix, names),
        "ece": _round(expected_calibration_error(confidence, correct)),
        "coverage": _round(answered.mean()),
        "accuracy_at_coverage": _round(correct[answered].mean()) if answered.any() else None,
        "intervals": _intervals(truth, said, len(names), seed),
        "confusions": _confusions(matrix, names),
        "reliability": reliability(confidence, correct),
        "coverage_curve": coverage_curve(confidence, correct),
        "slices": _slices(texts, slices, correct, answered),
    }
    unknown = sorted(set(gold) - set(labels))
    if unknown:
        result["labels_unknown_to_model"] = unknown
    return result


def evaluate_multi(
    gold: Sequence[Sequence[str]],
    labels: Sequence[str],
    probabilities: NDArray[np.float64],
    declined: NDArray[np.bool_],
) -> dict[str, Any]:
    """Compare answers with the truth, any number of labels a text; a label is given at a probability of 0.5."""
    place = {label: column for column, label in enumerate(labels)}
    truth = np.zeros(probabilities.shape, dtype=bool)
    for row, own in enumerate(gold):
        truth[row, [place[label] for label in own if label in place]] = True
    said = probabilities >= 0.5
    hit, false, missed = (truth & said).sum(0), (~truth & said).sum(0), (truth & ~said).sum(0)
    with np.errstate(divide="ignore", invalid="ignore"):
        f1 = np.where(hit + false + missed > 0, 2 * hit / (2 * hit + false + missed), np.nan)
        recall = np.where(hit + missed > 0, hit / (hit + missed), np.nan)
        precision = np.where(hit + false > 0, hit / (hit + false), 0.0)
    correct = (truth == said).all(axis=1)
    answered = ~declined
    flat = probabilities.ravel()
    return {
        "n": len(gold),
        "accuracy": _round(correct.mean()),
        "macro_f1": _round(np.nanmean(f1)),
        "macro_recall": _round(np.nanmean(recall)),
        "micro_f1": _round(2 * hit.sum() / max(1, 2 * hit.sum() + false.sum() + missed.sum())),
        "per_class": {
            label: {
                "n": int(truth[:, i].sum()),
                "precision": _round(precision[i]),
                "recall": _round(np.nan_to_num(recall[i])),
                "f1": _round(np.nan_to_num(f1[i])),
            }
            for i, label in enumerate(labels)
        },
        "ece": _round(expected_calibration_error(np.maximum(flat, 1 - flat), (truth == said).ravel())),
        "coverage": _round(answered.mean()),
        "accuracy_at_coverage": _round(correct[answered].mean()) if answered.any() else None,
    }


def _round(value: Any) -> float:
    return round(float(value), 4)


def _macro(matrix: NDArray[np.int64]) -> dict[str, float]:
    """Average over the labels that occur in the truth."""
    true, said, hit = matrix.sum(axis=1), matrix.sum(axis=0), np.diag(matrix)
    some = true > 0
    f1 = 2 * hit[some] / (true[some] + said[some])
    return {"macro_f1": _round(f1.mean()), "macro_recall": _round((hit[some] / true[some]).mean())}


def _per_class(matrix: NDArray[np.int64], names: Sequence[str]) -> dict[str, dict[str, float | int]]:
    true, said, hit = matrix.sum(axis=1), matrix.sum(axis=0), np.diag(matrix)
    return {
        name: {
            "n": int(true[i]),
            "precision": _round(hit[i] / said[i]) if said[i] else 0.0,
            "recall": _round(hit[i] / true[i]) if true[i] else 0.0,
            "f1": _round(2 * hit[i] / (true[i] + said[i])) if true[i] + said[i] else 0.0,
        }
        for i, name in enumerate(names)
        if true[i] or said[i]
    }


def _intervals(truth: NDArray[np.int64], said: NDArray[np.int64], labels: int, seed: int) -> dict[str, list[float]]:
    rng = np.random.default_rng(seed)
    figures = []
    n = len(truth)
    for _ in range(BOOTSTRAPS):
        rows = rng.integers(0, n, n)
        cells = np.bincount(truth[rows] * labels + said[rows], minlength=labels * labels).reshape(labels, labels)
        figures.append((np.trace(cells) / n, *_macro(cells).values()))
    low, high = np.percentile(np.array(figures), [2.5, 97.5], axis=0)
    return {name: [_round(low[i]), _round(high[i])] for i, name in enumerate(("accuracy", "macro_f1", "macro_recall"))}


def _confusions(matrix: NDArray[np.int64], names: Sequence[str]) -> list[dict[str, Any]]:
    off = matrix.copy()
    np.fill_diagonal(off, 0)
    order = np.argsort(-off, axis=None, kind="stable")[:30]
    cells = [divmod(int(cell), len(names)) for cell in order]
    return [{"true": names[i], "said": names[j], "n": int(off[i, j])} for i, j in cells if off[i, j]]


def reliability(confidence: NDArray[np.float64], correct: NDArray[np.bool_], bins: int = 15) -> list[dict[str, Any]]:
    """Return mean confidence and accuracy of each filled bin of confidence."""
    place = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    return [
        {"n": int(own.sum()), "confidence": _round(confidence[own].mean()), "accuracy": _round(correct[own].mean())}
        for own in (place == i for i in range(bins))
        if own.any()
    ]


def coverage_curve(confidence: NDArray[np.float64], correct: NDArray[np.bool_]) -> list[dict[str, float]]:
    """Return accuracy and least confidence of the most confident share of answers, for shares of 5 % to 100 %."""
    order = np.argsort(-confidence, kind="stable")
    accuracy = np.cumsum(correct[order]) / np.arange(1, len(order) + 1)
    curve = []
    for share in np.linspace(0.05, 1.0, 20):
        last = max(1, round(share * len(order))) - 1
        curve.append(
            {
                "coverage": _round(share),
                "accuracy": _round(accuracy[last]),
                "threshold": _round(confidence[order[last]]),
            }
        )
    return curve


def _slices(
    texts: Sequence[str],
    slices: Mapping[str, Sequence[str]],
    correct: NDArray[np.bool_],
    answered: NDArray[np.bool_],
) -> dict[str, dict[str, dict[str, float | int]]]:
    length = np.array([len(text) for text in texts])
    result = {
        "length": {
            name: _slice((length >= low) & (length < high), correct, answered)
            for low, high, name in LENGTHS
            if ((length >= low) & (length < high)).any()
        }
    }
    for column, values in slices.items():
        names = sorted(set(values))
        if 1 < len(names) <= 30:
            own = np.array(values)
            result[column] = {name: _slice(own == name, correct, answered) for name in names}
    return result


def _slice(own: NDArray[np.bool_], correct: NDArray[np.bool_], answered: NDArray[np.bool_]) -> dict[str, float | int]:
    return {"n": int(own.sum()), "accuracy": _round(correct[own].mean()), "coverage": _round(answered[own].mean())}
