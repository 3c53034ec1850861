"""Cameras without a camera.

Where a camera would be opened, a clip is, in the formats that cameras give; the kernel's lists are
folders and answers made here. `test_v4l2_driver` goes through FFmpeg's own reader of cameras.
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.container import InputContainer
from av.device import DeviceInfo

from streamer.errors import ReadError, SourceError
from streamer.frame import Color, Frame
from streamer.sources import camera_list
from streamer.sources.base import Health
from streamer.sources.camera import CameraConnection, CameraSource, ask
from streamer.sources.camera_list import CameraInfo, cameras, find_camera, is_camera
from streamer.sources.options import SourceOptions
from streamer.sources.reconnecting import Limits
from streamer.sources.v4l2 import modes_of
from streamer.sources.window import Window

LIMITS = Limits(first=20, picture=20, retry=0.01, longest_retry=0.02)


@pytest.fixture
def linux(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with a webcam of two nodes and a capture card, all of which are plain files."""
    devices, nodes = tmp_path / "dev", tmp_path / "sys"
    devices.mkdir()
    for number, name, index in (
        (0, "HD Webcam: HD Webcam", 0),
        (1, "HD Webcam: HD Webcam", 1),
        (10, "Grabber\n", 0),
    ):
        node = nodes / f"video{number}"
        node.mkdir(parents=True)
        (node / "name").write_text(name)
        (node / "index").write_text(f"{index}\n")
        (devices / f"video{number}").touch()
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr(camera_list, "_NODES", nodes)
    monkeypatch.setattr(camera_list, "_DEVICES", devices)
    monkeypatch.setattr(camera_list, "_PATHS", (f"{devices}/video", f"{devices}/v4l/"))
    return devices


class Wire:
    """Stands where a camera is opened: gives a clip's packets, and faults where it is told.

    Args:
        clip: a file of pictures as cameras give them.
        fault: what opening it raises.
        lost_after: packets until it is pulled out.
        lost: the error of that moment.
    """

    def __init__(
        self,
        clip: Path,
        *,
        fault: Exception | None = None,
        lost_after: int | None = None,
        lost: int = errno.ENODEV,
    ) -> None:
        self.opened: list[tuple[str, str, dict[str, str]]] = []
        self.closed = 0
        self._clip, self._fault = clip, fault
        self._lost_after, self._lost = lost_after, lost

    def __call__(
        self, kind: str, path: str, options: dict[str, str], seconds: float
    ) -> InputContainer:
        assert seconds > 0
        self.opened.append((kind, path, options))
        if self._fault is not None:
            raise self._fault
        return _Flaky(self, av.open(str(self._clip)))  # type: ignore[return-value]


class _Flaky:
    """A container that has no picture yet every other time, and is lost in the end."""

    def __init__(self, wire: Wire, container: InputContainer) -> None:
        self._wire, self._container = wire, container
        self._calls = 0
        self.streams = container.streams

    def demux(self, stream: av.VideoStream) -> Iterator[Any]:
        self._calls += 1
        if self._calls % 2 == 0:
            raise av.error.BlockingIOError(errno.EAGAIN, "not yet", "camera")
        if self._wire._lost_after is not None and self._calls > 2 * self._wire._lost_after:
            raise av.error.OSError(self._wire._lost, "made to fail", "camera")
        yield from self._container.demux(stream)

    def close(self) -> None:
        self._wire.closed += 1
        self._container.close()


def write(path: Path, codec: str, pixel_format: str, size: tuple[int, int] = (64, 48)) -> Path:
    """Twelve pictures of one colour, Y from 40 on, Cb 100 and Cr 180."""
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=30)
        stream.width, stream.height, stream.pix_fmt = *size, pixel_format
        for index in range(12):
            values = (40 + index, 100, 180)
            full = pixel_format.startswith("yuvj")
            picture = av.VideoFrame(*size, "yuvj422p" if full else "yuv422p")
            for plane, value in zip(picture.planes, values, strict=True):
                plane.update(bytes([value]) * plane.buffer_size)
            container.mux(stream.encode(picture.reformat(format=pixel_format)))
        container.mux(stream.encode())
    return path


