"""Model files that follow the yolo-seg contract and find what is bright, for tests without weights.

A fake finds three things, each with the exact rectangle around it in the input and a mask of it:
class 0 is where green is above one half (so white counts), class 1 where red exceeds green by that,
class 2 where blue does. A square that moves over black thus says which frame was seen, and its
colour whether channels were mixed up.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import openvino.opset15 as ops

COEFFICIENTS = 32
FOUND = 3
"""How many things a fake can find."""

LAYOUTS: list[dict[str, Any]] = [
    {},
    {"layout": "NHWC"},
    {"normalized": True},
    {"values_last": True},
    {"prototypes_last": True},
    {"prototypes_first": True},
    {"suppressed": True},
    {"suppressed": True, "normalized": True, "prototypes_last": True},
    {"layout": "NHWC", "normalized": True, "prototypes_last": True},
    {"layout": "NHWC", "values_last": True, "prototypes_last": True, "prototypes_first": True},
]
"""Options of `fake_yolo` for each way in which exports lay their ports."""


def fake_yolo(
    size: tuple[int, int] = (64, 64),
    *,
    classes: int = 80,
    layout: str = "NCHW",
    element_type: ov.Type = ov.Type.f32,
    dynamic: bool = False,
    normalized: bool = False,
    values_last: bool = False,
    prototypes_last: bool = False,
    prototypes_first: bool = False,
    suppressed: bool = False,
) -> ov.Model:
    """A graph under the contract.

    Args:
        size: (width, height) of the input, multiples of 32.
        classes: how many scores an anchor has.
        layout: ``"NCHW"`` or ``"NHWC"`` input.
        element_type: of input and outputs; with u8 the outputs are f32.
        dynamic: batch, width and height are left open.
        normalized: boxes are 0..1 of the input's sides.
        values_last: detections are [1, N, values].
        prototypes_last: prototypes are [1, h, w, 32].
        prototypes_first: the order of the outputs.
        suppressed: detections are rows of corners, score, class and coefficients.
    """
    height, width = (-1, -1) if dynamic else (size[1], size[0])
    batch = -1 if dynamic else 1
    shape = [batch, 3, height, width] if layout == "NCHW" else [batch, height, width, 3]
    picture = ops.parameter(shape, element_type, name="images")
    picture.output(0).set_names({"images"})
    planes = _planes(picture, layout)

    objects = [find(plane) for plane in planes]
    if normalized:
        objects = [_normalize(found, planes[0]) for found in objects]
    if suppressed:
        detections = _rows(objects)
    else:
        detections = _anchors(objects, planes[0], classes, 0.25 if normalized else 16.0)
    if values_last and not suppressed:
        detections = ops.transpose(detections, [0, 2, 1])
    prototypes = _prototypes(planes)
    if prototypes_last:
        prototypes = ops.transpose(prototypes, [0, 2, 3, 1])

    outputs = [prototypes, detections] if prototypes_first else [detections, prototypes]
    if element_type == ov.Type.f16:
        outputs = [ops.convert(output, "f16") for output in outputs]
    for index, output in enumerate(outputs):
        output.output(0).set_names({f"output{index}"})
    return ov.Model(outputs, [picture], "fake")


def save_fake_yolo(
    path: Path,
    size: tuple[int, int] = (64, 64),
    *,
    names: Sequence[str] = (),
    layout: str = "NCHW",
    normalized: bool = False,
) -> Path:
    """Write a fake as OpenVINO IR, with ``metadata.yaml`` beside it where it has names.

    Args:
        path: the ``.xml`` file; its folder is made.
        size: (width, height) of the input, multiples of 32.
        names: class names; without, it has 80 classes and says no names, which means COCO's.
        layout: ``"NCHW"`` or ``"NHWC"`` input.
        normalized: boxes are 0..1 of the input's sides.

    Returns:
        ``path``.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    graph = fake_yolo(size, classes=len(names) or 80, layout=layout, normalized=normalized)
    ov.save_model(graph, path, compress_to_fp16=False)
    if names:
        lines = [f"  {index}: {name}" for index, name in enumerate(names)]
        (path.parent / "metadata.yaml").write_text("\n".join(["names:", *lines, ""]))
    return path


def _planes(picture: ov.Node, layout: str) -> list[ov.Node]:
    """What each class is found in: three planes [1, 1, H, W] of 0..1."""
    kind = picture.get_element_type()
    floats = picture if kind == ov.Type.f32 else ops.convert(picture, "f32")
    if kind == ov.Type.u8:
        floats = ops.multiply(floats, np.float32(1 / 255))
    if layout == "NHWC":
        floats = ops.transpose(floats, [0, 3, 1, 2])
    red, green, blue = ops.split(floats, 1, 3).outputs()
    return [ops.relu(green), ops.subtract(red, green), ops.subtract(blue, green)]


