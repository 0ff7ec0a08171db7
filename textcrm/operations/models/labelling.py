"""What to label next: messages that the model is unsure of, that many others resemble, and that differ from each other.

References
----------
Settles, B., Craven, M. (2008). An Analysis of Active Learning Strategies for Sequence Labeling Tasks. EMNLP
(information density: uncertainty times the mean similarity to the others).
Carbonell, J., Goldstein, J. (1998). The Use of MMR, Diversity-Based Reranking. SIGIR.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from textcrm.records import Insight
from textcrm.store import Store

CANDIDATES = 600  # of the newest messages without a correction
APART = 0.5  # weight of the likeness to what is chosen already


def next_to_label(store: Store, task: str, *, limit: int = 20) -> list[Insight]:
    """Return the messages whose label of *task* teaches the model most, best first."""
    found = [i for i in store.insights.uncorrected(task, limit=CANDIDATES) if i.prediction(task) is not None]
    if not found:
        return []
    vectors = store.vectors.of_many([insight.message_id for insight in found])
    order = chosen([doubt(insight, task) for insight in found], _rows(found, vectors), limit=limit)
    return [found[i] for i in order]


def doubt(insight: Insight, task: str) -> float:
    """Return how unsure the model is, in [0, 1]: one less the distance of its two best labels."""
    said = insight.prediction(task)
    if said is None:
        return 0.0
    best = sorted((score.confidence for score in said.top), reverse=True)
    return 1.0 - (best[0] - best[1] if len(best) > 1 else best[0] if best else 0.0)


def chosen(doubts: Sequence[float], vectors: NDArray[np.float32], *, limit: int) -> list[int]:
    """Return the rows to ask for, best first.

    Parameters
    ----------
    doubts
        How unsure the model is of each row, in [0, 1].
    vectors : ndarray of shape (n, dimensions), float32
        Of length 1, or zero where there is none.
    """
    if not len(doubts):
        return []
    likeness = np.clip(vectors @ vectors.T, 0.0, 1.0)
    worth = np.asarray(doubts) * (0.1 + likeness.mean(axis=1))
    nearest = np.zeros(len(worth))
    left = np.ones(len(worth), dtype=bool)
    order: list[int] = []
    while len(order) < min(limit, len(worth)):
        scores = np.where(left, worth * (1.0 - APART * nearest), -1.0)
        best = int(scores.argmax())
        order.append(best)
        left[best] = False
        nearest = np.maximum(nearest, likeness[best])
    return order


def _rows(found: Sequence[Insight], vectors: dict[str, bytes]) -> NDArray[np.float32]:
    widths = [len(v) for v in vectors.values()]
    width = max(set(widths), key=widths.count) if widths else 1  # of two encoders, the one with more vectors
    rows = np.zeros((len(found), width), dtype=np.float32)
    for row, insight in enumerate(found):
        vector = vectors.get(insight.message_id)
        if vector is not None and len(vector) == width:
            rows[row] = np.frombuffer(vector, dtype=np.int8)
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9), dtype=np.float32)