@pytest.fixture
def yuyv(tmp_path: Path) -> Path:
    return write(tmp_path / "yuyv.nut", "rawvideo", "yuyv422")


def frames_of(
    wire: Wire, count: int, options: SourceOptions, spec: str = "0"
) -> tuple[list[Frame], CameraSource]:
    window = Window(frames=count)
    with CameraSource(spec, window, options, limits=LIMITS, opener=wire) as source:
        return list(source), source


def test_yuyv_becomes_planar_with_the_matrix_of_cameras(linux: Path, tmp_path: Path) -> None:
    wire = Wire(write(tmp_path / "hd.nut", "rawvideo", "yuyv422", (1280, 720)))
    frames, source = frames_of(wire, 3, SourceOptions())
    assert [frame.picture.format.name for frame in frames] == ["yuv420p"] * 3
    assert [frame.color for frame in frames] == [Color("bt601", full_range=False)] * 3
    assert means(frames) == [pytest.approx([40 + index, 100, 180], abs=1) for index in range(3)]
    assert (source.info.width, source.info.height, source.info.rate) == (1280, 720, Fraction(30))
    assert source.info.live
    assert source.info.url == f"{linux}/video0 (HD Webcam: HD Webcam)"
    assert wire.opened[0][:2] == ("v4l2", f"{linux}/video0")
    assert wire.closed == 1


@pytest.mark.usefixtures("linux")
def test_mjpeg_becomes_planar_in_its_own_range(tmp_path: Path) -> None:
    wire = Wire(write(tmp_path / "mjpeg.nut", "mjpeg", "yuvj422p"))
    frames, source = frames_of(wire, 4, SourceOptions(pixel_format="mjpeg"))
    assert [frame.color for frame in frames] == [Color("bt601", full_range=True)] * 4
    assert means(frames) == [pytest.approx([40 + index, 100, 180], abs=2) for index in range(4)]
    assert source.health.warnings == []


def means(frames: list[Frame]) -> list[list[float]]:
    return [[float(np.mean(plane)) for plane in (f.y, f.u, f.v)] for f in frames]


@pytest.mark.usefixtures("linux")
def test_times_strictly_increase(yuyv: Path) -> None:
    frames, _ = frames_of(Wire(yuyv), 10, SourceOptions())
    assert all(a.pts < b.pts for a, b in pairwise(frames))
    assert [frame.seq for frame in frames] == list(range(10))


def test_a_camera_that_was_pulled_out_is_waited_for(linux: Path, yuyv: Path) -> None:
    wire = Wire(yuyv, lost_after=3)
    frames, source = frames_of(wire, 8, SourceOptions(), "hd webcam")
    assert len(frames) == 8
    assert source.health.reconnects == 2
    assert {path for _, path, _ in wire.opened} == {f"{linux}/video0"}
    assert wire.closed == 3
    (warning,) = source.health.warnings
    assert "it was pulled out or switched off" in warning


@pytest.mark.usefixtures("linux")
@pytest.mark.parametrize(
    ("number", "words"),
    [(errno.ENODEV, "it was pulled out"), (errno.EIO, "it was pulled out"), (errno.EPROTO, "made")],
)
def test_a_camera_that_is_not_waited_for_ends_the_run(yuyv: Path, number: int, words: str) -> None:
    wire = Wire(yuyv, lost_after=2, lost=number)
    with pytest.raises(ReadError, match=words) as error:
        frames_of(wire, 8, SourceOptions(reconnect=0))
    assert "/video0" in str(error.value)


