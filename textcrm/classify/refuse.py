"""Refusal: when a text is unlike anything in training, or between two labels, or too short to say.

References
----------
Liu et al. (2020), Energy-based out-of-distribution detection (log-sum-exp of the margins).
Sun et al. (2022), Out-of-distribution detection with deep nearest neighbors (distance to the nearest examples).
Chow (1970), On optimum recognition error and reject tradeoff (the threshold on confidence).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from textcrm.specs import AbstainSpec

Floats = NDArray[np.float32]
SIGNS = ("best_score", "energy", "best_margin", "similarity", "lead")


@dataclass(frozen=True)
class Familiarity:
    """How much like training a text is: a weighted sum of standardised signs; larger is more familiar."""

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    weights: NDArray[np.float64]

    def score(self, signs: Floats) -> NDArray[np.float64]:
        """Return the familiarity of each row of *signs*, of shape (n, len(SIGNS)), as an array of shape (n,)."""
        return np.asarray(((signs - self.mean) / self.scale) @ self.weights)


def make_signs(scores: Floats, margins: Sequence[Floats], similarities: Floats | None) -> Floats:
    """Return the signs of familiarity, of shape (n, len(SIGNS)).

    Parameters
    ----------
    scores : ndarray of shape (n, k)
        Log-odds of the head.
    margins
        Decision values of the linear views, each of shape (n, n_labels).
    similarities : ndarray of shape (n, n_labels), optional
        Cosine to the nearest example of each label.
    """
    n = len(scores)
    views = np.stack(margins)
    tops = views.max(axis=2)
    energy = (tops + np.log(np.exp(views - tops[:, :, None]).sum(axis=2))).sum(axis=0)
    near = similarities.max(axis=1) if similarities is not None else np.zeros(n, dtype=np.float32)
    ordered = np.sort(scores, axis=1)
    lead = ordered[:, -1] - ordered[:, -2] if scores.shape[1] > 1 else ordered[:, -1]
    return np.stack([ordered[:, -1], energy, tops.sum(axis=0), near, lead], axis=1).astype(np.float32)


def fit_familiarity(known: Floats, unknown: Floats | None) -> Familiarity:
    """Weigh the signs so that *known* and *unknown* texts come apart; without *unknown*, by fixed weights.

    Weights are never negative: each sign is made so that more of it is more familiar.
    """
    mean = known.mean(axis=0, dtype=np.float64)
    scale = known.std(axis=0, dtype=np.float64) + 1e-9
    if unknown is None or len(unknown) < 20:
        return Familiarity(mean, scale, np.array([0.5, 0.0, 0.25, 1.0, 0.0]))
    from scipy.optimize import nnls

    rows = np.vstack([(known - mean) / scale, (unknown - mean) / scale])
    target = np.concatenate([np.ones(len(known)), -np.ones(len(unknown))])
    balance = np.concatenate([np.full(len(known), 0.5 / len(known)), np.full(len(unknown), 0.5 / len(unknown))])
    design = np.hstack([rows, np.ones((len(rows), 1)), -np.ones((len(rows), 1))])
    weights, _ = nnls(design * np.sqrt(balance)[:, None], target * np.sqrt(balance))
    return Familiarity(mean, scale, weights[: len(SIGNS)] if weights[: len(SIGNS)].any() else np.ones(len(SIGNS)))


def threshold_unknown(familiarity: NDArray[np.float64], spec: AbstainSpec) -> float:
    """Return the familiarity below which a text is unknown: what lets ``keep_known`` of known texts pass."""
    if len(familiarity) < 20:
        return float("-1e9")
    return float(np.quantile(familiarity, 1.0 - spec.keep_known))


def threshold_ambiguous(confidence: NDArray[np.float64], correct: NDArray[np.bool_], spec: AbstainSpec) -> float:
    """Return the confidence below which an answer is not given.

    The lowest threshold at which the answers given are right as often as ``precision``, unless that would decline
    more than ``max_declined``.
    """
    if len(confidence) < 20:
        return 0.0
    order = np.argsort(-confidence, kind="stable")
    accuracy = np.cumsum(correct[order]) / np.arange(1, len(order) + 1)
    least = int(np.ceil((1.0 - spec.max_declined) * len(order)))
    good = np.flatnonzero(accuracy >= spec.precision)
    count = max(int(good[-1]) + 1 if len(good) else 0, least)
    return 0.0 if count >= len(order) else float(confidence[order[count - 1]])


def choose_thresholds(
    familiarity: NDArray[np.float64], outside: NDArray[np.float64], targets: NDArray[np.bool_], spec: AbstainSpec
) -> dict[str, float]:
    """Return both thresholds from out-of-fold answers.

    Parameters
    ----------
    familiarity : ndarray of shape (n,)
    outside : ndarray of shape (n, n_labels)
        Calibrated probabilities.
    targets : ndarray of shape (n, n_labels)
    """
    correct = np.take_along_axis(targets, outside.argmax(axis=1)[:, None], axis=1)[:, 0]
    return {
        "unknown": threshold_unknown(familiarity, spec),
        "ambiguous": threshold_ambiguous(outside.max(axis=1), correct, spec),
    }
