"""Context words: what stands round a candidate raises its score."""

from __future__ import annotations

import re

from textcrm.entities.letters import WIDE

BEFORE, AFTER = 48, 16


def words(*terms: str) -> re.Pattern[str]:
    """Return a pattern that finds any of *terms*, as words or as starts of words, in any case."""
    return re.compile(rf"(?<![^\W_{WIDE}])(?:" + "|".join(re.escape(term) for term in terms) + ")", re.IGNORECASE)


def near(text: str, start: int, end: int, cues: re.Pattern[str], *, before: int = BEFORE, after: int = AFTER) -> bool:
    """Say whether a cue stands up to *before* characters before the span or *after* characters behind it."""
    if cues.search(text, max(0, start - before), start):
        return True
    return after > 0 and cues.search(text, end, min(len(text), end + after)) is not None


def raised(score: float, by: float, when: bool) -> float:
    """Return *score*, raised by *by* when the context says so, capped at 0.99."""
    return min(0.99, score + by) if when else score
