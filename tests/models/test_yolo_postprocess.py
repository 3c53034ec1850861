"""Postprocessing against a reference that goes one object after another."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from streamer.instances import Instances, covering_rects
from streamer.models.geometry import Geometry, letterbox, stretch
from streamer.models.loading import Loaded
from streamer.models.yolo_seg import YoloSeg
from tests.models.fakes import LAYOUTS, fake_yolo

Array = NDArray[Any]

SIZE = (160, 96)
ANCHORS = 20 * 12 + 10 * 6 + 5 * 3
GRID = (40, 24)
NAMES = ("a", "b", "c", "d", "e", "f")
UNSUPPRESSED = [layout for layout in LAYOUTS if "suppressed" not in layout]


def build(threshold: float = 0.5, **layout: Any) -> YoloSeg:
    graph = fake_yolo(SIZE, classes=len(NAMES), **layout)
    return YoloSeg(Loaded(graph, "fake", Path("fake.xml"), {"names": NAMES}), threshold=threshold)


SHARED = build()


@dataclass
class Expected:
    input_box: list[float]
    coefficients: Array
    box: list[float]
    score: float
    index: int
    mask: Array
    certain: Array


def outputs(seed: int) -> tuple[Array, Array]:
    """Detections [4 + len(NAMES) + 32, ANCHORS] in pixels, with duplicates, and prototypes."""
    noise = np.random.default_rng(seed)
    values = noise.random((4 + len(NAMES) + 32, ANCHORS), np.float32)
    values[:2] *= np.array(SIZE, np.float32)[:, None]
    values[2:4] = 12 + 70 * values[2:4]
    values[4:-32] *= 0.45
    values[-32:] = noise.standard_normal((32, ANCHORS), np.float32)
    for anchor in noise.choice(ANCHORS, 12, replace=False):
        near = noise.choice(ANCHORS, 3)
        values[:4, near] = values[:4, [anchor]] + noise.uniform(-3, 3, (4, 3))
        values[4 + noise.integers(len(NAMES), size=3), near] = noise.uniform(0.4, 1, 3)
    coarse = noise.standard_normal((32, 7, 11), np.float32)
    prototypes = np.stack(
        [cv2.resize(plane, GRID, interpolation=cv2.INTER_CUBIC) for plane in coarse]
    )
    return values, prototypes


def arrange(
    detections: Array,
    prototypes: Array,
    *,
    normalized: bool = False,
    values_last: bool = False,
    suppressed: bool = False,
    prototypes_last: bool = False,
    prototypes_first: bool = False,
    **_: Any,
) -> list[Array]:
    """The arrays as a graph of that layout gives them."""
    detections = detections.copy()
    if normalized:
        detections[:4] /= np.array(SIZE * 2, np.float32)[:, None]
    detections = detections.T if values_last or suppressed else detections
    prototypes = prototypes.transpose(1, 2, 0) if prototypes_last else prototypes
    arrays = [np.ascontiguousarray(array)[None] for array in (detections, prototypes)]
    return arrays[::-1] if prototypes_first else arrays


def overlap(a: list[float], b: list[float]) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    both = max(width, 0) * max(height, 0)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return both / (sum(areas) - both)


def expect(
    detections: Array, prototypes: Array, geometry: Geometry, slack: float = 0.0
) -> list[Expected]:
    """Decoding, suppression and masks, one object after another.

    A mask's pixel is certain if the logits have one sign within ``slack`` pixels around it.
    """
    candidates = []
    for column in detections.T.astype(float):
        cx, cy, width, height = column[:4]
        index = int(np.argmax(column[4:-32]))
        box = [cx - width / 2, cy - height / 2, cx + width / 2, cy + height / 2]
        if column[4 + index] >= 0.5:
            candidates.append((column[4 + index], index, box, column[-32:]))
    candidates.sort(key=lambda candidate: -candidate[0])
    kept: list[tuple[float, int, list[float], Array]] = []
    for candidate in candidates:
        same = [other for other in kept if other[1] == candidate[1]]
        if all(overlap(candidate[2], other[2]) <= 0.7 for other in same):
            kept.append(candidate)
    expected = []
    for score, index, box, coefficients in kept:
        moved = to_frame(box, geometry)
        if moved[0] >= moved[2] or moved[1] >= moved[3]:
            continue  # it lies in the padding
        (rect,) = covering_rects(np.array([moved], np.float32))
        coarse = np.tensordot(coefficients, prototypes, 1)
        shifts = (-slack, 0.0, slack)
        around = np.stack(
            [logits(coarse, geometry, rect, dx, dy) for dx in shifts for dy in shifts]
        )
        certain = np.asarray((around > 1e-3).all(axis=0) | (around < -1e-3).all(axis=0))
        mask = around[len(around) // 2] > 0
        expected.append(Expected(box, coefficients, moved, score, index, mask, certain))
    return expected


def to_frame(box: list[float], geometry: Geometry) -> list[float]:
    scale_x = geometry.width / geometry.frame_width
    scale_y = geometry.height / geometry.frame_height
    x1, y1, x2, y2 = box
    xs = [min(max((x - geometry.left) / scale_x, 0), geometry.frame_width) for x in (x1, x2)]
    ys = [min(max((y - geometry.top) / scale_y, 0), geometry.frame_height) for y in (y1, y2)]
    return [xs[0], ys[0], xs[1], ys[1]]


def logits(coarse: Array, geometry: Geometry, rect: Array, dx: float, dy: float) -> Array:
    """The logits at (dx, dy) from the centre of each pixel of a rectangle, linear between cells."""
    rows, columns = coarse.shape
    x = (np.arange(rect[0], rect[2]) + 0.5 + dx) * geometry.width / geometry.frame_width
    y = (np.arange(rect[1], rect[3]) + 0.5 + dy) * geometry.height / geometry.frame_height
    x = (x + geometry.left) * columns / SIZE[0] - 0.5
    y = (y + geometry.top) * rows / SIZE[1] - 0.5
    across = np.stack([np.interp(x, np.arange(columns), row) for row in coarse])
    return np.stack([np.interp(y, np.arange(rows), column) for column in across.T], axis=1)


def check(found: Instances, expected: list[Expected]) -> None:
    assert len(expected) > 5
    assert found.class_ids.tolist() == [instance.index for instance in expected]
    np.testing.assert_allclose(found.boxes, [instance.box for instance in expected], atol=1e-2)
    np.testing.assert_allclose(found.scores, [instance.score for instance in expected], rtol=1e-6)
    for mask, instance in zip(found.masks, expected, strict=True):
        assert set(np.unique(mask)) <= {0, 255}
        certain = instance.certain
        np.testing.assert_array_equal((mask > 0)[certain], instance.mask[certain])


def mean_iou(found: Instances, expected: list[Expected]) -> float:
    ious = []
    for mask, instance in zip(found.masks, expected, strict=True):
        union = ((mask > 0) | instance.mask).sum()
        ious.append(((mask > 0) & instance.mask).sum() / max(union, 1))
    return float(np.mean(ious))


@pytest.mark.parametrize("layout", UNSUPPRESSED)
@pytest.mark.parametrize("seed", range(3))
def test_all_layouts_give_what_the_reference_gives(layout: dict[str, Any], seed: int) -> None:
    detections, prototypes = outputs(seed)
    geometry = letterbox((640, 360), SIZE)
    expected = expect(detections, prototypes, geometry)
    found = build(**layout).postprocess(arrange(detections, prototypes, **layout), geometry)
    check(found, expected)


@pytest.mark.parametrize("layout", [layout for layout in LAYOUTS if "suppressed" in layout])
def test_rows_that_are_suppressed_already_give_the_same(layout: dict[str, Any]) -> None:
    detections, prototypes = outputs(0)
    geometry = letterbox((640, 360), SIZE)
    best = expect(detections, prototypes, geometry)
    rows = np.zeros((60, 38), np.float32)
    for row, instance in zip(np.random.default_rng(0).permutation(60), best, strict=False):
        rows[row] = [*instance.input_box, instance.score, instance.index, *instance.coefficients]
    found = build(**layout).postprocess(arrange(rows.T, prototypes, **layout), geometry)
    check(found, best)


@pytest.mark.parametrize("size", [(640, 384), (1280, 720), (160, 96), (320, 240)])
def test_masks_are_exact_where_a_cell_is_a_whole_number_of_pixels(size: tuple[int, int]) -> None:
    detections, prototypes = outputs(7)
    geometry = letterbox(size, SIZE)
    found = build().postprocess(arrange(detections, prototypes), geometry)
    check(found, expect(detections, prototypes, geometry))


@pytest.mark.parametrize("size", [(641, 361), (333, 501), (768, 432), (99, 75), (50, 37), (21, 64)])
@pytest.mark.parametrize("lay", [letterbox, stretch])
def test_masks_are_at_most_half_a_pixel_off_at_any_size(
    size: tuple[int, int], lay: Callable[..., Geometry]
) -> None:
    detections, prototypes = outputs(7)
    geometry = lay(size, SIZE)
    found = build().postprocess(arrange(detections, prototypes), geometry)
    expected = expect(detections, prototypes, geometry, slack=0.5)
    check(found, expected)
    if min(size) > 300:
        assert mean_iou(found, expected) > 0.98


@settings(deadline=None)
@given(st.tuples(*[st.integers(1, 1200)] * 2), st.sampled_from([letterbox, stretch]))
def test_crops_cover_their_boxes_at_any_size_of_frame(
    size: tuple[int, int], lay: Callable[..., Geometry]
) -> None:
    detections, prototypes = outputs(1)
    detections[4:-32] = 0
    detections[[4, 5], [0, 1]] = 0.9, 0.8
    detections[:4, 0] = 80, 48, 200, 200
    detections[2:4, 1] = 0.5
    # Instances refuses crops of another size than the box's.
    assert len(SHARED.postprocess(arrange(detections, prototypes), lay(size, SIZE))) > 0


def test_the_threshold_itself_is_reported() -> None:
    detections, prototypes = outputs(0)
    detections[4:-32] = 0
    detections[4, :2] = 0.25, 0.24999
    detections[:4, :2] = np.array([[40, 40, 20, 20], [90, 40, 20, 20]]).T
    outs = arrange(detections, prototypes)
    geometry = letterbox((640, 360), SIZE)
    assert build(0.25).postprocess(outs, geometry).scores.tolist() == [0.25]


def test_equal_scores_keep_the_order_of_anchors() -> None:
    detections, prototypes = outputs(0)
    detections[4:-32] = 0
    detections[4, 10:60:10] = 0.75
    detections[:2, 10:60:10] = [[20, 50, 80, 110, 140], [48] * 5]
    detections[2:4, 10:60:10] = 16
    found = build().postprocess(arrange(detections, prototypes), letterbox(SIZE, SIZE))
    assert found.boxes[:, 0].tolist() == [12, 42, 72, 102, 132]


def test_duplicates_go_only_within_a_class() -> None:
    detections, prototypes = outputs(0)
    detections[4:-32] = 0
    detections[:4, :3] = np.array([80, 48, 40, 40])[:, None]
    detections[[4, 4, 5], [0, 1, 2]] = 0.9, 0.8, 0.7
    found = build().postprocess(arrange(detections, prototypes), letterbox(SIZE, SIZE))
    assert found.labels == ("a", "b")


@pytest.mark.parametrize(("shift", "left"), [(7, 1), (7.25, 2)])
def test_boxes_that_overlap_by_more_than_seven_tenths_are_duplicates(
    shift: float, left: int
) -> None:
    detections, prototypes = outputs(0)
    detections[4:-32] = 0
    detections[:4, :2] = np.array([80, 48, 40, 40])[:, None]
    detections[0, 1] += shift  # (40 - shift) / (40 + shift) is 0.702 or 0.693
    detections[4, :2] = 0.9, 0.8
    found = build().postprocess(arrange(detections, prototypes), letterbox(SIZE, SIZE))
    assert len(found) == left


def test_at_most_300_are_reported_the_best_ones() -> None:
    detections, prototypes = outputs(0)
    detections[:2] = np.stack(np.unravel_index(np.arange(ANCHORS), (21, 15))) * 6.0 + 4
    detections[2:4] = 4
    detections[4:-32] = 0
    detections[4] = np.linspace(0.5, 1, ANCHORS)
    found = build().postprocess(arrange(detections, prototypes), letterbox(SIZE, SIZE))
    assert len(found) == 300
    np.testing.assert_array_equal(found.scores, detections[4, :-301:-1])


@pytest.mark.parametrize("box", [[80, -40, 20, 20], [np.nan] * 4, [80, 48, 0, 0]])
def test_boxes_that_show_nothing_of_the_frame_are_left_out(box: list[float]) -> None:
    detections, prototypes = outputs(0)
    detections[4:-32] = 0
    detections[4, 0] = 0.9
    detections[:4, 0] = box
    assert not len(build().postprocess(arrange(detections, prototypes), letterbox(SIZE, SIZE)))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_nothing_of_the_outputs_is_kept(layout: dict[str, Any]) -> None:
    detections, prototypes = outputs(0)
    if "suppressed" in layout:
        detections = np.array([[40, 40, 60, 60, 0.9, 1, *range(32)]], np.float32).T
    outs = arrange(detections, prototypes, **layout)
    found = build(**layout).postprocess(outs, letterbox(SIZE, SIZE))
    assert len(found)
    for kept in (found.boxes, found.scores, found.class_ids, *found.masks):
        assert not any(np.shares_memory(kept, out) for out in outs)
