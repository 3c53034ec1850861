"""Regions of interest cut out of the feature map: TensorFlow's CropAndResize, then max pooling.

CropAndResize samples a box from edge to edge, corners on the middles of cells, bilinearly, and
gives 0 where a sample is off the map. There are two ways here, with the same answer: one for many
boxes, and one for few that looks only at the cells it needs.
"""

from __future__ import annotations

import numpy as np
import openvino as ov
from openvino import opset13 as op

from streamer.network.boxes import between, corners, keep_f32, minus, span
from streamer.network.config import MaskRcnnConfig
from streamer.network.constants import floats, indices, ints

CROPS = "crops/"
"""What the names of cropping's operations begin with."""


def crop(features: ov.Output, boxes: ov.Output, config: MaskRcnnConfig) -> ov.Output:
    """Crop many boxes.

    Args:
        features: f32[1, C, H, W].
        boxes: f32[N, 4], normalised by the size of the input.
        config: of the network.

    Returns:
        f32[N, C, S, S] where S is `MaskRcnnConfig.roi_size`.
    """
    size, pool = config.crop_size, [config.pool, config.pool]
    start, step = _sampling(boxes, config)
    # RoiAlign samples the middles of bins, counted from the corner of a cell: with bins of one
    # step, the first of which begins half a step early, it samples the same places.
    first = op.add(minus(start, op.multiply(step, floats(0.5))), floats(0.5))
    ends = op.add(first, op.multiply(step, floats(size)))
    regions = op.gather(op.concat([first, ends], 1), ints([1, 0, 3, 2]), ints(1))
    inside = _inside(_places(start, step, size), boxes, config)
    sampled = op.roi_align(
        features,
        keep_f32(regions, boxes),
        indices(np.zeros(boxes.shape[0])),
        pooled_h=size,
        pooled_w=size,
        sampling_ratio=1,
        spatial_scale=1.0,
        mode="avg",
        aligned_mode="half_pixel_for_nn",
    )
    x = op.multiply(sampled, _as(inside, boxes.shape[0], 1, size, size))
    pooled = op.max_pool(x, pool, [1, 1], [0, 0], [0, 0], pool)
    return _named(pooled, features, boxes)


def crop_cells(cells: ov.Output, boxes: ov.Output, config: MaskRcnnConfig) -> ov.Output:
    """Crop a few boxes.

    Args:
        cells: [H * W, C] of any floating type.
        boxes: f32[N, 4], normalised by the size of the input.
        config: of the network.

    Returns:
        f32[N, C, S, S] where S is `MaskRcnnConfig.roi_size`.
    """
    # Samples that the pooling would leave out are not taken.
    size = config.roi_size * config.pool
    places = _places(*_sampling(boxes, config), size)
    low, limit = op.floor(places), floats(_last(config))
    # Minus the floor, in operations that keep their mark.
    parts = op.add(places, op.ceiling(op.multiply(places, floats(-1))))
    top, left = _axes(op.minimum(low, limit))
    bottom, right = _axes(op.minimum(op.ceiling(places), limit))
    part_y, part_x = (keep_f32(_as(part, -1, *part.shape[1:], 1), boxes) for part in _axes(parts))

    def sample(row: ov.Output, column: ov.Output) -> ov.Node:
        cell = op.add(op.multiply(row, floats(config.feature_size[1])), column)
        cell = keep_f32(op.convert(cell, np.int32), boxes)
        return op.convert(op.gather(cells, cell, ints(0)), np.float32)

    upper = _mix(sample(top, left), sample(top, right), part_x)
    lower = _mix(sample(bottom, left), sample(bottom, right), part_x)
    inside = _as(_inside(places, boxes, config), -1, size, size, 1)
    x = op.multiply(_mix(upper, lower, part_y), inside)
    x = op.transpose(x, ints([0, 3, 1, 2]))
    pool = [config.pool, config.pool]
    return _named(op.max_pool(x, pool, [1, 1], [0, 0], [0, 0], pool), cells, boxes)


def _named(pooled: ov.Node, *inputs: ov.Output) -> ov.Output:
    """``pooled``, after all that leads to it has been named as a part of cropping."""
    for node in between(pooled, *inputs):
        node.set_friendly_name(f"{CROPS}{node.get_name()}")
    return pooled.output(0)


def _mix(a: ov.Output, b: ov.Output, part: ov.Output) -> ov.Node:
    return op.add(a, op.multiply(op.subtract(b, a), part))


def _last(config: MaskRcnnConfig) -> tuple[int, int]:
    height, width = config.feature_size
    return height - 1, width - 1


def _sampling(boxes: ov.Output, config: MaskRcnnConfig) -> tuple[ov.Node, ov.Node]:
    """The first sample and the distance to the next, f32[N, 2] each (y, x), in cells."""
    low, _ = corners(boxes)
    last = floats(_last(config))
    extent = op.multiply(span(boxes), last)
    return op.multiply(low, last), _divided(extent, config.crop_size - 1)


def _divided(values: ov.Output, divisor: int) -> ov.Node:
    """f32[N, 2] divided by ``divisor``, rounded once, as a mean over zeros and the value.

    A Divide would be computed as a product with the reciprocal, which rounds twice; `_places` tells
    what depends on that.
    """
    if divisor == 1:
        return values
    value = _as(values, -1, 1, 2)
    zeros = [op.broadcast(floats(0), op.shape_of(value))] * (divisor - 1)
    return op.reduce_mean(op.concat([value, *zeros], 1), ints(1))


def _places(start: ov.Output, step: ov.Output, size: int) -> ov.Node:
    """Where samples are taken, f32[N, size, 2] (y, x), in cells."""
    offsets = op.multiply(_as(step, -1, 2, 1), floats(np.arange(size).reshape(1, 1, size)))
    # Transposed between product and sum, lest both become one operation that rounds only once: the
    # sample at the end of a box that ends with the picture lies on the map's edge, and it depends
    # on how it is rounded whether it is still on the map.
    offsets = op.transpose(offsets, ints([0, 2, 1]))
    return op.add(_as(start, -1, 1, 2), offsets)


def _axes(places: ov.Output) -> tuple[ov.Output, ov.Output]:
    """f32[N, size, 2] to y f32[N, size, 1] and x f32[N, 1, size]."""
    size = places.shape[1]
    y, x = op.split(places, ints(2), 2).outputs()
    return y, _as(x, -1, 1, size).output(0)


def _inside(places: ov.Output, boxes: ov.Output, config: MaskRcnnConfig) -> ov.Node:
    """f32[N, size, size]: 1 for samples that lie on the map, else 0."""
    fits = op.convert(op.less_equal(places, floats(_last(config))), np.float32)
    return keep_f32(op.multiply(*_axes(fits)), boxes)


def _as(x: ov.Output, *shape: int) -> ov.Node:
    return op.reshape(x, ints(shape), special_zero=False)
