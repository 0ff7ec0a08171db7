"""The training examples nearest to a text: a view of its own, a sign of the unknown, and a reason to show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textcrm.classify.onnxdot import ByteVectors

Floats = NDArray[np.float32]
LEAST_EXAMPLES, EXAMPLES_A_LABEL, MAX_EXAMPLES = 3_000, 150, 12_000
_FAR = -1.0
_BLOCK = 1024


@dataclass(frozen=True)
class Neighbours:
    """Training examples in embedding space.

    Attributes
    ----------
    vectors : ndarray of shape (m, dimensions), float32, or bytes
        Length 1, sorted by label; in bytes where they serve.
    firsts : ndarray of shape (n_labels + 1,), int64
        Where the examples of each label begin in *members*.
    members : ndarray of shape (k,), int64
        Rows of *vectors*, label after label; a row with two labels occurs twice.
    """

    vectors: Floats | ByteVectors
    firsts: NDArray[np.int64]
    members: NDArray[np.int64]

    @property
    def count(self) -> int:
        """Number of examples."""
        return int(self.vectors.shape[0])

    def similarities(self, embeddings: Floats, *, itself: NDArray[np.int64] | None = None) -> Floats:
        """Return the highest cosine to an example of each label, of shape (n, n_labels); -1 where there is none.

        Parameters
        ----------
        embeddings : ndarray of shape (n, dimensions)
        itself : ndarray of shape (n,), optional
            The row of *vectors* that each text is itself, or -1: it does not count.
        """
        labels = len(self.firsts) - 1
        result = np.full((len(embeddings), labels), _FAR, dtype=np.float32)
        filled = np.flatnonzero(np.diff(self.firsts) > 0)
        if not len(filled):
            return result
        plain = len(self.members) == self.count and bool((self.members == np.arange(len(self.members))).all())
        for start in range(0, len(embeddings), _BLOCK):
            block = slice(start, min(start + _BLOCK, len(embeddings)))
            cosine = self._cosines(embeddings[block])
            if itself is not None:
                known = np.flatnonzero(itself[block] >= 0)
                cosine[known, itself[block][known]] = _FAR
            listed = cosine if plain else cosine[:, self.members]
            result[block, filled] = np.maximum.reduceat(listed, self.firsts[filled], axis=1)
        return result

    def nearest(self, embedding: Floats, count: int) -> list[tuple[int, float]]:
        """Return the rows of the *count* nearest examples and their cosines, nearest first."""
        cosine = self._cosines(embedding[None])[0]
        best = np.argsort(-cosine, kind="stable")[:count]
        return [(int(row), float(cosine[row])) for row in best]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays to keep, of examples as they were trained."""
        if isinstance(self.vectors, ByteVectors):
            raise TypeError("examples that serve are not written again")
        return {"vectors": self.vectors.astype(np.float16), "firsts": self.firsts, "members": self.members}

    def _cosines(self, embeddings: Floats) -> Floats:
        if isinstance(self.vectors, ByteVectors):
            return self.vectors.dot(embeddings)
        return np.asarray(embeddings @ self.vectors.T, dtype=np.float32)


def make_neighbours(
    embeddings: Floats, targets: NDArray[np.bool_], *, seed: int
) -> tuple[Neighbours, NDArray[np.int64]]:
    """Choose the examples to keep, a fair share of each label, and return them with the training row of each."""
    n, labels = targets.shape
    keep = np.arange(n)
    most = min(MAX_EXAMPLES, max(LEAST_EXAMPLES, EXAMPLES_A_LABEL * labels))
    if n > most:
        rng = np.random.default_rng(seed)
        shuffled = rng.permutation(n)
        place = np.zeros(n, dtype=np.int64)
        first = targets.argmax(axis=1)
        for label in range(labels):  # the k-th example of every label comes before the k+1-th of any
            rows = shuffled[first[shuffled] == label]
            place[rows] = np.arange(len(rows))
        keep = np.sort(shuffled[np.argsort(place[shuffled], kind="stable")][:most])
    order = keep[np.argsort(targets[keep].argmax(axis=1), kind="stable")]
    rows, columns = np.nonzero(targets[order])
    by_label = np.argsort(columns, kind="stable")
    firsts = np.concatenate(([0], np.cumsum(np.bincount(columns, minlength=labels)))).astype(np.int64)
    return Neighbours(embeddings[order], firsts, rows[by_label].astype(np.int64)), order
