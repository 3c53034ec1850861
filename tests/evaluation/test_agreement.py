from __future__ import annotations

import numpy as np
import pytest

from streamer.evaluation.agreement import Agreement
from streamer.instances import Instances
from streamer.overlap import box_iou


def things(*objects: tuple[tuple[int, int, int, int], float, int]) -> Instances:
    """Rectangles that fill their boxes."""
    boxes = np.array([box for box, _, _ in objects], np.float32).reshape(-1, 4)
    return Instances(
        boxes=boxes,
        scores=np.array([score for _, score, _ in objects], np.float32),
        class_ids=np.array([number for _, _, number in objects], np.int32),
        labels=tuple("x" for _ in objects),
        masks=tuple(
            np.full((y2 - y1, x2 - x1), 255, np.uint8) for (x1, y1, x2, y2), _, _ in objects
        ),
    )


def test_what_is_the_same_agrees() -> None:
    both = things(((0, 0, 10, 10), 0.9, 1), ((20, 0, 30, 10), 0.8, 3))
    agreement = Agreement(ratios=[1.0, 3.0, 2.0])
    agreement.add(both, both)
    assert (agreement.detections, agreement.matched, agreement.share) == (2, 2, 1.0)
    assert (agreement.score_error, agreement.mask_iou, agreement.ratio) == (0.0, 1.0, 2.0)


def test_boxes_masks_and_scores_are_compared() -> None:
    agreement = Agreement()
    first = things(((0, 0, 10, 10), 0.9, 1))
    agreement.add(first, things(((0, 0, 10, 8), 0.7, 1)))
    assert agreement.share == 1.0
    assert agreement.score_error == pytest.approx(0.2)
    assert agreement.mask_iou == pytest.approx(0.8)


@pytest.mark.parametrize(
    "second",
    [
        things(((0, 0, 10, 10), 0.9, 2)),  # of another class
        things(((6, 0, 16, 10), 0.9, 1)),  # elsewhere: a quarter overlaps
        things(),
    ],
)
def test_what_is_missed_is_no_match(second: Instances) -> None:
    agreement = Agreement()
    agreement.add(things(((0, 0, 10, 10), 0.9, 1)), second)
    assert (agreement.detections, agreement.matched) == (1, 0)


def test_each_is_matched_once() -> None:
    agreement = Agreement()
    first = things(((0, 0, 10, 10), 0.9, 1), ((0, 0, 10, 9), 0.8, 1))
    agreement.add(first, things(((0, 0, 10, 10), 0.9, 1)))
    assert (agreement.detections, agreement.matched) == (2, 1)


def test_nothing_found_is_no_disagreement() -> None:
    agreement = Agreement()
    agreement.add(things(), things(((0, 0, 10, 10), 0.9, 1)))
    assert (agreement.share, agreement.mask_iou, agreement.score_error) == (1.0, 1.0, 0.0)


def test_overlap_of_boxes() -> None:
    a = np.array([[0, 0, 10, 10]], np.float32)
    b = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [10, 0, 20, 10]], np.float32)
    np.testing.assert_allclose(box_iou(a, b), [[1, 1 / 3, 0]], rtol=1e-6)
