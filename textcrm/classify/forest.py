"""Trees as plain arrays: taken from scikit-learn, served by ONNX Runtime, explained by their paths.

An artifact holds the arrays alone. The ONNX graph is written from them when the model is loaded, by the few lines of
protocol buffers in `textcrm.classify.onnxwire`: nothing that was stored is parsed by ONNX Runtime, and neither onnx nor
skl2onnx is needed to train or to serve.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from textcrm.classify.onnxtree import tree_graph
from textcrm.errors import ArtifactError
from textcrm.onnx import open_session

Floats = NDArray[np.float32]
MAX_NODES = 20_000_000


@dataclass(frozen=True)
class Trees:
    """An ensemble of trees, the mean of which is the answer.

    All arrays have one entry a node, tree after tree, each tree in depth-first order with the left child right after
    its parent; so a subtree is a run of nodes.

    Attributes
    ----------
    roots : int64, the first node of each tree
    feature : int16, -1 for a leaf
    threshold : float32; a row goes left where its value is at most the threshold
    right : int32, the right child, counted from the root of its tree; 0 for a leaf
    value : float32 of shape (n_nodes, n_outputs), the answer of a node: of a leaf, or the mean below a branch
    """

    roots: NDArray[np.int64]
    feature: NDArray[np.int16]
    threshold: Floats
    right: NDArray[np.int32]
    value: Floats

    @property
    def outputs(self) -> int:
        """Number of outputs."""
        return int(self.value.shape[1])

    def session(self, features: int, *, threads: int = 1) -> Any:
        """Return an ONNX Runtime session that maps (n, features) to (n, outputs)."""
        sizes = np.diff(np.append(self.roots, len(self.feature)))
        trees = np.repeat(np.arange(len(self.roots)), sizes)
        nodes = np.arange(len(self.feature)) - np.repeat(self.roots, sizes)
        graph = tree_graph(
            trees=trees,
            nodes=nodes,
            feature=self.feature,
            threshold=self.threshold,
            left=nodes + 1,
            right=self.right,
            value=(self.value / len(self.roots)).astype(np.float32),
            features=features,
        )
        return open_session(graph, threads=threads)

    def path_contributions(self, row: Floats, output: int) -> tuple[float, NDArray[np.float64]]:
        """Return the mean over all rows and what each feature adds to it on the way of *row* down the trees.

        The mean and the contributions sum to the answer.

        References
        ----------
        Palczewska et al. (2013), Interpreting random forest models using a feature contribution method.
        """
        value = self.value[:, output]
        contributions = np.zeros(len(row), dtype=np.float64)
        node = self.roots.copy()
        root = self.roots
        base = float(value[node].mean())
        active = np.flatnonzero(self.feature[node] >= 0)
        while len(active):
            at = node[active]
            feature = self.feature[at].astype(np.int64)
            left = row[feature] <= self.threshold[at]
            below = np.where(left, at + 1, root[active] + self.right[at])
            np.add.at(contributions, feature, (value[below] - value[at]).astype(np.float64))
            node[active] = below
            active = active[self.feature[below] >= 0]
        return base, contributions / len(self.roots)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays to keep."""
        return {
            "roots": self.roots,
            "feature": self.feature,
            "threshold": self.threshold,
            "right": self.right,
            "value": self.value.astype(np.float16),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], *, features: int, outputs: int) -> Self:
        """Rebuild the trees.

        Raises
        ------
        ArtifactError
            The arrays are no trees over *features* features with *outputs* outputs.
        """
        try:
            trees = cls(
                arrays["roots"].astype(np.int64),
                arrays["feature"].astype(np.int16),
                arrays["threshold"].astype(np.float32),
                arrays["right"].astype(np.int32),
                arrays["value"].astype(np.float32),
            )
        except KeyError as error:
            raise ArtifactError("the trees of the model are incomplete", hint="Train the model again.") from error
        n = len(trees.feature)
        sound = (
            0 < n <= MAX_NODES
            and trees.threshold.shape == trees.right.shape == trees.feature.shape == (n,)
            and trees.value.shape == (n, outputs)
            and len(trees.roots) > 0
            and trees.roots[0] == 0
            and bool((np.diff(np.append(trees.roots, n)) > 0).all())
        )
        if sound:
            sizes = np.diff(np.append(trees.roots, n))
            place = np.arange(n) - np.repeat(trees.roots, sizes)
            branch = trees.feature >= 0
            sound = (
                bool((trees.feature < features).all())
                and bool((trees.right[branch] > place[branch] + 1).all())
                and bool((trees.right < np.repeat(sizes, sizes)).all())
                and bool(np.isfinite(trees.threshold).all() and np.isfinite(trees.value).all())
            )
        if not sound:
            raise ArtifactError("the trees of the model are damaged", hint="Train the model again.")
        return trees


def from_sklearn(estimators: list[Any], *, outputs: list[int] | None = None) -> Trees:
    """Take the trees of a fitted scikit-learn forest of classifiers.

    Parameters
    ----------
    estimators
        Its decision trees.
    outputs
        The classes to keep, by their index; all by default.
    """
    parts = []
    for estimator in estimators:
        tree = estimator.tree_
        share = tree.value[:, 0, :] / tree.value[:, 0, :].sum(axis=1, keepdims=True)
        leaf = tree.children_left < 0
        parts.append(
            (
                np.where(leaf, -1, tree.feature).astype(np.int16),
                np.where(leaf, 0.0, _floor32(tree.threshold)).astype(np.float32),
                np.where(leaf, 0, tree.children_right).astype(np.int32),
                (share if outputs is None else share[:, outputs]).astype(np.float32),
            )
        )
    sizes = [len(part[0]) for part in parts]
    roots = np.concatenate(([0], np.cumsum(sizes)[:-1])).astype(np.int64)
    feature, threshold, right, value = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Trees(roots, feature, threshold, right, value)


def _floor32(values: NDArray[np.float64]) -> Floats:
    """Round down to float32, so that float32 rows go the same way as with the float64 threshold."""
    rounded = values.astype(np.float32)
    return np.where(rounded.astype(np.float64) > values, np.nextafter(rounded, np.float32(-np.inf)), rounded)
