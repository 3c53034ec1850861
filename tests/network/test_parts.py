"""Each part of the network against numpy, to 1e-4."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import openvino as ov
import pytest
from numpy.typing import NDArray

from streamer.network import boxes, roi_heads, rpn
from streamer.network.backbone import feature_map
from streamer.network.config import MaskRcnnConfig
from streamer.network.crops import crop, crop_cells
from streamer.network.layers import Layers
from streamer.network.weights import Weights
from tests.network import reference
from tests.network.parts import STRIDE_16, TINY, evaluate, random_arrays, random_image

CONFIGS = pytest.mark.parametrize("config", [TINY, STRIDE_16], ids=["stride8", "stride16"])


def near(actual: NDArray[Any], expected: NDArray[Any], limit: float = 1e-4) -> None:
    assert actual.shape == expected.shape
    scale = max(1.0, float(np.abs(expected).max()))
    assert float(np.abs(actual - expected).max()) <= limit * scale


def channels_first(x: NDArray[Any]) -> NDArray[Any]:
    return np.ascontiguousarray(x.transpose(0, 3, 1, 2))


def random_map(config: MaskRcnnConfig, seed: int = 2) -> NDArray[np.float32]:
    noise = np.random.default_rng(seed)
    shape = (1, *config.feature_size, config.feature_depth)
    return np.maximum(noise.standard_normal(shape), 0).astype(np.float32)


def random_boxes(count: int, seed: int = 3) -> NDArray[np.float32]:
    """Normalised boxes, every third of which ends with the picture."""
    noise = np.random.default_rng(seed)
    pairs = np.sort(noise.random((count, 2, 2)), axis=1).astype(np.float32)
    pairs[::3, 1] = 1
    pairs[1] = 0
    return pairs.reshape(count, 4)


@CONFIGS
def test_backbone(config: MaskRcnnConfig) -> None:
    arrays, image = random_arrays(config), random_image(config)
    layers = Layers(Weights(config, arrays))
    [features] = evaluate(lambda x: feature_map(x, layers, config), image)
    expected = reference.feature_map(image, arrays, config)
    assert expected.shape[1:3] == config.feature_size
    assert expected.std() > 0.1
    near(features, channels_first(expected))


@CONFIGS
def test_anchors_are_in_the_original_order(config: MaskRcnnConfig) -> None:
    near(boxes.anchors(config), reference.anchors(config), 1e-6)


def test_decoding() -> None:
    noise = np.random.default_rng(4)
    codes = noise.standard_normal((7, 4)).astype(np.float32)
    places = random_boxes(7) * 100
    [decoded] = evaluate(lambda c, b: boxes.decode(c, b, TINY), codes, places)
    near(decoded, reference.decode(codes, places, TINY), 1e-6)


@pytest.mark.parametrize("candidates", [None, 40, 1_000_000])
@CONFIGS
def test_proposals(config: MaskRcnnConfig, candidates: int | None) -> None:
    config = replace(config, rpn_candidates=candidates)
    arrays, features = random_arrays(config), random_map(config)
    size = np.array([config.height - 13, config.width - 20], np.float32)
    layers = Layers(Weights(config, arrays))
    [found] = evaluate(
        lambda x, s: rpn.propose(x, s, layers, config), channels_first(features), size
    )
    near(found, reference.propose(features, size, arrays, config), 1e-5)


def test_suppression_takes_the_first_of_equals() -> None:
    corner = np.array([[0, 0, 10, 10]], np.float32)
    places = np.concatenate([corner + 20 * n for n in range(4)])[None]
    scores = np.array([[0.5, 0.7, 0.5, 0.7]], np.float32)
    assert chosen(places, scores) == [(0, 1), (0, 3), (0, 0), (0, 2), (-1, -1), (-1, -1)]


def test_suppression_takes_the_lower_class_of_equals() -> None:
    places = np.tile(np.array([0, 0, 10, 10], np.float32), (3, 1, 1))
    scores = np.full((3, 1), 0.5, np.float32)
    assert chosen(places, scores)[:3] == [(0, 0), (1, 0), (2, 0)]


def test_suppression_leaves_out_what_scores_too_little_or_has_no_area() -> None:
    places = np.array([[[0, 0, 9, 9], [20, 20, 29, 29], [40, 40, 40, 49]]], np.float32)
    scores = np.array([[0.25, 0.3, 0.9]], np.float32)
    assert chosen(places, scores, threshold=0.25)[:2] == [(0, 1), (-1, -1)]


def test_suppression_keeps_what_overlaps_by_just_the_limit() -> None:
    # Halves of one another: the overlap is exactly 0.5.
    places = np.array([[[0, 0, 8, 8], [0, 0, 8, 4]]], np.float32)
    scores = np.array([[0.9, 0.8]], np.float32)
    assert chosen(places, scores, iou=0.5)[:2] == [(0, 0), (0, 1)]
    assert chosen(places, scores, iou=0.499)[:2] == [(0, 0), (-1, -1)]


def chosen(
    places: NDArray[np.float32],
    scores: NDArray[np.float32],
    iou: float = 0.6,
    threshold: float = 0.0,
) -> list[tuple[int, int]]:
    classes, rows = evaluate(
        lambda b, s: boxes.suppress(b, s, iou=iou, threshold=threshold, per_class=9, total=6),
        places,
        scores,
    )
    return list(zip(classes.tolist(), rows.tolist(), strict=True))


@pytest.mark.parametrize("crop_size", [2, 7, 8, 14])
def test_both_ways_to_crop(crop_size: int) -> None:
    config = MaskRcnnConfig(height=75, width=98, base_width=2, crop_size=crop_size)
    features, places = random_map(config), random_boxes(40)
    sampled = reference.crop_and_resize(features, places, crop_size)
    expected = channels_first(reference.max_pool(sampled, 2, 2, same=False))
    [many] = evaluate(lambda x, b: crop(x, b, config), channels_first(features), places)
    cells = features.reshape(-1, features.shape[3])
    [few] = evaluate(lambda x, b: crop_cells(x, b, config), cells, places)
    near(many, expected)
    near(few, expected)


def test_a_sample_that_rounding_puts_behind_the_edge_is_zero() -> None:
    """For some boxes that end with the picture CropAndResize's sums pass the last cell."""
    config = MaskRcnnConfig(height=800, width=1365, base_width=1, crop_size=14, pool=1)
    last = np.float32(config.feature_size[1] - 1)
    starts = np.random.default_rng(7).random(4000, np.float32)
    ends = starts * last + np.float32(13) * ((np.float32(1) - starts) * last / np.float32(13))
    assert 10 < np.count_nonzero(ends > last) < 3900
    places = np.stack([starts * 0, starts, starts * 0 + 0.5, starts * 0 + 1], axis=1)
    features = np.ones((1, *config.feature_size, 4), np.float32)
    [many] = evaluate(lambda x, b: crop(x, b, config), channels_first(features), places)
    [few] = evaluate(lambda x, b: crop_cells(x, b, config), features.reshape(-1, 4), places)
    for values in (many, few):
        np.testing.assert_array_equal(values[:, 0, 0, 13] == 0, ends > last)
        assert (values[:, 0, 0, 12] > 0.999).all()


