"""The wire format of ONNX models: protocol buffers, written by hand, so that serving needs neither onnx nor protobuf.

References
----------
ONNX, onnx.proto (field numbers and types).
Protocol Buffers, Encoding: base 128 varints, length-delimited fields.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

FLOAT, UINT8, INT8, INT32 = 1, 2, 3, 6  # TensorProto.DataType
INT, STRING, FLOATS, INTS, STRINGS = 2, 3, 6, 7, 8  # AttributeProto.AttributeType


def model(nodes: list[bytes], inputs: list[bytes], outputs: list[bytes], constants: list[bytes]) -> bytes:
    """Return a ModelProto of the standard operators and of those of ``ai.onnx.ml``."""
    graph = b"".join(
        [
            *(field(1, node) for node in nodes),
            field(2, b"graph"),
            *(field(5, constant) for constant in constants),
            *(field(11, tensor) for tensor in inputs),
            *(field(12, tensor) for tensor in outputs),
        ]
    )
    core = field(8, field(1, b"") + key(2, 0) + varint(17))
    learning = field(8, field(1, b"ai.onnx.ml") + key(2, 0) + varint(1))
    return key(1, 0) + varint(8) + field(7, graph) + core + learning


def node(operator: str, inputs: list[str], outputs: list[str], *, domain: str = "", attributes: list[bytes]) -> bytes:
    """Return a NodeProto."""
    parts = [field(1, name.encode()) for name in inputs] + [field(2, name.encode()) for name in outputs]
    return b"".join(
        [*parts, field(4, operator.encode()), *(field(5, item) for item in attributes), field(7, domain.encode())]
    )


def constant(name: str, kind: int, values: NDArray[Any] | np.generic) -> bytes:
    """Return a TensorProto with its values in it."""
    dims = b"".join(key(1, 0) + varint(size) for size in values.shape)
    return dims + key(2, 0) + varint(kind) + field(8, name.encode()) + field(9, values.tobytes())


def tensor(name: str, kind: int, width: int) -> bytes:
    """Return a ValueInfoProto: a tensor of shape (any, width)."""
    free = field(1, field(2, b"n"))
    fixed = field(1, key(1, 0) + varint(width))
    shaped = key(1, 0) + varint(kind) + field(2, free + fixed)
    return field(1, name.encode()) + field(2, field(1, shaped))


def attribute(name: str, kind: int, body: bytes) -> bytes:
    """Return an AttributeProto."""
    return field(1, name.encode()) + body + key(20, 0) + varint(kind)


def ints(name: str, values: NDArray[Any]) -> bytes:
    """Return an attribute of integers."""
    return attribute(name, INTS, field(8, varints(np.asarray(values, dtype=np.uint64))))


def floats(name: str, values: NDArray[np.float32]) -> bytes:
    """Return an attribute of float32."""
    return attribute(name, FLOATS, field(7, np.asarray(values, dtype="<f4").tobytes()))


def strings(name: str, values: list[bytes]) -> bytes:
    """Return an attribute of strings."""
    return attribute(name, STRINGS, b"".join(field(9, value) for value in values))


def key(number: int, wire: int) -> bytes:
    """Return the tag of a field."""
    return varint(number << 3 | wire)


def field(number: int, body: bytes) -> bytes:
    """Return a length-delimited field."""
    return key(number, 2) + varint(len(body)) + body


def varint(value: int) -> bytes:
    """Return a base 128 varint."""
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def varints(values: NDArray[np.uint64]) -> bytes:
    """Encode many at once: seven bits a byte, low first, the high bit set on all but the last of a number."""
    shifts = np.arange(0, 35, 7, dtype=np.uint64)
    digits = (values[:, None] >> shifts) & np.uint64(127)
    length = 1 + (values[:, None] >> shifts[1:] > 0).sum(axis=1)
    place = np.arange(5)
    digits |= np.where(place < length[:, None] - 1, np.uint64(128), np.uint64(0))
    return bytes(digits.astype(np.uint8)[place < length[:, None]].tobytes())
