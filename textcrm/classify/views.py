"""The views of a text: each a matrix and a linear model on it that gives a decision value (margin) a label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from textcrm.classify.linear import Floats, Matrix, decide, fit_linear
from textcrm.classify.select import select_features
from textcrm.classify.tfidf import Tfidf, fit_tfidf
from textcrm.errors import ArtifactError, UsageError
from textcrm.specs import NgramView, SentenceView

ScoringView = NgramView | SentenceView
Kind = Literal["words", "characters", "sentence"]


@dataclass(frozen=True)
class FittedView:
    """A fitted view. ``coef`` has shape (d, n_labels), float32; ``tfidf`` is None for the sentence view."""

    kind: Kind
    coef: Floats
    intercept: Floats
    tfidf: Tfidf | None = None

    def matrix(self, texts: Sequence[str], embeddings: Floats | None) -> Matrix:
        """Return the features of *texts*, of shape (n, d)."""
        if self.tfidf is not None:
            return self.tfidf.transform(texts)
        if embeddings is None:
            raise UsageError("this model reads sentence embeddings and none were given", hint="Hand it an encoder.")
        if embeddings.shape != (len(texts), len(self.coef)):
            raise UsageError(
                f"the embeddings have shape {embeddings.shape}, not {(len(texts), len(self.coef))}",
                hint="Embed with the encoder that the model names.",
            )
        return embeddings

    def margins(self, texts: Sequence[str], embeddings: Floats | None) -> Floats:
        """Return decision values of shape (n, n_labels), float32."""
        if self.tfidf is not None:
            return self.tfidf.product(texts, self.coef) + self.intercept
        return decide(self.matrix(texts, embeddings), self.coef, self.intercept)

    def describe(self) -> dict[str, Any]:
        """Return what the manifest says of this view."""
        if self.tfidf is None:
            return {"kind": self.kind}
        bits = len(self.tfidf.columns).bit_length() - 1
        return {"kind": self.kind, "low": self.tfidf.low, "high": self.tfidf.high, "bits": bits}

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays to keep. Coefficients are kept in half precision, the scale of a label beside them."""
        scale = np.maximum(np.abs(self.coef).max(axis=0, initial=0.0), 1e-12).astype(np.float32)
        kept = {"coef": (self.coef / scale).astype(np.float16), "scale": scale, "intercept": self.intercept}
        return kept if self.tfidf is None else {**kept, **self.tfidf.arrays()}


def view_from_arrays(said: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], labels: int) -> FittedView:
    """Rebuild a view from what the manifest says and its arrays.

    Raises
    ------
    ArtifactError
        They do not fit each other.
    """
    try:
        coef = arrays["coef"].astype(np.float32) * arrays["scale"].astype(np.float32)
        intercept = arrays["intercept"].astype(np.float32)
        kind = said["kind"]
        tfidf = None
        if kind in ("words", "characters"):
            low, high, bits = int(said["low"]), int(said["high"]), int(said["bits"])
            if not (1 <= low <= high <= 8 and 10 <= bits <= 24):
                raise ArtifactError("the range of an n-gram view is wrong", hint="Train the model again.")
            tfidf = Tfidf.from_arrays(kind, low, high, bits, arrays)
        elif kind != "sentence":
            raise ArtifactError("a view is of no known kind", hint="Update textcrm.")
    except (KeyError, TypeError, ValueError) as error:
        raise ArtifactError("a view of the model is damaged", hint="Train the model again.") from error
    rows = len(tfidf.idf) if tfidf is not None else coef.shape[0]
    if coef.shape != (rows, labels) or intercept.shape != (labels,) or not np.isfinite(coef).all():
        raise ArtifactError("the weights of a view have the wrong shape", hint="Train the model again.")
    return FittedView(kind, coef, intercept, tfidf)


def dense(matrix: Matrix) -> Floats:
    """Return the features as the trees read them."""
    return np.asarray(matrix.toarray() if isinstance(matrix, sparse.csr_matrix) else matrix, dtype=np.float32)


def make_features(
    view: ScoringView, texts: Sequence[str], embeddings: Floats | None, targets: NDArray[np.bool_]
) -> tuple[Matrix, Tfidf | None]:
    """Return the features that *view* makes of the training texts, and the fitted vectoriser."""
    if isinstance(view, SentenceView):
        if embeddings is None:
            raise UsageError("the recipe has a sentence view and no embeddings were given", hint="Hand in an encoder.")
        return embeddings, None
    wanted = view.features if view.selection == "frequency" else 1 << view.bits
    tfidf = fit_tfidf(
        texts,
        kind=view.kind,
        low=view.ngrams[0],
        high=view.ngrams[1],
        bits=view.bits,
        features=wanted,
        min_rows=view.min_rows if len(texts) >= 2000 else 1,
    )
    matrix = tfidf.transform(texts)
    if view.selection != "frequency" and matrix.shape[1] > view.features:
        keep = select_features(matrix, targets, count=view.features, by=view.selection)
        tfidf = tfidf.keep(keep)
        matrix = tfidf.transform(texts)
    return matrix, tfidf


def fit_view(
    view: ScoringView,
    matrix: Matrix,
    tfidf: Tfidf | None,
    targets: NDArray[np.bool_],
    *,
    weights: NDArray[np.float64],
    seed: int,
) -> FittedView:
    """Fit the linear model of *view*."""
    coef, intercept = fit_linear(view.linear, matrix, targets, strength=view.strength, weights=weights, seed=seed)
    return FittedView(view.kind, coef, intercept, tfidf)
