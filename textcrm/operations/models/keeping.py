"""What becomes of a model that was trained: kept as a version, activated where it is not worse than the active one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from textcrm import artifact
from textcrm.classify.predictor import Classifier
from textcrm.embed.sentence import SentenceEncoder
from textcrm.errors import ArtifactError, UsageError
from textcrm.operations.models.corpora import Rows
from textcrm.operations.models.models import Steps, is_active, open_model, predict
from textcrm.operations.models.scoring import score
from textcrm.registry import Registry
from textcrm.settings import Settings

MARGIN = 0.005  # a new version may be worse by this on held-out data: half a point is within the noise


class CorrectedText(Protocol):
    """A correction as training reads it."""

    @property
    def text(self) -> str:
        """What the model read."""

    @property
    def label(self) -> str:
        """What a person says is right."""


@dataclass(frozen=True)
class Candidate:
    """A model that was trained and is no version yet.

    ``figures`` are those on ``held_out``, None where no rows were held out; ``by_cross_validation`` is the accuracy on
    the corrections, each answered by a model that had not seen it, None without corrections.
    """

    name: str
    folder: Path
    encoder: SentenceEncoder | None
    encoder_folder: Path | None
    held_out: Rows
    figures: Mapping[str, Any] | None
    corrected: Sequence[CorrectedText]
    by_cross_validation: float | None


@dataclass
class Verdict:
    """Whether a candidate was activated, and what it was compared with; ``remarks`` are for a person."""

    activated: bool = False
    before: Mapping[str, Any] | None = None
    corrections: Mapping[str, Any] | None = None
    remarks: list[str] = field(default_factory=list)


def write_out(candidate: Candidate, out: Path) -> None:
    """Write a candidate and its encoder to a folder of the user's, in place of an older model there.

    Raises
    ------
    UsageError
        The folder holds other files.
    """
    if out.exists() and any(out.iterdir()) and not (out / artifact.MANIFEST).is_file():
        raise UsageError(f"{out.name} holds other files", hint="Name a new folder with --out.")
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(candidate.folder, out)
    if candidate.encoder_folder is not None:
        shutil.copytree(candidate.encoder_folder, out / "encoder")


def keep(candidate: Candidate, *, settings: Settings, force: bool, steps: Steps) -> Verdict:
    """Put a candidate into the registry; activate it where it is not worse than the active version, or by *force*."""
    registry, verdict = Registry(settings.registry_dir), Verdict()
    old = _active(candidate.name, registry, settings, verdict)
    version = registry.put(candidate.folder, encoder=candidate.encoder_folder)
    better = old is None or old.version == version or _not_worse(candidate, old, settings, steps, verdict)
    verdict.activated = better or force
    if verdict.activated:
        registry.activate(candidate.name, version)
    else:
        verdict.remarks.append(
            f"Not activated: worse than the active version. textcrm models activate {candidate.name} {version}"
        )
    return verdict


def _active(name: str, registry: Registry, settings: Settings, verdict: Verdict) -> Classifier | None:
    """Return the active version as it was trained, if there is one that can be read."""
    if not is_active(registry, name):
        return None
    try:
        return open_model(name, settings=settings, threads=os.cpu_count())
    except ArtifactError as error:
        verdict.remarks.append(f"The active version cannot be read and was not compared with: {error}")
        return None


def _not_worse(candidate: Candidate, old: Classifier, settings: Settings, steps: Steps, verdict: Verdict) -> bool:
    """Compare a candidate with the active version on the same held-out rows and on the corrections."""
    labels = artifact.read_manifest(candidate.folder).body["labels"]
    if set(old.labels) != set(labels):
        verdict.remarks.append("The new version answers with other labels than the active one.")
        return True
    better = True
    verdict.before = score(old, candidate.held_out, candidate.encoder, settings, steps)
    if verdict.before is not None and candidate.figures is not None:
        better = candidate.figures["macro_f1"] >= verdict.before["macro_f1"] - MARGIN
    if candidate.corrected:
        said = [p.label for p in predict(old, [item.text for item in candidate.corrected])]
        was = float(np.mean([a == item.label for a, item in zip(said, candidate.corrected, strict=True)]))
        now = candidate.by_cross_validation
        verdict.corrections = {"n": len(candidate.corrected), "before": round(was, 4), "after": now}
        better = better and (now or 0.0) >= was
    return better
