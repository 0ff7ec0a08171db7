"""The circuit breaker: when too many messages fail, the work pauses instead of burning through the queue."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

WINDOW = 200
AT_LEAST = 20
SHARE = 0.05
IN_A_ROW = 50
PAUSE_SECONDS, LONGEST_PAUSE = 1.0, 30.0


class Circuit:
    """Opens when more than 5 % of the last 200 messages or 50 in a row fail, and closes by itself.

    After a pause the next claim goes through as a probe. If it passes, the circuit closes and counting begins anew; if
    it fails, the pause doubles, up to half a minute.

    Parameters
    ----------
    clock
        Seconds, never going back: ``time.monotonic``.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._last: deque[bool] = deque(maxlen=WINDOW)
        self._row = 0
        self._pause = PAUSE_SECONDS
        self._until: float | None = None
        self.why = ""

    @property
    def is_open(self) -> bool:
        """Whether it is open; a probe may be due."""
        return self._until is not None

    def wait_seconds(self) -> float:
        """Return how long to wait before the next claim."""
        return 0.0 if self._until is None else max(0.0, self._until - self._clock())

    def record(self, *, passed: int, failed: int) -> bool:
        """Count messages; return whether the circuit opened or closed by it."""
        if self.is_open:
            if failed:
                self._pause = min(LONGEST_PAUSE, 2 * self._pause)
                self._until = self._clock() + self._pause
                return False
            if passed:
                self._close()
                return True
            return False
        self._last.extend([True] * passed + [False] * failed)
        self._row = failed if passed else self._row + failed
        bad = self._last.count(False)
        if self._row >= IN_A_ROW:
            return self._open(f"{self._row} messages in a row failed")
        if len(self._last) >= AT_LEAST and bad > SHARE * len(self._last) and bad > 1:
            return self._open(f"{bad} of the last {len(self._last)} messages failed")
        return False

    def _open(self, why: str) -> bool:
        self.why = why
        self._until = self._clock() + self._pause
        return True

    def _close(self) -> None:
        self._last.clear()
        self._row = 0
        self._pause = PAUSE_SECONDS
        self._until = None
        self.why = ""
