"""Training: gather the rows, embed, fit, score against the version that serves, keep, activate."""

from __future__ import annotations

import json
import os
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from textcrm import artifact
from textcrm.catalog import Catalog
from textcrm.classify.card import card_scores, render_card
from textcrm.classify.fitted import Fitted, Training, save
from textcrm.classify.labelerrors import find_label_errors
from textcrm.classify.labelled import read_labelled
from textcrm.classify.predictor import load
from textcrm.classify.train import fit
from textcrm.errors import UsageError
from textcrm.operations.models.corpora import Rows, fetch_missing, read_corpora
from textcrm.operations.models.keeping import Candidate, CorrectedText, Verdict, keep, write_out
from textcrm.operations.models.models import (
    DataFile,
    Steps,
    is_active,
    only_split,
    open_model,
    quiet,
)
from textcrm.operations.models.scoring import embed, encoder_of, score
from textcrm.registry import Registry
from textcrm.settings import Settings
from textcrm.specs import RecipeSpec

if TYPE_CHECKING:
    from textcrm.store import Store

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class TrainReport:
    """What training made.

    ``held_out`` are the figures on rows that were not trained on, ``before`` those of the version that was active on
    the same rows; ``corrections`` the same pair on the corrections (by cross-validation). ``remarks`` are for a person.
    """

    name: str
    version: str
    folder: Path
    activated: bool
    scores: Mapping[str, Any]
    held_out: Mapping[str, Any] | None = None
    before: Mapping[str, Any] | None = None
    corrections: Mapping[str, Any] | None = None
    remarks: tuple[str, ...] = ()


@dataclass
class _Work:
    """What one training needs, gathered."""

    recipe: RecipeSpec
    train: Rows
    held_out: Rows
    remarks: list[str] = field(default_factory=list)


def train(
    recipe: str | RecipeSpec,
    *,
    settings: Settings,
    data: DataFile | None = None,
    out: Path | None = None,
    name: str | None = None,
    corrections: Iterable[CorrectedText] = (),
    force: bool = False,
    fetch: bool = True,
    steps: Steps | None = None,
) -> TrainReport:
    """Train a recipe, from its corpora or from a file, and put the model into the registry or into *out*.

    A version is activated when none was, when it answers with other labels, or when it is not worse than the active
    one on the same held-out rows and on the corrections; else only by *force*. With *fetch*, optional corpora that
    are known by reference are brought first.

    Raises
    ------
    NotFoundError
        No such recipe, corpus or file.
    UsageError
        The data cannot be trained on.
    DependencyError
        The recipe reads sentences and the ``train`` extra is absent.
    """

    steps = steps or quiet
    catalog = Catalog(settings.home)
    spec = catalog.recipe(recipe) if isinstance(recipe, str) else recipe
    if name is not None:
        spec = RecipeSpec.model_validate({**spec.model_dump(by_alias=True), "name": name})
    fetched: list[str] = []
    if data is None and fetch:
        with steps("Corpora", None):
            fetched = fetch_missing(spec, settings)
    work = _gather(spec, data, settings)
    work.remarks[:0] = fetched
    corrected = list(corrections)
    rows = work.train.with_corrections([(item.text, item.label) for item in corrected])
    encoder_folder, encoder = encoder_of(spec, settings, steps)
    embeddings = embed(encoder, rows.texts, settings, steps)
    ledger = {**rows.ledger, "corrections": len(corrected), "held_out_rows": len(work.held_out.texts)}
    source = Training(
        texts=rows.texts,
        labels=rows.labels,
        embeddings=embeddings,
        encoder=encoder.hash if encoder else None,
        ledger=ledger,
        weights=rows.weights,
    )
    with steps(f"Training {spec.name}", None):
        fitted = fit(spec, source, threads=os.cpu_count() or 1)
    work.remarks += _rare(rows.labels, spec.folds)
    if spec.head == "auto":
        work.remarks.append(_chosen(fitted.head_scores))
    with tempfile.TemporaryDirectory(prefix="textcrm-model-") as target:
        folder = Path(target) / "model"
        save(fitted, source, folder)
        figures = score(load(folder, encoder=encoder), work.held_out, encoder, settings, steps)
        _add_scores(folder, figures, fitted)
        first = len(rows.texts) - len(corrected)
        candidate = Candidate(
            name=spec.name,
            folder=folder,
            encoder=encoder,
            encoder_folder=encoder_folder,
            held_out=work.held_out,
            figures=figures,
            corrected=corrected,
            by_cross_validation=fitted.accuracy_outside(range(first, len(rows.texts))) if corrected else None,
        )
        version = artifact.version_of(folder)
        if out is not None:
            write_out(candidate, out)
            verdict, place = Verdict(), out
        else:
            verdict = keep(candidate, settings=settings, force=force, steps=steps)
            place = Registry(settings.registry_dir).path(spec.name, version)
    return TrainReport(
        name=spec.name,
        version=version,
        folder=place,
        activated=verdict.activated,
        scores={**fitted.summary(), **{k: v for k, v in (figures or {}).items() if isinstance(v, int | float)}},
        held_out=figures,
        before=verdict.before,
        corrections=verdict.corrections,
        remarks=(*work.remarks, *verdict.remarks),
    )


def train_missing(names: Sequence[str], *, settings: Settings, steps: Steps | None = None) -> list[str]:
    """Train those of the recipes *names* that have no active version, and return their names."""
    registry = Registry(settings.registry_dir)
    missing = [name for name in names if not is_active(registry, name)]
    for name in missing:
        train(name, settings=settings, steps=steps)
    return missing


