"""Sound that is copied into video files."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from streamer.errors import ReadError, SinkError, WriteError
from streamer.instances import Instances
from streamer.sinks.options import SinkOptions
from streamer.sinks.video import VideoSink
from tests.clips import Audio, packets_in, times_in, write_clip
from tests.sinks.footage import OPTIONS, FileFeed, frame, frames, info, write

NOTHING = Instances.empty()
MILLI = Fraction(1, 1000)
MP4_FAMILY = (".mp4", ".mov")


def samples_in(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(sound.samples for sound in container.decode(audio=0))


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
@pytest.mark.parametrize("start", [Fraction(0), Fraction(1, 3)])
def test_sound_is_copied_packet_for_packet(tmp_path: Path, suffix: str, start: Fraction) -> None:
    tones = [
        Audio(seconds=Fraction(4), start=start),
        Audio("libmp3lame", rate=44100, seconds=Fraction(4), start=start),
    ]
    source = write_clip(tmp_path / "in.mp4", audio=tones, frames=5)
    path = tmp_path / f"out{suffix}"
    opened: list[FileFeed] = []

    def opener() -> FileFeed:
        opened.append(FileFeed(source))
        return opened[-1]

    write(path, list(frames(range(100), Fraction(1, 25))), open_audio=opener)
    for index in range(2):
        was, now = packets_in(source, index), packets_in(path, index)
        assert [data for _, _, data in now] == [data for _, _, data in was]
        tolerance = 0 if suffix in MP4_FAMILY else Fraction(1, 1000)
        for (time, _, _), (expected, _, _) in zip(now, was, strict=True):
            assert abs(time - expected) <= tolerance
    assert times_in(path) == [Fraction(i, 25) for i in range(100)]
    assert [feed.closed for feed in opened] == [True, True]  # one was for trying


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
@pytest.mark.parametrize("rate", [44100, 48000])
def test_sound_before_the_first_picture_is_kept(tmp_path: Path, suffix: str, rate: int) -> None:
    source = write_clip(tmp_path / "in.mp4", audio=[Audio(rate=rate, seconds=Fraction(4))])
    path = tmp_path / f"out{suffix}"
    times = [Fraction(n * 3003 + 1920, 90000) for n in range(100)]
    pictures = list(frames([int(t * 90000) for t in times], Fraction(1, 90000)))
    write(path, pictures, open_audio=lambda: FileFeed(source))
    tolerance = 0 if suffix in MP4_FAMILY else MILLI / 2
    assert max(abs(a - b) for a, b in zip(times_in(path), times, strict=True)) <= tolerance
    was, now = packets_in(source), packets_in(path)
    assert was[0][0] < 0
    assert [data for _, _, data in now] == [data for _, _, data in was]
    assert max(abs(a - b) for (a, _, _), (b, _, _) in zip(now, was, strict=True)) <= tolerance


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_sound_from_a_transport_stream_fits(tmp_path: Path, suffix: str) -> None:
    """There every packet of AAC has a header of its own, which these files have once."""
    source = write_clip(tmp_path / "in.ts", audio=[Audio(seconds=Fraction(3))])
    path = tmp_path / f"out{suffix}"
    write(path, list(frames(range(60), Fraction(1, 25))), open_audio=lambda: FileFeed(source))
    was, now = packets_in(source), packets_in(path)
    header = 7
    assert [data for _, _, data in now] == [data[header:] for _, _, data in was]
    tolerance = Fraction(1, 90000) if suffix in MP4_FAMILY else MILLI
    assert max(abs(a - b) for (a, _, _), (b, _, _) in zip(now, was, strict=True)) <= tolerance
    assert samples_in(path) == samples_in(source)


def test_a_broken_packet_from_a_transport_stream_is_left_out(tmp_path: Path) -> None:
    class NoisyFeed(FileFeed):
        def until(self, seconds: Fraction) -> Iterator[av.Packet[av.AudioStream]]:
            for packet in super().until(seconds):
                if packet.pts is not None and 1 <= packet.pts * packet.time_base < Fraction(11, 10):
                    packet.update(bytes(packet.size))
                yield packet

    source = write_clip(tmp_path / "in.ts", audio=[Audio(seconds=Fraction(3))])
    path = tmp_path / "out.mp4"
    pictures = list(frames(range(60), Fraction(1, 25)))
    sink = write(path, pictures, open_audio=lambda: NoisyFeed(source))
    lost = len(packets_in(source)) - len(packets_in(path))
    assert lost > 1
    assert sink.warnings == [f"{path}: {lost} broken audio packets were left out"]


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_sound_whose_channels_are_only_counted_fits(tmp_path: Path, suffix: str) -> None:
    source = tmp_path / "in.avi"
    with av.open(str(source), "w") as output:
        stream = output.add_stream("pcm_s16le", rate=8000)
        assert isinstance(stream, av.AudioStream)
        stream.layout = "stereo"
        sound = av.AudioFrame.from_ndarray(np.ones((1, 16000), np.int16), "s16", "stereo")
        sound.sample_rate, sound.pts = 8000, 0
        output.mux(stream.encode(sound))
    feed = FileFeed(source)
    assert feed.streams[0].layout.name == "2 channels"
    feed.close()
    path = tmp_path / f"out{suffix}"
    write(path, list(frames(range(25), Fraction(1, 25))), open_audio=lambda: FileFeed(source))
    assert [data for _, _, data in packets_in(path)] == [data for _, _, data in packets_in(source)]
    with av.open(str(path)) as container:
        assert container.streams.audio[0].channels == 2


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
@pytest.mark.parametrize(
    ("codec", "held"),
    [("ac3", ".mkv"), ("eac3", ".mkv"), ("ac3", ".ts"), ("pcm_s16le", ".avi"), ("mp2", ".ts")],
)
def test_sound_of_other_coders_fits(tmp_path: Path, suffix: str, codec: str, held: str) -> None:
    source = write_clip(tmp_path / f"in{held}", audio=[Audio(codec, seconds=Fraction(3))])
    path = tmp_path / f"out{suffix}"
    write(path, list(frames(range(60), Fraction(1, 25))), open_audio=lambda: FileFeed(source))
    assert [data for _, _, data in packets_in(path)] == [data for _, _, data in packets_in(source)]
    # What a decoder warms up with is not cut off everywhere.
    assert abs(samples_in(path) - samples_in(source)) <= 256


@pytest.mark.parametrize(
    ("codec", "start", "suffix"), [("libopus", 0, ".mov"), ("flac", 0, ".mov"), ("ac3", 12, ".mp4")]
)
def test_sound_that_the_muxer_refuses_is_said_to_be_the_reason(
    tmp_path: Path, codec: str, start: int, suffix: str
) -> None:
    tone = Audio(codec, start=Fraction(start))
    source = write_clip(tmp_path / "in.mkv", audio=[tone], frames=5)
    feeds: list[FileFeed] = []

    def opener() -> FileFeed:
        feeds.append(FileFeed(source))
        return feeds[-1]

    about = info(open_audio=opener)
    message = rf"{suffix[1:]} does not take the audio of test .*; give --no-audio or choose \.mkv"
    with pytest.raises(SinkError, match=message):
        VideoSink(tmp_path / f"a{suffix}", about, OPTIONS)
    assert [feed.closed for feed in feeds] == [True, True]
    assert list(tmp_path.iterdir()) == [source]
    for other, options in ((suffix, SinkOptions(audio=False)), (".mkv", OPTIONS)):
        VideoSink(tmp_path / f"a{other}", about, options).close()


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_sound_begins_with_the_first_frame_and_ends_with_the_last(
    tmp_path: Path, suffix: str
) -> None:
    source = write_clip(tmp_path / "in.mp4", audio=[Audio(seconds=Fraction(4))], frames=5)
    path = tmp_path / f"out{suffix}"
    pictures = list(frames(range(25, 51), Fraction(1, 25)))
    write(path, pictures, start=Fraction(1), open_audio=lambda: FileFeed(source, ended=False))
    assert times_in(path)[0] == 0
    expected = [
        (time - 1, data) for time, _, data in packets_in(source) if 1 <= time < 1 + Fraction(26, 25)
    ]
    got = [(time, data) for time, _, data in packets_in(path)]
    assert [data for _, data in got] == [data for _, data in expected]
    tolerance = 0 if suffix == ".mp4" else Fraction(1, 2000)
    for (time, _), (wanted, _) in zip(got, expected, strict=True):
        assert abs(time - wanted) <= tolerance


def test_sound_that_never_begins_does_no_harm(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "in.mp4", audio=[Audio(seconds=Fraction(1))], frames=5)
    path = tmp_path / "out.mp4"
    pictures = list(frames(range(100, 160), Fraction(1, 25)))
    write(path, pictures, start=Fraction(4), open_audio=lambda: FileFeed(source))
    assert times_in(path) == [Fraction(i, 25) for i in range(60)]


def test_sound_that_breaks_off_leaves_the_pictures(tmp_path: Path) -> None:
    class BrokenFeed(FileFeed):
        def until(self, seconds: Fraction) -> Iterator[av.Packet[av.AudioStream]]:
            if seconds > 1:
                raise ReadError("in.mp4 is gone")
            return super().until(seconds)

    source = write_clip(tmp_path / "in.mp4", audio=[Audio(seconds=Fraction(4))], frames=5)
    feeds = iter([BrokenFeed(source), FileFeed(source)])  # the second is for trying
    about = info(open_audio=lambda: next(feeds))
    sink = VideoSink(tmp_path / "a.mp4", about, OPTIONS)

    def write_all() -> None:
        for picture in frames(range(100), Fraction(1, 25)):
            sink.write(picture, NOTHING)

    with pytest.raises(ReadError, match="is gone"):
        write_all()
    with pytest.raises(WriteError, match=r"in\.mp4 is gone; its first \d+ frames are in .*\.part"):
        sink.close()
    assert len(times_in(tmp_path / "a.mp4.part")) >= 25


def test_sound_can_be_left_out(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "in.mp4", audio=[Audio()], frames=5)
    path = tmp_path / "out.mp4"
    write(path, [frame(0)], SinkOptions(audio=False), open_audio=lambda: FileFeed(source))
    with av.open(str(path)) as container:
        assert not container.streams.audio


def test_sound_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "in.mkv", audio=[Audio()], frames=5)
    feed = FileFeed(source)
    with pytest.raises(SinkError, match=r"\.webm cannot hold aac audio; .*\.mkv, --no-audio"):
        VideoSink(tmp_path / "a.webm", info(open_audio=lambda: feed), OPTIONS)
    assert feed.closed
    assert list(tmp_path.iterdir()) == [source]
