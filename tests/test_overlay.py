from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest
from av.video.reformatter import ColorRange, Colorspace
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from streamer import lettering, palette
from streamer.frame import Color, Frame
from streamer.instances import Instances, covering_rects
from streamer.lettering import Rect
from streamer.overlay import OverlayStyle, capital_height, draw, line_width

ALL = OverlayStyle()
MASKS = OverlayStyle(boxes=False, labels=False)
BOXES = OverlayStyle(labels=False, masks=False)
LABELS = OverlayStyle(boxes=False, masks=False)
NOTHING = OverlayStyle(boxes=False, labels=False, masks=False)
NOTHING_TAKEN = np.zeros((0, 4), np.int_)


def make_frame(width: int, height: int, full_range: bool = False) -> Frame:
    picture = av.VideoFrame(width, height, "yuv420p")
    picture.color_range = ColorRange.JPEG if full_range else ColorRange.MPEG
    picture.colorspace = Colorspace.ITU709
    frame = Frame(picture, 7, 42, Fraction(1, 25))
    noise = np.random.default_rng(0)
    for plane in planes(frame):
        plane[:] = noise.integers(16, 236, plane.shape, np.uint8)
    return frame


def planes(frame: Frame) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
    return frame.y, frame.u, frame.v


def snapshot(frame: Frame) -> list[NDArray[np.uint8]]:
    return [plane.copy() for plane in planes(frame)]


def same(frame: Frame, other: Frame) -> bool:
    pairs = zip(planes(frame), planes(other), strict=True)
    return all(np.array_equal(one, two) for one, two in pairs)


def found(
    *boxes: tuple[float, float, float, float],
    label: str = "person",
    class_ids: tuple[int, ...] = (),
) -> Instances:
    """Instances of class 1 if nothing else is said, whose masks fill their boxes."""
    corners = np.array(boxes, np.float32)
    return Instances(
        boxes=corners,
        scores=np.full(len(boxes), 0.98, np.float32),
        class_ids=np.array(class_ids or (1,) * len(boxes), np.int32),
        labels=(label,) * len(boxes),
        masks=tuple(
            np.full((y2 - y1, x2 - x1), 255, np.uint8)
            for x1, y1, x2, y2 in covering_rects(corners).tolist()
        ),
    )


def changed(before: Frame, after: Frame) -> NDArray[np.bool_]:
    """Luma pixels of which any sample differs."""
    luma = before.y != after.y
    chroma = (before.u != after.u) | (before.v != after.v)
    grown = chroma.repeat(2, axis=0).repeat(2, axis=1)[: luma.shape[0], : luma.shape[1]]
    return np.asarray(luma | grown)


def test_style_refuses_an_opacity_out_of_range() -> None:
    with pytest.raises(ValueError, match=r"alpha is 1\.5"):
        OverlayStyle(alpha=1.5)
    with pytest.raises(ValueError, match="alpha is nan"):
        OverlayStyle(alpha=float("nan"))


def test_no_instances_give_the_frame_itself() -> None:
    frame = make_frame(64, 48)
    assert draw(frame, Instances.empty(), ALL) is frame


def test_the_given_frame_is_never_drawn_on() -> None:
    frame = make_frame(320, 240)
    before = snapshot(frame)
    drawn = draw(frame, found((20, 30, 200, 180)), ALL)
    assert all(np.array_equal(a, b) for a, b in zip(before, planes(frame), strict=True))
    assert not same(frame, drawn)
    assert (drawn.seq, drawn.pts, drawn.time_base) == (7, 42, Fraction(1, 25))
    assert drawn.color == frame.color


