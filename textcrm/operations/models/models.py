"""Models: open, evaluate, predict, compare."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from textcrm import artifact
from textcrm.classify.compare import compare_answers
from textcrm.classify.evaluate import evaluate_multi, evaluate_single
from textcrm.classify.goldlabels import match_labels
from textcrm.classify.labelled import Labelled, read_labelled
from textcrm.classify.predictor import Classifier, load
from textcrm.embed.sentence import SentenceEncoder
from textcrm.errors import NotFoundError, UsageError
from textcrm.records import Prediction
from textcrm.registry import Registry
from textcrm.settings import Settings

if TYPE_CHECKING:
    pass

Floats = NDArray[np.float32]
PREDICT_BATCH = 1_000


class Step(Protocol):
    """Says that items of the current step are done."""

    def __call__(self, advance: int = 1) -> None:
        """Advance by *advance* items."""


Steps = Callable[[str, int | None], AbstractContextManager[Step]]


@dataclass(frozen=True)
class DataFile:
    """A file of the user's, with the names of its columns where they are not to be guessed."""

    path: Path
    text: str | None = None
    label: str | None = None


def open_model(model: str, *, settings: Settings, threads: int | None = None) -> Classifier:
    """Load a model by its name in the registry (its active version, or ``name@version``) or by its folder.

    Its encoder is handed in: from beside it, from the registry, or from the cache of encoders. One of the registry
    declines below the threshold that a person set for it, as it does where it serves.

    Raises
    ------
    NotFoundError
        There is no such model, or its encoder is not here.
    ArtifactError
        It is damaged.
    """
    registry = Registry(settings.registry_dir)
    name, _, version = model.partition("@")
    threshold = None
    if name in registry.names():
        folder = registry.path(name, version or registry.active_version(name))
        threshold = registry.threshold(name, folder.name)
    elif (Path(model) / artifact.MANIFEST).is_file():
        folder = Path(model)
    else:
        raise NotFoundError(
            f"there is no model {model[:80]}",
            hint="Name a folder, or train it with `textcrm train`.",
            options=registry.names(),
        )
    classifier = load(folder, threads=threads or settings.threads, threshold=threshold)
    if classifier.encoder_hash:
        place = _encoder_folder(classifier.encoder_hash, folder, settings)
        classifier.attach(SentenceEncoder.open(place, threads=threads or settings.threads))
    return classifier


def evaluate(
    model: Classifier,
    data: DataFile,
    *,
    mapping: Mapping[str, str] | None = None,
    among: Sequence[str] | None = None,
    steps: Steps | None = None,
) -> tuple[dict[str, Any], list[str]]:
    """Compare what *model* says of a file with its labels; return the figures, and remarks for a person.

    Where the file has a column ``split`` with rows of ``test``, these rows alone count.
    """
    rows = read_labelled(data.path, text=data.text, label=data.label, with_labels=True, multi_label=model.multi_label)
    remarks = [f"Guessed column: {guess}" for guess in rows.guessed]
    if rows.skipped:
        remarks.append(f"{len(rows.skipped)} rows without text or label were left out, the first at {rows.skipped[0]}")
    rows, said = only_split(rows, "test")
    remarks += said
    with (steps or quiet)("Evaluating", len(rows.texts)) as step:
        figures = figures_of(
            model, rows.texts, rows.labels, mapping=mapping, among=among, slices=rows.slices, step=step
        )
    if figures.get("mapped"):
        remarks.append("Labels were read as " + ", ".join(f"{a} = {b}" for a, b in figures["mapped"].items()))
    if figures.get("among"):
        remarks.append(f"The model chose among {', '.join(figures['among'])}: {figures['among_why']}")
    return figures, remarks


def predict(model: Classifier, texts: Sequence[str], *, step: Step | None = None) -> Iterator[Prediction]:
    """Answer for each text, in order."""
    for start in range(0, len(texts), PREDICT_BATCH):
        batch = texts[start : start + PREDICT_BATCH]
        yield from model.predict(batch)
        if step is not None:
            step(len(batch))


def compare(
    before: Classifier, after: Classifier, data: DataFile, *, steps: Steps | None = None
) -> tuple[dict[str, Any], list[str]]:
    """Say what got better and worse from one model to another on a file with labels; and remarks for a person."""
    rows = read_labelled(data.path, text=data.text, label=data.label, with_labels=True)
    remarks = [f"Guessed column: {guess}" for guess in rows.guessed]
    rows, said = only_split(rows, "test")
    return compare_texts(before, after, rows.texts, rows.labels, steps=steps), remarks + said


