"""Constants of a TensorFlow frozen graph, read without TensorFlow.

Only the handful of fields that are needed are declared here; protobuf skips all others. Numbers are
those of ``graph.proto``, ``node_def.proto``, ``attr_value.proto``, ``tensor.proto`` and
``tensor_shape.proto``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf import message_factory
from google.protobuf.message import DecodeError, Message
from numpy.typing import NDArray

from streamer.errors import ModelError
from streamer.network.protobuf import Fields, declare

_LIMIT = 2**31
"""Protobuf's own limit for one message, in bytes."""

_TYPES: Mapping[int, np.dtype[Any]] = {
    1: np.dtype("<f4"),
    2: np.dtype("<f8"),
    3: np.dtype("<i4"),
    9: np.dtype("<i8"),
    19: np.dtype("<f2"),
}
"""TensorFlow's ``DataType`` numbers of the element types that weights and sizes come in."""

_VALUES = {1: "float_val", 2: "double_val", 3: "int_val", 9: "int64_val", 19: "half_val"}

_FIELDS: Fields = {
    "Graph": (("node", 1, "Node", True),),
    "Node": (
        ("name", 1, "string", False),
        ("op", 2, "string", False),
        ("input", 3, "string", True),
        ("attr", 5, "Attr", True),
    ),
    "Attr": (("key", 1, "string", False), ("value", 2, "Value", False)),
    "Value": (("f", 4, "float", False), ("tensor", 8, "Tensor", False)),
    "Tensor": (
        ("dtype", 1, "int32", False),
        ("shape", 2, "Shape", False),
        ("content", 4, "bytes", False),
        ("float_val", 5, "float", True),
        ("double_val", 6, "double", True),
        ("int_val", 7, "int32", True),
        ("int64_val", 10, "int64", True),
        ("half_val", 13, "int32", True),
    ),
    "Shape": (("dim", 2, "Dim", True),),
    "Dim": (("size", 1, "int64", False),),
}

_POOL = declare(_FIELDS, "proto3")


def message_class(name: str) -> type[Message]:
    """A message that a graph is made of: ``Graph``, ``Node``, ``Attr``, ``Tensor`` ..."""
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(f"streamer.{name}"))


class FrozenGraph:
    """A frozen graph's operations and constants.

    Args:
        path: of a binary ``GraphDef``.

    Raises:
        ModelError: the file cannot be read, is cut off, or is no frozen graph.
    """

    def __init__(self, path: Path) -> None:
        graph: Any = message_class("Graph")()
        try:
            graph.ParseFromString(_read(path))
        except DecodeError as error:
            raise ModelError(
                f"{path} is not a TensorFlow frozen graph, or is cut off; fetch it again"
            ) from error
        self.path = path
        self._nodes: dict[str, Any] = {node.name: node for node in graph.node}
        if not any(node.op for node in self._nodes.values()):
            raise ModelError(f"{path} is not a TensorFlow frozen graph: it has no operations")

    def __contains__(self, name: str) -> bool:
        return name in self._nodes

    def names(self, op: str) -> Iterator[str]:
        """Names of the operations of type ``op``, such as ``"Const"``."""
        return (name for name, node in self._nodes.items() if node.op == op)

    def constant(self, name: str) -> NDArray[Any]:
        """The value of the constant ``name``, whose own name or whose ``/read`` it may be.

        Raises:
            ModelError: it is not there, is no constant, or its data does not fit its shape.
        """
        node = self._nodes.get(name)
        # Freezing leaves an Identity where a variable was read.
        while node is not None and node.op == "Identity" and node.input:
            node = self._nodes.get(node.input[0].lstrip("^").split(":")[0])
        if node is None or node.op != "Const":
            raise ModelError(f"{self.path} has no constant {name}")
        for attr in node.attr:
            if attr.key == "value":
                return _array(name, attr.value.tensor)
        raise ModelError(f"the constant {name} of {self.path} has no value")

    def number(self, name: str, attribute: str, default: float) -> float:
        """A float attribute of the operation ``name``, which must be there."""
        for attr in self._nodes[name].attr:
            if attr.key == attribute:
                return float(attr.value.f)
        return default


def _read(path: Path) -> bytes:
    if path.is_dir():
        raise ModelError(f"{path} is a folder; give the frozen_inference_graph.pb in it")
    try:
        size = path.stat().st_size
        if not 0 < size < _LIMIT:
            raise ModelError(f"{path} is not a TensorFlow frozen graph: it has {size} bytes")
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror or error}") from error


def _array(name: str, tensor: Any) -> NDArray[Any]:
    """A tensor's values; a single one stands for all, a short list is continued with its last."""
    dtype = _TYPES.get(tensor.dtype)
    if dtype is None:
        raise ModelError(f"the constant {name} has element type {tensor.dtype}, not a number's")
    shape = tuple(dim.size for dim in tensor.shape.dim)
    count = int(np.prod(shape, dtype=np.int64))
    if tensor.content:
        if len(tensor.content) != count * dtype.itemsize:
            raise ModelError(
                f"the constant {name} has {len(tensor.content)} bytes, not the "
                f"{count * dtype.itemsize} of its shape"
            )
        return np.frombuffer(tensor.content, dtype).reshape(shape)
    listed = list(getattr(tensor, _VALUES[tensor.dtype]))
    values = np.array(listed, np.uint16).view(dtype) if dtype == "<f2" else np.array(listed, dtype)
    if not 0 < len(values) <= max(count, 1) and count:
        raise ModelError(f"the constant {name} has {len(values)} values, not the {count} it needs")
    if count == 0:
        return np.zeros(shape, dtype)
    full = np.full(count, values[-1], dtype)
    full[: len(values)] = values
    return full.reshape(shape)
