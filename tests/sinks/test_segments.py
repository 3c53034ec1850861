"""Recordings in segments: cuts, names, sound, times, and what a kill or a full disk leaves."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import av
import pytest

from streamer.errors import SinkError, WriteError
from streamer.frame import Frame
from streamer.instances import Instances
from streamer.sinks.options import SinkOptions
from streamer.sinks.segments import SegmentSink, is_part_of
from streamer.sources.base import StreamInfo
from tests.clips import Audio, packets_in, times_in, write_clip
from tests.sinks.footage import RATE, FileFeed, frame, frames, info

NOTHING = Instances.empty()
SECOND = SinkOptions(threads=1, segment=Fraction(1))


def record(
    path: Path,
    pictures: list[Frame],
    options: SinkOptions = SECOND,
    about: StreamInfo | None = None,
) -> SegmentSink:
    about = about or info(time_base=pictures[0].time_base)
    with SegmentSink(path, about, options) as sink:
        for picture in pictures:
            sink.write(picture, NOTHING)
    return sink


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def levels(path: Path) -> list[int]:
    """Which frame of `footage` each picture is, by its ground."""
    with av.open(str(path)) as container:
        pictures = [Frame(picture, 0, 0, RATE) for picture in container.decode(video=0)]
    return [round((float(picture.y.mean()) - 35.5) / 3) for picture in pictures]


@pytest.mark.parametrize("live", [False, True])
def test_no_frame_is_lost_or_doubled_at_a_cut(tmp_path: Path, live: bool) -> None:
    about = info(live=live)
    sink = record(tmp_path / "rec.mp4", [frame(i) for i in range(58)], about=about)
    parts = sorted(tmp_path.iterdir())
    assert [part.name for part in parts] == [f"rec-0000{n}.mp4" for n in (1, 2, 3)]
    assert [level for part in parts for level in levels(part)] == list(range(58))
    assert [times_in(part) for part in parts] == [
        [Fraction(i, 25) for i in range(count)] for count in (25, 25, 8)
    ]
    assert (sink.frames, sink.warnings) == (58, [])
    for part in parts:
        data = part.read_bytes()
        assert data.index(b"moov") < data.index(b"mdat")


@pytest.mark.parametrize("suffix", [".mkv", ".mov"])
def test_any_video_format(tmp_path: Path, suffix: str) -> None:
    record(tmp_path / f"rec{suffix}", [frame(i) for i in range(30)])
    assert names(tmp_path) == [f"rec-00001{suffix}", f"rec-00002{suffix}"]
    assert [len(times_in(part)) for part in sorted(tmp_path.iterdir())] == [25, 5]


def test_segments_in_turn_are_as_long_as_the_recording(tmp_path: Path) -> None:
    times = [0, 7, 23, 31, 49, 51, 60, 77]
    record(tmp_path / "rec.mp4", list(frames(times, 1 / RATE)))
    spans = []
    for part in sorted(tmp_path.iterdir()):
        with av.open(str(part)) as container:
            stream = container.streams.video[0]
            spans.append((stream.duration or 0) * (stream.time_base or 0) * RATE)
    # Bounds at 25, 50 and 75: each begins with the first frame behind one.
    assert spans == [31, 51 - 31, 77 - 51, 1]


def test_gaps_keep_their_place_and_empty_segments_are_left_out(tmp_path: Path) -> None:
    live = info(live=True, time_base=Fraction(1, 90_000))
    hours = 8 * 3600
    seconds = [Fraction(0), Fraction(1, 5), hours + Fraction(1, 10), hours + Fraction(19, 20)]
    seconds.append(hours + Fraction(21, 20))
    record(
        tmp_path / "rec.mp4",
        list(frames([int(s * 90_000) for s in seconds], live.time_base)),
        about=live,
    )
    parts = [times_in(part) for part in sorted(tmp_path.iterdir())]
    assert parts == [[0, Fraction(1, 5)], [0, Fraction(17, 20)], [0]]


def test_a_live_segment_says_when_it_was(tmp_path: Path) -> None:
    taken = time.monotonic() - 3600
    pictures = [replace(frame(i), captured_at=taken + i / 25) for i in range(30)]
    record(tmp_path / "rec.mp4", pictures, about=info(live=True))
    first = datetime.now(UTC) - timedelta(hours=1)
    for number, begins in ((1, 0.0), (2, 1.0)):
        with av.open(str(tmp_path / f"rec-0000{number}.mp4")) as container:
            told = datetime.fromisoformat(container.metadata["creation_time"])
        assert abs((told - first).total_seconds() - begins) < 30
        if number == 1:
            first = told
        else:
            assert (told - first).total_seconds() == pytest.approx(begins, abs=0.1)


@pytest.mark.parametrize("live", [False, True])
def test_sound_is_cut_between_packets(tmp_path: Path, live: bool) -> None:
    source = write_clip(tmp_path / "in.mp4", audio=[Audio(seconds=Fraction(4))], frames=5)
    out = tmp_path / "out"
    out.mkdir()
    opened: list[FileFeed] = []

    def opener() -> FileFeed:
        opened.append(FileFeed(source))
        return opened[-1]

    record(out / "rec.mp4", [frame(i) for i in range(90)], about=info(live=live, open_audio=opener))
    parts = sorted(out.iterdir())
    sounds = [packets_in(part) for part in parts]
    assert [data for sound in sounds for _, _, data in sound] == [
        data for _, _, data in packets_in(source)
    ]
    for number, sound in enumerate(sounds[1:], 1):
        before = packets_in(source)[sum(len(s) for s in sounds[:number])][0]
        assert 0 <= sound[0][0] < Fraction(1024, 48000)
        assert sound[0][0] == before - number
    assert all(feed.closed for feed in opened)


def test_numbers_go_on_after_what_is_there(tmp_path: Path) -> None:
    for name in (
        "rec-00003.mp4",
        "rec-00007.mp4.part",
        "rec-1.mp4",
        "rec-00009.mkv",
        "arec-00010.mp4",
    ):
        (tmp_path / name).write_bytes(b"old")
    record(tmp_path / "rec.mp4", [frame(0)])
    assert "rec-00008.mp4" in names(tmp_path)
    assert [p.name for p in tmp_path.iterdir() if p.read_bytes() != b"old"] == ["rec-00008.mp4"]
    record(tmp_path / "rec.mp4", [frame(0)], replace(SECOND, overwrite=True))
    assert len(times_in(tmp_path / "rec-00001.mp4")) == 1


def test_is_part_of(tmp_path: Path) -> None:
    rec = tmp_path / "rec.mp4"
    assert is_part_of(rec, tmp_path / "rec-00001.mp4")
    assert is_part_of(rec, tmp_path / "rec-100000.mp4.part")
    assert not is_part_of(rec, rec)
    assert not is_part_of(rec, tmp_path / "other" / "rec-00001.mp4")


@pytest.mark.parametrize(
    ("name", "message"),
    [("rec.avi", "use .mp4"), ("none/rec.mp4", "no folder"), ("rec.webm", "cannot hold h264")],
)
def test_what_cannot_work_is_said_before_any_work(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(SinkError, match=message):
        SegmentSink(tmp_path / name, info(), replace(SECOND, encoder="h264"))
    assert names(tmp_path) == []


def test_no_frame_no_file(tmp_path: Path) -> None:
    SegmentSink(tmp_path / "rec.mp4", info(), SECOND).close()
    assert names(tmp_path) == []


@pytest.mark.parametrize("live", [False, True])
def test_a_name_that_was_taken_meanwhile_is_kept(tmp_path: Path, live: bool) -> None:
    sink = SegmentSink(tmp_path / "rec.mp4", info(live=live), SECOND)
    (tmp_path / "rec-00002.mp4").write_bytes(b"other")
    for index in range(25):
        sink.write(frame(index), NOTHING)
    with pytest.raises(WriteError, match=r"rec-00002\.mp4 exists.*segments before it are whole"):
        sink.write(frame(25), NOTHING)
    sink.close()
    assert (tmp_path / "rec-00002.mp4").read_bytes() == b"other"
    assert len(times_in(tmp_path / "rec-00001.mp4")) == 25


# What the processes below have in common: a live recording of noise in segments of 50 frames.
SETUP = """
import os, resource, signal, sys, time
from fractions import Fraction
from pathlib import Path
from streamer.errors import StreamerError
from streamer.instances import Instances
from streamer.sinks.options import SinkOptions
from streamer.sinks.segments import SegmentSink
from tests.sinks.footage import frame, info

