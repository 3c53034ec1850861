"""Cameras through FFmpeg: Video4Linux, AVFoundation on macOS, DirectShow on Windows.

FFmpeg opens them without waiting: a camera that gives no pictures any more would otherwise hold its
thread, and with it the device, for ever.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import partial
from typing import NamedTuple

import av
from av.container import InputContainer
from av.stream import Stream
from av.video.reformatter import Colorspace

from streamer.errors import ReadError, SourceError
from streamer.sources.base import Health
from streamer.sources.camera_list import CameraInfo, find_camera, input_format
from streamer.sources.container import MAX_PIXELS, best_video, nominal_rate, pixel_aspect, reason
from streamer.sources.live import LiveSource
from streamer.sources.options import SourceOptions
from streamer.sources.pictures import Normalizer
from streamer.sources.reconnecting import LIMITS, Limits
from streamer.sources.window import Window

_WHOLE = Window()
_OPTIONS = SourceOptions()

_NON_BLOCKING = "+4"  # AVFMT_FLAG_NONBLOCK, which has no name among FFmpeg's options
_NAP_S = 0.002
"""Between two looks for a picture: little beside the 33 ms from one to the next."""

_UNSPECIFIED = 2  # H.273's number of a matrix that is not known

_GONE = {errno.ENODEV, errno.ENXIO, errno.EIO, errno.EBADF}
_WHY = {
    errno.EBUSY: "another program uses it; close that one",
    errno.EACCES: "permission denied; add yourself to the group video "
    "(sudo usermod -aG video $USER) and log in anew",
    errno.ENOENT: "there is no such camera; connect it",
    errno.ENODEV: "is no camera, or was pulled out; streamer doctor lists those that are there",
}
_WHY[errno.EPERM] = _WHY[errno.EACCES]
_WHY[errno.ENOTTY] = _WHY[errno.ENODEV]

Open = Callable[[str, str, dict[str, str], float], InputContainer]
"""Opens a camera: FFmpeg's name of the format, the camera's, options, seconds to wait at most."""


def open_camera(
    input_name: str, path: str, options: dict[str, str], seconds: float
) -> InputContainer:
    """The one place where a camera is touched. Raises what PyAV raises."""
    # For the container only: a decoder would take the size that was asked for as the one it gets.
    return av.open(path, "r", format=input_name, container_options=options, timeout=seconds)


class CameraSource(LiveSource):
    """What a camera gives. See `LiveSource`.

    A camera that was pulled out is waited for, under whatever number it comes back if it was named
    by its name.
    """

    def __init__(
        self,
        spec: str,
        window: Window = _WHOLE,
        options: SourceOptions = _OPTIONS,
        *,
        limits: Limits = LIMITS,
        opener: Open = open_camera,
    ) -> None:
        """Open the camera.

        Args:
            spec: its number, device or name.
            window: the part to give; its times count from the first picture.
            options: what to ask of it, and how long to wait for it once it is lost.
            limits: how long to wait for what.
            opener: opens it.

        Raises:
            SourceError: it is not there or cannot be opened, or gave no picture in time.
        """
        health = Health()
        connect = partial(
            CameraConnection, spec, options, health, seconds=limits.first, opener=opener
        )
        name = str(find_camera(spec)) if spec.isdecimal() else spec
        super().__init__(name, connect, window, options, health=health, limits=limits)


class CameraConnection:
    """One opened camera. See `Connection`."""

    duration: Fraction | None = None
    paced = False

    def __init__(
        self,
        spec: str,
        options: SourceOptions,
        health: Health,
        *,
        seconds: float = LIMITS.first,
        opener: Open = open_camera,
    ) -> None:
        """Open it and learn what it gives.

        Args:
            spec: its number, device or name.
            options: size, rate and format to ask for.
            health: where corrupt pictures are counted, and what it gives other than asked is said.
            seconds: how long it may take to open.
            opener: opens it.

        Raises:
            SourceError: why not, and the way out.
        """
        kind, camera = input_format(), find_camera(spec)
        self._name, self._options, self._health = str(camera), options, health
        try:
            self._container = opener(kind, _url(kind, camera), ask(kind, options), seconds)
        except (av.FFmpegError, OSError, ValueError) as error:
            raise SourceError(f"{self._name}: {_why_not(error, options, seconds)}") from error
        try:
            self._prepare()
        except BaseException:
            self.close()
            raise

    def __iter__(self) -> Iterator[av.VideoFrame | None]:
        """The pictures. See `Connection`."""
        normalizer: Normalizer | None = None
        while True:
            try:
                packet = self._read()
            except BlockingIOError:
                yield None
                time.sleep(_NAP_S)
                continue
            except av.FFmpegError as error:
                gone = getattr(error, "errno", None) in _GONE
                why = "it was pulled out or switched off" if gone else reason(error)
                raise ReadError(f"{self._name}: {why}") from error
            if packet is None:
                return
            for picture in self._decode(packet):
                if normalizer is None:
                    self._compare(picture)
                    normalizer = Normalizer(self.time_base)
                yield from normalizer.push(picture)

    def close(self) -> None:
        """Give it back."""
        self._container.close()

    def _prepare(self) -> None:
        stream = best_video(self._container, self._name)
        assert stream.time_base is not None
        self._stream = stream
        self.time_base: Fraction = stream.time_base
        self.rate = nominal_rate(stream)
        self.pixel_aspect = pixel_aspect(stream)
        self._decoder = stream.codec_context
        self._decoder.thread_count = 1
        self._decoder.options = {"max_pixels": str(MAX_PIXELS)}

    def _compare(self, picture: av.VideoFrame) -> None:
        """Say where the camera gives other pictures than it was asked for."""
        got = Given((picture.width, picture.height), self.rate, self._format(picture))
        asked, given = differences(self._options, got)
        warning = f"{self._name}: asked for {asked}, the camera gives {given}"
        if asked and warning not in self._health.warnings:
            self._health.warnings.append(warning)

    def _format(self, picture: av.VideoFrame) -> str:
        return "mjpeg" if self._decoder.name == "mjpeg" else picture.format.name

    def _read(self) -> av.Packet[Stream] | None:
        """A copy of the next packet; None at the end, which cameras do not have.

        FFmpeg's own packets lie in the camera's memory, which is gone once it is closed: one that
        is let go of later, or a raw picture in it, would crash the process. So would a generator
        that keeps its latest packet, as PyAV's does.
        """
        given = next(self._container.demux(self._stream), None)
        if given is None or not given.size:
            return None
        packet = av.Packet(bytes(given))
        packet.pts, packet.dts, packet.time_base = given.pts, given.dts, given.time_base
        return packet

    def _decode(self, packet: av.Packet[Stream]) -> list[av.VideoFrame]:
        try:
            pictures = self._decoder.decode(packet)
        except av.error.MemoryError as error:
            raise ReadError(f"{self._name}: out of memory for its pictures") from error
        except av.FFmpegError:
            self._health.corrupt_packets += 1
            return []
        for picture in pictures:
            # Cameras use this matrix at any size, and FFmpeg does not say so of raw pictures.
            if int(picture.colorspace) == _UNSPECIFIED and not picture.format.is_rgb:
                picture.colorspace = Colorspace.ITU601
        return pictures


def ask(kind: str, options: SourceOptions) -> dict[str, str]:
    """FFmpeg's options that ask a camera for a size, a rate and a format.

    Args:
        kind: FFmpeg's name of such cameras.
        options: what the user wants.
    """
    # Without it FFmpeg would look at twenty pictures first, to measure a rate that it knows.
    asked = {"fflags": _NON_BLOCKING, "fpsprobesize": "0"}
    if options.size is not None:
        asked["video_size"] = f"{options.size[0]}x{options.size[1]}"
    if options.rate is not None:
        asked["framerate"] = str(options.rate)
    match kind, options.pixel_format:
        case "v4l2", "mjpeg":
            asked["input_format"] = "mjpeg"
        case "v4l2", "yuyv":
            asked["input_format"] = "yuyv422"
        case "dshow", "mjpeg":
            asked["vcodec"] = "mjpeg"
        case _, "yuyv":
            asked["pixel_format"] = "yuyv422"
    if kind == "avfoundation":
        asked.setdefault("framerate", "30")  # FFmpeg's own default, 29.97, is refused by most
    if kind == "dshow":
        asked["rtbufsize"] = str(64 << 20)  # by default not even one large raw picture fits in
    return asked


class Given(NamedTuple):
    """What a camera gives.

    Attributes:
        size: columns and rows.
        rate: pictures a second, as it says.
        pixel_format: ``"mjpeg"``, or FFmpeg's name of a raw one.
    """

    size: tuple[int, int]
    rate: Fraction
    pixel_format: str


def differences(options: SourceOptions, given: Given) -> tuple[str, str]:
    """What was asked of a camera and not got, and what was got instead; empty where all was."""
    pairs = []
    if options.size not in (None, given.size):
        pairs.append((_size(options.size), _size(given.size)))
    if options.rate is not None and abs(options.rate - given.rate) > Fraction(1, 2):
        pairs.append((f"{float(options.rate):.4g} fps", f"{float(given.rate):.4g} fps"))
    wanted = options.pixel_format
    if wanted is not None and not given.pixel_format.startswith(wanted):
        pairs.append((wanted, given.pixel_format))
    asked, got = zip(*pairs, strict=True) if pairs else ((), ())
    return ", ".join(asked), ", ".join(got)


def _url(kind: str, camera: CameraInfo) -> str:
    return f"video={camera.path}" if kind == "dshow" else camera.path


def _why_not(error: BaseException, options: SourceOptions, seconds: float) -> str:
    if isinstance(error, av.error.ExitError):
        return f"gave no picture within {seconds:g} s; connect it anew"
    code = getattr(error, "errno", None)
    if code == errno.EINVAL and options != SourceOptions(reconnect=options.reconnect):
        return "does not offer that size, rate or format; streamer doctor lists what it offers"
    return _WHY.get(code or 0, f"cannot be opened: {reason(error)}")


def _size(size: tuple[int, int] | None) -> str:
    return f"{size[0]}x{size[1]}" if size else "any size"
