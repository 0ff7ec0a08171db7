"""What training and serving share: how many candidates, what their figures are called, and how they share out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from textcrm.classify.calibrate import Calibration
from textcrm.classify.candidates import figure_names
from textcrm.classify.cues import NAMES as CUE_NAMES
from textcrm.classify.views import FittedView

CANDIDATES = 5


def spread_out(
    calibration: Calibration, scores: NDArray[np.float32], chosen: NDArray[np.int64], labels: int
) -> NDArray[np.float64]:
    """Return probabilities of all labels, of shape (n, labels): what the candidates leave is shared by the others."""
    p = calibration.probabilities(scores)
    full = np.zeros((len(p), labels))
    if not calibration.multi_label and labels > chosen.shape[1]:
        full += np.maximum(0.0, 1.0 - p.sum(axis=1, keepdims=True)) / (labels - chosen.shape[1])
    np.put_along_axis(full, chosen, p, axis=1)
    return full


def names_of_figures(views: Sequence[FittedView], *, neighbours: bool, labels: int, with_cues: bool) -> list[str]:
    """Return the names of what the head reads."""
    kinds: list[str] = [view.kind for view in views] + (["neighbours"] if neighbours else [])
    return figure_names(kinds, labels, CUE_NAMES if with_cues else ())
