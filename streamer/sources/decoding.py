"""From a container's packets to pictures with presentation times."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain

import av
from av.container import InputContainer

from streamer.errors import ReadError
from streamer.frame import Frame
from streamer.sources.base import Health
from streamer.sources.container import MAX_PIXELS, reason
from streamer.sources.pictures import Normalizer

LONGEST_FAULT = Fraction(1)
"""Seconds; times that run backward by less are faults of single pictures or packets."""


class Decoder:
    """Decodes one video stream from wherever its container stands, once.

    Packets that cannot be decoded are skipped and counted. Pictures that the decoder patched up
    are given: they show what survived, as players do, and keep the rest in time.

    Attributes:
        broken: why the container could not be read to its end, None if it could.
        tail_lost: decodable pictures may be missing at the end (see `_flush`).
        failed_since: packets counted as corrupt since the latest picture.
    """

    def __init__(
        self,
        container: InputContainer,
        stream: av.VideoStream,
        health: Health,
        *,
        threads: int = 1,
        after: int | None = None,
    ) -> None:
        """Prepare the stream's decoder; nothing is read yet.

        Args:
            container: stands at a keyframe.
            stream: one of its streams, not decoded before.
            health: where corrupt packets are counted.
            threads: of the decoder; several hold back as many pictures.
            after: give, and count, only what is shown after this time, in the stream's units.
        """
        self.broken: str | None = None
        self.tail_lost = False
        self.failed_since = 0
        self._container, self._stream, self._health = container, stream, health
        self._after = after
        self._threaded = threads > 1
        self._in_flight = 0
        context = stream.codec_context
        context.thread_count = threads
        context.thread_type = "AUTO"
        context.options = {"max_pixels": str(MAX_PIXELS)}

    def __iter__(self) -> Iterator[av.VideoFrame]:
        """The pictures, in order of presentation.

        Raises:
            ReadError: there is no memory for the pictures.
        """
        for pictures in self._batches():
            for picture in pictures:
                if self._wants(picture.pts):
                    self.failed_since = 0
                    yield picture

    def _batches(self) -> Iterator[list[av.VideoFrame]]:
        for packet in self._packets():
            yield self._decode(packet)
        yield self._flush()

    def _packets(self) -> Iterator[av.Packet[av.VideoStream]]:
        try:
            for packet in self._container.demux(self._stream):
                if packet.size:
                    yield packet
        except av.FFmpegError as error:
            self.broken = reason(error)

    def _decode(self, packet: av.Packet[av.VideoStream]) -> list[av.VideoFrame]:
        self._in_flight += 1
        try:
            pictures = packet.decode()
        except av.error.MemoryError as error:
            raise ReadError(f"out of memory for pictures of {_size(self._stream)}") from error
        except av.FFmpegError:
            self._in_flight -= 1
            if self._wants(packet.pts):
                self.failed_since += 1
                self._health.corrupt_packets += 1
            return []
        self._in_flight -= len(pictures)
        return pictures

    def _flush(self) -> list[av.VideoFrame]:
        """The pictures that the decoder still holds.

        PyAV ends a flush at the first packet that failed. A decoder with threads of its own holds
        several packets then, and the pictures behind the bad one would be lost without a word.
        """
        try:
            pictures = self._stream.decode(None)
        except av.FFmpegError:
            pictures = []
        self.tail_lost = self._threaded and self._in_flight > len(pictures)
        return pictures

    def _wants(self, pts: int | None) -> bool:
        return self._after is None or pts is None or pts > self._after


@dataclass(frozen=True, slots=True)
class Join:
    """A place where the times of a stream jump back, as where two recordings were put together.

    Attributes:
        time: of the first picture behind it, in seconds of `Frame.time`.
        shift: seconds by which times behind it are later than they would be without any join.
    """

    time: Fraction
    shift: Fraction


class Clock:
    """Gives each picture of a stream its presentation time: exact, and strictly increasing.

    Pictures behind a jump back of more than `LONGEST_FAULT` go on a step after the last one. One
    picture alone may have a wrong time, so it takes two that belong together to make a jump.

    Attributes:
        joins: the jumps so far.
        repaired: how many other pictures came with a time that was not after the one before.
    """

    def __init__(self, origin: int, step: Fraction, time_base: Fraction) -> None:
        """Start before the first picture.

        Args:
            origin: what the stream calls the start of the source, in its units.
            step: units from one picture to the next, where a picture has no time.
            time_base: seconds of a unit.
        """
        self.joins: list[Join] = []
        self.repaired = 0
        self._start = self._origin = origin
        self._step, self._time_base = step, time_base
        self._longest_fault = max(LONGEST_FAULT / time_base, 2 * step)
        self._stray: tuple[int, int] | None = None
        self._last: int | None = None
        self._anchor, self._steps = 0, 0
        self._faulty_pts = self._faulty_dts = 0
        self._last_pts: int | None = None
        self._last_dts: int | None = None

    def time_of(self, picture: av.VideoFrame) -> int:
        """When to show the picture, in the stream's units, 0 being the start of the source."""
        stamp = self._stamp(picture.pts, picture.dts)
        stray = stamp is not None and self._strays(stamp)
        if stamp is None or stray:
            self._steps += 1
            now = 0 if self._last is None else self._anchor + round(self._steps * self._step)
        else:
            now = stamp - self._origin
        if self._last is not None and now <= self._last:
            self.repaired += stamp is not None and not stray
            now = self._last + 1
        if stray:
            assert stamp is not None
            self._stray = stamp, now
            self.repaired += 1
        elif stamp is not None or self._last is None:
            self._anchor, self._steps = now, 0
        self._last = now
        return now

    def _strays(self, stamp: int) -> bool:
        """Whether ``stamp`` lies far back, and does not go on from one before that did so too."""
        if self._last is None or stamp - self._origin >= self._last - self._longest_fault:
            self._stray = None
            return False
        if self._stray is None or not 0 < stamp - self._stray[0] <= self._longest_fault:
            return True
        before, place = self._stray
        self._origin, self._stray = before - place, None
        self.repaired -= 1
        shift = (self._start - self._origin) * self._time_base
        self.joins.append(Join(place * self._time_base, shift))
        return False

    def _stamp(self, pts: int | None, dts: int | None) -> int | None:
        """The more believable of two times, as old formats have wrong or no presentation times.

        A decoder gives pictures in order of presentation, so the decoding times that come out of it
        increase like presentation times. Whichever ran backward less often is taken, as FFmpeg's
        best_effort_timestamp does it.
        """
        if dts is not None:
            self._faulty_dts += self._last_dts is not None and dts <= self._last_dts
            self._last_dts = dts
        if pts is not None:
            self._faulty_pts += self._last_pts is not None and pts <= self._last_pts
            self._last_pts = pts
        if pts is None or (dts is not None and self._faulty_pts > self._faulty_dts):
            return dts
        return pts


