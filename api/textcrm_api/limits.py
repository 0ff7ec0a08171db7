"""How often one key may ask: a token bucket a key, in this process."""

from __future__ import annotations

import time
from collections import OrderedDict

MAX_KEYS = 10_000


class RateLimit:
    """Token buckets.

    Parameters
    ----------
    per_second
        Requests a second in the long run; ``burst`` may come at once.
    """

    def __init__(self, per_second: float, *, burst: float | None = None) -> None:
        self._rate = per_second
        self._burst = burst if burst is not None else max(1.0, 2 * per_second)
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, key: str, *, now: float | None = None, per_second: float | None = None) -> float:
        """Take one token of *key* and return 0; or, where there is none, the seconds until there is one.

        ``per_second`` is the rate of this key, where it has one of its own.
        """
        at = time.monotonic() if now is None else now
        rate = self._rate if per_second is None else per_second
        burst = self._burst if per_second is None else max(1.0, 2 * per_second)
        tokens, since = self._buckets.pop(key, (burst, at))
        tokens = min(burst, tokens + (at - since) * rate)
        taken = tokens >= 1.0
        self._buckets[key] = (tokens - 1.0 if taken else tokens, at)
        if len(self._buckets) > MAX_KEYS:
            self._buckets.popitem(last=False)
        return 0.0 if taken else (1.0 - tokens) / rate
