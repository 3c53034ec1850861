"""Instances as values."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from streamer.frame import Plane
from streamer.instances import Instances

SIZE = 100, 80


def instances(*boxes: tuple[float, float, float, float]) -> Instances:
    """Objects with those boxes, whose masks are all different."""
    rects = [(int(np.floor(b[0])), int(np.floor(b[1]))) for b in boxes]
    ends = [(int(np.ceil(b[2])), int(np.ceil(b[3]))) for b in boxes]
    noise = np.random.default_rng(1)
    shapes = [(y2 - y1, x2 - x1) for (x1, y1), (x2, y2) in zip(rects, ends, strict=True)]
    return Instances(
        boxes=np.array(boxes, np.float32).reshape(-1, 4),
        scores=np.linspace(0.9, 0.5, len(boxes), dtype=np.float32),
        class_ids=np.arange(len(boxes), dtype=np.int32),
        labels=tuple(str(n) for n in range(len(boxes))),
        masks=tuple(noise.integers(0, 2, shape, np.uint8) * np.uint8(255) for shape in shapes),
        track_ids=np.arange(10, 10 + len(boxes), dtype=np.int32),
    )


def on_frame(of: Instances, row: int) -> Plane:
    """An object's pixels in the frame."""
    canvas = np.zeros(SIZE[::-1], np.uint8)
    x1, y1, x2, y2 = of.rects[row]
    canvas[y1:y2, x1:x2] = of.masks[row]
    return canvas


def test_what_moves_keeps_its_mask() -> None:
    before = instances((10.4, 20.25, 30.6, 40.75))
    after = before.moved(np.array([[5, -3]], np.int32), SIZE)
    np.testing.assert_allclose(after.boxes, [[15.4, 17.25, 35.6, 37.75]], rtol=1e-6)
    np.testing.assert_array_equal(after.masks[0], before.masks[0])


def test_what_moves_over_the_border_is_cut_off() -> None:
    before = instances((10.4, 20.25, 30.6, 40.75), (60, 50, 90, 75))
    after = before.moved(np.array([[-15, 0], [20, 20]], np.int32), SIZE)
    for row, (x, y) in enumerate([(-15, 0), (20, 20)]):
        wide = np.pad(on_frame(before, row), 50)
        moved = np.roll(wide, (y, x), (0, 1))[50:-50, 50:-50]
        np.testing.assert_array_equal(on_frame(after, row), moved)
    np.testing.assert_allclose(after.boxes[0], [0, 20.25, 15.6, 40.75], rtol=1e-6)
    np.testing.assert_allclose(after.boxes[1], [80, 70, 100, 80])


def test_what_moves_out_of_the_frame_is_left_out() -> None:
    before = instances((10, 20, 30, 40), (60, 50, 90, 75), (1, 1, 9, 9))
    by = np.array([[-30, 0], [1, 1], [0, -50]], np.int32)
    after = before.moved(by, SIZE)
    assert after.track_ids.tolist() == [11]
    assert after.labels == ("1",)
    assert len(before.moved(by[:, ::-1] * 1000, SIZE)) == 0
    assert len(Instances.empty().moved(np.zeros((0, 2), np.int32), SIZE)) == 0


def test_what_has_only_its_box_in_the_frame_is_left_out() -> None:
    before = instances((10, 20, 30, 40))
    before.masks[0][:, :15] = 255
    before.masks[0][:, 15:] = 0
    assert len(before.moved(np.array([[-24, 0]], np.int32), SIZE)) == 1
    assert len(before.moved(np.array([[-26, 0]], np.int32), SIZE)) == 0


def test_boxes_that_nearly_reach_a_pixel_still_fit_their_masks() -> None:
    """In f32 a box may reach it once it lies farther to the right."""
    left, right = np.nextafter(np.array([3, 9], np.float32), np.array([0, 10], np.float32))
    size = 8000, 100
    after = instances((float(left), 2, float(right), 7)).moved(
        np.array([[7000, 0]], np.int32), size
    )
    assert after.rects[0].tolist() == [7003, 2, 7009, 7]
    assert after.masks[0].shape == (5, 6)


def test_joined_are_those_of_both_by_their_scores() -> None:
    first, second = instances((1, 2, 30, 40), (5, 5, 9, 9)), instances((50, 50, 60, 70))
    joined = first.joined(replace(second, inferred=False, filled=np.array([True])))
    assert joined.inferred
    assert joined.labels == ("0", "0", "1")
    assert joined.filled.tolist() == [False, True, False]
    assert [mask.shape for mask in joined.masks] == [(38, 29), (20, 10), (4, 4)]
    assert len(first.joined(Instances.empty())) == 2
    assert len(Instances.empty().joined(first)) == 2
