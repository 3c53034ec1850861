"""FileAudio gives the packets of the file, moved and cut like the pictures."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import pytest

from streamer.sources.audio import Packet
from streamer.sources.base import AudioFeed
from streamer.sources.file import FileSource
from streamer.sources.window import Window
from tests.clips import Audio, Video, packets_in, write_streams

SECOND = Fraction(1)


def opened(source: FileSource) -> AudioFeed:
    assert source.info.open_audio is not None
    return source.info.open_audio()


def time_of(packet: Packet) -> Fraction:
    assert packet.pts is not None
    return packet.pts * packet.time_base


def contents(packets: list[Packet], index: int) -> list[tuple[Fraction, int, bytes]]:
    return [(time_of(p), p.duration or 0, bytes(p)) for p in packets if p.stream.index == index]


def film(tmp_path: Path, suffix: str, audios: list[Audio], **muxer: str) -> Path:
    return write_streams(
        tmp_path / f"clip{suffix}", [Video(frames=60, rate=Fraction(30))], audios, muxer=muxer
    )


def start_time(path: Path) -> Fraction:
    with av.open(str(path)) as container:
        return Fraction(container.start_time or 0, 1_000_000)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
@pytest.mark.parametrize("count", [1, 2])
def test_packets_are_the_files(tmp_path: Path, suffix: str, count: int) -> None:
    audios = [Audio(seconds=2 * SECOND), Audio(seconds=2 * SECOND, hertz=880)][:count]
    path = film(tmp_path, suffix, audios)
    with FileSource(path) as source:
        feed = opened(source)
        got = []
        for frame in source:
            before = list(feed.until(frame.time))
            assert all(time_of(p) < frame.time for p in before)
            got += before
        got += list(feed.rest())
        assert len(feed.streams) == count
        for index, stream in enumerate(feed.streams):
            shifted = contents(got, stream.index)
            original = packets_in(path, index)
            assert [(d, b) for _, d, b in shifted] == [(d, b) for _, d, b in original]
            for (moved, _, _), (time, _, _) in zip(shifted, original, strict=True):
                assert abs(moved - (time - start_time(path))) <= Fraction(1, 1_000_000) + Fraction(
                    1, 90_000
                )
        feed.close()


def test_side_data_travels(tmp_path: Path) -> None:
    path = film(tmp_path, ".mp4", [Audio()])  # AAC's first packet says what to skip
    with FileSource(path) as source:
        feed = opened(source)
        first = next(feed.until(SECOND))
        assert first.has_sidedata("skip_samples")
        assert time_of(first) < 0
        feed.close()


def test_shift_is_that_of_the_pictures(tmp_path: Path) -> None:
    late = Video(time_base=Fraction(1, 1000), pts=list(range(5000, 6000, 40)))
    path = write_streams(
        tmp_path / "clip.mkv", [late], [Audio(codec="flac", start=Fraction(51, 10))]
    )
    with FileSource(path) as source:
        assert next(iter(source)).time == 0
        feed = opened(source)
        assert time_of(next(feed.until(SECOND))) == Fraction(1, 10)
        feed.close()


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
@pytest.mark.parametrize(
    "window",
    [
        Window(start=Fraction(1, 2)),
        Window(duration=Fraction(3, 5)),
        Window(start=Fraction(1, 2), duration=Fraction(3, 5)),
        Window(start=Fraction(19, 10)),
    ],
)
def test_window_cuts_packets(tmp_path: Path, suffix: str, window: Window) -> None:
    path = film(tmp_path, suffix, [Audio(seconds=2 * SECOND), Audio(seconds=2 * SECOND)])
    with FileSource(path) as whole:
        feed = opened(whole)
        list(whole)
        everything = list(feed.rest())
        indexes = [s.index for s in feed.streams]
        wanted = {
            i: [
                c
                for c in contents(everything, i)
                if (window.end is None or c[0] < window.end)
                and (not window.start or c[0] >= window.start)
            ]
            for i in indexes
        }
        feed.close()
    with FileSource(path, window) as source:
        feed = opened(source)
        got = []
        for frame in source:
            got += list(feed.until(frame.time))
        got += list(feed.rest())
        for index in indexes:
            assert wanted[index]
            assert contents(got, index) == wanted[index]
        feed.close()


def test_frames_limit_ends_the_audio_with_the_last_frame(tmp_path: Path) -> None:
    path = film(tmp_path, ".mp4", [Audio(seconds=2 * SECOND)])
    with FileSource(path, Window(frames=15)) as source:
        feed = opened(source)
        list(source)
        times = [time_of(p) for p in feed.rest()]
        feed.close()
    assert Fraction(1, 2) - Fraction(1024, 48000) <= times[-1] < Fraction(1, 2)


def test_no_rest_unless_the_pictures_ended(tmp_path: Path) -> None:
    path = film(tmp_path, ".mp4", [Audio(seconds=2 * SECOND)])
    with FileSource(path) as source:
        feed = opened(source)
        frames = iter(source)
        next(frames)
        assert list(feed.rest()) == []
        list(frames)
        assert len(list(feed.rest())) == len(packets_in(path))
        assert list(feed.rest()) == []
        feed.close()


def test_audio_that_ends_later_is_given_whole(tmp_path: Path) -> None:
    path = write_streams(tmp_path / "clip.mp4", [Video(frames=10)], [Audio(seconds=2 * SECOND)])
    with FileSource(path) as source:
        feed = opened(source)
        list(source)
        assert len(list(feed.rest())) == len(packets_in(path))
        feed.close()


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_bad_interleaving_loses_nothing(tmp_path: Path, suffix: str) -> None:
    path = film(
        tmp_path,
        suffix,
        [Audio(seconds=2 * SECOND), Audio(seconds=2 * SECOND)],
        max_interleave_delta="1",
    )
    with FileSource(path) as source:
        feed = opened(source)
        got = []
        for frame in source:
            got += list(feed.until(frame.time))
        got += list(feed.rest())
        for index, stream in enumerate(feed.streams):
            bodies = [body for _, _, body in contents(got, stream.index)]
            assert bodies == [body for _, _, body in packets_in(path, index)]
        feed.close()


def test_two_feeds_are_independent(tmp_path: Path) -> None:
    path = film(tmp_path, ".mp4", [Audio(seconds=SECOND)])
    with FileSource(path) as source:
        one, two = opened(source), opened(source)
        list(source)
        assert len(list(one.rest())) == len(list(two.rest())) == len(packets_in(path))
        one.close()
        two.close()
