"""Open Model Zoo's rules, each with numbers worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pycocotools import mask as masks

from streamer.errors import ModelError
from streamer.evaluation.coco import Found
from streamer.evaluation.dataset import Sample
from streamer.evaluation.rules import Categories, found_in, paste
from streamer.models.base import Model
from streamer.models.boxes_labels_masks import BoxesLabelsMasks
from streamer.models.geometry import Geometry, fit_corner
from streamer.models.labels import COCO
from streamer.models.omz import Omz
from streamer.models.yolo_seg import YoloSeg
from streamer.rle import RLE
from tests.models.detectors import fake_omz, fake_torchvision, loaded
from tests.models.fakes import fake_yolo

ONES = np.ones((4, 4), np.float32)
ALL = Categories({number: number for number in COCO}, ())


def columns(rle: RLE) -> list[int]:
    """First and last column of a mask; empty where there is none."""
    inside = np.flatnonzero(masks.decode(rle).any(axis=0))
    return [int(inside[0]), int(inside[-1])] if len(inside) else []


def rows(rle: RLE) -> list[int]:
    inside = np.flatnonzero(masks.decode(rle).any(axis=1))
    return [int(inside[0]), int(inside[-1])] if len(inside) else []


def box(x1: float, x2: float) -> NDArray[np.float32]:
    """A box from x1 to x2 and, in a picture of 40 rows, from 10 to 18."""
    return np.array([x1, 10, x2, 18], np.float32)


def test_a_mask_has_a_border_and_its_box_is_wider_by_as_much() -> None:
    # 8 pixels x 6/4 about 14 are 8 to 20, both included: 13 pixels for 6 cells, the outer ones 0.
    # Pixel i is at (i + .5) * 6/13 - .5 cells; half of a one is reached from .5 to 4.5: 2 to 10.
    # Without the border it would be 8 to 20, without the widening 12 to 16, with both but not the
    # last pixel 10 to 17.
    pasted = paste(ONES, box(10, 18), (40, 40))
    assert pasted["size"] == [40, 40]
    assert columns(pasted) == [10, 18]
    assert rows(pasted) == [10, 18]


def test_corners_are_cut_to_whole_pixels() -> None:
    # 8.9 to 20.9 are 8 to 20; rounded it would be 9 to 21.
    assert columns(paste(ONES, box(10.9, 18.9), (40, 40))) == [10, 18]
    # -0.9 to 11.1 are 0 to 11, 12 pixels of which 2 to 9 are inside; floored it would be -1 to 11.
    assert columns(paste(ONES, box(1.1, 9.1), (40, 40))) == [2, 9]


@pytest.mark.parametrize(
    ("x1", "x2", "inside"),
    [
        (-4, 4, [0, 4]),  # -6 to 6, of which -4 to 4
        (10, 18, [10, 15]),
        (-30, -20, []),
        (60, 70, []),
        (18, 10, []),  # the corners swapped
    ],
)
def test_masks_are_clipped_to_the_image(x1: float, x2: float, inside: list[int]) -> None:
    pasted = paste(ONES, box(x1, x2), (16, 40))
    assert pasted["size"] == [40, 16]
    assert columns(pasted) == inside


def test_scaling_is_linear() -> None:
    left = ONES.copy()
    left[:, 2:] = 0
    # A half is passed at 2.5 cells, which is pixel 6; the nearest cell would give 11 to 14.
    assert columns(paste(left, box(10, 18), (40, 40))) == [10, 13]


def test_one_half_is_outside() -> None:
    assert columns(paste(ONES * 0.5, box(10, 18), (40, 40))) == []
    assert columns(paste(ONES * 0.51, box(10, 18), (40, 40))) != []


def test_the_widening_is_that_of_the_masks_own_size() -> None:
    # 66 pixels x 35/33 about 50 are 15 to 85; 35 cells on 71 pixels, of which 1.5 are outside.
    pasted = paste(np.ones((33, 33), np.float32), np.array([17, 17, 83, 83], np.float32), (99, 99))
    assert columns(pasted) == [17, 83]


def omz_rows(*given: tuple[float, float, tuple[float, float, float, float]]) -> list[Any]:
    """Outputs of `fake_omz`, from label, score and box as shares of its input of 96x48."""
    table = np.array([[0, label, score, *corners] for label, score, corners in given], np.float32)
    return [table.reshape(-1, 7), np.ones((len(given), 90, 4, 4), np.float32)]


def found(
    outputs: list[Any],
    size: tuple[int, int] = (60, 32),
    model: Model | None = None,
    categories: Categories = ALL,
) -> list[Found]:
    """What counts in an image of that size."""
    sample = Sample(7, None, size)  # type: ignore[arg-type]
    geometry = fit_corner(size, (96, 48))
    return list(found_in(model or Omz(loaded(fake_omz())), outputs, geometry, sample, categories))


def test_a_boxs_last_pixels_are_part_of_it() -> None:
    # 60x32 is laid into 90x48, so 24 to 48 and 24 to 36 in the input are 16 to 32 and 16 to 24.
    (one,) = found(omz_rows((3, 0.75, (0.25, 0.5, 0.5, 0.75))))
    assert (one.image_id, one.category_id, one.score) == (7, 3, 0.75)
    assert one.bbox == (16, 16, 17, 9)
    # The mask's box is 8 x 4/6 wider on each side: 12 to 36, of which 16 to 32.
    assert columns(one.segmentation) == [16, 32]


def test_boxes_come_back_by_the_scale_of_whole_pixels() -> None:
    # 63 columns x 1.5 are 94.5, cut to 94: 47 of them are 31.5 of the image's. By 1.5: 31.33.
    (one,) = found(omz_rows((1, 1, (0, 0, 47 / 96, 1))), (63, 32))
    assert one.bbox[2] == pytest.approx(31.5 + 1, abs=1e-4)


def test_boxes_are_not_clipped() -> None:
    (one,) = found(omz_rows((1, 1, (0.5, 0.5, 1, 1))))
    assert one.bbox == (32, 16, 33, 17)
    assert columns(one.segmentation)[1] == 59


def test_nothing_is_left_out_for_its_score_or_its_likeness() -> None:
    place = (0.1, 0.1, 0.5, 0.5)
    scores = [one.score for one in found(omz_rows((1, 0.9, place), (1, 0.001, place)))]
    assert scores == pytest.approx([0.9, 0.001])


def test_padding_and_what_is_no_number_are_left_out() -> None:
    place = (0.1, 0.1, 0.5, 0.5)
    outputs = omz_rows((1, 0.0, place), (1, 0.5, (np.nan, 0, 1, 1)), (1, 0.5, place))
    assert len(found(outputs)) == 1


def test_classes_that_the_annotations_do_not_have_are_left_out() -> None:
    place = (0.1, 0.1, 0.5, 0.5)
    outputs = omz_rows((1, 0.5, place), (3, 0.5, place), (12, 0.5, place))
    assert [one.category_id for one in found(outputs, categories=Categories({3: 8}, ()))] == [8]


def test_masks_of_the_whole_input_are_only_scaled() -> None:
    plane = np.zeros((1, 1, 48, 96), np.float32)
    plane[0, 0, 24:36, 24:48] = 1
    outputs = [
        np.array([[24, 24, 48, 36]], np.float32),
        np.array([1]),
        np.array([0.5], np.float32),
        plane,
    ]
    (one,) = found(outputs, model=BoxesLabelsMasks(loaded(fake_torchvision())))
    assert one.bbox == (16, 16, 17, 9)
    assert (columns(one.segmentation), rows(one.segmentation)) == ([16, 31], [16, 23])


def test_yolo_is_read_by_its_own_rules() -> None:
    model = YoloSeg(loaded(fake_yolo()), threshold=0.001)
    detections = np.zeros((1, 116, 84), np.float32)
    detections[0, :4] = 16
    detections[0, :4, 0] = (32, 24, 16, 8)
    detections[0, 4, 0], detections[0, 84, 0] = 0.002, 1
    outputs = [detections, np.ones((1, 32, 16, 16), np.float32)]
    sample = Sample(1, None, (64, 64))  # type: ignore[arg-type]
    (one,) = found_in(model, outputs, Geometry(64, 64, 64, 64), sample, ALL)
    assert one.bbox == (24, 20, 16, 8)
    assert columns(one.segmentation) == [24, 39]


def test_classes_are_matched_by_name() -> None:
    labels = {0: "Traffic_Light", 1: "person", 2: "kite"}
    categories = {5: "person", 9: "traffic light", 7: "bus"}
    assert Categories.match(labels, categories) == Categories({0: 9, 1: 5}, ("bus",))


def test_no_class_in_common() -> None:
    with pytest.raises(ModelError, match=r"knows cat, the annotations have a, b, c, d \.\.\.: no"):
        Categories.match({1: "cat"}, dict(enumerate("abcde")))
