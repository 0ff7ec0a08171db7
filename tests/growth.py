"""Time linear in the length, on a machine of any speed: twice the text takes about twice as long."""

from __future__ import annotations

import time
from collections.abc import Callable

SIZE = 100_000
TOO_QUICK = 0.02  # CPU seconds; what is read as fast as that holds no loop in a loop, and its readings are mostly noise
LINEAR = 3.0  # 2 is linear, 4 is quadratic


def long_of(piece: str, size: int = SIZE) -> str:
    """Return *piece* again and again, *size* characters in all."""
    return (piece * (size // len(piece) + 1))[:size]


def growth(function: Callable[[str], object], piece: str, end: str = "") -> float:
    """Return how many times longer 100,000 characters of *piece* take than half of them; 1.0 where both are quick.

    *end* is put behind both texts: what a pattern that fails only at its end needs.
    """
    half, whole = (long_of(piece, size - len(end)) + end for size in (SIZE // 2, SIZE))
    least = float("inf")
    for _ in range(5):
        taken = seconds(function, whole)
        if taken <= TOO_QUICK:
            return 1.0
        least = min(least, taken / seconds(function, half))
        if least <= LINEAR:
            break
    return least


def seconds(function: Callable[[str], object], text: str) -> float:
    """Return the CPU seconds of one call."""
    begin = time.process_time()
    function(text)
    return time.process_time() - begin
