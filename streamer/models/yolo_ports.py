"""Which port of a yolo-seg graph is what, told from shapes; see `streamer.models.yolo_seg`."""

from __future__ import annotations

from dataclasses import dataclass

import openvino as ov

from streamer.models.inputs import Layout, layout_of
from streamer.models.loading import Loaded

COEFFICIENTS = 32
"""Mask coefficients of an object, and prototypes that they weight."""

_SUPPRESSED_ROW = 6 + COEFFICIENTS
_DEFAULT_SIZE = (640, 640)
_BYTES_OR_FLOATS = (ov.Type.f32, ov.Type.f16, ov.Type.u8)
# Cells of these grids each hold one anchor: the usual three, and those of the P6 and P2 variants.
_STRIDES = ((8, 16, 32), (8, 16, 32, 64), (4, 8, 16, 32))


@dataclass(frozen=True, slots=True)
class Ports:
    """Which port is what, and how its axes lie.

    Attributes:
        width: columns of the input.
        height: rows of the input.
        layout: of the input.
        detections: index of that output.
        prototypes: index of that output.
        values_last: detections are [1, N, values] rather than [1, values, N].
        prototypes_last: prototypes are [1, h, w, 32] rather than [1, 32, h, w].
        suppressed: detections come after suppression, one object a row.
        classes: how many there are; None where the shapes do not tell.
    """

    width: int
    height: int
    layout: Layout
    detections: int
    prototypes: int
    values_last: bool
    prototypes_last: bool
    suppressed: bool
    classes: int | None


def recognize(loaded: Loaded) -> tuple[ov.Model, Ports] | None:
    """The graph with static shapes for one picture, and its ports; None if it is no yolo-seg.

    Dynamic sizes become those that the export names, or 640x640. The graph that comes back is
    another one where shapes had to change.
    """
    graph = loaded.graph
    if len(graph.inputs) != 1 or len(graph.outputs) != 2:
        return None
    layout = layout_of(graph.input().partial_shape)
    if layout is None or graph.input().element_type not in _BYTES_OR_FLOATS:
        return None
    static = _for_one_picture(graph, layout, loaded.image_size or _DEFAULT_SIZE)
    if static is None or any(port.partial_shape.is_dynamic for port in static.outputs):
        return None
    ports = _ports(static, layout, len(loaded.names or ()))
    return (static, ports) if ports else None


def _for_one_picture(graph: ov.Model, layout: Layout, size: tuple[int, int]) -> ov.Model | None:
    shape = graph.input().partial_shape
    rows, columns = (2, 3) if layout == "NCHW" else (1, 2)
    height, width = (
        size[1 - at] if shape[axis].is_dynamic else shape[axis].get_length()
        for at, axis in enumerate((rows, columns))
    )
    target = [1, 3, height, width] if layout == "NCHW" else [1, height, width, 3]
    if shape == ov.PartialShape(target):
        return graph
    copy = graph.clone()
    try:
        copy.reshape(target)
    except RuntimeError:
        return None  # sizes are built into the graph
    return copy


def _ports(graph: ov.Model, layout: Layout, names: int) -> Ports | None:
    shape = list(graph.input().shape)
    height, width = shape[2:] if layout == "NCHW" else shape[1:3]
    shapes = [list(port.shape) for port in graph.outputs]
    if sorted(map(len, shapes)) != [3, 4] or any(shape[0] != 1 for shape in shapes):
        return None
    detections = 0 if len(shapes[0]) == 3 else 1
    prototypes_last = _prototypes_last(shapes[1 - detections], (height, width), layout)
    if prototypes_last is None:
        return None
    first, second = shapes[detections][1:]
    counts = {sum((height // s) * (width // s) for s in strides) for strides in _STRIDES}
    common = (width, height, layout, detections, 1 - detections)
    options = [  # (values_last, values)
        (last, values)
        for last, values, anchors in ((False, first, second), (True, second, first))
        if anchors in counts and values > 4 + COEFFICIENTS
    ]
    # A small input can have as many anchors as values; then the export's names decide.
    options.sort(key=lambda option: option[1] != 4 + names + COEFFICIENTS)
    if options:
        last, values = options[0]
        return Ports(*common, last, prototypes_last, False, values - 4 - COEFFICIENTS)
    if second == _SUPPRESSED_ROW:
        return Ports(*common, True, prototypes_last, True, None)
    return None


def _prototypes_last(shape: list[int], size: tuple[int, int], layout: Layout) -> bool | None:
    """Whether channels come last; None if these are no prototypes. Grids are H/4 by W/4."""
    grid = [size[0] // 4, size[1] // 4]
    first = shape[1:] == [COEFFICIENTS, *grid]
    last = shape[1:] == [*grid, COEFFICIENTS]
    if first and last:
        return layout == "NHWC"
    return last if first or last else None
