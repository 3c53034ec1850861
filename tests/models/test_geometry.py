from collections.abc import Callable
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.frame import Frame
from streamer.models.geometry import (
    Geometry,
    Image,
    fit_corner,
    lay_into,
    letterbox,
    scale_plane,
    stretch,
)

sides = st.integers(1, 5000)
sizes = st.tuples(sides, sides)
input_sides = st.integers(1, 40).map(lambda count: 32 * count)
input_sizes = st.tuples(input_sides, input_sides)
shares = st.floats(0, 1, width=32)


@settings(deadline=None)
@given(sizes, input_sizes)
def test_letterbox_stays_inside_and_touches_two_sides(
    frame: tuple[int, int], size: tuple[int, int]
) -> None:
    geometry = letterbox(frame, size)
    right = size[0] - geometry.left - geometry.width
    bottom = size[1] - geometry.top - geometry.height
    assert min(geometry.left, geometry.top, right, bottom) >= 0
    assert geometry.width == size[0] or geometry.height == size[1]
    assert abs(geometry.left - right) <= 1
    assert abs(geometry.top - bottom) <= 1


@settings(deadline=None)
@given(sizes, input_sizes)
def test_letterbox_keeps_the_aspect_ratio(frame: tuple[int, int], size: tuple[int, int]) -> None:
    geometry = letterbox(frame, size)
    ratio = min(size[0] / frame[0], size[1] / frame[1])
    assert abs(geometry.width - max(frame[0] * ratio, 1)) <= 0.5
    assert abs(geometry.height - max(frame[1] * ratio, 1)) <= 0.5


@settings(deadline=None)
@given(
    sizes,
    input_sides,
    st.sampled_from([letterbox, fit_corner, stretch]),
    st.lists(st.tuples(shares, shares, shares, shares), max_size=5),
)
def test_boxes_come_back_to_where_they_were(
    frame: tuple[int, int],
    side: int,
    lay: Callable[[tuple[int, int], tuple[int, int]], Geometry],
    corners: list[tuple[float, float, float, float]],
) -> None:
    boxes = np.array(corners, np.float32).reshape(-1, 4) * np.array(frame * 2, np.float32)
    geometry = lay(frame, (side, side))
    inside = geometry.to_input(boxes)
    assert inside.dtype == geometry.to_frame(inside).dtype == np.float32
    np.testing.assert_allclose(geometry.to_frame(inside), boxes, rtol=0, atol=1e-3)
    np.testing.assert_allclose(geometry.to_frame(inside, clip=False), boxes, rtol=0, atol=1e-3)


@pytest.mark.parametrize(
    ("frame", "width", "height"),
    [
        ((640, 480), 1066, 800),
        ((480, 640), 600, 800),
        ((640, 426), 1201, 800),
        ((1920, 1080), 1365, 767),
        ((1365, 800), 1365, 800),
        ((5000, 3), 1365, 1),
    ],
)
def test_fit_corner_cuts_sizes_to_whole_pixels(
    frame: tuple[int, int], width: int, height: int
) -> None:
    assert fit_corner(frame, (1365, 800)) == Geometry(*frame, width, height)


@settings(deadline=None)
@given(sizes, input_sizes)
def test_fit_corner_stays_inside_and_keeps_the_aspect_ratio(
    frame: tuple[int, int], size: tuple[int, int]
) -> None:
    geometry = fit_corner(frame, size)
    assert (geometry.left, geometry.top) == (0, 0)
    assert geometry.width <= size[0]
    assert geometry.height <= size[1]
    ratio = min(size[0] / frame[0], size[1] / frame[1])
    assert -1 <= geometry.width - max(frame[0] * ratio, 1) <= 1e-9
    assert -1 <= geometry.height - max(frame[1] * ratio, 1) <= 1e-9


def test_the_frame_fills_its_part_of_the_input() -> None:
    geometry = letterbox((1280, 720), (640, 640))
    assert geometry == Geometry(1280, 720, 640, 360, 0, 140)
    corners = geometry.to_input(np.array([[0, 0, 1280, 720]], np.float32))
    assert corners.tolist() == [[0, 140, 640, 500]]


