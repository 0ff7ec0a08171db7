"""Serving: an artifact in memory that answers and declines. No torch, no scikit-learn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from textcrm import artifact
from textcrm.classify.calibrate import Calibration
from textcrm.classify.candidates import Candidates, make_candidates
from textcrm.classify.cues import cues
from textcrm.classify.forest import Trees
from textcrm.classify.head import TREE_HEADS, Head, HeadKind, log_odds
from textcrm.classify.neighbours import Neighbours
from textcrm.classify.onnxdot import ByteVectors
from textcrm.classify.refuse import SIGNS, Familiarity, make_signs
from textcrm.classify.shared import SharedTexts
from textcrm.classify.spread import CANDIDATES, names_of_figures, spread_out
from textcrm.classify.views import FittedView, dense, view_from_arrays
from textcrm.errors import ArtifactError, UsageError
from textcrm.records import AbstainReason, LabelScore, Prediction

Floats = NDArray[np.float32]
BATCH = 2_000
_AGAIN = "Train the model again."
_HEADS = (*TREE_HEADS, "logistic_regression", "linear_svm")


class Encoder(Protocol):
    """What a classifier needs of a sentence encoder."""

    hash: str

    def encode(self, texts: Sequence[str]) -> Floats:
        """Return vectors of shape (n, dimensions)."""

    def tokens(self, text: str) -> tuple[list[tuple[int, int]], Floats]:
        """Return the spans of tokens and the part that each has in the vector."""


class Classifier:
    """A loaded model. Get one from `load`.

    Attributes
    ----------
    task, name, version
        What it answers, the name of its recipe, and the hash of its manifest.
    labels
        All labels, sorted.
    encoder_hash
        The encoder whose vectors it reads, or None.
    threshold, own_threshold
        The confidence below which it declines to answer, and the one that training chose. Labels for which the
        recipe sets one keep it.
    """

    def __init__(
        self,
        folder: Path,
        manifest: artifact.Manifest,
        *,
        threads: int,
        encoder: Encoder | None,
        threshold: float | None,
    ) -> None:
        body = manifest.body
        self.name = manifest.name
        self.version = artifact.version_of(folder)
        self.body: Mapping[str, Any] = body
        try:
            self.task = str(body["task"])
            self.labels = tuple(str(label) for label in body["labels"])
            self.encoder_hash = None if body["encoder"] is None else str(body["encoder"])
            self.multi_label = bool(body["multi_label"])
            self.with_cues = bool(body["cues"])
            self._calibration = Calibration(
                float(body["calibration"]["slope"]), float(body["calibration"]["offset"]), self.multi_label
            )
            self._familiarity = Familiarity(
                *(np.array(body["familiarity"][key], dtype=np.float64) for key in ("mean", "scale", "weights"))
            )
            self._unknown_below = float(body["thresholds"]["unknown"])
            self.own_threshold = float(body["thresholds"]["ambiguous"])
            self.threshold = self.own_threshold if threshold is None else threshold
            self._per_label = {str(key): float(value) for key, value in body["thresholds"]["per_label"].items()}
            self._min_letters = int(body["min_letters"])
            described, with_neighbours, kind = list(body["views"]), bool(body["neighbours"]), body["head"]
            self.direct = body["input"] == "features"
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ArtifactError(f"the manifest of {folder.name} is incomplete", hint=_AGAIN) from error
        if not 2 <= len(set(self.labels)) == len(self.labels) <= 1_000 or not 1 <= len(described) <= 8:
            raise ArtifactError(f"the manifest of {folder.name} names labels or views that cannot be", hint=_AGAIN)
        if kind not in _HEADS or body["familiarity"].get("signs") != list(SIGNS):
            raise ArtifactError(f"{folder.name} has a head that is not known here", hint="Update textcrm.")
        if any(len(part) != len(SIGNS) for part in vars(self._familiarity).values()):
            raise ArtifactError(f"the manifest of {folder.name} has the wrong number of signs", hint=_AGAIN)
        with_head = not self.direct or kind in TREE_HEADS
        needed = {f"view{index}.npz" for index in range(len(described))} | ({"head.npz"} if with_head else set())
        needed |= {"neighbours.npz", "examples.json"} if with_neighbours else set()
        if missing := needed - set(manifest.files):
            raise ArtifactError(f"{folder.name} lacks {', '.join(sorted(missing))}", hint=_AGAIN)
        self.views: tuple[FittedView, ...] = tuple(
            view_from_arrays(said, artifact.read_arrays(folder / f"view{index}.npz"), len(self.labels))
            for index, said in enumerate(described)
        )
        self.neighbours = _neighbours(folder, len(self.labels), threads) if with_neighbours else None
        self.examples = _examples(folder, self.neighbours) if self.neighbours is not None else []
        self.head = self._head(folder, kind, threads) if with_head else None
        self._session: Any = None
        if isinstance(self.head, Trees):
            self._session = self.head.session(self.views[0].coef.shape[0], threads=threads)
        self.encoder: Encoder | None = None
        if encoder is not None:
            self.attach(encoder)

    def _head(self, folder: Path, kind: HeadKind, threads: int) -> Head | Trees:
        arrays = artifact.read_arrays(folder / "head.npz")
        if self.direct:
            return Trees.from_arrays(arrays, features=self.views[0].coef.shape[0], outputs=len(self.labels))
        return Head.from_arrays(kind, len(self.figure_names()), arrays, threads=threads)

    def attach(self, encoder: Encoder) -> None:
        """Hand in the encoder to use where no embeddings are given.

        Raises
        ------
        UsageError
            It is not the encoder that the model was trained with.
        """
        if self.encoder_hash is not None and encoder.hash != self.encoder_hash:
            raise UsageError("the model was trained with another encoder", hint="Hand in the one it names.")
        self.encoder = encoder

    def figure_names(self) -> list[str]:
        """Return the names of what the head reads."""
        return names_of_figures(
            self.views, neighbours=self.neighbours is not None, labels=len(self.labels), with_cues=self.with_cues
        )

    def embed(self, texts: Sequence[str], embeddings: Floats | None) -> Floats | None:
        """Return the embeddings that the model reads: those given, those of its encoder, or None if it reads none."""
        if self.encoder_hash is None:
            return None
        if embeddings is not None:
            return embeddings
        if self.encoder is None:
            raise UsageError(
                f"model {self.name} reads sentence embeddings and none were given", hint="Hand it its encoder."
            )
        return self.encoder.encode(texts)

    def measure(
        self, texts: Sequence[str], embeddings: Floats | None
    ) -> tuple[Candidates, list[Floats], Floats | None]:
        """Return the candidates of each text, the margins of the views and the similarities to examples."""
        margins = [view.margins(texts, embeddings) for view in self.views]
        similarities = None
        if self.neighbours is not None and embeddings is not None:
            similarities = self.neighbours.similarities(embeddings)
        stacked = [*margins, *([similarities] if similarities is not None else [])]
        counted = cues(texts) if self.with_cues else None
        count = len(self.labels) if self.multi_label else CANDIDATES
        return make_candidates(stacked, counted, count=count), margins, similarities

    def scores(
        self, texts: Sequence[str], embeddings: Floats | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return calibrated probabilities, of shape (n, n_labels), and the familiarity of each text, of shape (n,)."""
        if 0 < len(texts) <= BATCH:
            return self._scores(texts, embeddings)
        parts = [
            self._scores(
                texts[start : start + BATCH], None if embeddings is None else embeddings[start : start + BATCH]
            )
            for start in range(0, len(texts), BATCH)
        ]
        if not parts:
            return np.zeros((0, len(self.labels))), np.zeros(0)
        return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])

    def _scores(
        self, texts: Sequence[str], embeddings: Floats | None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        probabilities, familiarity, _ = self.read(texts, self.embed(texts, embeddings))
        return probabilities, familiarity

    def read(
        self, texts: Sequence[str], embeddings: Floats | None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], Candidates | None]:
        """Return probabilities, familiarity, and the candidates that the head read, if it reads candidates."""
        if not isinstance(self.head, Head):
            scores = self._direct_scores(texts, embeddings)
            familiarity = self._familiarity.score(make_signs(scores, [scores], None))
            return self._calibration.probabilities(scores), familiarity, None
        candidates, margins, similarities = self.measure(texts, embeddings)
        n, k, width = candidates.figures.shape
        scores = self.head.score(candidates.figures.reshape(n * k, width)).reshape(n, k)
        full = spread_out(self._calibration, scores, candidates.labels, len(self.labels))
        return full, self._familiarity.score(make_signs(scores, margins, similarities)), candidates

    def _direct_scores(self, texts: Sequence[str], embeddings: Floats | None) -> Floats:
        if self._session is None:
            return self.views[0].margins(texts, embeddings)
        rows = dense(self.views[0].matrix(texts, embeddings))
        share = np.maximum(self._session.run(None, {"rows": rows})[0], 1e-6)
        return log_odds(share / share.sum(axis=1, keepdims=True))

    def predict(self, texts: Sequence[str], embeddings: Floats | None = None, *, top: int = 5) -> list[Prediction]:
        """Answer for each text.

        Parameters
        ----------
        texts
            Cleaned texts; `SharedTexts` where several models read the same.
        embeddings : ndarray of shape (n, dimensions), float32, optional
            From the encoder named by ``encoder_hash``; made here where one was handed in.
        top
            How many labels to list.

        Raises
        ------
        UsageError
            The model reads embeddings and there is no way to them, or they have the wrong shape.
        """
        probabilities, familiarity = self.scores(texts, embeddings)
        return [
            self._answer(text, row, float(known), top)
            for text, row, known in zip(texts, probabilities, familiarity, strict=True)
        ]

    def prepare(self, texts: SharedTexts) -> None:
        """Do what needs no embeddings, while they are being made; `predict` finds it done."""
        for view in self.views:
            if view.tfidf is not None:
                view.tfidf.prepare(texts)
        if self.with_cues:
            cues(texts)

    def decline(self, text: str, label: str, confidence: float, familiarity: float) -> AbstainReason | None:
        """Return why the model declines to answer, or None."""
        if sum(map(str.isalpha, text[:500])) < self._min_letters:
            return "too_short"
        if familiarity < self._unknown_below:
            return "unknown"
        if confidence < self._per_label.get(label, self.threshold):
            return "ambiguous"
        return None

    def _answer(self, text: str, row: NDArray[np.float64], familiarity: float, top: int) -> Prediction:
        order = np.argsort(-row, kind="stable")
        count = max(top, int((row >= 0.5).sum())) if self.multi_label else top
        listed = tuple(
            LabelScore(label=self.labels[index], confidence=round(min(1.0, float(row[index])), 4))
            for index in order[:count]
        )
        best = listed[0]
        reason = self.decline(text, best.label, best.confidence, familiarity)
        return Prediction(
            task=self.task,
            label=best.label,
            confidence=best.confidence,
            top=listed,
            abstained=reason is not None,
            reason=reason,
            model=f"{self.name}@{self.version}",
        )


