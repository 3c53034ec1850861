"""Every picture that a decoder may give comes out upright, progressive, 8-bit 4:2:0."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import av
import numpy as np
import pytest
from av.video.format import VideoFormat

from streamer.frame import Frame
from streamer.sources.orientation import Turn
from streamer.sources.pictures import Normalizer
from tests.clips import picture_of

TIME_BASE = Fraction(1, 30)
RED = (200, 30, 60)


def marked(width: int = 63, height: int = 45) -> np.ndarray:
    """A reddish RGB picture, its upper left corner white."""
    image = np.empty((height, width, 3), np.uint8)
    image[:] = RED
    image[: height // 3, : width // 3] = 255
    return image


def normalized(picture: av.VideoFrame, turn: Turn = Turn.NONE) -> Frame:
    picture.pts = 7
    normalizer = Normalizer(TIME_BASE, turn=turn)
    (done,) = normalizer.push(picture) + normalizer.flush()
    assert done.pts == 7
    assert done.format.name in ("yuv420p", "yuvj420p")
    assert normalizer.size == (done.width, done.height)
    return Frame(done, 0, 7, TIME_BASE)


def near(pixel: np.ndarray, rgb: tuple[int, int, int], by: int = 2) -> bool:
    return bool((np.abs(pixel[::-1].astype(int) - rgb) <= by).all())


YUV = "yuv420p yuv422p yuv444p yuv410p yuv440p yuva420p nv12 uyvy422 yuv420p10le yuv422p10le"
RGB = "rgb24 bgra argb gbrp rgb48le rgba64le gbrap16le"


@pytest.mark.parametrize("name", f"{YUV} yuv444p12le p010le {RGB}".split())
@pytest.mark.parametrize("turn", [Turn.NONE, Turn.CLOCKWISE, Turn.MIRROR])
def test_colours_survive_at_odd_sizes(name: str, turn: Turn) -> None:
    picture = av.VideoFrame.from_ndarray(marked(), "rgb24").reformat(
        format=name, dst_colorspace="ITU709"
    )
    if name not in RGB.split():
        picture.colorspace = 1
    frame = normalized(picture, turn)
    image = frame.to_bgr()
    height, width = (63, 45) if turn.swaps_sides else (45, 63)
    assert image.shape == (height, width, 3)
    assert near(image[height // 2, width // 2], RED)
    corner = image[2, 2] if turn is Turn.NONE else image[2, -3]
    assert near(corner, (255, 255, 255))
    assert int(frame.picture.color_range) in ((0, 1) if name == "yuv420p" else (1,))
    assert frame.color.matrix == ("bt601" if name in RGB.split() else "bt709")


@pytest.mark.parametrize(("lines", "matrix"), [(718, "bt601"), (720, "bt709")])
def test_rgb_gets_the_matrix_of_its_size(lines: int, matrix: str) -> None:
    frame = normalized(av.VideoFrame.from_ndarray(marked(800, lines), "rgb24"))
    assert frame.color.matrix == matrix
    assert int(frame.picture.colorspace) in (1, 5, 6)
    assert near(frame.to_bgr()[lines // 2, 400], RED)


def test_palettes() -> None:
    palette = np.zeros((256, 4), np.uint8)  # alpha, red, green, blue
    palette[7] = (255, *RED)
    indexed: Any = np.full((45, 63), 7, np.uint8), palette
    picture = av.VideoFrame.from_ndarray(indexed, "pal8")
    frame = normalized(picture)
    assert not frame.color.full_range
    assert near(frame.to_bgr()[20, 20], RED)


@pytest.mark.parametrize("name", ["gray", "gray16le", "ya8"])
def test_grey_keeps_its_levels(name: str) -> None:
    image = np.linspace(0, 255, 64, dtype=np.uint8)[None].repeat(48, 0)
    frame = normalized(av.VideoFrame.from_ndarray(image, "gray").reformat(format=name))
    assert frame.color.full_range
    assert np.abs(frame.y.astype(int) - image).max() <= 1
    assert (frame.u == 128).all()
    assert (frame.v == 128).all()


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("name", ["yuv444p", "gray"])
def test_range_stays_as_tagged(name: str, full: bool) -> None:
    picture = picture_of(np.full((48, 64), 16, np.uint8)).reformat(format="yuv444p")
    if name == "gray":
        picture = av.VideoFrame.from_ndarray(np.full((48, 64), 16, np.uint8), "gray")
    picture.color_range = 2 if full else 1
    frame = normalized(picture)
    assert frame.color.full_range is full
    assert (frame.y == 16).all()
    assert (frame.to_bgr() == (16 if full else 0)).all()


def test_tags_are_kept() -> None:
    picture = picture_of(np.full((48, 64), 90, np.uint8)).reformat(format="yuv420p10le")
    picture.colorspace, picture.color_primaries, picture.color_trc = 9, 9, 16
    done = normalized(picture, Turn.CLOCKWISE).picture
    tags = int(done.colorspace), int(done.color_primaries), int(done.color_trc)
    assert tags == (9, 9, 16)


@pytest.mark.parametrize("name", ["yuv420p", "yuvj420p"])
def test_ordinary_pictures_are_not_touched(name: str) -> None:
    picture = av.VideoFrame(63, 45, name)
    normalizer = Normalizer(TIME_BASE)
    assert normalizer.push(picture)[0] is picture
    assert normalizer.flush() == []


def test_lines_that_lie_backward_are_put_in_order() -> None:
    luma = np.arange(48, dtype=np.uint8)[:, None].repeat(64, 1)
    graph = av.filter.Graph()
    source = graph.add_buffer(
        width=64, height=48, format=VideoFormat("yuv420p"), time_base=TIME_BASE
    )
    graph.link_nodes(source, graph.add("vflip"), graph.add("buffersink")).configure()
    graph.vpush(picture_of(luma))
    backward = graph.vpull()
    assert backward.planes[0].line_size < 0
    assert np.array_equal(normalized(backward).y, luma[::-1])


CORNERS = {  # where the upper left corner of the file comes to lie: (right, low)
    Turn.NONE: (False, False),
    Turn.MIRROR: (True, False),
    Turn.HALF: (True, True),
    Turn.FLIP: (False, True),
    Turn.TRANSPOSE: (False, False),
    Turn.CLOCKWISE: (True, False),
    Turn.TRANSVERSE: (True, True),
    Turn.COUNTERCLOCKWISE: (False, True),
}


@pytest.mark.parametrize("turn", Turn)
def test_turns(turn: Turn) -> None:
    luma = np.full((45, 63), 40, np.uint8)
    luma[:5, :15] = 235  # three times as wide as high, to tell a turn from a transposition
    frame = normalized(picture_of(luma), turn)
    bright = np.argwhere(frame.y > 200)
    (top, left), (bottom, right) = bright.min(0), bright.max(0)
    assert (right - left > bottom - top) is not turn.swaps_sides
    at_right, low = CORNERS[turn]
    assert right == frame.width - 1 if at_right else left == 0
    assert bottom == frame.height - 1 if low else top == 0


def test_later_sizes_and_formats_become_the_first() -> None:
    normalizer = Normalizer(TIME_BASE)
    seen = []
    for pts, (width, height, name) in enumerate(
        [(64, 48, "yuv420p"), (33, 21, "yuv420p"), (33, 21, "rgb24"), (64, 48, "yuv420p")]
    ):
        picture = av.VideoFrame.from_ndarray(marked(width, height), "rgb24").reformat(format=name)
        picture.pts = pts
        seen += normalizer.push(picture)
    seen += normalizer.flush()
    assert [p.pts for p in seen] == [0, 1, 2, 3]
    assert {(p.width, p.height, p.format.name) for p in seen} == {(64, 48, "yuv420p")}
    assert all(near(Frame(p, 0, 0, TIME_BASE).to_bgr()[30, 50], RED, by=3) for p in seen)
