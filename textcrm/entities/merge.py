"""Merges overlapping candidates into one set of spans without overlaps, in a stable order."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable

from textcrm.entities.found import THRESHOLD, Found


def _rank(found: Found) -> tuple[float, int, int, str, str]:
    return (-found.score, found.start - found.end, found.start, found.label, found.source)


def merge(candidates: Iterable[Found]) -> list[Found]:
    """Return the best candidates that do not overlap, ascending by start.

    The better score wins, then the longer span, then the earlier one, then the label and the source by name: the
    order in which the candidates come does not matter. Candidates below the threshold are dropped.
    """
    kept: list[Found] = []
    starts: list[int] = []
    for found in sorted((c for c in candidates if c.score >= THRESHOLD and c.end > c.start), key=_rank):
        place = bisect_left(starts, found.end)
        if place and kept[place - 1].end > found.start:
            continue
        place = bisect_left(starts, found.start)
        starts.insert(place, found.start)
        kept.insert(place, found)
    return kept


def join_names(text: str, found: list[Found]) -> list[Found]:
    """Join persons that only a blank parts: a given and a family name that were found one by one."""
    joined: list[Found] = []
    for span in found:
        last = joined[-1] if joined else None
        if last and last.label == span.label == "PERSON" and text[last.end : span.start] in {" ", "  ", "-"}:
            joined[-1] = last._replace(end=span.end, score=max(last.score, span.score), value=None)
        else:
            joined.append(span)
    return joined
