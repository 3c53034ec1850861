"""Movie: one video stream being encoded, with copied audio, into a container."""

from __future__ import annotations

import io
import math
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import chain
from pathlib import Path

import av

from streamer.errors import SinkError
from streamer.frame import Frame
from streamer.sinks.audio import AudioCopy
from streamer.sinks.coding import configure, encodable
from streamer.sinks.encoder import EncoderChoice, codecs_of
from streamer.sources.base import StreamInfo


@dataclass(frozen=True, slots=True)
class Container:
    """A file format.

    Attributes:
        format: FFmpeg's name of it.
        encoder: what it holds by default.
        options: for FFmpeg's muxer.
    """

    format: str
    encoder: str = "h264"
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_mp4(self) -> bool:
        """It is of the MP4 family."""
        return "movflags" in self.options


# What a killed run can lose is one fragment or cluster, of a second. FFmpeg by itself would keep
# another 256 KiB in memory, which at low rates is much of a film.
_ON_DISK = {"flush_packets": "1"}
# A chain of fragments while it grows, an ordinary MP4 once it is closed. Without delay_moov the
# muxer knows no edit lists and moves all times by the delay of B-frames.
_FRAGMENTS = _ON_DISK | {"movflags": "+hybrid_fragmented+delay_moov", "frag_duration": "1000000"}
# By default the muxer moves everything until no time is below 0, as that of audio that a decoder
# warms up with is; blocks can hold such times.
_CLUSTERS = _ON_DISK | {"cluster_time_limit": "1000", "avoid_negative_ts": "disabled"}

CONTAINERS = {
    ".mp4": Container("mp4", options=_FRAGMENTS),
    ".mov": Container("mov", options=_FRAGMENTS),
    ".mkv": Container("matroska", options=_CLUSTERS),
    ".webm": Container("webm", "vp9", _CLUSTERS),
}
"""Suffix -> file format."""

_FINEST = Fraction(1, 1_000_000)
"""Seconds of the smallest unit of time; MP4 counts 31 bits of them between two pictures."""

_FINEST_LIVE = Fraction(1, 10_000)
"""The same for live sources, so that a connection may be lost for two days between two pictures."""

_LARGEST_TIMESCALE = 2**31 - 1
_TAGS_OF_CONTAINERS = {"major_brand", "minor_version", "compatible_brands", "encoder"}


def container_of(path: Path) -> Container:
    """The file format that a name asks for.

    Raises:
        SinkError: its suffix names none.
    """
    container = CONTAINERS.get(path.suffix.lower())
    if container is None:
        raise SinkError(f"{path}: no video format has that suffix; use {', '.join(CONTAINERS)}")
    return container


def containers_with(codec: str) -> list[str]:
    """The suffixes of the file formats that can hold what a coder of that name writes or reads."""
    return [suffix for suffix, c in CONTAINERS.items() if codec in codecs_of(c.format)]


