"""What the unknown looks like: some labels are left out, and their texts are strangers to what is left."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from textcrm.classify.candidates import make_candidates
from textcrm.classify.head import Head
from textcrm.classify.linear import Floats, Matrix, decide
from textcrm.classify.refuse import make_signs
from textcrm.classify.spread import CANDIDATES
from textcrm.classify.tfidf import Tfidf
from textcrm.classify.views import ScoringView, fit_view

LEAST_LABELS = 6
SHARE = 0.2
MAX_ROWS = 8_000


def signs_of_strangers(
    scoring: Sequence[ScoringView],
    made: Sequence[tuple[Matrix, Tfidf | None]],
    margins: Sequence[Floats],
    targets: NDArray[np.bool_],
    *,
    weights: NDArray[np.float64],
    similarities: Floats | None,
    cues: Floats | None,
    head: Head,
    seed: int,
) -> tuple[Floats, Floats]:
    """Return the signs of familiarity of texts of known labels, and of texts whose labels were left out.

    The linear views are fitted again without the labels left out, for the strangers; the known keep their out-of-fold
    decision values of the labels that stay. The head, which asks the same question of every label, stays.
    """
    rng = np.random.default_rng(seed)
    labels = targets.shape[1]
    left_out = np.sort(rng.permutation(labels)[: max(1, round(SHARE * labels))])
    stay = np.setdiff1d(np.arange(labels), left_out)
    is_strange = targets[:, left_out].any(axis=1)
    strange = rng.permutation(np.flatnonzero(is_strange))[:MAX_ROWS]
    known = rng.permutation(np.flatnonzero(~is_strange))[:MAX_ROWS]
    of_strange = []
    for (matrix, tfidf), view in zip(made, scoring, strict=True):
        part = fit_view(view, matrix[known], tfidf, targets[known][:, stay], weights=weights[known], seed=seed)
        of_strange.append(decide(matrix[strange], part.coef, part.intercept))
    of_known = [view[known][:, stay] for view in margins]
    return (
        _signs(of_known, None if similarities is None else similarities[known][:, stay], _rows(cues, known), head),
        _signs(
            of_strange, None if similarities is None else similarities[strange][:, stay], _rows(cues, strange), head
        ),
    )


def _rows(cues: Floats | None, rows: NDArray[np.int64]) -> Floats | None:
    return None if cues is None else cues[rows]


def _signs(margins: Sequence[Floats], similarities: Floats | None, cues: Floats | None, head: Head) -> Floats:
    stacked = [*margins, *([similarities] if similarities is not None else [])]
    candidates = make_candidates(stacked, cues, count=CANDIDATES)
    n, k, width = candidates.figures.shape
    if width != head.figures:  # few labels left: the figures name labels, and would be others
        scores = np.sort(np.sum(stacked, axis=0), axis=1)[:, ::-1][:, :k]
        return make_signs(np.asarray(scores, dtype=np.float32), margins, similarities)
    scores = head.score(candidates.figures.reshape(n * k, width)).reshape(n, k)
    return make_signs(scores, margins, similarities)
