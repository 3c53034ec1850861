"""LowDelay: an H.264 encoder that holds no picture back."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import av
from av.codec.context import ThreadType

from streamer.frame import Frame
from streamer.sinks.coding import configure, encodable
from streamer.sinks.encoder import choose_encoder
from streamer.sinks.options import SinkOptions
from streamer.sinks.publisher import TIME_BASE
from streamer.sources.base import StreamInfo


class LowDelay:
    """Encodes frames without B-frames and with a keyframe a second.

    Times of packets are in units of `publisher.TIME_BASE` and begin at 0. What decoders must know
    goes before every keyframe, so that they can join anywhere.

    Args:
        info: rate and pixel aspect of the frames to come.
        options: encoder, quality and threads.

    Raises:
        SinkError: the encoder is not there or does not know the quality or the preset.
    """

    def __init__(self, info: StreamInfo, options: SinkOptions) -> None:
        self._info, self._threads = info, options.threads
        self._choice = choose_encoder("h264", options)
        self._context: av.VideoCodecContext | None = None
        self._start = Fraction(0)

    @property
    def codec(self) -> str:
        """The codec that it writes."""
        return self._choice.codec

    def encode(self, frame: Frame) -> list[av.Packet[av.VideoStream]]:
        """The packets that the next frame yields; the first frame's begin with a keyframe.

        Raises:
            av.FFmpegError: the encoder does not start, or failed.
        """
        if self._context is None:
            self._context, self._start = self._open(frame), frame.time
        context = self._context
        picture = encodable(frame, context.width, context.height)
        picture.time_base = TIME_BASE
        picture.pts = round((frame.time - self._start) / TIME_BASE)
        picture.pict_type = 0
        return list(context.encode(picture))

    def reset(self) -> None:
        """Begin anew with the next frame."""
        self._context = None

    def sample(self, frame: Frame) -> bytes:
        """A keyframe of the stream that would begin with ``frame``.

        Raises:
            av.FFmpegError: the encoder does not start, or failed.
        """
        alone = replace(frame, pts=0)
        self.reset()
        packets = self.encode(alone)
        assert self._context is not None
        packets += self._context.encode(None)
        self.reset()
        return b"".join(bytes(packet) for packet in packets)

    def _open(self, first: Frame) -> av.VideoCodecContext:
        context = av.CodecContext.create(self._choice.name, "w")
        assert isinstance(context, av.VideoCodecContext)
        configure(
            context,
            self._choice,
            first,
            time_base=TIME_BASE,
            pixel_aspect=self._info.pixel_aspect,
            threads=self._threads,
        )
        context.framerate = self._info.rate
        context.gop_size = math.ceil(self._info.rate)
        context.max_b_frames = 0
        context.options = dict(self._choice.options)
        if self._choice.name == "libx264":
            context.options["tune"] = "zerolatency"
            # Threads that work on one picture each would hold that many back.
            context.thread_type = ThreadType.SLICE
        context.open()
        return context
