"""Calibration: from the head's log-odds to probabilities that mean what they say.

References
----------
Guo et al. (2017), On calibration of modern neural networks (temperature scaling; expected calibration error).
Platt (1999), Probabilistic outputs for support vector machines (slope and offset on held-out decisions).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Calibration:
    """``slope`` multiplies the log-odds. ``offset`` is added (several labels a text), or is the log-odds that none of
    the candidates is right (one label a text).
    """

    slope: float
    offset: float
    multi_label: bool = False

    def probabilities(self, scores: Floats) -> NDArray[np.float64]:
        """Return the probability of each candidate, of the same shape (n, k) as *scores*."""
        scaled = scores.astype(np.float64) * self.slope
        if self.multi_label:
            return np.asarray(1.0 / (1.0 + np.exp(-(scaled + self.offset))))
        top = np.maximum(scaled.max(axis=1, keepdims=True), self.offset)
        parts = np.exp(scaled - top)
        return np.asarray(parts / (parts.sum(axis=1, keepdims=True) + np.exp(self.offset - top)))


def fit_calibration(scores: Floats, right: NDArray[np.bool_], *, multi_label: bool, complete: bool) -> Calibration:
    """Fit slope and offset by the likelihood of out-of-fold log-odds.

    Parameters
    ----------
    scores : ndarray of shape (n, k)
    right : ndarray of shape (n, k)
        Whether the candidate is a label of the text.
    complete
        Whether every label is a candidate, so that one of them is right.
    """
    from scipy.optimize import minimize

    def loss(values: NDArray[np.float64]) -> float:
        slope = float(np.exp(values[0]))
        offset = -50.0 if complete and not multi_label else float(values[1])
        p = Calibration(slope, offset, multi_label).probabilities(scores)
        if multi_label:
            chosen = np.where(right, p, 1.0 - p)
            return float(-np.log(np.maximum(chosen, 1e-12)).mean())
        hit = np.where(right.any(axis=1), (p * right).sum(axis=1), 1.0 - p.sum(axis=1))
        return float(-np.log(np.maximum(hit, 1e-12)).mean()) + 1e-4 * float(values[0]) ** 2

    # a wide first simplex: that of scipy is so flat where a value starts at 0 that the search may end at once
    simplex = np.array([[0.0, -3.0], [-1.0, -3.0], [0.0, -1.0]])
    options = {"xatol": 1e-3, "fatol": 1e-7, "initial_simplex": simplex}
    found = minimize(loss, simplex[0], method="Nelder-Mead", options=options)
    slope = float(np.clip(np.exp(found.x[0]), 0.05, 20.0))
    offset = -50.0 if complete and not multi_label else float(np.clip(found.x[1], -50.0, 50.0))
    return Calibration(slope, offset, multi_label)


def expected_calibration_error(confidence: NDArray[np.float64], correct: NDArray[np.bool_], *, bins: int = 15) -> float:
    """Return the mean gap between confidence and accuracy over *bins* bins of equal width, weighted by their rows."""
    if len(confidence) == 0:
        return 0.0
    place = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    count = np.bincount(place, minlength=bins)
    gap = np.bincount(place, weights=confidence, minlength=bins) - np.bincount(place, weights=correct, minlength=bins)
    return float(np.abs(gap[count > 0]).sum() / len(confidence))
