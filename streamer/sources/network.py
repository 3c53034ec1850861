"""Network streams through FFmpeg: RTSP, RTMP, SRT, UDP, RTP, HTTP with HLS and MJPEG.

What users know of such streams elsewhere is lag. It comes from three places, and none is left here:

- FFmpeg looks at a second of the stream before it opens it, to measure a rate that nobody asks for.
  That is turned off. What it still reads ahead is kept and decoded at once: FFmpeg's ``nobuffer``
  would throw away the keyframe with it, and cost up to a whole group of pictures.
- A decoder with a thread for each picture holds as many pictures back. Here it has slices only.
- Whoever reads more slowly than the camera sends is late for ever. Here a thread does nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from typing import Literal
from urllib.parse import urlsplit

import av
from av.codec.hwaccel import HWAccel
from av.container import InputContainer

from streamer.errors import ReadError, SourceError
from streamer.sources.base import Health
from streamer.sources.container import (
    MAX_PIXELS,
    best_video,
    duration_of,
    is_timeless,
    nominal_rate,
    pixel_aspect,
)
from streamer.sources.hardware import hardware_decoder, warn_of_software
from streamer.sources.live import LiveSource
from streamer.sources.options import SourceOptions
from streamer.sources.pictures import Normalizer
from streamer.sources.reconnecting import LIMITS, Limits
from streamer.sources.refusals import why
from streamer.sources.window import Window
from streamer.threads import decoder_threads
from streamer.urls import redact

_WHOLE = Window()
_OPTIONS = SourceOptions()

_AHEAD = frozenset({"hls", "dash"})
"""Formats that hand out pictures by the segment."""

_SLACK = 1.5
"""How much later FFmpeg gives up a silent stream than `Reconnecting` does.