def load(
    folder: Path, *, threads: int = 1, encoder: Encoder | None = None, threshold: float | None = None
) -> Classifier:
    """Load the artifact in *folder* after checking all of it.

    Parameters
    ----------
    threshold
        The confidence from 0 to 1 below which it declines to answer; None: the one that training chose.

    Raises
    ------
    ArtifactError
        It is damaged, foreign, or of a newer format.
    """
    manifest = artifact.check(folder, kind="classifier")
    return Classifier(folder, manifest, threads=threads, encoder=encoder, threshold=threshold)


def _neighbours(folder: Path, labels: int, threads: int) -> Neighbours:
    arrays = artifact.read_arrays(folder / "neighbours.npz")
    try:
        vectors = arrays["vectors"].astype(np.float32)
        firsts, members = arrays["firsts"].astype(np.int64), arrays["members"].astype(np.int64)
    except KeyError as error:
        raise ArtifactError("the examples of the model are incomplete", hint=_AGAIN) from error
    sound = (
        vectors.ndim == 2
        and firsts.shape == (labels + 1,)
        and members.ndim == 1
        and bool((np.diff(firsts) >= 0).all())
        and firsts[0] == 0
        and firsts[-1] == len(members)
        and bool(((members >= 0) & (members < len(vectors))).all())
    )
    if not sound:
        raise ArtifactError("the examples of the model are damaged", hint=_AGAIN)
    return Neighbours(ByteVectors(vectors, threads=threads), firsts, members)


def _examples(folder: Path, neighbours: Neighbours) -> list[tuple[str, tuple[str, ...]]]:
    rows = artifact.read_json(folder / "examples.json")
    sound = isinstance(rows, list) and len(rows) == neighbours.count
    sound = sound and all(
        isinstance(row, list)
        and len(row) == 2
        and isinstance(row[0], str)
        and isinstance(row[1], list)
        and all(isinstance(label, str) for label in row[1])
        for row in rows
    )
    if not sound:
        raise ArtifactError("the examples of the model do not fit its vectors", hint=_AGAIN)
    return [(row[0], tuple(row[1])) for row in rows]
