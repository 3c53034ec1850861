"""What is in a region of interest: the box head and the mask head."""

from __future__ import annotations

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino import opset13 as op

from streamer.network import boxes
from streamer.network.architecture import HEADS, mask_scope, roi_units
from streamer.network.config import MaskRcnnConfig
from streamer.network.constants import indices, ints
from streamer.network.layers import Layers

RESIZE = "masks/resize/"
"""What the names of the operations begin with that resize what is in a region."""


def detect(
    crops: ov.Output, proposals: ov.Output, size: ov.Output, layers: Layers, config: MaskRcnnConfig
) -> tuple[ov.Node, ov.Node, ov.Node]:
    """The final boxes.

    Args:
        crops: f32[proposals, C, S, S].
        proposals: f32[proposals, 4] in pixels.
        size: f32[2], height and width of the picture within the input, in pixels.
        layers: with the weights.
        config: of the network.

    Returns:
        Boxes f32[D, 4] in pixels, scores f32[D] and classes i32[D] from 1, best first. Rows that
        are not used hold zeros.
    """
    x = layers.units(crops, roi_units(config))
    x = op.reduce_mean(x, ints([2, 3]), keep_dims=False)
    codes = layers.dense(x, f"{HEADS}/BoxEncodingPredictor")
    logits = layers.dense(x, f"{HEADS}/ClassPredictor")
    candidates, scores = _candidates(codes, logits, proposals, size, config)
    classes, chosen = boxes.suppress(
        candidates,
        scores,
        iou=config.nms_iou,
        threshold=config.score_threshold,
        per_class=config.max_per_class,
        total=config.max_detections,
    )
    # -1 stays below 0, whatever is added to it.
    flat = op.add(op.multiply(classes, indices(config.proposals)), chosen)
    kept = boxes.take(_flattened(candidates, 4), flat)
    kept_scores = boxes.take(_flattened(scores), flat)
    inputs = codes, logits, proposals, size
    return (
        boxes.keep_f32(kept, *inputs),
        boxes.keep_f32(kept_scores, *inputs),
        op.add(classes, indices(1)),
    )


def _candidates(
    codes: ov.Output,
    logits: ov.Output,
    proposals: ov.Output,
    size: ov.Output,
    config: MaskRcnnConfig,
) -> tuple[ov.Node, ov.Node]:
    """Clipped boxes f32[classes, proposals, 4] and their scores f32[classes, proposals]."""
    shape = ints([config.proposals, config.classes, 4])
    by_class = op.transpose(op.reshape(codes, shape, special_zero=False), ints([1, 0, 2]))
    decoded = boxes.decode(by_class, proposals, config)
    scores = op.transpose(op.softmax(logits, 1), ints([1, 0]))
    background, *ends = (ints([n]) for n in (1, config.classes + 1, 1, 0))
    return boxes.clip(decoded, size), op.slice(scores, background, *ends)


def _flattened(values: ov.Output, *columns: int) -> ov.Node:
    return op.reshape(values, ints([-1, *columns]), special_zero=False)


def every_mask(crops: ov.Output, layers: Layers, config: MaskRcnnConfig) -> ov.Node:
    """The mask head as the original runs it.

    Args:
        crops: f32[N, C, S, S].
        layers: with the weights.
        config: of the network.

    Returns:
        Logits f32[N, classes, M, M].
    """
    x = layers.units(crops, roi_units(config))
    x = op.interpolate(
        x,
        ints([config.mask_size] * 2),
        mode="linear_onnx",
        shape_calculation_mode="sizes",
        coordinate_transformation_mode="align_corners",
        axes=ints([2, 3]),
    )
    return _mask_convs(layers.conv(x, mask_scope(0)), layers, config)


def every_mask_factored(crops: ov.Output, layers: Layers, config: MaskRcnnConfig) -> ov.Node:
    """The same logits with a quarter of the work.

    The first convolution follows a bilinear resize with nothing between them, and both are linear:
    so the channels are mixed before the resize, at 7x7 rather than 33x33, for each of the kernel's
    nine taps by itself. Resizing, shifting by the tap and adding up is then one small matrix
    product a direction, the same for all channels.
    """
    x = layers.units(crops, roi_units(config))
    weights, biases = layers.kernel(mask_scope(0))
    depth, inputs, taps, _ = weights.shape
    mixing = weights.transpose(2, 3, 0, 1).reshape(taps * taps * depth, inputs, 1, 1)
    mixed = op.convolution(x, op.constant(mixing), [1, 1], [0, 0], [0, 0], [1, 1])
    mixed.set_friendly_name(f"masks/{mask_scope(0)}")
    side = config.roi_size
    split = ints([-1, taps, taps, depth, side, side])
    grid = op.reshape(mixed, split, special_zero=False)
    grid = op.transpose(grid, ints([0, 3, 1, 4, 2, 5]))
    flat = ints([-1, depth, taps * side, taps * side])
    grid = op.reshape(grid, flat, special_zero=False)
    spread = op.constant(_resize_and_shift(side, config.mask_size, taps))
    y = op.matmul(grid, spread, transpose_a=False, transpose_b=True)
    y.set_friendly_name(f"{RESIZE}columns")
    y = op.matmul(spread, y, transpose_a=False, transpose_b=False)
    y.set_friendly_name(f"{RESIZE}rows")
    y = op.add(y, op.constant(biases.reshape(1, -1, 1, 1)))
    return _mask_convs(y, layers, config)


def _mask_convs(x: ov.Output, layers: Layers, config: MaskRcnnConfig) -> ov.Node:
    """What follows the first convolution of the mask head."""
    for number in range(1, config.mask_convs):
        x = layers.conv(op.relu(x), mask_scope(number))
    return x


def _resize_and_shift(before: int, after: int, taps: int) -> NDArray[np.float32]:
    """f32[after, taps * before]: along one axis, from values by tap to their sum after resizing.

    Corners stay corners (TensorFlow's ``align_corners``); a tap that looks past the edge sees 0.
    """
    places = np.arange(after) * (before - 1) / max(after - 1, 1)
    resize = np.maximum(0, 1 - np.abs(places[:, None] - np.arange(before)))
    matrix = np.zeros((after, taps, before), np.float32)
    for tap in range(taps):
        shift = tap - taps // 2
        rows = np.arange(after) + shift
        fits = (rows >= 0) & (rows < after)
        matrix[fits, tap] = resize[rows[fits]]
    return matrix.reshape(after, taps * before)


def of_class(logits: ov.Output, classes: ov.Output) -> ov.Node:
    """Each region's mask of its own class, as probabilities.

    Args:
        logits: f32[N, classes, M, M].
        classes: i32[N] from 1; rows of 0 get the first class's mask.

    Returns:
        f32[N, M, M].
    """
    planes = op.maximum(op.subtract(classes, indices(1)), indices(0))
    planes = op.unsqueeze(planes, ints([1]))
    chosen = op.gather(logits, planes, indices(1), batch_dims=1)
    return op.sigmoid(op.squeeze(chosen, ints([1])))