def test_box_head() -> None:
    arrays = random_arrays(TINY)
    layers = Layers(Weights(TINY, arrays))
    size = np.array([TINY.height, TINY.width], np.float32)
    noise = np.random.default_rng(5)
    shape = (TINY.proposals, TINY.roi_size, TINY.roi_size, TINY.feature_depth)
    regions = noise.standard_normal(shape).astype(np.float32)
    proposals = random_boxes(TINY.proposals) * np.tile(size, 2)
    # Rows that the proposals leave unused are no detections.
    proposals[-2:] = 0
    found, scores, classes = evaluate(
        lambda x, p, s: roi_heads.detect(x, p, s, layers, TINY),
        channels_first(regions), proposals, size,
    )  # fmt: skip
    expected = reference.detect(regions, proposals, size, arrays, TINY)
    assert np.count_nonzero(expected[:, 4]) > 3
    near(np.column_stack([found, scores, classes]), expected, 1e-5)


@pytest.mark.parametrize("head", [roi_heads.every_mask, roi_heads.every_mask_factored])
def test_mask_head(head: Any) -> None:
    arrays = random_arrays(TINY)
    layers = Layers(Weights(TINY, arrays))
    noise = np.random.default_rng(6)
    shape = (5, TINY.roi_size, TINY.roi_size, TINY.feature_depth)
    regions = noise.standard_normal(shape).astype(np.float32)
    classes = np.array([1, 4, 2, 0, 3], np.int32)
    [found] = evaluate(
        lambda x, c: roi_heads.of_class(head(x, layers, TINY), c), channels_first(regions), classes
    )
    expected = reference.masks(regions, classes, arrays, TINY)
    assert expected.std() > 0.05
    near(found, expected)


def test_marking_stops_at_the_inputs_it_is_given() -> None:
    x = ov.opset13.parameter([2], np.float32, name="x")
    with pytest.raises(ValueError, match="x is not among the inputs"):
        boxes.keep_f32(ov.opset13.exp(x))
