"""Recordings and snapshots that a viewer asks for."""

from __future__ import annotations

import os
import re
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from streamer.controls import Controls
from streamer.instances import Instances
from streamer.sinks import on_demand
from streamer.sinks.on_demand import OnDemandSink
from streamer.sinks.options import SinkOptions
from tests.clips import times_in
from tests.sinks.footage import FileFeed, frame, info

NAME = re.compile(r"streamer-\d{8}-\d{6}(-\d+)?\.(mp4|png)(\.part)?")


class Viewer:
    """A sink, its controls, and frames at 25 a second from the third second on."""

    def __init__(self, folder: Path, *, live: bool = False) -> None:
        self.controls = Controls(lambda: None, folder)
        self.sink = OnDemandSink(
            info(live=live, open_audio=lambda: FileFeed(folder)),
            SinkOptions(threads=1, overwrite=True, controls=self.controls),
        )
        self._index = 0

    def watch(self, frames: int) -> None:
        for _ in range(frames):
            self.sink.write(frame(self._index, pts=75 + self._index), Instances.empty())
            self._index += 1


def names(folder: Path) -> list[str]:
    found = sorted(path.name for path in folder.iterdir())
    assert all(NAME.fullmatch(name) for name in found)
    return found


@pytest.mark.parametrize("live", [False, True])
def test_recordings_begin_and_end_when_asked(tmp_path: Path, live: bool) -> None:
    viewer = Viewer(tmp_path, live=live)
    viewer.watch(5)
    assert names(tmp_path) == []
    for frames in (30, 40):
        viewer.controls.recording = True
        viewer.watch(frames)
        assert viewer.controls.recorded is not None
        assert f"{viewer.controls.recorded}.part" in names(tmp_path)
        viewer.controls.recording = False
        viewer.watch(3)
        assert viewer.controls.recorded is None
    viewer.sink.close()
    films = names(tmp_path)
    assert viewer.controls.said in [f"saved {film}" for film in films]
    lengths = sorted(times_in(tmp_path / film) for film in films)
    assert lengths == [[Fraction(i, 25) for i in range(frames)] for frames in (30, 40)]
    assert (viewer.sink.frames, viewer.sink.warnings) == (70, [])


def test_the_end_of_the_run_ends_a_recording(tmp_path: Path) -> None:
    viewer = Viewer(tmp_path, live=True)
    viewer.controls.recording = True
    viewer.watch(10)
    viewer.sink.close()
    viewer.sink.close()
    (film,) = names(tmp_path)
    assert film.endswith(".mp4")
    assert len(times_in(tmp_path / film)) == 10


@pytest.mark.parametrize("live", [False, True])
def test_snapshots(tmp_path: Path, live: bool) -> None:
    viewer = Viewer(tmp_path, live=live)
    for _ in range(2):
        viewer.controls.snapshot()
        viewer.watch(1)
        viewer.sink._aside.wait()
        viewer.watch(2)
    viewer.sink.close()
    shots = names(tmp_path)
    assert len(shots) == 2
    assert viewer.controls.said in [f"saved {shot}" for shot in shots]
    # By time of writing: two in one second are told apart by a number that sorts before.
    paths = sorted((tmp_path / shot for shot in shots), key=lambda path: path.stat().st_mtime_ns)
    for path, index in zip(paths, (0, 3), strict=True):
        np.testing.assert_array_equal(cv2.imread(str(path)), frame(index).to_bgr())


def test_nothing_is_written_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stems = iter(["streamer-20260102-030405", "streamer-20260102-030405-2"])
    for name in (f"{stem}.{end}" for stem in stems for end in ("png", "mp4.part")):
        (tmp_path / name).write_bytes(b"old")

    class Clock:
        @staticmethod
        def now() -> Clock:
            return Clock()

        def astimezone(self) -> Clock:
            return self

        def strftime(self, _: str) -> str:
            return "streamer-20260102-030405"

    monkeypatch.setattr(on_demand, "datetime", Clock)
    viewer = Viewer(tmp_path)
    viewer.controls.recording = True
    viewer.controls.snapshot()
    viewer.watch(3)
    viewer.sink.close()
    new = [path.name for path in tmp_path.iterdir() if path.read_bytes() != b"old"]
    assert sorted(new) == ["streamer-20260102-030405-3.mp4", "streamer-20260102-030405-3.png"]


@pytest.mark.parametrize("live", [False, True])
def test_what_fails_is_said_and_the_run_goes_on(tmp_path: Path, live: bool) -> None:
    viewer = Viewer(tmp_path / "gone", live=live)
    viewer.controls.recording = True
    viewer.watch(2)
    assert not viewer.controls.recording
    assert viewer.controls.recorded is None
    assert "there is no folder" in str(viewer.controls.said)
    viewer.controls.said = None
    viewer.controls.snapshot()
    viewer.watch(2)
    viewer.sink.close()
    assert "there is no folder" in str(viewer.controls.said)
    assert len(viewer.sink.warnings) == 2


def test_a_recording_that_breaks_is_said(tmp_path: Path) -> None:
    viewer = Viewer(tmp_path)
    viewer.controls.recording = True
    viewer.watch(5)
    viewer.sink.write(frame(9, pts=200, size=(32, 32)), Instances.empty())
    assert not viewer.controls.recording
    assert "first 5 frames are in" in str(viewer.controls.said)
    viewer.watch(2)
    viewer.sink.close()
    assert len(viewer.sink.warnings) == 1


def test_a_full_disk_while_a_snapshot_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, data: bytes) -> int:  # noqa: ARG001
        raise OSError(28, os.strerror(28))

    viewer = Viewer(tmp_path)
    viewer.controls.snapshot()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        viewer.watch(1)
    assert viewer.controls.said == "not saved: disk full"
    assert names(tmp_path) == []
    viewer.sink.close()


def test_many_failures_are_told_by_the_first(tmp_path: Path) -> None:
    viewer = Viewer(tmp_path / "gone")
    for _ in range(30):
        viewer.controls.snapshot()
        viewer.watch(1)
    assert len(viewer.sink.warnings) == 10
