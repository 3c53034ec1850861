"""Boxes in the graph: anchors, decoding, clipping, non-maximum suppression.

Boxes are f32[..., 4] as y_min, x_min, y_max, x_max, as TensorFlow has them. Whatever precision
inference is asked for, all this must stay f32: in bf16 a coordinate of 1365 is good to 4 pixels.
`keep_f32` marks the operations for that; OpenVINO honours the marks once the graph has been saved
and read back. Operations that it replaces while it compiles lose theirs: Subtract, Unsqueeze and
Tile among them, which is why they are not used where it matters.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino import opset13 as op

from streamer.network.config import MaskRcnnConfig
from streamer.network.constants import floats, indices, ints

_PRECISE = "precise_0"
"""The key under which OpenVINO keeps the mark that precision conversion must leave alone."""

_PRECISE_AS_READ = "DisablePrecisionConversion_0"
"""The key of the same mark in a graph that was read from a file."""


def anchors(config: MaskRcnnConfig) -> NDArray[np.float32]:
    """All anchors, f32[N, 4] in pixels, unclipped.

    By row, then column, then ratio, then scale: the order of the Object Detection API's grid
    anchor generator, which decides ties.
    """
    by_ratio, by_scale = (
        grid.ravel()
        for grid in np.meshgrid(
            np.asarray(config.anchor_ratios, np.float32),
            np.asarray(config.anchor_scales, np.float32),
            indexing="ij",
        )
    )
    roots = np.sqrt(by_ratio)
    base = np.asarray(config.anchor_base, np.float32)
    sizes = np.stack([by_scale / roots * base[0], by_scale * roots * base[1]], axis=-1)
    ys, xs = (
        np.arange(cells, dtype=np.float32) * np.float32(stride) + np.float32(offset)
        for cells, stride, offset in zip(
            config.feature_size, config.anchor_stride, config.anchor_offset, strict=True
        )
    )
    centres = np.stack(np.meshgrid(ys, xs, indexing="ij"), axis=-1)[:, :, None]
    half = np.float32(0.5) * sizes
    return np.concatenate([centres - half, centres + half], axis=-1).reshape(-1, 4)


def decode(codes: ov.Output, boxes: ov.Output, config: MaskRcnnConfig) -> ov.Node:
    """Boxes that ``codes`` f32[..., 4] (ty, tx, th, tw) stand for, relative to ``boxes``.

    The box coder of Faster R-CNN (Ren et al., 2015).
    """
    scaled = op.divide(codes, floats(config.box_scales))
    shift, growth = corners(scaled)
    low, high = corners(boxes)
    size = minus(high, low)
    centre = op.add(low, op.multiply(size, floats(0.5)))
    centre = op.add(op.multiply(shift, size), centre)
    half = op.multiply(op.multiply(op.exp(growth), size), floats(0.5))
    return op.concat([minus(centre, half), op.add(centre, half)], -1)


def clip(boxes: ov.Output, size: ov.Output) -> ov.Node:
    """Boxes cut off at 0 and at ``size`` f32[2], height and width."""
    limits = op.concat([size, size], 0)
    return op.maximum(op.minimum(boxes, limits), floats(0))


def suppress(
    boxes: ov.Output, scores: ov.Output, *, iou: float, threshold: float, per_class: int, total: int
) -> tuple[ov.Node, ov.Node]:
    """Non-maximum suppression in each class by itself.

    Boxes without an area are left out, as by the original, which drops them when it clips.

    Args:
        boxes: f32[C, N, 4], clipped.
        scores: f32[C, N].
        iou: a box that overlaps a better one by more is dropped.
        threshold: boxes must score more.
        per_class: at most so many of a class.
        total: how many rows to return.

    Returns:
        Classes i32[total] and boxes' indices i32[total], best first, of equals the lower class
        first. Rows that are not used hold -1.
    """
    size = span(boxes)
    area = op.reduce_prod(size, ints([-1]), keep_dims=False)
    there = op.greater(area, floats(0))
    scores = op.select(there, scores, floats(-1))
    found = op.non_max_suppression(
        boxes,
        op.unsqueeze(scores, ints([1])),
        ints(per_class),
        # OpenVINO drops what overlaps by the limit or more; the original, by more than it.
        floats(np.nextafter(np.float32(iou), np.float32(2))),
        floats(threshold),
        box_encoding="corner",
        sort_result_descending=True,
        output_type="i32",
    )
    # Rows of -1 behind what was found, then the first few: a shape that does not depend on the
    # picture.
    filler = op.constant(np.full((total, 3), -1, np.int32))
    rows = op.slice(
        op.concat([found.output(0), filler], 0),
        *(ints([bound]) for bound in (0, total, 1, 0)),
    )
    return _column(rows, 0), _column(rows, 2)


def take(values: ov.Output, rows: ov.Output) -> ov.Node:
    """``values`` at ``rows`` i32[N]; zeros where a row is negative."""
    used = op.greater_equal(rows, indices(0))
    taken = op.gather(values, op.maximum(rows, indices(0)), ints(0))
    for _ in taken.shape[1:]:
        used = op.unsqueeze(used, ints(-1))
    return op.select(used, taken, floats(0))


def corners(boxes: ov.Output) -> tuple[ov.Output, ov.Output]:
    """The lower and the upper corner (of codes: shift and growth), f32[..., 2] each."""
    low, high = op.split(boxes, ints(-1), 2).outputs()
    return low, high


def span(boxes: ov.Output) -> ov.Node:
    """Height and width, f32[..., 2]."""
    low, high = corners(boxes)
    return minus(high, low)


def minus(a: ov.Output, b: ov.Output) -> ov.Node:
    """``a - b`` in the operations that OpenVINO replaces a Subtract by: these keep their mark."""
    return op.add(a, op.multiply(b, floats(-1)))


def keep_f32(output: ov.Node, *inputs: ov.Output) -> ov.Node:
    """Mark whatever leads from ``inputs`` to ``output`` to be computed in f32.

    Raises:
        ValueError: something leads past ``inputs`` to an input of the graph, so that all of the
            network would be marked.
    """
    for node in between(output, *inputs):
        node.rt_info[_PRECISE] = ""
    return output


def is_kept_f32(node: ov.Node) -> bool:
    """Whether `keep_f32` has marked a node, in a graph as built or as read back from its file."""
    return any(mark in node.get_rt_info() for mark in (_PRECISE, _PRECISE_AS_READ))


def between(output: ov.Node, *inputs: ov.Output) -> Iterator[ov.Node]:
    """What leads from ``inputs`` to ``output``: that and all before it, constants left out.

    Raises:
        ValueError: something leads past ``inputs`` to an input of the graph.
    """
    waiting, seen = [_node(output)], {_node(x).get_name() for x in inputs}
    while waiting:
        node = waiting.pop()
        if node.get_name() in seen or node.get_type_name() == "Constant":
            continue
        if node.get_type_name() == "Parameter":
            raise ValueError(f"{node.get_friendly_name()} is not among the inputs")
        seen.add(node.get_name())
        yield node
        waiting += [source.get_node() for source in node.input_values()]


def _node(x: ov.Output | ov.Node) -> ov.Node:
    return x if isinstance(x, ov.Node) else x.get_node()


def _column(rows: ov.Output, index: int) -> ov.Node:
    return op.gather(rows, indices(index), ints(1))
