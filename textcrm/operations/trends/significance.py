"""Whether a difference between two periods is one, or chance."""

from __future__ import annotations

import math
from collections.abc import Sequence

from textcrm.store.trends import Mood

FEWEST = 12  # below this, the normal approximation says too much


def net_difference(before: Mood, after: Mood) -> float | None:
    """Return the two-sided p-value of a change of net sentiment; None where there are too few messages.

    Each message counts -1, 0 or +1; the means of two periods are compared by Welch's test with the normal
    distribution, with one half message added to every cell so that no variance is zero.

    References
    ----------
    Welch, B. L. (1947). The generalization of "Student's" problem when several different population variances are
    involved. Biometrika 34. doi:10.1093/biomet/34.1-2.28
    """
    if before.known < FEWEST or after.known < FEWEST:
        return None
    (mean_a, variance_a), (mean_b, variance_b) = _moments(before), _moments(after)
    return _two_sided((mean_b - mean_a) / math.sqrt(variance_a / before.known + variance_b / after.known))


def rate_difference(before: int, days_before: float, after: int, days_after: float) -> float | None:
    """Return the two-sided p-value of a change of a Poisson rate (messages a day); None where there are too few.

    References
    ----------
    Gu, K., Ng, H. K. T., Tang, M. L., Schucany, W. R. (2008). Testing the ratio of two Poisson rates. Biometrical
    Journal 50: the variance-stabilised statistic. doi:10.1002/bimj.200710403
    """
    if before + after < FEWEST or days_before <= 0 or days_after <= 0:
        return None
    ratio = days_after / days_before
    z = 2 * (math.sqrt(after + 0.375) - math.sqrt(ratio * (before + 0.375))) / math.sqrt(1 + ratio)
    return _two_sided(z)


def significant(values: Sequence[float | None], *, level: float = 0.05) -> list[bool]:
    """Return which of many p-values are significant when at most *level* of those may be wrong.

    References
    ----------
    Benjamini, Y., Hochberg, Y. (1995). Controlling the false discovery rate. JRSS B 57.
    """
    known = sorted((p, i) for i, p in enumerate(values) if p is not None)
    last = max((k for k, (p, _) in enumerate(known, start=1) if p <= level * k / len(known)), default=0)
    chosen = {i for _, i in known[:last]}
    return [i in chosen for i in range(len(values))]


def _moments(mood: Mood) -> tuple[float, float]:
    n = mood.known
    mean = (mood.positive - mood.negative) / n
    smooth = n + 1.5
    p, q = (mood.positive + 0.5) / smooth, (mood.negative + 0.5) / smooth
    return mean, p + q - (p - q) ** 2


def _two_sided(z: float) -> float:
    return math.erfc(abs(z) / math.sqrt(2))
