"""PublishSink: the live picture, sent to an RTSP, RTMP or SRT server."""

from __future__ import annotations

import random
import threading
import time
from typing import Self

import av

from streamer.channel import Channel
from streamer.errors import SinkError, WriteError, one_line
from streamer.frame import Frame
from streamer.instances import Instances
from streamer.sinks.connection import Connection, ConnectionLostError
from streamer.sinks.low_delay import LowDelay
from streamer.sinks.options import SinkOptions
from streamer.sinks.publisher import TIME_BASE, Order
from streamer.sinks.target import reason
from streamer.sources.base import StreamInfo
from streamer.urls import redact

FORMATS: dict[str, tuple[str, dict[str, str]]] = {
    **dict.fromkeys(("rtsp", "rtsps"), ("rtsp", {"rtsp_transport": "tcp"})),
    **dict.fromkeys(("rtmp", "rtmps"), ("flv", {"flvflags": "no_duration_filesize"})),
    "srt": ("mpegts", {}),
}
"""Scheme of a URL -> FFmpeg's muxer and its options."""

_LIMIT_S = 10.0
_CLOSE_S = 5.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 30.0
_SLOW, _SLOW_START_S = 1.1, 1.0
"""What takes so many times its own length, and so much more, was too slow to be watched."""


class PublishSink:
    """Sends frames as H.264 with little delay: no B-frames, a keyframe a second, no sound.

    Encoding and sending have a thread of their own behind a queue of two frames, and a frame that
    finds it full takes the place of the oldest. So a slow server gets fewer frames and a dead one
    none, and neither slows the run. A connection that is lost is made anew for ever, after pauses
    that grow to half a minute.

    What is not live is expected to come at its own pace; where it came more slowly, that is told.

    Args:
        url: of the server, with what it wants to know.
        info: of the frames to come.
        options: how they are encoded.
        limit_s: longest time that connecting or sending one frame may take, in seconds.

    Attributes:
        url: without passwords.
        draws: True.
        sent: how many frames went out.
        dropped: how many did not.
        reconnects: how often the connection was made anew.
        warnings: what went wrong, one line each, once it is closed.

    Raises:
        SinkError: the server cannot be reached or refuses, or the encoder is not there.
    """

    draws = True
    on_main_thread = False

    def __init__(
        self, url: str, info: StreamInfo, options: SinkOptions, *, limit_s: float = _LIMIT_S
    ) -> None:
        self.url = redact(url)
        self.sent = self.reconnects = 0
        self.warnings: list[str] = []
        self._offered = 0
        self._first: tuple[float, float] | None = None
        self._lasted = self._took = 0.0
        self._info, self._controls = info, options.controls
        self._coder = LowDelay(info, options)
        if self._coder.codec != "h264":
            raise SinkError(f"{self.url}: publishing takes H.264; leave --encoder out or give h264")
        format_, muxer = FORMATS[url.partition(":")[0].lower()]
        self._order = Order(
            url=url, format=format_, options=muxer, codec=self._coder.codec, limit_s=limit_s
        )
        blank = Frame(av.VideoFrame(info.width, info.height, "yuv420p"), 0, 0, TIME_BASE)
        try:
            self._connection = self._connect(blank)
        except ConnectionLostError as error:
            raise SinkError(f"{self.url}: {self._explained(str(error))}") from None
        except (av.FFmpegError, OSError) as error:
            raise SinkError(f"{self.url} cannot be published to: {reason(error)}") from error
        self._frames: Channel[Frame] = Channel(2, "drop_oldest")
        self._wanted, self._closing = threading.Event(), threading.Event()
        self._wanted.set()
        self._broken: Exception | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="publish", daemon=True)
        self._thread.start()

    def write(self, frame: Frame, instances: Instances) -> None:  # noqa: ARG002
        """Take one frame; never waits. See `Sink.write`."""
        if self._broken:
            raise WriteError(f"{self.url}: {one_line(self._broken)}") from self._broken
        if (frame.width, frame.height) != (self._info.width, self._info.height):
            raise WriteError(
                f"{self.url}: frame {frame.seq} is {frame.width}x{frame.height}, not "
                f"{self._info.width}x{self._info.height}; only pictures of one size are published"
            )
        self._offered += 1
        self._note_pace(frame)
        if self._wanted.is_set():
            self._frames.send(frame.copy())

    @property
    def dropped(self) -> int:
        """How many frames did not go out."""
        return self._offered - self.sent

    def close(self) -> None:
        """Send what is under way and leave, within seconds. See `Sink.close`."""
        if self._closed:
            return
        self._closed = True
        self._closing.set()
        self._frames.close()
        self._thread.join(_CLOSE_S)
        if self._thread.is_alive():
            self._connection.kill()
            self._thread.join(_CLOSE_S)
        if self.reconnects or self.dropped:
            self.warnings.append(
                f"{self.url}: {self.dropped} of {self._offered} frames were not sent; "
                f"connected anew {self.reconnects} times"
            )
        if not self._info.live and self._took > self._lasted * _SLOW + _SLOW_START_S:
            self.warnings.append(
                f"{self.url}: viewers saw {self._lasted:.0f} s of film in {self._took:.0f} s; "
                "this machine is no faster, and with --pace live masks are carried to keep up"
            )

    def _note_pace(self, frame: Frame) -> None:
        """Note how long what was shown should have taken, and how long it took."""
        now = time.monotonic()
        began, first = self._first = self._first or (now, float(frame.time))
        self._took, self._lasted = now - began, float(frame.time) - first

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _run(self) -> None:
        try:
            self._publish()
        except Exception as error:  # the thread's last chance to tell anyone
            self._broken = error
        finally:
            self._frames.cancel()
            self._connection.close()

    def _publish(self) -> None:
        pause, connected = _FIRST_PAUSE_S, True
        for frame in self._frames:
            try:
                if not connected:
                    self._connection = self._connect(frame)
                    self.reconnects += 1
                    connected = True
                    self._say("publishing again")
                for packet in self._coder.encode(frame):
                    self._connection.send(packet)
            except ConnectionLostError as error:
                self._connection.close()
                self._coder.reset()
                if connected:
                    self._say(f"{error}; trying again")
                connected = False
                self._wanted.clear()
                if self._closing.wait(pause * random.uniform(0.5, 1)):
                    return
                pause = min(pause * 2, _LONGEST_PAUSE_S)
                self._wanted.set()
            else:
                self.sent += 1
                pause = _FIRST_PAUSE_S

    def _connect(self, frame: Frame) -> Connection:
        """Connect for frames like ``frame``."""
        connection = Connection(self._order)
        # `close` must be able to end what it waits for.
        self._connection = connection
        try:
            connection.open(self._coder.sample(frame))
        except BaseException:
            connection.kill()
            connection.close()
            raise
        return connection

    def _explained(self, why: str) -> str:
        if why == "protocol not found":
            return "PyAV's FFmpeg was built without that protocol; publish to rtsp:// or rtmp://"
        return f"the server cannot be published to ({why}); check that it runs and takes this path"

    def _say(self, what: str) -> None:
        if self._controls:
            self._controls.said = f"{self.url}: {what}"