When its limit passes, FFmpeg first hands out the picture that its parser still holds, which looks
like a sign of life, and the limit begins anew. So it only ends what was left to itself.
"""

_SOCKET_BYTES = str(1 << 20)
"""For UDP: a keyframe must fit in while nobody reads; systems give 200 kB by default."""


def is_fetched(url: str) -> bool:
    """Whether we set the pace at which a stream comes, so that one of known length is a recording.

    What a server sends at its own pace is taken for live, whatever length it claims: when it is
    lost, it is to be had again.
    """
    return urlsplit(url).scheme.lower() in ("http", "https")


class NetworkSource(LiveSource):
    """What comes from a URL. See `LiveSource`.

    A recording at the other end, such as an MP4 file over HTTP, plays at its own pace and ends.
    """

    def __init__(
        self,
        url: str,
        window: Window = _WHOLE,
        options: SourceOptions = _OPTIONS,
        *,
        limits: Limits = LIMITS,
    ) -> None:
        """Connect.

        Args:
            url: may hold a user and a password, which are never shown.
            window: the part to give; its times count from the first picture.
            options: transport, hardware and how long to try anew.
            limits: how long to wait for what.

        Raises:
            SourceError: it cannot be opened, or gave no picture in time.
            SettingsError: this build of FFmpeg does not know the hardware.
        """
        health = Health()
        hardware = hardware_decoder(options.hwaccel, health.warnings)
        connect = partial(
            NetworkConnection,
            url,
            health,
            transport=options.transport,
            hardware=hardware,
            seconds=limits.picture,
        )
        super().__init__(url, connect, window, options, health=health, limits=limits)


class NetworkConnection:
    """One opened URL. See `Connection`."""

    def __init__(
        self,
        url: str,
        health: Health,
        *,
        transport: Literal["tcp", "udp"] = "tcp",
        hardware: HWAccel | None = None,
        seconds: float = LIMITS.picture,
    ) -> None:
        """Connect, and read as far as the stream describes itself.

        Args:
            url: of the stream.
            health: where corrupt packets are counted.
            transport: of RTSP.
            hardware: what is to decode; software does where it cannot.
            seconds: how long the other end may be silent.

        Raises:
            SourceError: why not, and the way out.
        """
        self._url, self._name, self._health = url, redact(url), health
        self._transport, self._seconds = transport, seconds
        self._container = self._open(hardware)
        try:
            self._stream = best_video(self._container, self._name)
            if hardware is not None:
                warn_of_software(self._stream, self._name, health.warnings)
            self._prepare()
        except BaseException:
            self.close()
            raise

    def __iter__(self) -> Iterator[av.VideoFrame | None]:
        """The pictures. See `Connection`."""
        size, normalizer = (0, 0), Normalizer(self.time_base)
        try:
            for packet in self._container.demux(self._stream):
                for picture in self._decode(packet):
                    # A new one for each size: it would stretch pictures to the first.
                    if size != (picture.width, picture.height):
                        yield from normalizer.flush()
                        size = picture.width, picture.height
                        normalizer = Normalizer(self.time_base)
                    yield from normalizer.push(picture)
                yield None
        except av.FFmpegError as error:
            raise ReadError(f"{self._name}: {self._why(error)}") from None  # it quotes the URL

    def close(self) -> None:
        """Give it back."""
        self._container.close()

    def _open(self, hardware: HWAccel | None) -> InputContainer:
        began = time.monotonic()
        try:
            return av.open(
                self._url,
                "r",
                options=_ffmpeg_options(self._url, self._transport, self._seconds * _SLACK),
                timeout=(self._seconds, self._seconds * _SLACK),
                hwaccel=hardware,
                metadata_errors="replace",
            )
        except (av.FFmpegError, OSError, ValueError, MemoryError) as error:
            # Protocols report a time limit as whatever it has kept from them.
            late = time.monotonic() - began >= self._seconds
            cause = TimeoutError() if late else error
            raise SourceError(f"{self._name}: {self._why(cause)}") from None  # it quotes the URL

    def _prepare(self) -> None:
        stream = self._stream
        assert stream.time_base is not None
        self.time_base: Fraction = stream.time_base
        self.rate = nominal_rate(stream)
        self.pixel_aspect = pixel_aspect(stream)
        self.duration = duration_of(self._container, stream) if is_fetched(self._url) else None
        self._timeless = is_timeless(stream)
        self.paced = self.duration is not None or self._container.format.name in _AHEAD
        context = stream.codec_context
        context.thread_count = decoder_threads()
        context.thread_type = "SLICE"
        context.options = {"flags": "low_delay", "max_pixels": str(MAX_PIXELS)}

    def _decode(self, packet: av.Packet[av.VideoStream]) -> list[av.VideoFrame]:
        try:
            pictures = packet.decode()
        except av.error.MemoryError as error:
            raise ReadError(f"{self._name}: out of memory for its pictures") from error
        except av.FFmpegError:
            self._health.corrupt_packets += 1
            return []
        if self._timeless:
            for picture in pictures:
                picture.pts = None
        return pictures

    def _why(self, error: BaseException) -> str:
        return why(self._url, error, transport=self._transport, seconds=self._seconds)


def _ffmpeg_options(url: str, transport: str, seconds: float) -> dict[str, str]:
    """What FFmpeg is told besides the URL; each protocol has its own words for a time limit."""
    microseconds = str(round(seconds * 1e6))
    common = {"fpsprobesize": "0", "analyzeduration": "3000000"}
    scheme = urlsplit(url).scheme.lower()
    match scheme:
        case "rtsp" | "rtsps":
            specific = {
                "rtsp_transport": transport,
                "timeout": microseconds,
                "buffer_size": _SOCKET_BYTES,
                # Sound, and what cameras say about their pictures, would only be waited for.
                "allowed_media_types": "video",
            }
        case "udp" | "rtp":
            specific = {
                "timeout": microseconds,
                "buffer_size": _SOCKET_BYTES,
                "overrun_nonfatal": "1",
            }
        case "srt":
            specific = {"timeout": microseconds, "connect_timeout": str(round(seconds * 1e3))}
        case "http" | "https":
            specific = {"timeout": microseconds, "live_start_index": "-2"}
        case _:
            specific = {"rw_timeout": microseconds}
    return common | specific
