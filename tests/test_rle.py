"""Run-length encoding against pycocotools."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from pycocotools import mask as coco

from streamer.rle import Rect, encode, encode_all


def reference(crop: NDArray[np.uint8], rect: Rect, size: tuple[int, int]) -> dict[str, object]:
    whole = np.zeros(size, np.uint8, order="F")
    x1, y1, x2, y2 = rect
    whole[y1:y2, x1:x2] = crop != 0
    found = coco.encode(whole)
    return {"size": list(found["size"]), "counts": found["counts"].decode()}


@st.composite
def crops(draw: st.DrawFn) -> tuple[NDArray[np.uint8], Rect, tuple[int, int]]:
    rows, columns = draw(st.integers(1, 40)), draw(st.integers(1, 40))
    x1, x2 = sorted((draw(st.integers(0, columns)), draw(st.integers(0, columns))))
    y1, y2 = sorted((draw(st.integers(0, rows)), draw(st.integers(0, rows))))
    noise = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    density = draw(st.sampled_from([0.0, 0.05, 0.5, 0.95, 1.0]))
    crop = np.where(noise.random((y2 - y1, x2 - x1)) < density, 255, 0).astype(np.uint8)
    return crop, (x1, y1, x2, y2), (rows, columns)


@given(crops())
def test_it_is_what_pycocotools_writes(
    case: tuple[NDArray[np.uint8], Rect, tuple[int, int]],
) -> None:
    assert encode(*case) == reference(*case)


@pytest.mark.parametrize("size", [(1080, 1920), (4320, 7680), (7, 20000)])
@pytest.mark.parametrize("filled", [0, 255])
def test_runs_that_take_many_characters(size: tuple[int, int], filled: int) -> None:
    rows, columns = size
    crop = np.full(size, filled, np.uint8)
    crop[rows // 2, columns // 2] = 255 - filled
    rect = (0, 0, columns, rows)
    assert encode(crop, rect, size) == reference(crop, rect, size)


def test_a_run_goes_on_from_the_bottom_of_a_column_to_the_top_of_the_next() -> None:
    crop = np.full((6, 3), 255, np.uint8)
    crop[0, 0] = crop[5, 2] = 0
    encoded = encode(crop, (2, 0, 5, 6), (6, 8))
    assert encoded == reference(crop, (2, 0, 5, 6), (6, 8))
    assert coco.area({"size": [6, 8], "counts": encoded["counts"].encode()}) == 16


def test_a_crop_out_of_place_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        encode(np.zeros((2, 2), np.uint8), (0, 0, 3, 2), (4, 4))
    with pytest.raises(ValueError, match="does not fit"):
        encode(np.zeros((2, 2), np.uint8), (3, 0, 5, 2), (4, 4))


@given(st.lists(crops(), max_size=5))
def test_masks_together_are_as_they_are_alone(
    cases: list[tuple[NDArray[np.uint8], Rect, tuple[int, int]]],
) -> None:
    masks, rects = [mask for mask, *_ in cases], [rect for _, rect, _ in cases]
    alone = [reference(mask, rect, (40, 40)) for mask, rect in zip(masks, rects, strict=True)]
    assert encode_all(masks, rects, (40, 40)) == alone