def _side(plane: ov.Node, axis: int) -> ov.Node:
    """Length of an axis, f32[1]."""
    return ops.convert(ops.gather(ops.shape_of(plane), [axis], 0), "f32")


def find(plane: ov.Node) -> tuple[list[ov.Node], ov.Node]:
    """The corners x1, y1, x2, y2 around what is bright, and the score; f32[1] each."""
    bright = ops.greater(plane, np.float32(0.5))
    corners = []
    for axis, shape in ((3, [1, 1, 1, -1]), (2, [1, 1, -1, 1])):
        side = _side(plane, axis)
        places = ops.range(np.float32(0), ops.squeeze(side, [0]), np.float32(1), "f32")
        places = ops.reshape(places, shape, special_zero=False)
        first = ops.reduce_min(ops.select(bright, places, side), [0, 1, 2, 3])
        past = ops.add(places, np.float32(1))
        last = ops.reduce_max(ops.select(bright, past, np.float32(0)), [0, 1, 2, 3])
        corners.append([ops.unsqueeze(first, 0), ops.unsqueeze(last, 0)])
    score = ops.reduce_max(ops.select(bright, plane, np.float32(0)), [0, 1, 2, 3])
    (x1, x2), (y1, y2) = corners
    return [x1, y1, x2, y2], ops.unsqueeze(score, 0)


def _normalize(
    found: tuple[list[ov.Node], ov.Node], plane: ov.Node
) -> tuple[list[ov.Node], ov.Node]:
    corners, score = found
    sides = [_side(plane, axis) for axis in (3, 2, 3, 2)]
    scaled = [ops.divide(value, side) for value, side in zip(corners, sides, strict=True)]
    return scaled, score


def _constant(values: Sequence[float]) -> ov.Node:
    return ops.constant(np.array(values, np.float32))


def _coefficients() -> ov.Node:
    return _constant([1.0] + [0.0] * (COEFFICIENTS - 1))


def _rows(objects: list[tuple[list[ov.Node], ov.Node]]) -> ov.Node:
    """Detections [1, 10, 38], unused rows 0 as exports have them."""
    rows = [
        ops.concat([*corners, score, _constant([index]), _coefficients()], 0)
        for index, (corners, score) in enumerate(objects)
    ]
    unused = ops.constant(np.zeros((10 - FOUND, 6 + COEFFICIENTS), np.float32))
    stacked = ops.concat([*(ops.unsqueeze(row, 0) for row in rows), unused], 0)
    return ops.unsqueeze(stacked, 0)


def _anchors(
    objects: list[tuple[list[ov.Node], ov.Node]], plane: ov.Node, classes: int, idle_box: float
) -> ov.Node:
    """Detections [1, 4 + classes + 32, N]; anchors that found nothing have a box, as real ones."""
    columns = []
    for index, ((x1, y1, x2, y2), score) in enumerate(objects[: min(classes, FOUND)]):
        half = np.float32(0.5)
        center_x, center_y = (
            ops.multiply(ops.add(x1, x2), half),
            ops.multiply(ops.add(y1, y2), half),
        )
        box = [center_x, center_y, ops.subtract(x2, x1), ops.subtract(y2, y1)]
        scores = ops.multiply(score, _constant(np.eye(classes)[index].tolist()))
        columns.append(ops.unsqueeze(ops.concat([*box, scores, _coefficients()], 0), 1))
    grids = [
        ops.reshape(_pool(plane, stride), [1, 1, -1], special_zero=False) for stride in (8, 16, 32)
    ]
    nothing = ops.multiply(ops.concat(grids, 2), np.float32(0))
    nothing = ops.slice(nothing, [len(columns)], [np.iinfo(np.int64).max], [1], [2])
    values = [idle_box] * 4 + [0.0] * (classes + COEFFICIENTS)
    rest = ops.add(nothing, np.array(values, np.float32)[None, :, None])
    return ops.concat([ops.unsqueeze(ops.concat(columns, 1), 0), rest], 2)


def _pool(plane: ov.Node, stride: int) -> ov.Node:
    window = [stride, stride]
    return ops.avg_pool(plane, window, [0, 0], [0, 0], window, exclude_pad=False)


def _prototypes(planes: list[ov.Node]) -> ov.Node:
    """Prototypes [1, 32, H/4, W/4]; the first is above 0 where any class was found."""
    brightest = ops.maximum(ops.maximum(planes[0], planes[1]), planes[2])
    bright = ops.subtract(_pool(brightest, 4), np.float32(0.5))
    gains = np.zeros((1, COEFFICIENTS, 1, 1), np.float32)
    gains[:, 0] = 8
    return ops.multiply(bright, gains)