size = (160, 120)
options = SinkOptions(threads=1, segment=Fraction(2))
sink = SegmentSink(Path(sys.argv[1]), info(size, live=True), options)

def await_part(number):
    # Finishing has a thread of its own, which a busy machine may let wait.
    while not Path(sys.argv[1].replace(".mp4", f"-{number:05d}.mp4")).exists():
        time.sleep(0.01)

def write(numbers):
    for index in numbers:
        sink.write(frame(index, size=size), Instances.empty())
"""
KILLED = """
write(range(160))
await_part(3)
write(range(160, 200))
os.kill(os.getpid(), signal.SIGKILL)
"""
FULL = """
try:
    write(range(110))
    await_part(2)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
    write(range(110, 140))
    sink.close()
except StreamerError as error:
    print(type(error).__name__, error)
sink.close()
"""


def start(script: str, target: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", SETUP + script, str(target)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )


def test_a_kill_costs_the_last_seconds(tmp_path: Path) -> None:
    pytest.importorskip("resource")
    with start(KILLED, tmp_path / "rec.mp4") as process:
        assert process.wait(60) == -signal.SIGKILL
    parts = [f"rec-0000{n}.mp4" for n in (1, 2, 3)] + ["rec-00004.mp4.part"]
    assert names(tmp_path) == parts
    *whole, rest = [len(times_in(tmp_path / part)) for part in parts]
    assert whole == [50, 50, 50]
    # Of 50 frames, a fragment of a second and what the encoder looks ahead may be missing.
    assert 0 < rest < 50


def test_a_full_disk_leaves_the_segments_before_whole(tmp_path: Path) -> None:
    pytest.importorskip("resource")
    with start(FULL, tmp_path / "rec.mp4") as process:
        said, _ = process.communicate(timeout=60)
    assert said.count("\n") == 1
    assert said.startswith(f"WriteError {tmp_path}/rec-00003.mp4: ")
    assert said.endswith("; the segments before it are whole\n")
    assert [len(times_in(tmp_path / f"rec-0000{n}.mp4")) for n in (1, 2)] == [50, 50]
