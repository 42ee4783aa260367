"""The bytes of an ONNX model, for graphs of float32 tensors and integers.

ONNX files are Protocol Buffers messages. These functions write the few that a network needs, with
the field numbers of onnx.proto (ONNX IR version 8): the package onnx takes 25 MB and a protobuf
runtime to do the same.
"""

import struct
from collections.abc import Iterable, Sequence
from typing import Any

from numpy.typing import NDArray

OPSET, IR = 13, 8
"""Versions of ONNX's operators and format: enough for our graphs, and known to old readers."""
FLOAT = 1
"""TensorProto.DataType.FLOAT"""
KINDS = {"float32": FLOAT, "uint8": 2, "int8": 3, "int32": 6}
"""Numbers of TensorProto.DataType by numpy's names."""
VARINT, BYTES, FIXED32 = 0, 2, 5
"""Wire types of Protocol Buffers."""

Attribute = int | float | str | Sequence[int]


def node(kind: str, inputs: Iterable[str], output: str, **attributes: Attribute) -> bytes:
    """A NodeProto: an operator of ONNX's default domain with one output of the same name."""
    parts = [_field(1, name) for name in inputs]
    parts += [_field(2, output), _field(4, kind)]
    parts += [_field(5, _attribute(name, value)) for name, value in attributes.items()]
    return b"".join(parts)


def tensor(name: str, value: NDArray[Any]) -> bytes:
    """A TensorProto: a constant of one of KINDS."""
    dims = b"".join(_field(1, length) for length in value.shape)
    raw = value.astype(value.dtype.newbyteorder("<"), copy=False).tobytes()
    return b"".join((dims, _field(2, KINDS[value.dtype.name]), _field(8, name), _field(9, raw)))


def images(name: str, channels: int) -> bytes:
    """A ValueInfoProto: an input or output of shape (1, channels, h, w), where h and w vary."""
    dims = _field(1, 1), _field(1, channels), _field(2, "h"), _field(2, "w")
    shape = b"".join(_field(1, dim) for dim in dims)
    return _field(1, name) + _field(2, _field(1, _field(1, FLOAT) + _field(2, shape)))


def model(
    nodes: Iterable[bytes],
    constants: Iterable[bytes],
    inputs: Iterable[bytes],
    outputs: Iterable[bytes],
) -> bytes:
    """A serialised ModelProto of one graph, from what the other functions return."""
    parts = [_field(1, each) for each in nodes]
    parts.append(_field(2, "network"))
    for number, group in ((5, constants), (11, inputs), (12, outputs)):
        parts += [_field(number, each) for each in group]
    operators = _field(1, "") + _field(2, OPSET)
    return b"".join((_field(1, IR), _field(7, b"".join(parts)), _field(8, operators)))


def _attribute(name: str, value: Attribute) -> bytes:
    """An AttributeProto: its value's field, and the number of its type."""
    if isinstance(value, float):
        kind, fields = 1, _key(2, FIXED32) + struct.pack("<f", value)
    elif isinstance(value, int):
        kind, fields = 2, _field(3, value)
    elif isinstance(value, str):
        kind, fields = 3, _field(4, value)
    else:
        kind, fields = 7, b"".join(_field(8, number) for number in value)
    return _field(1, name) + fields + _field(20, kind)


def _field(number: int, value: int | str | bytes) -> bytes:
    """A field of a message: a whole number that is not negative, a text, or bytes."""
    if isinstance(value, int):
        return _key(number, VARINT) + _varint(value)
    data = value.encode() if isinstance(value, str) else value
    return b"".join((_key(number, BYTES), _varint(len(data)), data))


def _key(number: int, wire: int) -> bytes:
    return _varint(number << 3 | wire)


def _varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first; all but the last byte have their top bit set."""
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)
