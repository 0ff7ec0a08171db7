"""Values that stand far outside: by quartiles, by standard deviations, and rows that are odd as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

FENCE = 1.5
MOST_Z = 3.0
ODD = 0.6
LEAST_VALUES = 8
LEAST_ROWS = 50
MOST_FITTED = 100_000


@dataclass(frozen=True)
class Spread:
    """How the numbers of one column spread. ``iqr`` and ``zscore`` are rows (from 0) outside of each measure."""

    least: float
    quartiles: tuple[float, float, float]
    most: float
    mean: float
    deviation: float
    fences: tuple[float, float]
    iqr: tuple[int, ...]
    zscore: tuple[int, ...]


def spread(values: NDArray[np.float64]) -> Spread | None:
    """Return how numbers spread; None for fewer than eight, or where there are fewer than three different ones.

    Parameters
    ----------
    values
        Shape (n_rows,), NaN where there is none.

    References
    ----------
    Tukey, J. W. (1977). Exploratory Data Analysis: fences at 1.5 interquartile ranges beyond the quartiles.
    The z-score is the distance from the mean in sample standard deviations; beyond 3 is far for normal values
    (Shewhart, W. A. (1931). Economic Control of Quality of Manufactured Product).
    """
    known = values[np.isfinite(values)]
    if len(known) < LEAST_VALUES or len(np.unique(known)) < 3:
        return None
    low, middle, high = (float(q) for q in np.percentile(known, [25, 50, 75]))
    reach = FENCE * (high - low)
    fences = (low - reach, high + reach)
    mean, deviation = float(known.mean()), float(known.std(ddof=1))
    # where half of the values are the same, the quartiles measure nothing and all others would be outside
    outside = (values < fences[0]) | (values > fences[1]) if high > low else np.zeros(len(values), dtype=np.bool_)
    far = np.abs(values - mean) > MOST_Z * deviation
    return Spread(
        float(known.min()), (low, middle, high), float(known.max()), mean, deviation, fences, _rows(outside), _rows(far)
    )


def odd_rows(columns: Sequence[NDArray[np.float64]]) -> list[tuple[int, float]]:
    """Return the rows that an isolation forest parts from the others early, and their scores, the oddest first.

    Parameters
    ----------
    columns
        Numbers by column, each of shape (n_rows,), NaN where there is none; at least two columns and fifty rows.

    Returns
    -------
    Row (from 0) and anomaly score in (0, 1], those of at least 0.6.

    References
    ----------
    Liu, F. T., Ting, K. M. and Zhou, Z.-H. (2008). Isolation Forest. ICDM: a score well above 0.5 is an anomaly.
    """
    if len(columns) < 2 or len(columns[0]) < LEAST_ROWS:
        return []
    from sklearn.ensemble import IsolationForest

    filled = [np.where(np.isnan(column), np.nanmedian(column), column) for column in columns]
    x = np.column_stack(filled)
    forest = IsolationForest(n_estimators=100, max_samples=min(256, len(x)), random_state=0, n_jobs=1)
    rng = np.random.default_rng(0)
    forest.fit(x if len(x) <= MOST_FITTED else x[rng.choice(len(x), MOST_FITTED, replace=False)])
    scores = -forest.score_samples(x)
    order = np.argsort(-scores, kind="stable")
    return [(int(i), round(float(scores[i]), 3)) for i in order if scores[i] >= ODD]


def _rows(chosen: NDArray[np.bool_]) -> tuple[int, ...]:
    return tuple(int(i) for i in np.flatnonzero(chosen))
