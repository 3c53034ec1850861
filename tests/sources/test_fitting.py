"""Pictures of a stream that changes keep the form of the first."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest
from av.video.reformatter import ColorRange

from streamer.frame import Frame
from streamer.sources.fitting import Fitter
from tests.clips import picture_of

SQUARE = Fraction(1)


def grey(width: int, height: int, luma: int = 120) -> av.VideoFrame:
    return picture_of(np.full((height, width), luma, np.uint8))


def fitted(first: av.VideoFrame, second: av.VideoFrame, aspect: Fraction = SQUARE) -> Frame:
    fitter = Fitter()
    assert fitter.fit(first, SQUARE) is first
    return Frame(fitter.fit(second, aspect), 0, 0, Fraction(1))


def lit(frame: Frame) -> tuple[int, int, int, int]:
    """Columns and rows of what is not black: left, top, right, bottom."""
    rows, columns = np.nonzero(frame.y > 60)
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


def test_what_fits_is_passed_on_uncopied() -> None:
    fitter, pictures = Fitter(), [grey(64, 48) for _ in range(3)]
    assert all(fitter.fit(picture, SQUARE) is picture for picture in pictures)


@pytest.mark.parametrize(
    ("size", "aspect", "expected"),
    [
        ((128, 96), SQUARE, (0, 0, 64, 48)),
        ((32, 24), SQUARE, (0, 0, 64, 48)),
        ((128, 72), SQUARE, (0, 6, 64, 42)),
        ((48, 48), SQUARE, (8, 0, 56, 48)),
        ((33, 77), SQUARE, (22, 0, 43, 48)),
        ((64, 48), Fraction(2), (0, 12, 64, 36)),
        ((64, 96), Fraction(2), (0, 0, 64, 48)),
        ((2, 400), SQUARE, (31, 0, 32, 48)),
    ],
)
def test_shapes_are_kept(
    size: tuple[int, int], aspect: Fraction, expected: tuple[int, int, int, int]
) -> None:
    frame = fitted(grey(64, 48), grey(*size, luma=200), aspect)
    assert (frame.width, frame.height) == (64, 48)
    assert lit(frame) == pytest.approx(expected, abs=1)


def test_bars_are_black_and_colours_stay() -> None:
    second = picture_of(np.full((20, 100), 150, np.uint8), cb=90, cr=200)
    frame = fitted(grey(64, 64), second)
    assert frame.y[0, 0] == 16
    assert (frame.u[0, 0], frame.v[0, 0]) == (128, 128)
    assert frame.y[32, 32] == pytest.approx(150, abs=2)
    assert (frame.u[16, 16], frame.v[16, 16]) == pytest.approx((90, 200), abs=2)


def test_levels_become_those_of_the_first() -> None:
    second = grey(64, 48, luma=255)
    second.color_range = ColorRange.JPEG
    frame = fitted(grey(64, 48), second)
    assert frame.y.max() == 235
    assert not frame.color.full_range


def test_the_matrix_becomes_that_of_the_first() -> None:
    first, second = grey(64, 48), picture_of(np.full((48, 64), 100, np.uint8), cb=90, cr=180)
    first.colorspace, second.colorspace = 1, 5
    before = Frame(second, 0, 0, Fraction(1)).to_bgr()[24, 32].astype(int)
    frame = fitted(first, second)
    assert frame.color.matrix == "bt709"
    assert abs(frame.to_bgr()[24, 32].astype(int) - before).max() <= 3


def test_a_stream_may_change_again_and_back() -> None:
    fitter, first = Fitter(), grey(64, 48)
    fitter.fit(first, SQUARE)
    for size in [(32, 24), (128, 96), (32, 24), (64, 48)]:
        picture = fitter.fit(grey(*size, luma=130), SQUARE)
        assert (picture.width, picture.height) == (64, 48)
        assert Frame(picture, 0, 0, Fraction(1)).y[24, 32] == pytest.approx(130, abs=1)