def compare_texts(
    before: Classifier,
    after: Classifier,
    texts: Sequence[str],
    labels: Sequence[Sequence[str]],
    *,
    steps: Steps | None = None,
) -> dict[str, Any]:
    """Say what got better and worse from one model to another on texts with their labels (see `compare_answers`)."""
    matched = match_labels(labels, tuple(dict.fromkeys((*before.labels, *after.labels))))
    answers = []
    for model in (before, after):
        with (steps or quiet)(f"Asking {model.name} {model.version}", len(texts)) as step:
            answers.append([answer.label for answer in predict(model, texts, step=step)])
    return compare_answers([row[0] for row in matched.gold], *answers)


def read_texts(data: DataFile) -> Labelled:
    """Read a file of texts without labels."""
    return read_labelled(data.path, text=data.text, with_labels=False)


def only_split(rows: Labelled, split: str) -> tuple[Labelled, list[str]]:
    """Return the rows of one split where the file has that column with both kinds in it, and a remark."""
    column = rows.slices.get("split", ())
    if split not in column or len(set(column)) < 2:
        return rows, []
    keep = [i for i, value in enumerate(column) if value == split]
    kept = Labelled(
        tuple(rows.texts[i] for i in keep),
        tuple(rows.labels[i] for i in keep) if rows.labels else (),
        tuple(rows.lines[i] for i in keep),
        rows.skipped,
        rows.guessed,
        {name: tuple(values[i] for i in keep) for name, values in rows.slices.items() if name != "split"},
    )
    return kept, [f"The file has a column split; its {len(keep)} rows of {split} were taken"]


def figures_of(
    model: Classifier,
    texts: Sequence[str],
    labels: Sequence[Sequence[str]],
    *,
    slices: Mapping[str, Sequence[str]],
    step: Step | None,
    mapping: Mapping[str, str] | None = None,
    among: Sequence[str] | None = None,
    embeddings: Floats | None = None,
) -> dict[str, Any]:
    """Ask *model* and compare with *labels*; *mapping* and *among* as in `match_labels`.

    Without *embeddings*, of shape (n, dimensions), they are made by the model's own encoder.
    """
    if not texts:
        raise UsageError("there is nothing to evaluate", hint="The file has no row with text and label.")
    parts = []
    for start in range(0, len(texts), PREDICT_BATCH):
        batch = texts[start : start + PREDICT_BATCH]
        parts.append(model.scores(batch, None if embeddings is None else embeddings[start : start + PREDICT_BATCH]))
        if step is not None:
            step(len(batch))
    probabilities = np.concatenate([part[0] for part in parts])
    familiarity = np.concatenate([part[1] for part in parts])
    matched = match_labels(labels, model.labels, mapping=mapping, among=among)
    if model.multi_label:
        declined = _declined(model, texts, model.labels, probabilities, familiarity)
        return {**evaluate_multi(matched.gold, model.labels, probabilities, declined), "mapped": matched.mapped}
    gold = [row[0] for row in matched.gold]
    names: Sequence[str] = model.labels
    extra: dict[str, Any] = {"mapped": matched.mapped}
    if matched.among is not None:
        best = [model.labels[i] for i in probabilities.argmax(axis=1)]
        extra["accuracy_among_all_labels"] = round(float(np.mean([a == b for a, b in zip(best, gold, strict=True)])), 4)
        extra |= {"among": list(matched.among), "among_why": matched.why}
        names = matched.among
        chosen = probabilities[:, [model.labels.index(name) for name in names]]
        probabilities = chosen / np.maximum(chosen.sum(axis=1, keepdims=True), 1e-12)
    declined = _declined(model, texts, names, probabilities, familiarity)
    return {**evaluate_single(gold, names, probabilities, declined, texts=texts, slices=slices), **extra}


def _declined(
    model: Classifier,
    texts: Sequence[str],
    names: Sequence[str],
    probabilities: NDArray[np.float64],
    familiarity: NDArray[np.float64],
) -> NDArray[np.bool_]:
    best = probabilities.argmax(axis=1)
    reasons = [
        model.decline(text, names[label], float(row[label]), float(known))
        for text, label, row, known in zip(texts, best, probabilities, familiarity, strict=True)
    ]
    return np.array([reason is not None for reason in reasons], dtype=bool)


def _encoder_folder(encoder_hash: str, model: Path, settings: Settings) -> Path:
    for place in (model / "encoder", settings.home / "encoders" / encoder_hash):
        if (place / artifact.MANIFEST).is_file() and artifact.version_of(place) == encoder_hash:
            return place
    return Registry(settings.registry_dir).encoder(encoder_hash)


def is_active(registry: Registry, name: str) -> bool:
    """Tell whether a version of the model *name* is active."""
    try:
        registry.active(name)
    except NotFoundError:
        return False
    return True


def quiet(_label: str, _total: int | None) -> AbstractContextManager[Step]:
    """Show no progress."""

    def nothing(advance: int = 1) -> None:
        del advance

    return nullcontext(nothing)
