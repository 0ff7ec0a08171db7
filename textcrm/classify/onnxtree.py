"""Writes a tree ensemble as an ONNX model.

References
----------
ONNX, operator ai.onnx.ml.TreeEnsembleRegressor (version 1).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from textcrm.classify.onnxwire import (
    FLOAT,
    INT,
    STRING,
    attribute,
    field,
    floats,
    ints,
    key,
    model,
    node,
    strings,
    tensor,
    varint,
)


def tree_graph(
    *,
    trees: NDArray[np.int64],
    nodes: NDArray[np.int64],
    feature: NDArray[Any],
    threshold: NDArray[np.float32],
    left: NDArray[np.int64],
    right: NDArray[Any],
    value: NDArray[np.float32],
    features: int,
) -> bytes:
    """Return a serialised ONNX model: input ``rows`` (n, features), output ``sums`` (n, n_outputs).

    All arrays have one entry a node; ``value`` has shape (n_nodes, n_outputs), and what the leaves that a row reaches
    hold is summed.
    """
    leaf = np.asarray(feature) < 0
    outputs = value.shape[1]
    modes = [b"LEAF" if is_leaf else b"BRANCH_LEQ" for is_leaf in leaf.tolist()]
    places, targets = np.nonzero((value != 0) & leaf[:, None])
    zero = np.zeros(len(leaf), dtype=np.int64)
    attributes = [
        ints("nodes_treeids", trees),
        ints("nodes_nodeids", nodes),
        ints("nodes_featureids", np.where(leaf, 0, feature)),
        floats("nodes_values", threshold),
        strings("nodes_modes", modes),
        ints("nodes_truenodeids", np.where(leaf, zero, left)),
        ints("nodes_falsenodeids", np.where(leaf, zero, right)),
        ints("target_treeids", trees[places]),
        ints("target_nodeids", nodes[places]),
        ints("target_ids", targets),
        floats("target_weights", value[places, targets]),
        attribute("n_targets", INT, key(3, 0) + varint(outputs)),
        attribute("aggregate_function", STRING, field(4, b"SUM")),
        attribute("post_transform", STRING, field(4, b"NONE")),
    ]
    trees_node = node("TreeEnsembleRegressor", ["rows"], ["sums"], domain="ai.onnx.ml", attributes=attributes)
    return model([trees_node], [tensor("rows", FLOAT, features)], [tensor("sums", FLOAT, outputs)], [])