@pytest.mark.usefixtures("linux")
@pytest.mark.parametrize(
    ("fault", "options", "words"),
    [
        (av.error.OSError(errno.EBUSY, "busy", "x"), SourceOptions(), "another program uses it"),
        (av.error.PermissionError(errno.EACCES, "no", "x"), SourceOptions(), "the group video"),
        (av.error.PermissionError(errno.EPERM, "no", "x"), SourceOptions(), "the group video"),
        (
            av.error.OSError(errno.ENODEV, "no", "x"),
            SourceOptions(),
            "no camera, or was pulled out",
        ),
        (av.error.OSError(errno.ENOTTY, "no", "x"), SourceOptions(), "is no camera"),
        (
            av.error.ArgumentError(errno.EINVAL, "no", "x"),
            SourceOptions(size=(9, 9)),
            "does not offer",
        ),
        (av.error.ArgumentError(errno.EINVAL, "odd", "x"), SourceOptions(reconnect=3), ": odd"),
        (av.error.ExitError(0, "x", "x"), SourceOptions(), "no picture within 20 s"),
    ],
)
def test_a_camera_that_cannot_be_opened_gives_one_line(
    fault: Exception, options: SourceOptions, words: str
) -> None:
    with pytest.raises(SourceError, match=words) as error:
        frames_of(Wire(Path(), fault=fault), 1, options)
    assert "\n" not in str(error.value)
    assert "/video0 (HD Webcam: HD Webcam): " in str(error.value)


@pytest.mark.usefixtures("linux")
def test_what_is_given_other_than_asked_is_said(yuyv: Path) -> None:
    options = SourceOptions(size=(1920, 1080), rate=Fraction(60), pixel_format="mjpeg")
    wire = Wire(yuyv)
    _, source = frames_of(wire, 2, options)
    (warning,) = source.health.warnings
    assert warning.endswith(
        "asked for 1920x1080, 60 fps, mjpeg, the camera gives 64x48, 30 fps, yuyv422"
    )
    asked = {"video_size": "1920x1080", "framerate": "60", "input_format": "mjpeg"}
    assert asked.items() <= wire.opened[0][2].items()


@pytest.mark.usefixtures("linux")
def test_what_is_given_as_asked_is_not(yuyv: Path) -> None:
    options = SourceOptions(size=(64, 48), rate=Fraction(30), pixel_format="yuyv")
    _, source = frames_of(Wire(yuyv), 2, options)
    assert source.health.warnings == []


@pytest.mark.usefixtures("linux")
def test_a_camera_with_no_picture_yet_can_be_left(yuyv: Path) -> None:
    connection = CameraConnection("0", SourceOptions(), Health(), opener=Wire(yuyv))
    given = iter(connection)
    assert [next(given) is None for _ in range(4)] == [False, True, False, True]
    connection.close()


def test_other_systems_are_asked_in_their_own_words() -> None:
    wanted = SourceOptions(size=(640, 480), rate=Fraction(25), pixel_format="mjpeg")
    assert ask("dshow", wanted)["vcodec"] == "mjpeg"
    assert ask("dshow", SourceOptions(pixel_format="yuyv"))["pixel_format"] == "yuyv422"
    assert ask("avfoundation", wanted)["framerate"] == "25"
    assert ask("avfoundation", SourceOptions())["framerate"] == "30"
    assert "input_format" not in ask("avfoundation", wanted)


@pytest.mark.usefixtures("linux")
def test_not_waiting_is_a_flag_that_ffmpeg_takes() -> None:
    asked = ask("v4l2", SourceOptions())
    with av.open("color", "r", format="lavfi", container_options=asked) as container:
        assert container.flags & 4


@pytest.mark.parametrize("spec", ["0", "video0", "HD Webcam", "hd webcam: HD webcam"])
def test_a_camera_is_found_by_number_device_and_name(linux: Path, spec: str) -> None:
    spec = spec.replace("video", f"{linux}/video")
    assert is_camera(spec)
    assert find_camera(spec) == CameraInfo(f"{linux}/video0", "HD Webcam: HD Webcam")


def test_a_link_to_a_device_has_its_name(linux: Path) -> None:
    link = linux / "v4l" / "by-id" / "usb-Grabber-video-index0"
    link.parent.mkdir(parents=True)
    link.symlink_to(linux / "video10")
    assert is_camera(str(link))
    assert find_camera(str(link)).name == "Grabber"


def test_a_missing_camera_names_those_that_are_there(linux: Path) -> None:
    with pytest.raises(SourceError, match=r"^7: there is no such camera; there are .*Grabber\)$"):
        find_camera("7")
    with pytest.raises(SourceError, match="there is no such camera"):
        find_camera(f"{linux}/video7")
    assert not is_camera("clip.mp4")


