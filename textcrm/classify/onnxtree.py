"""Writes a tree ensemble as an ONNX model, in the wire format of protocol buffers.

References
----------
ONNX, operator ai.onnx.ml.TreeEnsembleRegressor (version 1), and onnx.proto for the field numbers.
Protocol Buffers, Encoding: base 128 varints, length-delimited fields.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_FLOAT, _INT, _STRING, _FLOATS, _INTS, _STRINGS = 1, 2, 3, 6, 7, 8  # AttributeProto.AttributeType


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
        _ints("nodes_treeids", trees),
        _ints("nodes_nodeids", nodes),
        _ints("nodes_featureids", np.where(leaf, 0, feature)),
        _floats("nodes_values", threshold),
        _strings("nodes_modes", modes),
        _ints("nodes_truenodeids", np.where(leaf, zero, left)),
        _ints("nodes_falsenodeids", np.where(leaf, zero, right)),
        _ints("nodes_missing_value_tracks_true", zero),
        _ints("target_treeids", trees[places]),
        _ints("target_nodeids", nodes[places]),
        _ints("target_ids", targets),
        _floats("target_weights", value[places, targets]),
        _attribute("n_targets", _INT, _key(3, 0) + _varint(outputs)),
        _attribute("aggregate_function", _STRING, _bytes(4, b"SUM")),
        _attribute("post_transform", _STRING, _bytes(4, b"NONE")),
    ]
    node = b"".join(
        [
            _bytes(1, b"rows"),
            _bytes(2, b"sums"),
            _bytes(4, b"TreeEnsembleRegressor"),
            *(_bytes(5, item) for item in attributes),
            _bytes(7, b"ai.onnx.ml"),
        ]
    )
    graph = b"".join(
        [
            _bytes(1, node),
            _bytes(2, b"trees"),
            _bytes(11, _tensor("rows", features)),
            _bytes(12, _tensor("sums", outputs)),
        ]
    )
    core = _bytes(8, _bytes(1, b"") + _key(2, 0) + _varint(17))
    learning = _bytes(8, _bytes(1, b"ai.onnx.ml") + _key(2, 0) + _varint(1))
    return _key(1, 0) + _varint(8) + _bytes(7, graph) + core + learning


def _tensor(name: str, width: int) -> bytes:
    """A ValueInfoProto: float32 of shape (any, width)."""
    free = _bytes(1, _bytes(2, b"n"))
    fixed = _bytes(1, _key(1, 0) + _varint(width))
    tensor = _key(1, 0) + _varint(1) + _bytes(2, free + fixed)
    return _bytes(1, name.encode()) + _bytes(2, _bytes(1, tensor))


def _attribute(name: str, kind: int, body: bytes) -> bytes:
    return _bytes(1, name.encode()) + body + _key(20, 0) + _varint(kind)


def _ints(name: str, values: NDArray[Any]) -> bytes:
    return _attribute(name, _INTS, _bytes(8, _varints(np.asarray(values, dtype=np.uint64))))


def _floats(name: str, values: NDArray[np.float32]) -> bytes:
    return _attribute(name, _FLOATS, _bytes(7, np.asarray(values, dtype="<f4").tobytes()))


def _strings(name: str, values: list[bytes]) -> bytes:
    return _attribute(name, _STRINGS, b"".join(_bytes(9, value) for value in values))


def _key(field: int, wire: int) -> bytes:
    return _varint(field << 3 | wire)


def _bytes(field: int, body: bytes) -> bytes:
    return _key(field, 2) + _varint(len(body)) + body


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def _varints(values: NDArray[np.uint64]) -> bytes:
    """Encode many at once: seven bits a byte, low first, the high bit set on all but the last of a number."""
    shifts = np.arange(0, 35, 7, dtype=np.uint64)
    digits = (values[:, None] >> shifts) & np.uint64(127)
    length = 1 + (values[:, None] >> shifts[1:] > 0).sum(axis=1)
    place = np.arange(5)
    digits |= np.where(place < length[:, None] - 1, np.uint64(128), np.uint64(0))
    return bytes(digits.astype(np.uint8)[place < length[:, None]].tobytes())
