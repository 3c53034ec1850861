"""Which cameras are on this machine, and which one a user means."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import av
from av.format import ContainerFormat

from streamer.errors import SourceError
from streamer.sources.v4l2 import modes_of

INPUTS = {"linux": "v4l2", "darwin": "avfoundation", "win32": "dshow"}
"""System -> what FFmpeg calls its cameras."""

_NODES = Path("/sys/class/video4linux")
_DEVICES = Path("/dev")
_PATHS: tuple[str, ...] = ("/dev/video", "/dev/v4l/")


@dataclass(frozen=True, slots=True)
class CameraInfo:
    """A camera.

    Attributes:
        path: what FFmpeg opens: a device on Linux, a name or an identifier elsewhere.
        name: what people call it; may be empty.
        modes: what it offers, such as ``"mjpeg 1280x720"``; none where that is not known.
    """

    path: str
    name: str
    modes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.path} ({self.name})" if self.name not in ("", self.path) else self.path


def cameras() -> list[CameraInfo]:
    """The cameras of this machine, in the order of their numbers."""
    if input_format() != "v4l2":
        return _listed_by_ffmpeg()
    found = []
    for camera in _nodes():
        modes = modes_of(camera.path)
        # A webcam has other nodes, for what is not pictures; where one may not be asked, the first
        # is the one for pictures.
        if modes or (modes is None and _read(camera, "index") in ("0", "")):
            found.append(CameraInfo(camera.path, camera.name, modes or ()))
    return found


def is_camera(spec: str) -> bool:
    """Whether ``spec`` means a camera: a number, a device, or the name of one that is there."""
    return spec.isdecimal() or spec.startswith(_PATHS) or _named(spec) is not None


def find_camera(spec: str) -> CameraInfo:
    """The camera that a user means: its number, device or name.

    Raises:
        SourceError: it is not there; names those that are.
    """
    if input_format() != "v4l2":
        every = _listed_by_ffmpeg()
        numbered = every[int(spec)] if spec.isdecimal() and int(spec) < len(every) else None
        camera = numbered or _named(spec)
    elif spec.isdecimal() or spec.startswith(_PATHS):
        path = _DEVICES / f"video{int(spec)}" if spec.isdecimal() else Path(spec)
        known = {node.path: node for node in _nodes()}
        camera = known.get(str(path.resolve()), CameraInfo(str(path), ""))
        camera = camera if path.exists() else None
    else:
        camera = _named(spec)
    if camera is None:
        others = ", ".join(map(str, _all()))
        there = f"there are {others}" if others else "none is connected"
        raise SourceError(f"{spec}: there is no such camera; {there}")
    return camera


def input_format() -> str:
    """What FFmpeg calls the cameras of this system.

    Raises:
        SourceError: this build of FFmpeg cannot read them.
    """
    name = INPUTS.get(sys.platform, "v4l2")
    try:
        ContainerFormat(name, "r")
    except ValueError:
        raise SourceError(
            f"this build of FFmpeg cannot read cameras ({name} is missing); "
            "install PyAV's own with: pip install --force-reinstall --only-binary av av"
        ) from None
    return name


def _named(spec: str) -> CameraInfo | None:
    """The first camera of that name; Linux may add the name of a part of it after a colon."""
    wanted = spec.casefold()
    for camera in _all():
        if wanted in (camera.name.casefold(), camera.name.casefold().partition(": ")[0]):
            return camera
    return None


def _all() -> list[CameraInfo]:
    return _nodes() if sys.platform not in ("darwin", "win32") else _listed_by_ffmpeg()


def _nodes() -> list[CameraInfo]:
    """The devices for video of Linux, whatever they are for, by their numbers."""
    numbers = [
        int(number)
        for node in _NODES.glob("video*")
        if (number := node.name.removeprefix("video")).isdecimal()
    ]
    bare = [CameraInfo(str(_DEVICES / f"video{number}"), "") for number in sorted(numbers)]
    return [CameraInfo(camera.path, _read(camera, "name")) for camera in bare]


def _read(camera: CameraInfo, entry: str) -> str:
    try:
        text = (_NODES / Path(camera.path).name / entry).read_text("utf-8", "replace")
    except OSError:
        return ""
    return " ".join(text.split())


def _listed_by_ffmpeg() -> list[CameraInfo]:
    try:
        devices = av.enumerate_input_devices(INPUTS[sys.platform])
    except (av.FFmpegError, ValueError, KeyError):
        return []
    return [
        CameraInfo(device.name, device.description)
        for device in devices
        if "video" in device.media_types
    ]