def test_without_any_camera_none_is_listed(linux: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera_list, "_NODES", linux / "nothing")
    assert cameras() == []
    with pytest.raises(SourceError, match="none is connected"):
        find_camera("7")


def test_the_list_leaves_out_what_gives_no_pictures(
    linux: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Plain files cannot be asked what they offer: the first of a device's nodes counts."""
    assert [camera.name for camera in cameras()] == ["HD Webcam: HD Webcam", "Grabber"]
    modes = {"video0": ("mjpeg 640x480",), "video1": (), "video10": ()}
    monkeypatch.setattr(camera_list, "modes_of", lambda path: modes[Path(path).name])
    info = CameraInfo(f"{linux}/video0", "HD Webcam: HD Webcam", ("mjpeg 640x480",))
    assert cameras() == [info]


@pytest.mark.parametrize(("system", "kind"), [("darwin", "avfoundation"), ("win32", "dshow")])
def test_other_systems_are_listed_by_ffmpeg(
    monkeypatch: pytest.MonkeyPatch, system: str, kind: str
) -> None:
    def listed(name: str) -> list[DeviceInfo]:
        assert name == kind
        return [
            DeviceInfo("mic", "A microphone", False, ["audio"]),
            DeviceInfo("id-1", "FaceTime", True, ["video"]),
        ]

    monkeypatch.setattr("sys.platform", system)
    monkeypatch.setattr(camera_list, "ContainerFormat", lambda *_: None)
    monkeypatch.setattr(av, "enumerate_input_devices", listed)
    facetime = CameraInfo("id-1", "FaceTime")
    assert cameras() == [facetime] == [find_camera("0")] == [find_camera("facetime")]
    assert is_camera("FaceTime")
    with pytest.raises(SourceError, match=r"there are id-1 \(FaceTime\)"):
        find_camera("1")


def test_an_ffmpeg_without_cameras_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(camera_list.INPUTS, "linux", "nosuch")
    monkeypatch.setattr("sys.platform", "linux")
    with pytest.raises(SourceError, match=r"nosuch is missing.*pip install"):
        find_camera("0")


class Driver:
    """Answers as a driver does, from ``formats``: letters -> sizes, None for a range of them."""

    def __init__(self, capabilities: int, formats: dict[str, list[tuple[int, int]] | None]) -> None:
        self._capabilities, self._formats = capabilities, formats

    def __call__(self, device: int, request: int, argument: bytes) -> bytes:
        assert device > 0
        number, size = request & 0xFF, request >> 16 & 0x3FFF
        assert len(argument) == size
        if number == 0:
            return struct.pack("<84xII12x", 1 << 31 | 0xFF, self._capabilities)
        index, code = struct.unpack_from("<II", argument)
        if number == 2:
            letters = _at(list(self._formats), index).encode()
            return struct.pack("<III32s4s16x", index, 1, 0, b"what it is", letters)
        sizes = self._formats[struct.pack("<I", code).decode()]
        if sizes is None:
            return struct.pack("<III6I8x", index, code, 3, 16, 4096, 2, 16, 2160, 2)
        return struct.pack("<IIIII24x", index, code, 1, *_at(sizes, index))


def _at(items: list[Any], index: int) -> Any:
    if index >= len(items):
        raise OSError(errno.EINVAL, "the list ends")
    return items[index]


def test_what_a_camera_offers_is_read_from_its_driver(tmp_path: Path) -> None:
    device = tmp_path / "video0"
    device.touch()
    driver = Driver(1, {"MJPG": [(1280, 720), (640, 480)], "YUYV": [(640, 480)], "RG10": None})
    assert modes_of(str(device), driver) == (
        "mjpeg 1280x720",
        "mjpeg 640x480",
        "yuyv 640x480",
        "RG10",
    )
    assert modes_of(str(device), Driver(0x800000, {"MJPG": [(640, 480)]})) == ()


def test_what_cannot_be_asked_offers_nothing_known(tmp_path: Path) -> None:
    device = tmp_path / "video0"
    assert modes_of(str(device)) is None
    device.touch()
    assert modes_of(str(device)) is None
