"""A frozen graph of TensorFlow: in little, what the Object Detection API makes of a Mask R-CNN.

Its loop scales every picture to `SCALED`, as the API's does. A detection's score is the mean of the
scaled picture; its box is made of what the loop says of the scaled picture's shape.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf import message_factory
from numpy.typing import NDArray

from streamer.network.protobuf import Fields, declare

SCALED = (24, 40)
"""Rows and columns that the graph scales its pictures to."""

_FIELDS: Fields = {
    "Graph": (("node", 1, "Node", True),),
    "Node": (
        ("name", 1, "string", False),
        ("op", 2, "string", False),
        ("input", 3, "string", True),
        ("attr", 5, "Attr", True),
    ),
    "Attr": (("key", 1, "string", False), ("value", 2, "Value", False)),
    "Value": (
        ("s", 2, "bytes", False),
        ("b", 5, "bool", False),
        ("type", 6, "int32", False),
        ("shape", 7, "Shape", False),
        ("tensor", 8, "Tensor", False),
    ),
    "Tensor": (
        ("dtype", 1, "int32", False),
        ("shape", 2, "Shape", False),
        ("content", 4, "bytes", False),
    ),
    "Shape": (("dim", 2, "Dim", True),),
    "Dim": (("size", 1, "int64", False),),
}
_POOL = declare(_FIELDS, "proto3")
_FLOAT, _INT, _BYTE = 1, 3, 4
_KINDS = {"float32": _FLOAT, "int32": _INT}


class _Writer:
    """Adds nodes to a graph; each method gives the node's name."""

    def __init__(self) -> None:
        self.graph: Any = message_factory.GetMessageClass(
            _POOL.FindMessageTypeByName("streamer.Graph")
        )()

    def node(self, name: str, op: str, *inputs: str, **attributes: int | bytes | bool) -> str:
        """An operation; whole numbers among its attributes are element types."""
        node = self.graph.node.add(name=name, op=op, input=inputs)
        for key, value in attributes.items():
            field = "b" if isinstance(value, bool) else "s" if isinstance(value, bytes) else "type"
            setattr(node.attr.add(key=key).value, field, value)
        return name

    def constant(self, name: str, value: Any) -> str:
        """Numbers: f32 where they are fractions, else i32."""
        array: NDArray[Any] = np.asarray(value)
        array = array.astype(np.float32 if array.dtype.kind == "f" else np.int32)
        kind = _KINDS[array.dtype.name]
        self.node(name, "Const", dtype=kind)
        tensor = self.graph.node[-1].attr.add(key="value").value.tensor
        tensor.dtype, tensor.content = kind, array.tobytes()
        tensor.shape.SetInParent()
        for size in array.shape:
            tensor.shape.dim.add(size=size)
        return name

    def picture(self, name: str) -> str:
        """The input, u8[N, H, W, 3]."""
        self.node(name, "Placeholder", dtype=_BYTE)
        shape = self.graph.node[-1].attr.add(key="shape").value.shape
        for size in (-1, -1, -1, 3):
            shape.dim.add(size=size)
        return name


def write_tf_graph(
    path: Path, *, classes: int = 90, backbone: str = "InceptionV2", without: Collection[str] = ()
) -> Path:
    """Write the graph.

    Args:
        path: of the file.
        classes: how many the network knows.
        backbone: scope of its feature extractor.
        without: outputs to leave out.
    """
    writer = _Writer()
    writer.constant(f"FirstStageFeatureExtractor/{backbone}/Conv/weights", np.ones((1, 1, 3, 2)))
    writer.constant("SecondStageBoxPredictor/Conv/weights", np.ones((1, 1, 2, 2)))
    weights = np.ones((2, classes + 1))
    writer.constant("SecondStageBoxPredictor/ClassPredictor/weights", weights)
    image = writer.node("ToFloat", "Cast", writer.picture("image_tensor"), SrcT=_BYTE, DstT=_FLOAT)
    scaled, shape = _resizer(writer, image)
    axes, white = writer.constant("axes", [1, 2, 3]), writer.constant("white", 255.0)
    mean = writer.node("Mean", "Mean", scaled, axes, T=_FLOAT, Tidx=_INT)
    sides = writer.node("sides", "Cast", shape, SrcT=_INT, DstT=_FLOAT)
    pads = writer.constant("pads", [[0, 0], [0, 1]])
    for name, value, size in (
        ("detection_boxes", writer.node("Pad", "Pad", sides, pads, T=_FLOAT), [1, 1, 4]),
        ("detection_scores", writer.node("score", "RealDiv", mean, white, T=_FLOAT), [1, 1]),
        ("detection_classes", writer.constant("class", [2.0]), [1, 1]),
        ("detection_masks", writer.constant("mask", np.ones((5, 5))), [1, 1, 5, 5]),
        ("num_detections", writer.constant("count", [1.0]), [1]),
    ):
        if name not in without:
            target = writer.constant(f"{name}/shape", size)
            found = writer.node(f"{name}/found", "Reshape", value, target, T=_FLOAT, Tshape=_INT)
            writer.node(name, "Identity", found, T=_FLOAT)
    path.write_bytes(writer.graph.SerializeToString())
    return path


def _resizer(writer: _Writer, image: str) -> tuple[str, str]:
    """The scaled picture f32[1, H, W, 3] and its shape i32[1, 3], out of a loop of one round."""
    scope = "Preprocessor/map/while"
    start = {
        "": writer.constant(f"{scope}/zero", 0),
        "_1": image,
        "_2": writer.constant(f"{scope}/unknown", [[0, 0, 0]]),
    }
    kinds = {"": _INT, "_1": _FLOAT, "_2": _INT}

    def each(op: str, *inputs: dict[str, str], **attributes: bytes) -> dict[str, str]:
        return {
            end: writer.node(
                f"{scope}/{op}{end}", op, *(names[end] for names in inputs), T=kind, **attributes
            )
            for end, kind in kinds.items()
        }

    entered = each("Enter", start, frame_name=b"loop")
    merged = each("Merge", entered, {end: f"{scope}/NextIteration{end}" for end in kinds})
    one = writer.constant(f"{scope}/one", 1)
    rounds = writer.node(
        f"{scope}/rounds", "Enter", one, T=_INT, frame_name=b"loop", is_constant=True
    )
    less = writer.node(f"{scope}/Less", "Less", merged[""], rounds, T=_INT)
    condition = writer.node(f"{scope}/LoopCond", "LoopCond", less)
    switch = each("Switch", merged, dict.fromkeys(kinds, condition))
    inside = {end: f"{name}:1" for end, name in switch.items()}
    size = writer.constant(f"{scope}/size", list(SCALED))
    each(
        "NextIteration",
        {
            "": writer.node(f"{scope}/add", "Add", inside[""], one, T=_INT),
            "_1": writer.node(f"{scope}/resize", "ResizeBilinear", inside["_1"], size, T=_FLOAT),
            "_2": writer.constant(f"{scope}/shape", [[*SCALED, 3]]),
        },
    )
    scaled, shape = (
        writer.node(f"{scope}/Exit{end}", "Exit", switch[end], T=kinds[end]) for end in ("_1", "_2")
    )
    return scaled, shape
