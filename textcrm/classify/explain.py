"""Reasons: which words moved an answer, which training examples are near, and why the second label lost.

The head reads figures; what each figure added is exact (paths of the trees, or coefficient times value). What a figure
of a view added is shared among the words of the text in the proportion of their exact parts in that view's decision
value: for n-grams coefficient times TF-IDF, for sentences the part of each token in the mean.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from textcrm.classify.forest import Trees
from textcrm.classify.head import Head
from textcrm.classify.predictor import Classifier
from textcrm.classify.views import dense

Floats = NDArray[np.float32]
SHOWN_SPANS = 12
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?|[!?]")
SHOWN_EXAMPLES = 3


class Frozen(BaseModel):
    """Base: frozen, closed."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class WordWeight(Frozen):
    """A word of the text and what it adds for the label (negative: against it), the label that came second taken off.

    Offsets are code points of the text that was explained. ``weight`` is relative: the weights of all words have
    absolute values that sum to 1.
    """

    start: int
    end: int
    text: str
    weight: float


class FigureWeight(Frozen):
    """A figure that the head read: its name, and what it added for the label more than for the second."""

    name: str
    weight: float


class Example(Frozen):
    """A training example near to the text. ``similarity`` is the cosine."""

    text: str
    labels: tuple[str, ...]
    similarity: float


class Explanation(Frozen):
    """Why a model answers as it does.

    ``second`` is the label that came second; ``lost`` says in a sentence what it lacked. ``words`` are the strongest
    spans first; ``figures`` what the head read, the strongest first.
    """

    task: str
    label: str
    confidence: float
    second: str
    second_confidence: float
    lost: str
    words: tuple[WordWeight, ...]
    figures: tuple[FigureWeight, ...]
    examples: tuple[Example, ...]


def explain(model: Classifier, text: str, embedding: Floats | None = None) -> Explanation:
    """Say why *model* answers so: which words moved the answer, which training examples are near, what came second.

    *embedding*, of shape (dimensions,) or (1, dimensions), is made here where the model reads one and none is given.
    """
    spans_of_tokens: Sequence[tuple[int, int]] = ()
    parts: Floats | None = None
    if model.encoder_hash is not None and model.encoder is not None:
        spans_of_tokens, parts = model.encoder.tokens(text)
        embedding = parts.sum(axis=0) if embedding is None else embedding
    embeddings = model.embed([text], None if embedding is None else embedding.reshape(1, -1))
    probabilities, _, candidates = model.read([text], embeddings)
    order = np.argsort(-probabilities[0], kind="stable")
    first, second = int(order[0]), int(order[1])
    if isinstance(model.head, Head) and candidates is not None:
        added = _difference(model.head, candidates.figures[0], candidates.labels[0], first, second)
        names = model.figure_names()
    else:
        added, names = np.zeros(4), ["value"] * 4
    strongest = np.argsort(-np.abs(added), kind="stable")[:6]
    figures = tuple(
        FigureWeight(name=_readable(names[i], model.labels), weight=round(float(added[i]), 4))
        for i in strongest
        if added[i]
    )
    weights = np.zeros(len(text) + 1)
    for index, view in enumerate(model.views):
        share = float(np.abs(added[index * 4 : index * 4 + 4]).sum()) + 0.05
        contrast = view.coef[:, first] - view.coef[:, second]
        if isinstance(model.head, Trees):
            contrast = _contrast_of_trees(model.head, dense(view.matrix([text], embeddings))[0], first, second)
        if view.tfidf is not None:
            _spread_ngrams(weights, view.tfidf.parts(text, contrast), share)
        elif parts is not None:
            pulls = parts @ contrast
            scale = float(np.abs(pulls).sum()) or 1.0
            for (start, end), pull in zip(spans_of_tokens, pulls, strict=True):
                if end > start:
                    weights[start:end] += share * float(pull) / scale / (end - start)
    words = _words(text, weights)
    return Explanation(
        task=model.task,
        label=model.labels[first],
        confidence=round(float(probabilities[0, first]), 4),
        second=model.labels[second],
        second_confidence=round(float(probabilities[0, second]), 4),
        lost=_why_lost(figures, model.labels[second], words),
        words=words,
        figures=figures,
        examples=_examples(model, embeddings),
    )


def _contrast_of_trees(trees: Trees, row: Floats, first: int, second: int) -> Floats:
    """Return weights that give the path contributions when multiplied with *row*."""
    added = trees.path_contributions(row, first)[1] - trees.path_contributions(row, second)[1]
    return np.divide(added, row, out=np.zeros(len(row)), where=row != 0).astype(np.float32)


def _difference(head: Head, figures: Floats, labels: NDArray[np.int64], first: int, second: int) -> NDArray[np.float64]:
    places = {int(label): place for place, label in enumerate(labels)}
    none = np.zeros(figures.shape[1])
    ahead = head.contributions(figures[places[first]]) if first in places else none
    behind = head.contributions(figures[places[second]]) if second in places else none
    return ahead - behind


def _spread_ngrams(weights: NDArray[np.float64], parts: Sequence[tuple[int, int, float]], share: float) -> None:
    scale = sum(abs(part) for _, _, part in parts) or 1.0
    for start, end, part in parts:
        weights[start:end] += share * part / scale / max(1, end - start)


def _words(text: str, weights: NDArray[np.float64]) -> tuple[WordWeight, ...]:
    found = [
        (start, end, float(weights[start:end].sum())) for start, end in (match.span() for match in _WORD.finditer(text))
    ]
    total = sum(abs(weight) for _, _, weight in found) or 1.0
    found.sort(key=lambda item: -abs(item[2]))
    return tuple(
        WordWeight(start=start, end=end, text=text[start:end], weight=round(weight / total, 4))
        for start, end, weight in found[:SHOWN_SPANS]
        if weight
    )


def _examples(model: Classifier, embeddings: Floats | None) -> tuple[Example, ...]:
    if model.neighbours is None or embeddings is None:
        return ()
    return tuple(
        Example(text=model.examples[row][0], labels=model.examples[row][1], similarity=round(similarity, 4))
        for row, similarity in model.neighbours.nearest(embeddings[0], SHOWN_EXAMPLES)
    )


def _readable(name: str, labels: Sequence[str]) -> str:
    kind, _, rest = name.partition(":")
    return f"label:{labels[int(rest)]}" if kind == "label" else name


_MEASURED = {
    "value": "its own decision value",
    "lead": "its distance to the best other label",
    "spread": "how far it stands out",
    "rank": "its rank",
}
_VIEWS = {
    "words": "the words",
    "characters": "the characters",
    "sentence": "the meaning of the sentence",
    "neighbours": "the nearest training examples",
    "together": "all views together",
}


def _why_lost(figures: Sequence[FigureWeight], second: str, words: Sequence[WordWeight]) -> str:
    against = [figure for figure in figures if figure.weight > 0 and ":" in figure.name]
    moved = [word.text for word in words if word.weight > 0][:3]
    by = f" The words for the first label: {', '.join(moved)}." if moved else ""
    for figure in against:
        view, _, measure = figure.name.partition(":")
        if view in _VIEWS and measure in _MEASURED:
            return f"{second} lost mainly by {_MEASURED[measure]} in {_VIEWS[view]}.{by}"
    return f"{second} lost by a little in everything that was read.{by}"
