from __future__ import annotations

import asyncio
from fractions import Fraction

import cv2
import numpy as np
import pytest

from streamer.frame import Color
from streamer.web import pictures
from streamer.web.pictures import Pictures, encode, shown_size
from tests.clips import picture_of
from tests.web.running import flat, frame_of

_COLORS = [(200, 30, 30), (30, 160, 60), (40, 60, 200), (240, 240, 240), (16, 16, 16)]


def _decoded(jpeg: bytes) -> np.ndarray:
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return picture[:, :, ::-1]


@pytest.mark.parametrize("rgb", _COLORS)
@pytest.mark.parametrize("full_range", [False, True])
@pytest.mark.parametrize(("matrix", "number"), [("bt709", 1), ("bt601", 5), ("bt2020", 9)])
def test_colours_are_those_of_the_source(
    rgb: tuple[int, int, int], matrix: str, number: int, full_range: bool
) -> None:
    y, cb, cr = Color(matrix, full_range).from_rgb(rgb)
    picture = picture_of(np.full((48, 64), y, np.uint8), cb, cr)
    picture.colorspace, picture.color_range = number, 2 if full_range else 1
    shown = _decoded(encode(frame_of(picture)))
    assert np.abs(shown.reshape(-1, 3).astype(int) - rgb).max() <= 6


def test_black_and_white_span_the_whole_range() -> None:
    luma = np.repeat(np.array([[16] * 32 + [235] * 32], np.uint8), 48, axis=0)
    shown = _decoded(encode(frame_of(picture_of(luma))))
    assert shown[:, :24].max() <= 3
    assert shown[:, 40:].min() >= 252


@pytest.mark.parametrize(
    ("size", "aspect", "shown"),
    [
        ((640, 480), Fraction(1), (640, 480)),
        ((1280, 720), Fraction(1), (1280, 720)),
        ((3840, 2160), Fraction(1), (1280, 720)),
        ((720, 576), Fraction(16, 11), (1047, 576)),
        ((1440, 1080), Fraction(4, 3), (1280, 720)),
        ((8000, 2), Fraction(1), (1280, 1)),
    ],
)
def test_sizes(size: tuple[int, int], aspect: Fraction, shown: tuple[int, int]) -> None:
    assert shown_size(*size, aspect) == shown
    picture = picture_of(np.full((size[1], size[0]), 100, np.uint8))
    assert _decoded(encode(frame_of(picture), aspect)).shape == (shown[1], shown[0], 3)


def _level(jpeg: bytes) -> float:
    return float(np.median(_decoded(jpeg)))


def test_nothing_is_copied_while_nobody_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        shown = Pictures(Fraction(1))
        frame = frame_of(flat(0))
        monkeypatch.setattr(type(frame), "copy", lambda _: pytest.fail("copied"))
        shown.offer(frame)

    asyncio.run(scenario())


def test_nothing_is_encoded_while_nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded: list[int] = []

    def note(frame: object, aspect: Fraction) -> bytes:  # noqa: ARG001
        encoded.append(frame.seq)  # type: ignore[attr-defined]
        return b"jpeg"

    async def scenario() -> None:
        monkeypatch.setattr(pictures, "encode", note)
        monkeypatch.setattr(pictures, "_INTERVAL_S", 0.0)
        shown = Pictures(Fraction(1))
        shown.watched = True
        encoding = asyncio.create_task(shown.encode())
        for seq in range(3):
            shown.offer(frame_of(flat(seq), seq))
            await asyncio.sleep(0)
        assert encoded == []
        waiting = [asyncio.create_task(shown.after(0)) for _ in range(5)]
        got = await asyncio.wait_for(asyncio.gather(*waiting), 10)
        assert encoded == [2]  # the newest, once for all
        assert len({picture.number for picture in got}) == 1
        shown.offer(frame_of(flat(3), 3))
        later = await asyncio.wait_for(shown.after(got[0].number), 10)
        assert later.number > got[0].number
        assert encoded == [2, 3]
        encoding.cancel()

    asyncio.run(scenario())


def test_what_is_offered_may_be_drawn_over_afterwards() -> None:
    async def scenario() -> None:
        shown = Pictures(Fraction(1))
        shown.watched = True
        frame = frame_of(flat(0))
        shown.offer(frame)
        before = _level(encode(frame))
        frame.y[:] = 235
        encoding = asyncio.create_task(shown.encode())
        picture = await asyncio.wait_for(shown.after(0), 10)
        assert _level(picture.jpeg) == pytest.approx(before, abs=2)
        encoding.cancel()

    asyncio.run(scenario())


def test_who_comes_later_sees_no_old_picture() -> None:
    async def scenario() -> None:
        shown = Pictures(Fraction(1))
        encoding = asyncio.create_task(shown.encode())
        shown.watched = True
        shown.offer(frame_of(flat(0)))
        first = await asyncio.wait_for(shown.after(0), 10)
        shown.forget()
        shown.watched = True
        waiting = asyncio.create_task(shown.after(0))
        await asyncio.sleep(0)
        assert not waiting.done()
        shown.offer(frame_of(flat(40)))
        second = await asyncio.wait_for(waiting, 10)
        assert second.number > first.number
        assert _level(second.jpeg) > _level(first.jpeg) + 50
        encoding.cancel()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("times", "fewest", "most"),
    [
        ([n / 60 for n in range(600)], 320, 325),
        ([n / 30 for n in range(300)], 300, 300),
        ([n // 3 / 10 for n in range(300)], 300, 300),  # three at a time
        ([0.0] * 300, 1, 5),
    ],
)
def test_fast_sources_are_thinned_out_and_bursts_are_not(
    times: list[float], fewest: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> int:
        shown = Pictures(Fraction(1))
        shown.watched = True
        copied = 0
        for now in times:
            monkeypatch.setattr("streamer.web.pictures.time.monotonic", lambda now=now: 1e3 + now)
            shown.offer(frame_of(flat(0)))
            copied += shown._slot is not None
            shown._slot = None
        return copied

    assert fewest <= asyncio.run(scenario()) <= most