def timed(
    pictures: Iterable[av.VideoFrame], clock: Clock, time_base: Fraction
) -> Iterator[tuple[Fraction, av.VideoFrame]]:
    """The pictures with ``clock``'s times for their own, each with its time in seconds."""
    for picture in pictures:
        picture.pts = clock.time_of(picture)
        yield picture.pts * time_base, picture


def frames_of(
    pictures: Iterable[av.VideoFrame], normalizer: Normalizer, time_base: Fraction, name: str
) -> Iterator[Frame]:
    """Frames, numbered from 0, of pictures that have presentation times.

    Args:
        pictures: in order of presentation, their times in units of ``time_base``.
        normalizer: makes them what a frame promises.
        time_base: of the pictures and the frames.
        name: of the source, for an error.

    Raises:
        ReadError: the pictures cannot be converted.
    """
    seq = 0
    for picture in chain(pictures, [None]):
        try:
            done = normalizer.flush() if picture is None else normalizer.push(picture)
        except av.FFmpegError as error:
            raise ReadError(f"{name}: cannot convert its pictures: {reason(error)}") from error
        for each in done:
            assert each.pts is not None
            yield Frame(each, seq, each.pts, time_base, time.monotonic())
            seq += 1


def _size(stream: av.VideoStream) -> str:
    return f"{stream.width}x{stream.height}"
