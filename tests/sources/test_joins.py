"""Recordings put one behind the other, as ``cat a.ts b.ts`` does: times jump back in the middle."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import pytest

from streamer.sources.audio import Extent, FileAudio
from streamer.sources.base import Health
from streamer.sources.decoding import Clock, Join
from streamer.sources.file import FileSource
from streamer.sources.window import Window
from tests.clips import Audio, Video, number_of, packets_in, write_streams

FRAME = Fraction(1, 30)
PACKET = Fraction(1024, 48000)
DROPPED = "packets of its sound that run backward are left out"


def part(
    path: Path, frames: int, sound: Fraction | None = None, *, preset: str = "ultrafast"
) -> bytes:
    """A recording, its sound as long as its pictures unless told otherwise."""
    video = Video(frames=frames, rate=1 / FRAME, options={"preset": preset, "g": "12"})
    return write_streams(path, [video], [Audio(seconds=sound or frames * FRAME)]).read_bytes()


@pytest.mark.parametrize("preset", ["ultrafast", "medium"])  # without and with B-frames
@pytest.mark.parametrize("threads", [1, 3])
def test_pictures_go_on_and_sound_stays_with_them(
    tmp_path: Path, preset: str, threads: int
) -> None:
    one = part(tmp_path / "one.ts", 60, preset=preset)
    two = part(tmp_path / "two.ts", 45, preset=preset)
    path = tmp_path / "joined.ts"
    path.write_bytes(one + two + one)
    with FileSource(path, threads=threads) as source:
        assert source.info.open_audio is not None
        feed = source.info.open_audio()
        frames, packets = [], []
        for frame in source:
            frames.append((frame.time, number_of(frame)))
            packets += list(feed.until(frame.time))
        in_step = len(packets)
        packets += list(feed.rest())
        feed.close()
    first = frames[0][0]
    assert [time for time, _ in frames] == [first + i * FRAME for i in range(165)]
    numbers = [*range(60), *range(45), *range(60)]
    assert [number for _, number in frames] == numbers
    assert in_step > len(packets) - 8
    assert f"{path}: its times jump back 2 times; joined" in source.health.warnings

    # Each part's packets lie against its pictures as they did in the file.
    told = [time for time, _, _ in packets_in(path)]
    bodies = [body for _, _, body in packets_in(path)]
    pictures = [told_first(tmp_path / name) for name in ("one.ts", "two.ts", "one.ts")]
    cuts = [i for i in range(1, len(told)) if told[i] < told[i - 1]]
    placed = {bytes(p): p.pts * p.time_base for p in packets[: cuts[0]] if p.pts is not None}
    assert len(cuts) == 2
    assert len(told) - 4 <= len(packets) <= len(told)  # sound overlaps a little at a join
    for index in range(cuts[0]):
        assert abs(placed[bodies[index]] - (told[index] - pictures[0] + first)) < FRAME
    last = packets[-1]
    assert last.pts is not None
    assert bytes(last) == bodies[-1]
    behind = told[-1] - pictures[2] + first + 105 * FRAME
    assert abs(last.pts * last.time_base - behind) < Fraction(1, 1000)


def told_first(path: Path) -> Fraction:
    """When the file says that its first picture is shown."""
    with av.open(str(path)) as container:
        picture = next(container.decode(video=0))
        assert picture.pts is not None
        assert picture.time_base is not None
        return picture.pts * picture.time_base


@pytest.mark.parametrize(("sound", "dropped"), [(Fraction(2), False), (Fraction(4), True)])
def test_sound_that_ends_apart_from_the_pictures(
    tmp_path: Path, sound: Fraction, dropped: bool
) -> None:
    path = tmp_path / "joined.ts"
    path.write_bytes(
        part(tmp_path / "one.ts", 90, sound) + part(tmp_path / "two.ts", 120, Fraction(4))
    )
    with FileSource(path) as source:
        assert source.info.open_audio is not None
        feed = source.info.open_audio()
        packets = []
        for frame in source:
            packets += list(feed.until(frame.time))
        packets += list(feed.rest())
        feed.close()
    times = [p.pts * p.time_base for p in packets if p.pts is not None]
    assert times == sorted(set(times))
    assert abs(times[-1] - (7 - PACKET)) < 3 * PACKET
    largest = max(b - a for a, b in pairwise(times))
    assert abs(largest - (PACKET if dropped else 1)) < 2 * PACKET
    warnings = source.health.warnings
    assert f"{path}: its times jump back once; joined" in warnings
    assert warnings.count(f"{path}: {DROPPED}") == dropped


@pytest.mark.parametrize("joined", [False, True])
def test_sound_waits_for_what_the_pictures_decide(tmp_path: Path, joined: bool) -> None:
    path = tmp_path / "joined.ts"
    path.write_bytes(part(tmp_path / "one.ts", 60) + part(tmp_path / "two.ts", 30))
    start = packets_in(path)[0][0]
    joins: list[Join] = []
    health = Health()
    extent = Extent(joins)
    feed = FileAudio(path, start, Window(), extent, health)
    before = len(list(feed.until(Fraction(4))))
    assert before == len(packets_in(tmp_path / "one.ts"))
    assert list(feed.until(Fraction(20))) == []
    if joined:
        joins.append(Join(Fraction(3), Fraction(3)))
    extent.reached = Fraction(9)
    behind = [p.pts * p.time_base for p in feed.until(Fraction(9)) if p.pts is not None]
    feed.close()
    if joined:
        assert behind[0] == 3
        assert len(behind) == len(packets_in(tmp_path / "two.ts"))
        assert health.warnings == []
    else:
        assert behind == []
        assert health.warnings == [f"{path}: {DROPPED}"]


def clock() -> Clock:
    return Clock(0, Fraction(3000), Fraction(1, 90000))


def times(clock: Clock, stamps: list[int | None]) -> list[int]:
    picture = av.VideoFrame(16, 16, "yuv420p")
    found = []
    for stamp in stamps:
        picture.pts = None if stamp is None else stamp * 3000
        found.append(clock.time_of(picture) // 3000)
    return found


def test_one_wrong_time_moves_nothing_else() -> None:
    watch = clock()
    assert times(watch, [100, 101, 3, 103, 104]) == [100, 101, 102, 103, 104]
    assert (watch.joins, watch.repaired) == ([], 1)


def test_two_that_belong_together_are_a_join() -> None:
    watch = clock()
    assert times(watch, [100, 101, 3, 4, 8]) == [100, 101, 102, 103, 107]
    assert watch.joins == [Join(Fraction(102, 30), Fraction(99, 30))]
    assert watch.repaired == 0


def test_a_join_where_only_some_have_times() -> None:
    watch = clock()
    assert times(watch, [100, None, 2, None, 4, None]) == [100, 101, 102, 103, 104, 105]
    assert watch.joins == [Join(Fraction(102, 30), Fraction(100, 30))]


def test_a_small_step_back_is_no_join() -> None:
    watch = clock()
    assert times(watch, [100, 101, 90, 91, 102]) == [100, 101, 101, 101, 102]
    assert (watch.joins, watch.repaired) == ([], 2)
