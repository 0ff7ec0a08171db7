"""How right a model is when it answers less: its curve, and where on it the model stands."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, NamedTuple

from textcrm.catalog import Catalog
from textcrm.registry import ModelEntry
from textcrm.settings import Settings


class Point(NamedTuple):
    """A share of answers, the surest ones: how many of them are right, and how sure the least sure of them is."""

    coverage: float
    accuracy: float
    threshold: float


@dataclass(frozen=True)
class Curve:
    """Accuracy against coverage.

    ``version`` is the version that was measured, on ``rows`` rows: ``held_out`` ones, or those of training, each
    answered by a model made without it.
    """

    version: str
    rows: int
    held_out: bool
    points: tuple[Point, ...]

    def at(self, threshold: float) -> int:
        """Return the place of the point nearest to a threshold."""
        return min(range(len(self.points)), key=lambda i: abs(self.points[i].threshold - threshold))


def curve_of(entry: ModelEntry, settings: Settings) -> Curve | None:
    """Return the curve that a version carries, else that of the shipped card of its recipe, else None."""
    body = entry.body
    if points := _points(body.get("coverage_curve")):
        return Curve(entry.version, int(body["scores"]["n"]), body.get("scored_on") == "held-out rows", points)
    recipe = Catalog(settings.home).recipes().get(entry.name)
    path = recipe.with_name("scores.json") if recipe else None
    if path is None or not path.is_file():
        return None
    card = json.loads(path.read_text(encoding="utf-8"))
    points = _points(card["held_out"].get("coverage_curve"))
    return Curve(card["model"]["version"], card["held_out"]["n"], True, points) if points else None


def threshold_of(entry: ModelEntry) -> float:
    """Return the confidence below which a version declines to answer: the one that a person set, else its own."""
    return entry.threshold if entry.threshold is not None else own_threshold(entry)


def own_threshold(entry: ModelEntry) -> float:
    """Return the confidence below which a version declines to answer by what training chose."""
    return float(entry.body["thresholds"]["ambiguous"])


def _points(rows: list[dict[str, Any]] | None) -> tuple[Point, ...]:
    return tuple(Point(row["coverage"], row["accuracy"], row["threshold"]) for row in rows or ())
