from __future__ import annotations

import time
from fractions import Fraction
from functools import partial
from pathlib import Path

import pytest

from streamer.sources.file import FileSource
from streamer.sources.played import PlayedSource
from streamer.sources.registry import open_source
from streamer.sources.window import Window
from tests.clips import write_clip


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "clip.mp4", frames=6)


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The clock stands still but for sleeping."""
    durations: list[float] = []
    monkeypatch.setattr(time, "sleep", durations.append)
    monkeypatch.setattr(time, "monotonic", lambda: 100.0 + sum(durations))
    return durations


@pytest.mark.usefixtures("slept")
def test_frames_come_when_they_are_due(clip: Path) -> None:
    with PlayedSource(partial(FileSource, clip), Window()) as source:
        assert source.info.live
        frames = list(source)
    assert [frame.seq for frame in frames] == list(range(6))
    begun = frames[0].captured_at
    for frame in frames:
        assert frame.captured_at - begun == pytest.approx(float(frame.time))


def test_what_is_watched_elsewhere_comes_when_it_is_due_and_is_not_live(
    clip: Path, slept: list[float]
) -> None:
    with open_source(str(clip), Window(start=Fraction(1, 10)), pace="timely") as source:
        assert not source.info.live
        times = [float(frame.time) for frame in source]
    assert len(times) == 3
    assert sum(slept) == pytest.approx(times[-1] - times[0])


def test_the_demo_is_not_for_ever_where_it_is_not_live(slept: list[float]) -> None:
    with open_source("demo", Window(duration=Fraction(1, 2)), pace="timely") as source:
        assert len(list(source)) == 15
        assert source.info.frames == 15
    assert sum(slept) == pytest.approx(14 / 30)


@pytest.mark.usefixtures("slept")
def test_it_begins_anew_and_time_goes_on(clip: Path) -> None:
    with FileSource(clip) as once:
        times = [frame.time for frame in once]
        length = times[-1] + 1 / once.info.rate
    with PlayedSource(partial(FileSource, clip), Window(frames=15), repeat=True) as source:
        assert source.info.open_audio is None
        assert source.info.frames == 15
        frames = list(source)
    assert [frame.seq for frame in frames] == list(range(15))
    expected = [float(turn * length + time) for turn in range(3) for time in times][:15]
    assert [float(frame.time) for frame in frames] == pytest.approx(expected, abs=1e-4)


@pytest.mark.usefixtures("slept")
def test_a_part_of_what_is_played(clip: Path) -> None:
    whole = Window(start=Fraction(1, 1000), frames=2)
    with PlayedSource(partial(FileSource, clip), whole, repeat=True) as source:
        assert [frame.seq for frame in source] == [1, 2]
    with open_source(str(clip), Window(frames=2), pace="live") as source:
        assert len(list(source)) == 2


def test_who_waits_too_long_gets_the_next_at_once(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    slept: list[float] = []
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(time, "sleep", slept.append)
    with PlayedSource(partial(FileSource, clip), Window()) as source:
        for _ in source:
            now[0] += 10
    assert slept == []


def test_what_is_interrupted_ends_without_waiting_for_its_next_frame(clip: Path) -> None:
    with PlayedSource(partial(FileSource, clip), Window(), repeat=True) as source:
        frames = iter(source)
        assert next(frames).seq == 0
        source.interrupt()
        assert list(frames) == []