class Movie:
    """Encodes pictures and interleaves them with audio.

    It keeps the source's own clock, also where the audio begins before the first picture. Where the
    source was asked to begin later than at its beginning, the movie begins at 0 with the first
    picture, and earlier audio is left out.

    Every picture keeps its own time, exactly in the MP4 family, where the source's own units are
    used down to microseconds, and to the millisecond in Matroska and WebM.

    Args:
        file: where it goes; its header is written at once, as far as it can be known.
        container: the file format.
        encoder: how pictures are encoded.
        info: start, rate, pixel aspect and metadata of the source.
        first: its size, units of time and colour tags become the movie's.
        audio: copied; its `start` is set to where the movie begins.
        threads: of the encoder; 0 for as many as it likes.

    Attributes:
        crowded: how many pictures have the time of the one before them, as the format counts.

    Raises:
        av.FFmpegError: encoder or muxer refused.
    """

    def __init__(
        self,
        file: str | io.BytesIO,
        container: Container,
        encoder: EncoderChoice,
        info: StreamInfo,
        first: Frame,
        audio: AudioCopy | None,
        threads: int,
    ) -> None:
        self._audio = audio
        self._start = first.time if info.start > 0 else Fraction(0)
        self._time_base = max(first.time_base, _FINEST_LIVE if info.live else _FINEST)
        self._duration = max(1, round(1 / info.rate / self._time_base)) if info.rate else 1
        self._end = Fraction(0)
        self._pictures = 0
        self._tick = None if container.is_mp4 else -1
        self.crowded = 0
        self._pts: int | None = None
        options = dict(container.options)
        if audio:
            audio.start = self._start
        if container.is_mp4:
            # Starts of streams are counted in these units; the default of 1/1000 s is too coarse.
            exact = math.lcm(
                (first.time - self._start).denominator, audio.resolution if audio else 1000
            )
            options["movie_timescale"] = str(min(exact, _LARGEST_TIMESCALE))
        self._output = av.open(file, "w", format=container.format, container_options=options)
        self._output.metadata.update(
            {k: v for k, v in info.metadata.items() if k not in _TAGS_OF_CONTAINERS}
        )
        if info.live:
            self._output.metadata["creation_time"] = _taken_at(first)
        self._stream = self._add_video(encoder, info, first, threads)
        if encoder.codec == "hevc" and container.is_mp4:
            self._stream.codec_context.codec_tag = "hvc1"  # Apple's players know no other
        if audio:
            audio.add_streams(self._output)
        self._output.start_encoding()

    def encode(self, frame: Frame) -> None:
        """Take the next picture, of the first one's size.

        Its time, duration and picture type are set to what the encoder must see, also where the
        picture is shared: nobody else reads them. The decoder's picture type in particular would
        be taken for an order.

        Raises:
            av.FFmpegError: encoder or muxer failed.
        """
        context = self._stream.codec_context
        picture = encodable(frame, context.width, context.height)
        picture.time_base = self._time_base
        # Live pictures may lie closer than the format counts; no encoder takes a time twice.
        pts = round((frame.time - self._start) / self._time_base)
        picture.pts = self._pts = pts if self._pts is None else max(pts, self._pts + 1)
        picture.duration = self._duration
        picture.pict_type = 0
        self._end = frame.time - self._start + self._duration * self._time_base
        self._pictures += 1
        self._count_crowded(frame.time - self._start)
        self._mux(self._stream.encode(picture))

    def finish(self, until: Fraction | None = None) -> None:
        """Write what the encoder and the audio still hold, and close the file.

        Args:
            until: time of the source, in seconds, at which the movie ends: the last picture is
                shown and audio is copied up to there. By default the last picture is shown as long
                as the rate says, and audio that the source ends with is kept.

        Raises:
            av.FFmpegError: encoder or muxer failed.
        """
        if until is not None:
            self._end = until - self._start
        packets = self._stream.encode(None)
        if self._pictures <= 2:
            # x265 gives garbage for the decoding times of so few (Multicorewareinc/x265 #781); two
            # pictures are never reordered.
            for packet in packets:
                packet.dts = packet.pts
        if packets and packets[-1].pts is not None:
            # The MP4 muxer takes the end of the last packet for the end of the film, also where
            # B-frames put a later picture before it, and players would then leave that one out.
            last = packets[-1]
            last.duration = round(self._end / last.time_base) - (last.pts or 0)
        self._mux(packets)
        if self._audio:
            rest = self._audio.rest() if until is None else ()
            for packet in chain(self._audio.until(self._end), rest):
                self._output.mux_one(packet)
        self._output.close()

    def close(self) -> None:
        """Close the file as it is.

        Raises:
            av.FFmpegError: the muxer failed.
        """
        self._output.close()

    def _add_video(
        self, encoder: EncoderChoice, info: StreamInfo, first: Frame, threads: int
    ) -> av.VideoStream:
        stream = self._output.add_stream(encoder.name, info.rate, dict(encoder.options))
        assert isinstance(stream, av.VideoStream)
        configure(
            stream.codec_context,
            encoder,
            first,
            time_base=self._time_base,
            pixel_aspect=info.pixel_aspect,
            threads=threads,
        )
        return stream

    def _count_crowded(self, time: Fraction) -> None:
        if self._tick is not None:
            tick = math.floor(time * 1000 + Fraction(1, 2))
            self.crowded += tick == self._tick
            self._tick = tick

    def _mux(self, packets: Iterable[av.Packet[av.VideoStream]]) -> None:
        for packet in packets:
            if self._audio and packet.dts is not None:
                for sound in self._audio.until(packet.dts * packet.time_base):
                    self._output.mux_one(sound)
            self._output.mux_one(packet)


def _taken_at(frame: Frame) -> str:
    """Date and time of a live frame, as containers want it."""
    age = timedelta(seconds=time.monotonic() - frame.captured_at)
    return (datetime.now(UTC) - age).isoformat(timespec="microseconds")
