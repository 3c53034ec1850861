"""Outputs that break: limits of the disk, and a process that is killed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import av
import pytest

from streamer.instances import Instances
from streamer.sinks import video
from streamer.sinks.options import SinkOptions
from tests.sinks.footage import frame, info

pytest.importorskip("resource")

# What the processes below have in common: a sink for argv[1] that takes frames of 160x120 noise.
SETUP = """
import os, resource, signal, sys
from streamer.errors import StreamerError
from streamer.instances import Instances
from streamer.sinks.registry import SinkOptions, open_sink
from tests.sinks.footage import frame, info

size, nothing = (160, 120), Instances.empty()
sink = open_sink(sys.argv[1], info(size), SinkOptions(threads=1))

def write(count):
    for index in range(count):
        sink.write(frame(index, size=size), nothing)

def limit(size_in_bytes):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_in_bytes, size_in_bytes))

def report(action, *args):
    try:
        action(*args)
    except StreamerError as error:
        print(type(error).__name__, error)
    else:
        print("no error")
"""
KILLED = "write(150); os.kill(os.getpid(), signal.SIGKILL)"
FULL_WHILE_WRITING = "limit(60_000); report(write, 2000); sink.close()"
FULL_AT_THE_END = "write(150); limit({size}); report(sink.close)"


def run(target: Path, script: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", SETUP + script, str(target)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert done.stderr == ""
    return done.stdout.strip()


def pictures_in(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(packet.size > 0 and not packet.is_corrupt for packet in container.demux(video=0))


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm"])
def test_a_killed_process_leaves_what_plays(tmp_path: Path, suffix: str) -> None:
    run(tmp_path / f"a{suffix}", KILLED)
    part = tmp_path / f"a{suffix}.part"
    assert list(tmp_path.iterdir()) == [part]
    # Of the last second and of what the encoder holds back nothing can be on disk.
    with av.open(str(part)) as container:
        assert sum(1 for _ in container.decode(video=0)) >= 75


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm"])
def test_a_full_disk_while_writing(tmp_path: Path, suffix: str) -> None:
    said = run(tmp_path / f"a{suffix}", FULL_WHILE_WRITING)
    part = tmp_path / f"a{suffix}.part"
    assert list(tmp_path.iterdir()) == [part]
    frames = pictures_in(part)
    assert frames >= 20
    assert said == (
        f"WriteError {tmp_path}/a{suffix}: larger than the disk or the user's limits allow; "
        f"its first {frames} frames are in {part}, which plays"
    )


@pytest.mark.parametrize("encoder", ["h264", "h265", "av1", "vp9"])
def test_encoders_write_nothing_to_the_terminal(tmp_path: Path, encoder: str) -> None:
    script = f"""
with open_sink(sys.argv[1], info(size), SinkOptions(encoder={encoder!r}, overwrite=True)) as sink:
    write(5)
"""
    assert run(tmp_path / "a.mkv", "sink.close()\n" + script) == ""
    assert pictures_in(tmp_path / "a.mkv") == 5


def test_a_full_disk_before_the_first_fragment(tmp_path: Path) -> None:
    said = run(tmp_path / "a.mp4", "limit(500); report(write, 200); sink.close()")
    assert said.endswith("; no frame was written")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_at_the_end(tmp_path: Path) -> None:
    run(tmp_path / "whole.mp4", "write(150); sink.close()")
    size = (tmp_path / "whole.mp4").stat().st_size
    said = run(tmp_path / "a.mp4", FULL_AT_THE_END.format(size=size - 500))
    assert said.startswith("WriteError")
    assert "its first 150 frames are in" in said
    assert not (tmp_path / "a.mp4").exists()
    assert pictures_in(tmp_path / "a.mp4.part") == 150


def test_no_space_for_moving_the_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(source: Path, target: Path) -> bool:
        target.write_bytes(source.read_bytes()[:100])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(video, "move_index_to_front", full)
    with video.VideoSink(tmp_path / "a.mp4", info(), SinkOptions()) as sink:
        for index in range(30):
            sink.write(frame(index), Instances.empty())
    assert list(tmp_path.iterdir()) == [tmp_path / "a.mp4"]
    assert pictures_in(tmp_path / "a.mp4") == 30
    (warning,) = sink.warnings
    assert "a.mp4 is complete, but its index is at its end" in warning
    assert "(disk full)" in warning


def test_results_hold_whole_lines_after_a_kill(tmp_path: Path) -> None:
    run(tmp_path / "a.jsonl", KILLED)
    lines = (tmp_path / "a.jsonl.part").read_text().splitlines(keepends=True)
    assert [json.loads(line)["seq"] for line in lines] == list(range(150))
    assert all(line.endswith("\n") for line in lines)


def test_results_hold_whole_lines_after_a_full_disk(tmp_path: Path) -> None:
    said = run(tmp_path / "a.jsonl", "limit(5_000); report(write, 2000); sink.close()")
    part = tmp_path / "a.jsonl.part"
    lines = part.read_text().splitlines(keepends=True)
    assert [json.loads(line)["seq"] for line in lines] == list(range(len(lines)))
    assert said == (
        f"WriteError {tmp_path}/a.jsonl: larger than the disk or the user's limits allow; "
        f"its first {len(lines)} lines are in {part}"
    )
    assert not (tmp_path / "a.jsonl").exists()


@pytest.mark.parametrize("spec", ["folder/", "one.png"])
def test_an_image_that_does_not_fit_leaves_nothing(tmp_path: Path, spec: str) -> None:
    said = run(Path(f"{tmp_path}/{spec}"), "limit(1_000); report(write, 3); sink.close()")
    assert said.startswith("WriteError")
    assert "larger than the disk or the user's limits allow" in said
    assert list(tmp_path.rglob("*.p*")) == []
