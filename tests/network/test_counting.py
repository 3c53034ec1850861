from __future__ import annotations

import openvino as ov
import pytest

from streamer.network.architecture import layers
from streamer.network.config import (
    MASK_RCNN_RESNET50_ATROUS_COCO,
    MASK_RCNN_RESNET101_ATROUS_COCO,
)
from streamer.network.counting import size_of
from streamer.network.network import build_reference
from streamer.network.weights import Weights
from tests.network.parts import TINY, random_arrays


def test_the_release_has_the_published_size() -> None:
    size = size_of(MASK_RCNN_RESNET50_ATROUS_COCO)
    assert round(size.published / 1e6, 3) == pytest.approx(50.222, abs=0.0006)
    shapes = [shape for layer in layers(MASK_RCNN_RESNET50_ATROUS_COCO) for shape in layer.shapes()]
    assert len(shapes) == 283


def test_work_of_the_release_by_part() -> None:
    size = size_of(MASK_RCNN_RESNET50_ATROUS_COCO)
    giga = {part: round(count / 1e9, 1) for part, count in size.multiplies.items()}
    assert giga == {
        "backbone": 156.2,
        "RPN": 81.3,
        "block4": 146.4,
        "fully connected": 0.1,
        "mask head": 664.9,
    }


def test_a_deeper_backbone_adds_units_only() -> None:
    shallow, deep = (
        size_of(config)
        for config in (MASK_RCNN_RESNET50_ATROUS_COCO, MASK_RCNN_RESNET101_ATROUS_COCO)
    )
    # 17 units of the third block: 1x1 of 1024 x 256 twice, 3x3 of 256 x 256, and their biases.
    assert deep.stored - shallow.stored == 17 * (2 * 1024 * 256 + 9 * 256**2 + 256 + 256 + 1024)


def test_the_graph_does_the_work_that_is_counted() -> None:
    graph = build_reference(TINY, Weights(TINY, random_arrays(TINY)))
    # The one matrix product per fully connected layer has its inputs as second dimension.
    total = 0
    for node in graph.get_ops():
        if node.get_type_name() == "Convolution":
            kernel, output = node.input(1).get_shape(), node.output(0).get_shape()
            total += kernel[1] * kernel[2] * kernel[3] * _product(output)
        elif node.get_type_name() == "MatMul":
            total += node.input(1).get_shape()[0] * _product(node.output(0).get_shape())
    assert total == sum(size_of(TINY).multiplies.values()) - _fewer_masks()


def _fewer_masks() -> int:
    """Block 4 of the second pass runs on detections, of which the test's config has fewer."""
    block4 = size_of(TINY).multiplies["block4"] // 2
    return block4 * (TINY.proposals - TINY.max_detections) // TINY.proposals


def _product(shape: ov.Shape) -> int:
    result = 1
    for size in shape:
        result *= size
    return result
