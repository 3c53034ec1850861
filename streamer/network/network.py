"""Mask R-CNN as one graph, or as two: detections first, then masks for those that are wanted.

The parts follow the TensorFlow Object Detection API (state of early 2018), whose weights they take.
Inputs and outputs are this project's own contract:

    image       u8[1, H, W, 3]    RGB
    image_size  f32[2]            height and width of the picture within ``image``; the rest is
                                  padding, right and below, and boxes are cut off there
    detections  f32[D, 6]         x_min, y_min, x_max, y_max in pixels of ``image``, score, class
                                  from 1; best first, unused rows hold zeros
    masks       f32[D, M, M]      probabilities that the box's part is the object
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import openvino as ov
from openvino import opset13 as op

from streamer.network import boxes
from streamer.network.backbone import feature_map
from streamer.network.config import MaskRcnnConfig
from streamer.network.constants import ints
from streamer.network.crops import CROPS, crop, crop_cells
from streamer.network.layers import Layers
from streamer.network.roi_heads import RESIZE, detect, every_mask, every_mask_factored, of_class
from streamer.network.rpn import propose
from streamer.network.weights import Weights


def build_reference(config: MaskRcnnConfig, weights: Weights) -> ov.Model:
    """Everything in one graph, with a mask for every row, as other conversions have it.

    Inputs ``image`` and ``image_size``; outputs ``detections`` and ``masks``.
    """
    layers = Layers(weights)
    image, size = _picture_inputs(config)
    features, found, classes, normalised = _detections(image, size, layers, config)
    crops = crop(features, normalised, config)
    masks = of_class(every_mask(crops, layers.named("masks/"), config), classes)
    return _graph("mask-rcnn", {"detections": found, "masks": masks}, [image, size])


def build_detector(config: MaskRcnnConfig, weights: Weights) -> ov.Model:
    """The first pass. Inputs ``image`` and ``image_size``; outputs ``detections`` and ``cells``.

    ``cells`` f32[H' * W', C] is the feature map for `build_mask_head`. Its channels come last,
    because that is how convolutions leave it: so nothing need be rearranged to hand it over.
    """
    image, size = _picture_inputs(config)
    features, found, _, _ = _detections(image, size, Layers(weights), config)
    channels_last = op.transpose(features, ints([0, 2, 3, 1]))
    flat = ints([-1, config.feature_depth])
    # The map holds no negative numbers, so this changes none. But it is computed in memory of its
    # own, in this order; a mere transposition would be made by two copies.
    cells = op.relu(op.reshape(channels_last, flat, special_zero=False))
    return _graph("mask-rcnn-detector", {"detections": found, "cells": cells}, [image, size])


def build_mask_head(config: MaskRcnnConfig, weights: Weights, count: int) -> ov.Model:
    """The second pass, for ``count`` detections.

    Inputs ``cells`` f32[H' * W', C] and ``detections`` f32[count, 6], rows of the first pass;
    output ``masks`` f32[count, M, M].
    """
    height, width = config.feature_size
    cells = op.parameter([height * width, config.feature_depth], np.float32, name="cells")
    detections = op.parameter([count, 6], np.float32, name="detections")
    corners = op.gather(detections, ints([1, 0, 3, 2]), ints(1))
    classes = op.convert(op.gather(detections, ints(5), ints(1)), np.int32)
    boxes.keep_f32(classes, detections)
    normalised = boxes.keep_f32(_normalised(corners, config), detections)
    crops = crop_cells(cells, normalised, config)
    logits = every_mask_factored(crops, Layers(weights, "masks/"), config)
    return _graph("mask-rcnn-masks", {"masks": of_class(logits, classes)}, [cells, detections])


def hand_over_as(kind: ov.Type, detector: ov.Model, *mask_heads: ov.Model) -> None:
    """Change the element type of ``cells``, in place, to the one that the device computes in.

    In another type the whole feature map is converted and rearranged, which can cost more than all
    masks.
    """
    result = detector.output("cells").get_node()
    source = result.input_value(0)
    names = source.get_names()
    source.get_tensor().set_names(set())
    converted = op.convert(source, kind)
    converted.output(0).get_tensor().set_names(names)
    result.input(0).replace_source_output(converted.output(0))
    detector.validate_nodes_and_infer_types()
    for head in mask_heads:
        head.input("cells").get_node().set_element_type(kind)
        head.validate_nodes_and_infer_types()


def unquantized(graph: ov.Model) -> list[str]:
    """Names of the operations that INT8 must leave alone: coordinates, sampling and resizing."""
    return [
        node.get_friendly_name()
        for node in graph.get_ordered_ops()
        if boxes.is_kept_f32(node) or node.get_friendly_name().startswith((CROPS, RESIZE))
    ]


def _picture_inputs(config: MaskRcnnConfig) -> tuple[ov.Node, ov.Node]:
    image = op.parameter([1, config.height, config.width, 3], np.uint8, name="image")
    return image, op.parameter([2], np.float32, name="image_size")


def _detections(
    image: ov.Node, size: ov.Node, layers: Layers, config: MaskRcnnConfig
) -> tuple[ov.Output, ov.Node, ov.Node, ov.Node]:
    """The feature map, ``detections``, their classes i32[D] and their normalised boxes."""
    features = feature_map(image, layers, config)
    proposals = propose(features, size, layers, config)
    normalised = boxes.keep_f32(_normalised(proposals, config), proposals)
    crops = crop(features, normalised, config)
    corners, scores, classes = detect(crops, proposals, size, layers, config)
    columns = [
        op.gather(corners, ints([1, 0, 3, 2]), ints(1)),
        op.unsqueeze(scores, ints([1])),
        op.unsqueeze(op.convert(classes, np.float32), ints([1])),
    ]
    found = boxes.keep_f32(op.concat(columns, 1), corners, scores, classes)
    return features, found, classes, boxes.keep_f32(_normalised(corners, config), corners)


def _normalised(corners: ov.Output, config: MaskRcnnConfig) -> ov.Node:
    """Boxes in pixels to parts of the input; times the reciprocal, as the original rounds it."""
    scale = np.float32(1) / np.array([config.height, config.width] * 2, np.float32)
    return op.multiply(corners, op.constant(scale))


def _graph(name: str, outputs: Mapping[str, ov.Node], inputs: list[ov.Node]) -> ov.Model:
    for parameter in inputs:
        parameter.output(0).get_tensor().set_names({parameter.get_friendly_name()})
    results = []
    for port, node in outputs.items():
        node.output(0).get_tensor().set_names({port})
        results.append(op.result(node))
    return ov.Model(results, inputs, name)
