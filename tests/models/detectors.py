"""Mask R-CNN-like graphs that find what is bright, for tests without weights.

As those in `tests.models.fakes`: the first class is white, the second red, the third blue. Masks in
a box are the upper half of it; planes that are not the object's own class are full, and unused rows
hold an object with a high score, so that whoever reads the wrong one is found out.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import openvino as ov
import openvino.opset15 as ops

from streamer.models.loading import Loaded
from tests.models.fakes import FOUND, find

MEAN, SCALE = (123.0, 117.0, 104.0), (58.0, 57.0, 56.0)
"""What `fake_geti` expects of its input, in RGB."""

Size = tuple[int, int]


def loaded(graph: ov.Model, name: str = "fake", **metadata: Any) -> Loaded:
    """A graph as if it had been read from a file."""
    return Loaded(graph, name, Path(f"{name}.xml"), metadata)


def fake_omz(
    size: Size = (96, 48),
    *,
    layout: str = "NHWC",
    element_type: ov.Type = ov.Type.u8,
    info_first: bool = False,
    masks_first: bool = False,
    named: bool = True,
    planes: int = 90,
) -> ov.Model:
    """A graph under omz. Boxes are shares of the size that ``image_info`` tells it."""
    picture = _parameter(size, layout, element_type)
    info = ops.parameter([1, 3], ov.Type.f32, name="image_info")
    height, width, _ = ops.split(ops.reshape(info, [3], False), 0, 3).outputs()
    rows = []
    for number, (corners, score) in enumerate(_objects(picture, layout, "BGR", 1 / 255), 1):
        x1, y1, x2, y2 = corners
        shares = [
            ops.divide(x1, width),
            ops.divide(y1, height),
            ops.divide(x2, width),
            ops.divide(y2, height),
        ]
        rows.append(ops.concat([_constant([0, number]), score, *shares], 0))
    rows.append(_constant([-1, 1, 0.99, 0, 0, 1, 1]))
    detections = ops.concat([ops.unsqueeze(row, 0) for row in rows], 0)
    masks = ops.constant(planes_of([1, 2, 3, 1], planes, 33))
    outputs = {"reshape_do_2d": detections, "masks": masks}
    if masks_first:
        outputs = {"masks": masks, "reshape_do_2d": detections}
    return _model(outputs, [info, picture] if info_first else [picture, info], named)


def fake_tf_od_api(size: Size | None = (96, 48)) -> ov.Model:
    """A graph under tf-od-api; without a size all of the input but the channels is left open."""
    picture = _parameter(size, "NHWC", ov.Type.u8)
    sides = ops.convert(ops.shape_of(picture), "f32")
    height, width = (ops.gather(sides, [axis], 0) for axis in (1, 2))
    boxes, scores = [], []
    for (x1, y1, x2, y2), score in _objects(picture, "NHWC", "RGB", 1 / 255):
        shares = [
            ops.divide(value, side)
            for value, side in ((y1, height), (x1, width), (y2, height), (x2, width))
        ]
        boxes.append(ops.unsqueeze(ops.concat(shares, 0), 0))
        scores.append(score)
    unused = ops.constant(np.array([[0, 0, 1, 1]], np.float32))
    return _model(
        {
            "detection_boxes:0": ops.unsqueeze(ops.concat([*boxes, unused], 0), 0),
            "num_detections:0": _constant([FOUND]),
            "detection_classes:0": ops.constant(np.array([[1, 2, 3, 1]], np.float32)),
            "detection_scores:0": ops.unsqueeze(ops.concat([*scores, _constant([0.99])], 0), 0),
            "detection_masks:0": ops.constant(upper_half(33, FOUND + 1)[None]),
        },
        [picture],
    )


def fake_zoo(size: Size = (96, 48), *, side: int = 28, named: bool = True) -> ov.Model:
    """boxes-labels-masks as Open Model Zoo has it: as many rows as there are objects."""
    picture = _parameter(size, "NCHW", ov.Type.f32)
    boxes, scores, seen = _rows(_objects(picture, "NCHW", "BGR", 1 / 255))
    outputs = {
        "labels": _of(seen, np.arange(FOUND, dtype=np.int32)),
        "boxes": ops.concat([boxes, ops.unsqueeze(scores, 1)], 1),
        "masks": _of(seen, upper_half(side, FOUND)),
    }
    return _model(outputs, [picture], named)


def fake_raw_masks(size: Size = (96, 48)) -> ov.Model:
    """boxes-labels-masks as Open Model Zoo had it: `im_info`, and a mask for each class.

    Boxes are wrong unless ``im_info`` is the size of the scaled frame, here 64x48.
    """
    picture = _parameter(size, "NCHW", ov.Type.f32)
    info = ops.parameter([1, 3], ov.Type.f32, name="im_info")
    wanted = ops.constant(np.array([[48, 64, 1]], np.float32))
    off = ops.reduce_sum(ops.abs(ops.subtract(info, wanted)), [0, 1])
    boxes, scores, seen = _rows(_objects(picture, "NCHW", "BGR", 1 / 255))
    outputs = {
        "boxes": ops.add(boxes, off),
        "classes": _of(seen, np.arange(1, FOUND + 1).astype(np.float32)),
        "scores": scores,
        "raw_masks": _of(seen, planes_of([2, 3, 4], 81, 28)),
    }
    return _model(outputs, [picture, info])


def fake_torchvision(
    size: Size | None = (96, 48), *, axes: Literal[3, 4] = 4, named: bool = True
) -> ov.Model:
    """boxes-labels-masks as torchvision has it: scores apart, masks as large as the input."""
    picture = _parameter(size, "NCHW" if axes == 4 else "CHW", ov.Type.f32)
    batched = picture if axes == 4 else ops.unsqueeze(picture, 0)
    objects = _objects(batched, "NCHW", "RGB", 1.0)
    boxes, scores, seen = _rows(objects)
    masks = ops.concat(_planes(batched, "NCHW", "RGB", 1.0), 0)
    outputs = {
        "boxes": boxes,
        "labels": _of(seen, np.arange(1, FOUND + 1)),
        "scores": scores,
        "masks": ops.gather(masks, seen, 0),
    }
    return _model(outputs, [picture], named)


def fake_geti(size: Size = (96, 48), *, batched: bool = True, **info: Any) -> ov.Model:
    """boxes-labels-masks as Geti has it, with explanations.

    Args:
        size: (width, height) of the input.
        batched: outputs have a batch axis before.
        info: entries of ``model_info`` beside those that say what the graph expects.
    """
    picture = _parameter(size, "NCHW", ov.Type.f32)
    mean, scale = (np.array(v, np.float32)[None, :, None, None] for v in (MEAN, SCALE))
    pixels = ops.add(ops.multiply(picture, scale), mean)
    boxes, scores, seen = _rows(_objects(pixels, "NCHW", "RGB", 1 / 255))
    outputs = {
        "boxes": ops.concat([boxes, ops.unsqueeze(scores, 1)], 1),
        "labels": _of(seen, np.arange(FOUND)),
        "masks": _of(seen, upper_half(28, FOUND)),
    }
    if batched:
        outputs = {name: ops.unsqueeze(output, 0) for name, output in outputs.items()}
    outputs["feature_vector"] = ops.constant(np.ones((1, 8, 1, 1), np.float32))
    outputs["saliency_map"] = ops.constant(np.ones((1, 2, 4, 4), np.uint8))
    graph = _model(outputs, [picture])
    said: dict[str, Any] = {
        "model_type": "MaskRCNN",
        "reverse_input_channels": True,
        "mean_values": " ".join(map(str, MEAN)),
        "scale_values": " ".join(map(str, SCALE)),
        "labels": "otx_empty_lbl white red dark_blue",
    }
    for key, value in (said | info).items():
        graph.set_rt_info(str(value), ["model_info", key])
    return graph


def upper_half(side: int, count: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Masks f32[count, side, side] of the upper half of a box."""
    masks = np.full((count, side, side), 0.1, np.float32)
    masks[:, : side // 2] = 0.9
    return masks


def planes_of(
    numbers: Sequence[int], planes: int, side: int
) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Masks f32[N, planes, side, side]: the upper half in plane number - 1, all in the others."""
    masks = np.full((len(numbers), planes, side, side), 0.9, np.float32)
    for row, number in enumerate(numbers):
        masks[row, number - 1] = upper_half(side, 1)[0]
    return masks


def _parameter(size: Size | None, layout: str, element_type: ov.Type) -> ov.Node:
    width, height = size or (-1, -1)
    batch = 1 if size else -1
    shape = {
        "NHWC": [batch, height, width, 3],
        "NCHW": [batch, 3, height, width],
        "CHW": [3, height, width],
    }
    return ops.parameter(shape[layout], element_type, name="image_tensor")


def _planes(picture: ov.Node, layout: str, channels: str, unit: float) -> list[ov.Node]:
    """What each class is found in: planes [1, 1, H, W] of 0..1."""
    floats = ops.multiply(ops.convert(picture, "f32"), np.float32(unit))
    if layout == "NHWC":
        floats = ops.transpose(floats, [0, 3, 1, 2])
    split = ops.split(floats, 1, 3).outputs()
    red, green, blue = split if channels == "RGB" else split[::-1]
    return [ops.relu(green), ops.subtract(red, green), ops.subtract(blue, green)]


def _objects(
    picture: ov.Node, layout: str, channels: str, unit: float
) -> list[tuple[list[ov.Node], ov.Node]]:
    return [find(plane) for plane in _planes(picture, layout, channels, unit)]


def _rows(objects: list[tuple[list[ov.Node], ov.Node]]) -> tuple[ov.Node, ov.Node, ov.Node]:
    """Boxes [N, 4] and scores [N] of what was seen, and its indices [N]."""
    boxes = ops.concat([ops.unsqueeze(ops.concat(corners, 0), 0) for corners, _ in objects], 0)
    scores = ops.concat([score for _, score in objects], 0)
    seen = ops.reshape(ops.non_zero(ops.greater(scores, np.float32(0))), [-1], False)
    return ops.gather(boxes, seen, 0), ops.gather(scores, seen, 0), seen


def _of(seen: ov.Node, values: np.ndarray[Any, Any]) -> ov.Node:
    return ops.gather(ops.constant(values), seen, 0)


def _constant(values: Sequence[float]) -> ov.Node:
    return ops.constant(np.array(values, np.float32))


def _model(outputs: dict[str, ov.Node], inputs: list[ov.Node], named: bool = True) -> ov.Model:
    for name, node in outputs.items():
        if named:
            node.output(0).set_names({name})
    for node in inputs:
        node.output(0).set_names({node.get_friendly_name()})
    return ov.Model(list(outputs.values()), inputs, "fake")
