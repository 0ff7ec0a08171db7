"""What training takes and what it gives, and how that is written to disk."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textcrm import artifact
from textcrm.classify.calibrate import Calibration, expected_calibration_error
from textcrm.classify.evaluate import coverage_curve
from textcrm.classify.forest import Trees
from textcrm.classify.head import Head
from textcrm.classify.neighbours import Neighbours
from textcrm.classify.refuse import SIGNS, Familiarity
from textcrm.classify.views import FittedView
from textcrm.errors import UsageError
from textcrm.specs import RecipeSpec

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Training:
    """What a model learns from.

    Attributes
    ----------
    texts
        n texts.
    labels
        The labels of each text; one each unless the recipe is ``multi_label``.
    embeddings : ndarray of shape (n, dimensions), float32, optional
        Needed by a recipe with a sentence view.
    encoder
        Hash of the encoder that made them.
    ledger
        What is written to the manifest about where the texts come from.
    weights : ndarray of shape (n,), optional
        Weight of each text, 1 where absent.
    """

    texts: Sequence[str]
    labels: Sequence[Sequence[str]]
    embeddings: Floats | None = None
    encoder: str | None = None
    ledger: dict[str, Any] = field(default_factory=dict)
    weights: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class Fitted:
    """A trained model in memory, and what it says out of fold about its own training texts.

    ``head`` is None where the decision values of one linear view are the answer, and trees with an output a label where
    they read one view as it is. ``outside`` has shape (n, n_labels): the calibrated probabilities of each training
    text, made without it. ``head_scores`` are the out-of-fold accuracies of the heads that were tried.
    """

    recipe: RecipeSpec
    labels: tuple[str, ...]
    views: tuple[FittedView, ...]
    neighbours: Neighbours | None
    examples: NDArray[np.int64]
    head: Head | Trees | None
    calibration: Calibration
    familiarity: Familiarity
    thresholds: dict[str, float]
    outside: NDArray[np.float64]
    targets: NDArray[np.bool_]
    head_scores: dict[str, float]

    def summary(self) -> dict[str, Any]:
        """Return the figures out of fold, on the training texts."""
        confidence, correct = self.outside.max(axis=1), self._correct()
        answered = confidence >= self.thresholds["ambiguous"]
        return {
            "n": len(correct),
            "accuracy": round(float(correct.mean()), 4),
            "ece": round(expected_calibration_error(confidence, correct), 4),
            "coverage": round(float(answered.mean()), 4),
            "accuracy_at_coverage": round(float(correct[answered].mean()), 4) if answered.any() else None,
        }

    def coverage_curve(self) -> list[dict[str, float]]:
        """Return accuracy against coverage out of fold, on the training texts (see `evaluate.coverage_curve`)."""
        return coverage_curve(self.outside.max(axis=1), self._correct())

    def accuracy_outside(self, rows: Sequence[int]) -> float:
        """Return the out-of-fold accuracy on some of the training texts."""
        return round(float(self._correct()[list(rows)].mean()), 4)

    def _correct(self) -> NDArray[np.bool_]:
        return np.take_along_axis(self.targets, self.outside.argmax(axis=1)[:, None], axis=1)[:, 0]


def save(fitted: Fitted, data: Training, folder: Path) -> str:
    """Write the artifact of *fitted* to *folder*, which must be empty or absent, and return its version."""
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise UsageError(f"{folder.name} is not empty", hint="Name a new folder.")
    for index, view in enumerate(fitted.views):
        artifact.write_arrays(folder / f"view{index}.npz", view.arrays())
    if fitted.head is not None:
        artifact.write_arrays(folder / "head.npz", fitted.head.arrays())
    if fitted.neighbours is not None:
        artifact.write_arrays(folder / "neighbours.npz", fitted.neighbours.arrays())
        shown = [[data.texts[row][:300], list(data.labels[row])] for row in fitted.examples]
        (folder / "examples.json").write_text(json.dumps(shown, ensure_ascii=True), encoding="utf-8")
    recipe = fitted.recipe
    body = {
        "task": recipe.task,
        "labels": list(fitted.labels),
        "multi_label": recipe.multi_label,
        "languages": list(recipe.languages),
        "encoder": data.encoder if recipe.sentence is not None else None,
        "views": [view.describe() for view in fitted.views],
        "cues": len(fitted.views) < len(recipe.views),
        "neighbours": fitted.neighbours is not None,
        "input": recipe.input,
        "head": fitted.head.kind if isinstance(fitted.head, Head) else recipe.head,
        "calibration": {"slope": fitted.calibration.slope, "offset": fitted.calibration.offset},
        "familiarity": {
            "signs": list(SIGNS),
            "mean": fitted.familiarity.mean.tolist(),
            "scale": fitted.familiarity.scale.tolist(),
            "weights": fitted.familiarity.weights.tolist(),
        },
        "thresholds": {**fitted.thresholds, "per_label": dict(recipe.abstain.per_label)},
        "min_letters": recipe.abstain.min_letters,
        "recipe": recipe.model_dump(mode="json", by_alias=True),
        "recipe_fingerprint": recipe.fingerprint(),
        "training": {
            **data.ledger,
            "rows": len(data.texts),
            "rows_per_label": dict(zip(fitted.labels, fitted.targets.sum(axis=0).tolist(), strict=True)),
            "out_of_fold": fitted.summary(),
            "heads": fitted.head_scores,
        },
    }
    return artifact.write_manifest(folder, kind="classifier", name=recipe.name, body=body)