def test_boxes_in_the_padding_are_clipped_to_the_frame() -> None:
    geometry = letterbox((1280, 720), (640, 640))
    boxes = np.array([[-10, 0, 700, 320]], np.float32)
    assert geometry.to_frame(boxes).tolist() == [[0, 0, 1280, 360]]
    assert geometry.to_frame(boxes, clip=False).tolist() == [[-20, -280, 1400, 360]]


def test_odd_padding_goes_right_and_below() -> None:
    assert letterbox((100, 99), (64, 64)) == Geometry(100, 99, 64, 63, 0, 0)
    assert letterbox((99, 100), (64, 64)) == Geometry(99, 100, 63, 64, 0, 0)


def plain_frame(width: int, height: int, yuv: tuple[int, int, int]) -> Frame:
    frame = Frame(av.VideoFrame(width, height, "yuv420p"), 0, 0, Fraction(1))
    for plane, value in zip((frame.y, frame.u, frame.v), yuv, strict=True):
        plane[:] = value
    return frame


@pytest.mark.parametrize(
    ("yuv", "rgb"),
    [
        ((235, 128, 128), (255, 255, 255)),
        ((16, 128, 128), (0, 0, 0)),
        ((81, 90, 240), (255, 0, 0)),
        ((145, 54, 34), (0, 255, 0)),
        ((41, 240, 110), (0, 0, 255)),
    ],
)
def test_a_frame_is_laid_in_as_rgb_and_the_padding_left_alone(
    yuv: tuple[int, int, int], rgb: tuple[int, int, int]
) -> None:
    frame = plain_frame(101, 57, yuv)
    target = np.full((64, 64, 3), 7, np.uint8)
    geometry = letterbox((101, 57), (64, 64))
    lay_into(frame, geometry, target)
    inside = target[geometry.top : geometry.top + geometry.height]
    assert np.abs(inside.astype(int) - rgb).max() <= 2
    swapped = np.zeros_like(target)
    lay_into(frame, geometry, swapped, "BGR")
    assert (swapped[geometry.top : geometry.top + geometry.height, :, ::-1] == inside).all()
    assert (target[: geometry.top] == 7).all()
    assert (target[geometry.top + geometry.height :] == 7).all()


@settings(deadline=None)
@given(st.tuples(*[st.integers(1, 70)] * 2), st.tuples(*[st.integers(1, 3)] * 2))
def test_frames_of_any_size_cover_their_part(frame: tuple[int, int], size: tuple[int, int]) -> None:
    width, height = 32 * size[0], 32 * size[1]
    target = np.full((height, width, 3), 7, np.uint8)
    geometry = letterbox(frame, (width, height))
    lay_into(plain_frame(*frame, (235, 128, 128)), geometry, target)
    covered = (target == 255).all(axis=2)
    assert covered.sum() == geometry.width * geometry.height == (target != 7).all(axis=2).sum()


def test_scaling_far_down_averages_rather_than_skips() -> None:
    stripes = np.zeros((64, 64), np.uint8)
    stripes[:, ::4] = 200
    assert np.ptp(scale_plane(stripes, (8, 8))) == 0
    assert scale_plane(stripes, (8, 8))[0, 0] == 50


def test_scaling_keeps_positions() -> None:
    ramp = np.tile(np.arange(0, 240, 2, dtype=np.uint8), (120, 1))
    for width in (30, 45, 60, 77, 120, 200):
        scaled = scale_plane(ramp, (width, 50))[0].astype(float)
        centers = (np.arange(width) + 0.5) * 120 / width - 0.5
        np.testing.assert_allclose(scaled, np.clip(centers, 0, 119) * 2, atol=1.1)


def test_an_image_is_scaled_linearly_however_far_down() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (96, 160, 3), np.uint8)
    image = Image(noise)
    assert (image.width, image.height) == (160, 96)
    geometry = fit_corner((160, 96), (40, 40))
    target = np.full((40, 40, 3), 7, np.uint8)
    lay_into(image, geometry, target, "BGR")
    expected = cv2.resize(noise, (40, 24), interpolation=cv2.INTER_LINEAR)
    assert (target[:24] == expected).all()
    assert (target[24:] == 7).all()
    lay_into(image, geometry, target)
    assert (target[:24, :, ::-1] == expected).all()
