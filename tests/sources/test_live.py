"""Frames of live sources: their times, their form, and which of them are given."""

from __future__ import annotations

import threading
import time
from fractions import Fraction
from itertools import islice, pairwise

import pytest

from streamer.sources.base import Health
from streamer.sources.live import LiveSource
from streamer.sources.window import Window
from tests.clips import number_of
from tests.sources.scripts import (
    NAME,
    NEVER,
    QUICK,
    URL,
    Camera,
    Live,
    Script,
    lost,
    picture,
    pictures,
    take,
    void,
)


def test_what_is_known_before_the_first_frame() -> None:
    script = Script(pictures(3), rate=Fraction(25), pixel_aspect=Fraction(4, 3))
    with Live(script, options=NEVER) as source:
        info = source.info
    assert (info.url, info.width, info.height, info.rate) == (NAME, 64, 48, Fraction(25))
    assert (info.live, info.frames, info.duration) == (True, None, None)
    assert info.pixel_aspect == Fraction(4, 3)


def test_frames_are_numbered_and_timed_in_order() -> None:
    began = time.monotonic()
    frames, error = take(Live(Script(pictures(20)), options=NEVER))
    assert [number_of(frame) for frame in frames] == list(range(20))
    assert [frame.seq for frame in frames] == list(range(20))
    assert frames[0].pts == 0
    assert all(a.pts < b.pts and a.captured_at <= b.captured_at for a, b in pairwise(frames))
    assert all(began <= frame.captured_at <= time.monotonic() for frame in frames)
    assert all(frame.picture.pts == frame.pts for frame in frames)
    assert str(error) == f"{NAME}: the stream has ended"


def test_a_gap_of_wall_time_stays_a_gap() -> None:
    source = Live(Script([*pictures(3), lost()]), Script([lambda: time.sleep(0.5), *pictures(3)]))
    frames = list(islice(source, 6))
    source.close()
    passed = frames[3].captured_at - frames[0].captured_at
    assert float(frames[3].time) == pytest.approx(passed, abs=0.15)
    assert frames[3].time - frames[2].time > 0.3


def test_what_comes_before_anyone_watches_is_dropped() -> None:
    """A model may take long to load. What is shown then must not be what was seen then."""
    seen = threading.Event()
    items = [*pictures(20), seen.set, *[None] * 3]
    watched = threading.Event()
    script = Script([*items, lambda: void(watched.wait(60)), *pictures(5)])
    source = LiveSource(URL, lambda: script, limits=QUICK, options=NEVER)
    assert seen.wait(30)
    began = time.monotonic()
    iterator = iter(source)
    watched.set()
    frames = list(islice(iterator, 5))
    source.close()
    assert [number_of(frame) for frame in frames] == [0, 1, 2, 3, 4]
    assert (frames[0].seq, frames[0].pts) == (0, 0)
    assert all(frame.captured_at >= began for frame in frames)


def test_pictures_that_change_are_fitted_to_the_first() -> None:
    scripts = Script([*pictures(2), lost()]), Script([*pictures(2, (96, 48)), *pictures(2)])
    source = Live(*scripts)
    frames = list(islice(source, 6))
    source.close()
    assert [(frame.width, frame.height) for frame in frames] == [(64, 48)] * 6
    assert frames[2].y[0, 32] == 16  # a bar
    assert number_of(frames[3]) == 1


def test_a_change_is_told_once() -> None:
    sizes = [(96, 48), (32, 32), (96, 48)]
    items = [picture(n, size) for n, size in enumerate([(64, 48), *sizes])]
    source = Live(Script(items), options=NEVER)
    take(source)
    assert source.health.warnings == [
        f"{NAME}: its pictures changed from 64x48 to 96x48; they are fitted to the first"
    ]


def test_a_window_selects_by_time_and_count() -> None:
    items = [picture(n, pts=n * 100) for n in range(30)]
    window = Window(start=Fraction(1, 2), frames=3)
    frames, error = take(Live(Script(items), window=window, options=NEVER))
    assert error is None
    assert frames[0].seq > 0
    assert len(frames) == 3
    assert float(frames[0].time) >= 0.5


def test_what_comes_ahead_of_time_is_held_back() -> None:
    items = [picture(n, pts=n * 50) for n in range(10)]
    frames, _ = take(Live(Script(items, paced=True, duration=Fraction(1, 2))))
    assert frames[9].captured_at - frames[0].captured_at >= 0.449
    assert float(frames[9].time) == pytest.approx(0.45, abs=0.1)


def test_connections_count_into_the_health_they_were_given() -> None:
    health = Health()
    source = LiveSource(URL, Camera(Script(pictures(2))), options=NEVER, health=health)
    source.close()
    assert source.health is health