def label_errors(
    recipe: str, *, settings: Settings, data: DataFile | None = None, steps: Steps | None = None
) -> list[dict[str, Any]]:
    """Train *recipe* and list the training rows whose label is likely wrong, the surest first."""

    steps = steps or quiet
    spec = Catalog(settings.home).recipe(recipe)
    rows = _gather(spec, data, settings).train
    _, encoder = encoder_of(spec, settings, steps)
    source = Training(rows.texts, rows.labels, embed(encoder, rows.texts, settings, steps))
    with steps(f"Training {spec.name}", None):
        fitted = fit(spec, source, threads=os.cpu_count() or 1)
    return [
        {
            "row": error.row + 1,
            "label": fitted.labels[error.label],
            "suggested": fitted.labels[error.suggested],
            "confidence": round(error.confidence, 4),
            "text": rows.texts[error.row],
        }
        for error in find_label_errors(fitted.outside, fitted.targets.argmax(axis=1))
    ]


def write_card(name: str, folder: Path, *, settings: Settings, steps: Steps | None = None) -> Path:
    """Score the active version of a model on the held-out rows of its recipe; write ``scores.json`` and ``CARD.md``."""
    registry = Registry(settings.registry_dir)
    as_trained = str(registry.active(name)) if name in registry.names() else name  # without what a person set for it
    model = open_model(as_trained, settings=settings, threads=os.cpu_count())
    _, held_out, _ = read_corpora(Catalog(settings.home).recipe(name), settings)
    figures = score(model, held_out, None, settings, steps or quiet)
    if figures is None:
        raise UsageError(f"the corpora of {name} have no held-out rows", hint="Give some rows split = test.")
    scores = card_scores(model.body, name=model.name, version=model.version, held_out=figures)
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(scores, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    (folder / "scores.json").write_text(text, encoding="utf-8")
    (folder / "CARD.md").write_text(render_card(json.loads(text)), encoding="utf-8")
    return folder / "CARD.md"


@dataclass(frozen=True)
class Corrected:
    """A text and the label that a person says is right."""

    text: str
    label: str


def corrections_of(store: Store, *, task: str) -> list[Corrected]:
    """Return the corrections of a task that stand, with what the models read; the last one of a message counts."""
    last: dict[str, Corrected] = {}
    standing = store.corrections.list(task=task)
    messages = store.messages.get_many([correction.message_id for correction in standing])
    for correction in standing:
        message = messages.get(correction.message_id)
        if message is None:
            continue
        clean = store.insights.get(correction.message_id).clean
        subject = (message.subject or "").strip()
        text = clean if not subject or clean.startswith(subject) else f"{subject}\n\n{clean}"
        last[correction.message_id] = Corrected(text, correction.label)
    return list(last.values())


def _gather(spec: RecipeSpec, data: DataFile | None, settings: Settings) -> _Work:
    if data is None:
        train_rows, held_out, remarks = read_corpora(spec, settings)
        return _Work(spec, train_rows, held_out, remarks)
    rows = read_labelled(data.path, text=data.text, label=data.label, with_labels=True, multi_label=spec.multi_label)
    remarks = [f"Guessed column: {guess}" for guess in rows.guessed]
    if rows.skipped:
        remarks.append(f"{len(rows.skipped)} rows without text or label were left out, the first at {rows.skipped[0]}")
    test, said = only_split(rows, "test")
    if said:
        rows, _ = only_split(rows, "train")
        remarks.append("The file has a column split: trained on train, scored on test")
    source = {"file": data.path.name, "sha256": artifact.file_sha256(data.path)}
    nothing = Rows((), (), {})
    return _Work(
        spec,
        Rows(rows.texts, rows.labels, {"sources": [source]}),
        Rows(test.texts, test.labels, {}) if said else nothing,
        remarks,
    )


def _rare(labels: Sequence[Sequence[str]], folds: int) -> list[str]:
    """Warn of labels that some folds do not see: of those the figures say little."""
    rare = {name: n for name, n in Counter(name for row in labels for name in row).items() if n < folds}
    if not rare:
        return []
    named = ", ".join(f"{name} ({n})" for name, n in sorted(rare.items())[:5]) + (", ..." if len(rare) > 5 else "")
    return [f"Labels with fewer than {folds} texts, of which the figures say little: {named}"]


def _chosen(accuracy: Mapping[str, float]) -> str:
    """Say which head won, and by how much."""
    ranked = sorted(accuracy.items(), key=lambda item: -item[1])
    return "Out-of-fold accuracy of the heads, the first is used: " + ", ".join(f"{k} {v:.4f}" for k, v in ranked)


def _add_scores(folder: Path, held_out: Mapping[str, Any] | None, fitted: Fitted) -> None:
    manifest = artifact.read_manifest(folder)
    names = ("n", "accuracy", "macro_f1", "macro_recall", "ece", "coverage", "accuracy_at_coverage")
    scores = {name: held_out[name] for name in names} if held_out else fitted.summary()
    curve = held_out.get("coverage_curve", []) if held_out else fitted.coverage_curve()
    measured = {"scores": scores, "scored_on": "held-out rows" if held_out else "out of fold"}
    body = {**manifest.body, **measured, "coverage_curve": curve}
    artifact.write_manifest(folder, kind="classifier", name=manifest.name, body=body)