@pytest.mark.parametrize("full_range", [False, True])
@pytest.mark.parametrize("alpha", [0.0, 0.45, 1.0])
def test_inside_a_mask_is_the_mix_of_picture_and_colour(full_range: bool, alpha: float) -> None:
    frame = make_frame(64, 64, full_range)
    style = OverlayStyle(boxes=False, labels=False, alpha=alpha)
    drawn = draw(frame, found((8, 8, 56, 56)), style)
    rgb = palette.color_of(1, -1)
    color = Color("bt709", full_range).from_rgb(rgb)
    opacity = round(alpha * 255) / 255
    for before, after, value, edge in zip(
        planes(frame), planes(drawn), color, (12, 6, 6), strict=True
    ):
        inner = (slice(edge, -edge), slice(edge, -edge))
        mixed = before[inner] * (1 - opacity) + value * opacity
        # Two products are rounded, each by half a level at most.
        assert np.abs(after[inner] - mixed).max() <= 1.0 + 1e-3


def test_known_levels_of_a_mask() -> None:
    # Orange (255, 135, 0) is (161, 46, 182) in BT.709 limited range; 0.45 of it over grey.
    frame = make_frame(64, 64)
    for plane, level in zip(planes(frame), (100, 128, 128), strict=True):
        plane[:] = level
    drawn = draw(frame, found((8, 8, 56, 56)), OverlayStyle(boxes=False, labels=False, alpha=0.4))
    assert palette.color_of(1, -1) == (255, 135, 0)
    y, u, v = (int(plane[plane.shape[0] // 2, plane.shape[1] // 2]) for plane in planes(drawn))
    luma = 16 + 219 * (0.2126 * 255 + 0.7152 * 135) / 255
    blue = 128 + 224 * (0 - (0.2126 + 0.7152 * 135 / 255)) / 1.8556
    red = 128 + 224 * (1 - (0.2126 + 0.7152 * 135 / 255)) / 1.5748
    for got, back, front in ((y, 100, luma), (u, 128, blue), (v, 128, red)):
        assert got == pytest.approx(0.6 * back + 0.4 * front, abs=1.5)


@pytest.mark.parametrize("x", [20, 21])
@pytest.mark.parametrize("y", [30, 31])
def test_outline_is_the_full_colour_along_both_sides_of_the_edge(x: int, y: int) -> None:
    frame = make_frame(960, 960)
    assert line_width(960, 960) == 2
    drawn = draw(frame, found((x, y, x + 200, y + 100)), MASKS)
    luma = frame.color.from_rgb(palette.color_of(1, -1))[0]
    middle = drawn.y[y + 50]
    assert (np.abs(middle[x - 1 : x + 1].astype(int) - luma) <= 1).all()
    assert (np.abs(middle[x + 199 : x + 201].astype(int) - luma) <= 1).all()
    assert np.array_equal(middle[: x - 1], frame.y[y + 50, : x - 1])
    assert np.array_equal(middle[x + 201 :], frame.y[y + 50, x + 201 :])


@pytest.mark.parametrize("x", [20, 21])
@pytest.mark.parametrize("y", [30, 31])
def test_chroma_of_a_mask_lies_where_its_luma_lies(x: int, y: int) -> None:
    frame = make_frame(240, 200)
    frame.y[:] = frame.u[:] = 128
    frame.v[:] = 0
    mask = np.zeros((61, 81), np.uint8)
    cv2.circle(mask, (40, 30), 25, 255, cv2.FILLED)
    instances = replace(found((x, y, x + 81, y + 61)), masks=(mask,))
    drawn = draw(frame, instances, OverlayStyle(boxes=False, labels=False, alpha=1.0))
    rows, columns = np.indices(frame.v.shape)
    weight = drawn.v.astype(float)
    # The centre of a chroma sample lies between its two luma columns and rows.
    centre = np.array([(weight * columns).sum(), (weight * rows).sum()]) / weight.sum() * 2 + 0.5
    assert centre == pytest.approx([x + 40, y + 30], abs=0.1)


def test_only_what_is_covered_changes() -> None:
    frame = make_frame(641, 361)
    instances = found((51, 61, 203, 155), (400, 200, 641, 361), (300.2, 10.5, 330.9, 50.1))
    line, text = line_width(641, 361), 2 * capital_height(641, 361)
    for style, margin in ((MASKS, line + 2), (BOXES, 1), (ALL, text + 2)):
        allowed = np.zeros((361, 641), bool)
        for x1, y1, x2, y2 in instances.rects:
            right = x2 + (0 if style is not ALL else 200)
            left = x1 - (0 if style is not ALL else 200)
            rows = slice(max(y1 - margin, 0), y2 + margin)
            allowed[rows, max(left - margin, 0) : right + margin] = True
        difference = changed(frame, draw(frame, instances, style))
        assert difference.any()
        assert not (difference & ~allowed).any()


def test_each_switch_removes_what_it_says() -> None:
    frame = make_frame(320, 240)
    instances = found((100, 100, 220, 200))
    assert same(draw(frame, instances, NOTHING), frame)
    mask = changed(frame, draw(frame, instances, MASKS))
    box = changed(frame, draw(frame, instances, BOXES))
    label = changed(frame, draw(frame, instances, LABELS))
    # A noisy picture may have a mix's very level already, so not every pixel differs.
    assert mask[104:196, 104:216].mean() > 0.99
    assert not box[102:198, 102:218].any()
    assert box[100, 100:220].mean() > 0.95
    assert not label[100:].any()
    assert label[90:98, 102:150].mean() > 0.95
    everything = changed(frame, draw(frame, instances, ALL))
    assert not (everything & ~(mask | box | label)).any()


def test_an_object_cut_by_the_picture_has_no_outline_there() -> None:
    frame = make_frame(959, 961)
    drawn = draw(frame, found((0, 0, 959, 961)), OverlayStyle(False, False, True, alpha=0.0))
    assert same(frame, drawn)


def test_boxes_colour_every_sample_that_they_touch() -> None:
    frame = make_frame(101, 61)
    for box in ((21, 11, 61, 41), (22, 12, 101, 61)):
        drawn = draw(frame, found(box), BOXES)
        color = frame.color.from_rgb(palette.color_of(1, -1))
        x1, y1, x2, y2 = box
        for plane, value, step in zip(planes(drawn), color, (1, 2, 2), strict=True):
            first, last = (y1 // step, x1 // step), ((y2 - 1) // step, (x2 - 1) // step)
            assert (plane[first[0], first[1] : last[1] + 1] == value).all()
            assert (plane[last[0], first[1] : last[1] + 1] == value).all()
            assert (plane[first[0] : last[0] + 1, first[1]] == value).all()
            assert (plane[first[0] : last[0] + 1, last[1]] == value).all()


def test_small_instances_are_drawn_over_large_ones() -> None:
    frame = make_frame(200, 200)
    ids = (1, 3)
    boxes = ((80.0, 80.0, 120.0, 120.0), (40.0, 40.0, 160.0, 160.0))
    style = OverlayStyle(boxes=False, labels=False, alpha=1.0)
    for order in ((0, 1), (1, 0)):
        instances = found(*(boxes[i] for i in order), class_ids=tuple(ids[i] for i in order))
        drawn = draw(frame, instances, style)
        want = frame.color.from_rgb(palette.color_of(1, -1))
        assert tuple(int(p[p.shape[0] // 2, p.shape[1] // 2]) for p in planes(drawn)) == want


def test_labels_spare_small_instances() -> None:
    frame = make_frame(320, 240)
    small = (50.0, 88.0, 70.0, 98.0)
    drawn = draw(frame, found((40, 100, 200, 200), small), LABELS)
    assert not changed(frame, drawn)[88:98, 50:70].any()
    assert changed(frame, draw(frame, found((40, 100, 200, 200)), LABELS))[88:98, 50:70].any()


def test_the_label_of_the_larger_instance_lies_on_top() -> None:
    # Too low a picture for two labels one above the other.
    frame = make_frame(320, 12)
    drawn = draw(frame, found((10, 0, 40, 12), (10, 0, 30, 12), class_ids=(1, 2)), LABELS)
    large, small = (frame.color.from_rgb(palette.color_of(i, -1))[0] for i in (1, 2))
    assert drawn.y[0, 4] == small
    assert drawn.y[0, 12] == large


def test_colour_follows_the_track_or_else_the_class() -> None:
    assert palette.color_of(1, -1) == palette.color_of(1, -1)
    assert palette.color_of(1, -1) != palette.color_of(3, -1)
    assert palette.color_of(1, 5) == palette.color_of(3, 5)
    assert palette.color_of(1, 5) != palette.color_of(1, 6)
    assert palette.color_of(10**9, -1) in palette.COLORS


def test_a_label_shows_both_ink_and_paper_in_the_right_range() -> None:
    for full_range, black in ((False, 16), (True, 0)):
        frame = make_frame(640, 480, full_range)
        drawn = draw(frame, found((100, 100, 400, 300)), LABELS)
        text = lettering.render(("person", "98%"), capital_height(640, 480))
        height, width = text.shape
        label = drawn.y[100 - height : 100, 100 : 100 + width]
        paper = frame.color.from_rgb(palette.color_of(1, -1))
        assert (label[text == 255] == black).all()
        assert (label[text == 0] == paper[0]).all()
        corner = ((100 - height) // 2, 50)
        assert (drawn.u[corner], drawn.v[corner]) == paper[1:]
        assert 0.1 < (text > 127).mean() < 0.5


def test_ink_is_readable_on_every_colour() -> None:
    assert palette.contrast(palette.BLACK, palette.WHITE) == pytest.approx(21)
    for color in palette.COLORS:
        assert palette.contrast(palette.ink_on(color), color) >= 4.5


# Machado et al. 2009, table 1, severity 1.0; on linear RGB.
VISION = {
    "normal": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


@pytest.mark.parametrize("vision", VISION)
def test_colours_differ_for_every_kind_of_colour_vision(vision: str) -> None:
    shares = np.array(palette.COLORS) / 255
    linear = np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ np.array(VISION[vision]).T, 0, 1)
    to_lms = [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
    to_lab = [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
    lab = np.cbrt(seen @ np.array(to_lms).T) @ np.array(to_lab).T
    distance = np.linalg.norm(lab[:, None] - lab, axis=2)
    assert distance[np.triu_indices(len(lab), 1)].min() > 0.12


def test_lines_and_letters_grow_with_the_picture() -> None:
    sizes = [(426, 240), (768, 432), (1280, 720), (1920, 1080), (3840, 2160)]
    assert [line_width(*size) for size in sizes] == [1, 1, 2, 2, 4]
    assert [capital_height(*size) for size in sizes] == [6, 8, 10, 14, 24]
    assert line_width(720, 1280) == line_width(1280, 720)


@pytest.mark.parametrize("capital", [6, 10, 24])
def test_capitals_are_as_tall_as_asked(capital: int) -> None:
    text = lettering.render(("H",), capital)
    rows = np.flatnonzero((text > 127).any(axis=1))
    assert text.shape[0] == 2 * capital
    assert (rows[0], rows[-1] + 1) == (capital // 2, capital // 2 + capital)


@pytest.mark.parametrize(
    "word",
    ["", " ", "naïve", "Straße", "東京", "العربية", "🙂", "\ud800", "a\nb", "a\x00b", "é" * 300],
)
def test_any_class_name_is_drawn(word: str) -> None:
    text = lettering.render((word, "5%"), 8)
    assert text.shape[0] == 16
    assert text.shape[1] % 2 == 0
    frame = make_frame(320, 240)
    assert not same(draw(frame, found((100, 100, 220, 200), label=word), LABELS), frame)


def test_different_words_look_different() -> None:
    one, other = (lettering.render((word,), 14) for word in ("car", "cat"))
    assert one.shape != other.shape or (one != other).any()


def test_labels_lie_above_their_boxes_moved_into_the_picture() -> None:
    assert lettering.find_room(
        (60, 20), Rect(41, 101, 140, 200), (320, 240), NOTHING_TAKEN
    ) == Rect(40, 82, 100, 102)
    assert lettering.find_room((60, 20), Rect(40, 5, 140, 200), (320, 240), NOTHING_TAKEN) == Rect(
        40, 0, 100, 20
    )
    assert lettering.find_room(
        (60, 20), Rect(300, 100, 320, 200), (320, 240), NOTHING_TAKEN
    ) == Rect(260, 80, 320, 100)


def test_labels_of_boxes_on_one_spot_do_not_cover_each_other() -> None:
    taken: list[Rect] = []
    for shift in range(4):
        box = Rect(40 + shift, 60 + shift, 140 + shift, 180 + shift)
        taken.append(lettering.find_room((50, 20), box, (320, 240), np.array(taken).reshape(-1, 4)))
    for i, one in enumerate(taken):
        for other in taken[:i]:
            apart = (
                one.x2 <= other.x1 or other.x2 <= one.x1 or one.y2 <= other.y1 or other.y2 <= one.y1
            )
            assert apart


@given(
    box=st.tuples(*[st.integers(0, 400)] * 4),
    size=st.tuples(st.integers(1, 80), st.integers(1, 20)),
    picture=st.tuples(st.integers(160, 400), st.integers(40, 400)),
)
def test_labels_stay_inside_the_picture(
    box: tuple[int, int, int, int], size: tuple[int, int], picture: tuple[int, int]
) -> None:
    width, height = 2 * size[0], 2 * size[1]
    x1, x2 = sorted(min(v, picture[0]) for v in box[:2])
    y1, y2 = sorted(min(v, picture[1]) for v in box[2:])
    place = lettering.find_room((width, height), Rect(x1, y1, x2, y2), picture, NOTHING_TAKEN)
    assert (place.x2 - place.x1, place.y2 - place.y1) == (width, height)
    assert place.x1 >= 0
    assert place.y1 >= 0
    assert place.x2 <= picture[0]
    assert place.y2 <= picture[1]
    assert place.x1 % 2 == place.y1 % 2 == 0


@st.composite
def scenes(draws: st.DrawFn) -> tuple[Frame, Instances]:
    """Pictures of any size with boxes that touch its edges or hold nothing."""
    width, height = draws(st.integers(1, 70)), draws(st.integers(1, 70))
    boxes = []
    for _ in range(draws(st.integers(1, 4))):
        xs = sorted(draws(st.tuples(st.floats(0, width), st.floats(0, width))))
        ys = sorted(draws(st.tuples(st.floats(0, height), st.floats(0, height))))
        boxes.append((xs[0], ys[0], xs[1], ys[1]))
    instances = found(*boxes)
    noise = np.random.default_rng(draws(st.integers(0, 9)))
    masks = tuple(noise.choice(np.array([0, 255], np.uint8), m.shape) for m in instances.masks)
    tracks = noise.integers(-1, 99, len(boxes)).astype(np.int32)
    return make_frame(width, height), replace(instances, masks=masks, track_ids=tracks)


@given(scene=scenes(), style=st.sampled_from([ALL, MASKS, BOXES, LABELS]))
def test_any_size_and_box_can_be_drawn(scene: tuple[Frame, Instances], style: OverlayStyle) -> None:
    frame, instances = scene
    before = snapshot(frame)
    drawn = draw(frame, instances, style)
    assert [p.shape for p in planes(drawn)] == [p.shape for p in before]
    assert all(np.array_equal(a, b) for a, b in zip(before, planes(frame), strict=True))


@given(scene=scenes())
def test_empty_masks_change_nothing(scene: tuple[Frame, Instances]) -> None:
    frame, instances = scene
    instances = replace(instances, masks=tuple(np.zeros_like(mask) for mask in instances.masks))
    assert same(draw(frame, instances, MASKS), frame)
