"""Merges overlapping candidates into one set of spans without overlaps, in a stable order."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable

from textcrm.entities.found import THRESHOLD, Found

# Labels that name the same kind of thing: of two overlapping candidates of one kind, the union is kept.
_KIND = {"GPE": "place", "LOC": "place", "FAC": "place", "ADDRESS": "place"}


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
