from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools import mask as masks

from streamer.errors import SettingsError
from streamer.evaluation.coco import Found, Matches, mask_of, score
from streamer.evaluation.dataset import Dataset, Sample
from streamer.rle import RLE, encode
from tests.evaluation.scenes import Box, annotation

SIZE = (40, 30)


def dataset(*objects: dict[str, Any], images: int = 2) -> Dataset:
    return Dataset(
        samples=tuple(Sample(number, Path("none"), SIZE) for number in range(images)),
        categories={1: "person", 2: "bicycle"},
        annotations=tuple({**row, "id": number} for number, row in enumerate(objects, 1)),
    )


def rectangle(box: Box) -> RLE:
    x1, y1, x2, y2 = box
    return encode(np.full((y2 - y1, x2 - x1), 255, np.uint8), box, SIZE[::-1])


def found(box: Box, points: float, *, image: int = 0, category: int = 1) -> Found:
    x1, y1, x2, y2 = box
    return Found(image, category, points, (x1, y1, x2 - x1, y2 - y1), rectangle(box))


A, B, ELSEWHERE = (2, 3, 12, 13), (20, 10, 38, 28), (0, 20, 6, 26)


@pytest.mark.parametrize("kind", ["bbox", "segm"])
def test_the_truth_scores_1(kind: Any) -> None:
    truth = dataset(
        annotation(0, 1, A),
        {**annotation(0, 2, B), "segmentation": rectangle(B)},
        {**annotation(1, 1, B), "iscrowd": 1, "segmentation": rectangle(B)},
        annotation(1, 1, A),
    )
    rows = [
        found(A, 0.9),
        found(B, 0.2, category=2),
        found(A, 0.4, image=1),
        found((22, 12, 30, 20), 0.99, image=1),  # in the crowd, neither right nor wrong
    ]
    scored = score(truth, rows, kind)
    assert (scored.ap, scored.ap50) == pytest.approx((1, 1))
    assert scored.by_category == pytest.approx({1: 1, 2: 1})


def test_precision_is_averaged_over_recalls() -> None:
    # The wrong one comes first: precision 1/2 up to recall 1/2, which are 51 of 101 recalls.
    scored = score(
        dataset(annotation(0, 1, A), annotation(1, 1, B)),
        [found(ELSEWHERE, 0.9), found(A, 0.8)],
        "bbox",
    )
    assert scored.ap == pytest.approx(0.5 * 51 / 101)
    assert scored.by_category == {1: pytest.approx(0.5 * 51 / 101)}


def test_precision_is_averaged_over_overlaps_from_50_to_95() -> None:
    # 10x10 within 10x14 is an IoU of .714, enough for .50 .55 .60 .65 .70.
    scored = score(dataset(annotation(0, 1, A)), [found((2, 3, 12, 17), 0.9)], "bbox")
    assert (scored.ap, scored.ap50) == pytest.approx((0.5, 1))


def test_100_objects_of_a_category_count_in_an_image() -> None:
    truth = dataset(annotation(0, 1, A))
    wrong = [found(ELSEWHERE, 0.9)] * 99
    assert score(truth, [*wrong, found(A, 0.1)], "bbox").ap50 == pytest.approx(0.01)
    assert score(truth, [*wrong, wrong[0], found(A, 0.1)], "bbox").ap50 == 0


def test_boxes_and_masks_are_scored_apart() -> None:
    truth = dataset(annotation(0, 1, A))
    right_mask = [found(A, 0.9)._replace(bbox=(20, 20, 5, 5))]
    assert score(truth, right_mask, "bbox").ap == 0
    assert score(truth, right_mask, "segm").ap == pytest.approx(1)


def test_nothing_found_scores_0() -> None:
    scored = score(dataset(annotation(0, 1, A)), [], "segm")
    assert (scored.ap, scored.ap50, scored.by_category) == (0.0, 0.0, {1: 0.0})


def test_matches_say_what_became_of_each_image() -> None:
    truth = dataset(
        annotation(0, 1, A), annotation(0, 2, B), annotation(1, 1, A), annotation(1, 1, B), images=3
    )
    rows = [
        found(A, 0.9),
        found(A, 0.8),  # again
        found(B, 0.7),  # of another category
        found(B, 0.4, image=1),  # too unsure to count
        found(ELSEWHERE, 0.3, image=2),
        found(A, 0.6, image=1),
    ]
    assert score(truth, rows, "segm").matches == {
        0: Matches(right=(0,), wrong=(1, 2), missed=(2,)),
        1: Matches(right=(5,), wrong=(), missed=(4,)),
        2: Matches(right=(), wrong=(), missed=()),
    }
    assert score(truth, rows, "segm", least=0.35).matches[1].right == (5, 3)


@pytest.mark.parametrize(
    "outline",
    [
        [[2, 3, 12, 3, 12, 13, 2, 13]],
        rectangle(A),
        {"size": [30, 40], "counts": [63, *[10, 20] * 9, 10, 857]},
    ],
)
def test_masks_of_annotations_in_every_form(outline: Any) -> None:
    pixels = mask_of({"segmentation": outline}, SIZE)
    assert (pixels == masks.decode(rectangle(A))).all()
    assert pixels.sum() == 100


def test_pycocotools_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pycocotools.cocoeval", None)
    with pytest.raises(SettingsError, match=r"pip install 'streamer\[evaluate\]'"):
        score(dataset(annotation(0, 1, A)), [], "bbox")
