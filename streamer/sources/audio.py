"""FileAudio: the audio packets of a media file, moved onto the time line of its pictures."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TypeAlias

import av
from av.stream import Discard

from streamer.sources.base import Health
from streamer.sources.container import open_container
from streamer.sources.decoding import LONGEST_FAULT, Join
from streamer.sources.window import Window

Packet: TypeAlias = "av.Packet[av.AudioStream]"

_SEEK_MARGIN = 2
"""Seconds by which a file's audio may lie behind its pictures and still be found by a seek."""

_JOIN_MARGIN = 5
"""Seconds by which audio and pictures may end apart and still jump back together."""


@dataclass(slots=True)
class Extent:
    """How far a source got: written by the source, read by its audio feeds.

    Attributes:
        joins: where its times jumped back, so far.
        reached: seconds up to which `joins` are known.
        complete: the source gave all that it had to give.
        end: seconds at which the audio ends with the pictures; None if at the end of the file.
    """

    joins: Sequence[Join] = ()
    reached: Fraction = Fraction(0)
    complete: bool = False
    end: Fraction | None = None


class _Line:
    """Puts the packets of one stream on the time line of the pictures.

    Where the times of both jump back, the packets move as far as the pictures, so they stay in
    step. The pictures decide: a jump of the packets alone is no join.
    """

    def __init__(self, extent: Extent) -> None:
        self.shift = Fraction(0)
        self._extent, self._passed = extent, 0
        self._told: Fraction | None = None
        self._last = Fraction(0)
        self._length = Fraction(0)
        self._floor: Fraction | None = None

    def place(self, packet: Packet) -> Fraction | None:
        """Seconds at which ``packet`` begins; None as long as the pictures may still decide it.

        Args:
            packet: the next one of the stream; may be asked for again.
        """
        told = _time_of(packet)
        if told is None:
            return self._last
        if self._told is not None and told < self._told - LONGEST_FAULT / 2:
            if self._join():
                # Less than half a packet more or less is not heard; players even that out.
                self._floor = self._last + self._length / 2
            elif not self._extent.complete and self._extent.reached <= self._last + _JOIN_MARGIN:
                return None
            else:
                return told + self.shift
        self._told, self._last = told, told + self.shift
        self._length = (packet.duration or 0) * packet.time_base
        return self._last

    def goes_on(self, time: Fraction) -> bool:
        """Whether a packet at ``time`` follows those before it; remembers it if so."""
        if self._floor is not None and time < self._floor:
            return False
        self._floor = time
        return True

    def _join(self) -> bool:
        """Pass the join of the pictures that lies where the packets are, if there is one."""
        joins = self._extent.joins
        while self._passed < len(joins):
            join = joins[self._passed]
            if join.time > self._last + _JOIN_MARGIN:
                return False
            self._passed += 1
            if join.time >= self._last - _JOIN_MARGIN:
                self.shift = join.shift
                return True
        return False


class FileAudio:
    """Audio packets of a file as they are, only their times moved. See `AudioFeed`.

    The file is opened a second time and read as far as packets are asked for, so memory does not
    depend on how it is interleaved. With a start, packets that begin earlier are left out; without,
    those before 0 stay, as they are what a decoder warms up with.
    """

    def __init__(
        self, path: Path, origin: Fraction, window: Window, extent: Extent, health: Health
    ) -> None:
        """Open the file.

        Args:
            path: of a file with audio streams.
            origin: seconds on the file's clock that the pictures call 0.
            window: the part that is wanted.
            extent: how far the pictures got.
            health: where a warning goes if packets are left out.

        Raises:
            SourceError: the file cannot be opened again.
        """
        self._path, self._origin, self._window = path, origin, window
        self._extent, self._health = extent, health
        self._pending: Packet | None = None
        self._open(path)
        if not self._at_start():
            self._container.close()
            self._open(path)
            self._leave_out_pictures()

    @property
    def streams(self) -> list[av.AudioStream]:
        """The audio streams, in the file's order."""
        return self._streams

    def until(self, seconds: Fraction) -> Iterator[Packet]:
        """The packets not yet given that begin before ``seconds``, and in the window."""
        end = self._window.end
        limit = seconds if end is None else min(seconds, end)
        while (packet := self._next()) is not None:
            time = self._lines[packet.stream_index].place(packet)
            if time is None or time >= limit:
                self._pending = packet
                return
            if self._wants(packet, time):
                yield packet

    def rest(self) -> Iterator[Packet]:
        """All packets not yet given, up to where the pictures end; none if they were cut off."""
        if not self._extent.complete:
            return
        end = self._extent.end
        ended: set[int] = set()
        while len(ended) < len(self._streams) and (packet := self._next()) is not None:
            time = self._lines[packet.stream_index].place(packet)
            assert time is not None
            if end is not None and time >= end:
                ended.add(packet.stream_index)  # another stream may lie behind this one
            elif self._wants(packet, time):
                yield packet

    def close(self) -> None:
        """Give back the file."""
        self._packets.close()
        self._container.close()

    def _open(self, path: Path) -> None:
        self._container = open_container(path)
        self._streams = [s for s in self._container.streams.audio if s.codec_context is not None]
        self._lines = {stream.index: _Line(self._extent) for stream in self._streams}
        self._packets = self._demux()
        self._pending = None

    def _at_start(self) -> bool:
        """Go to where the window starts; False if that did not work and places are unknown."""
        start = self._window.start
        if start:
            early = max(start + self._origin - _SEEK_MARGIN, Fraction(0))
            try:
                self._container.seek(int(early * 1_000_000))
            except av.FFmpegError:
                return False
        self._leave_out_pictures()
        if not start:
            return True
        self._pending = next(self._packets, None)
        return self._pending is not None and (_time_of(self._pending) or 0) <= start

    def _leave_out_pictures(self) -> None:
        # Not before a seek: it goes by the keyframes of the pictures.
        for stream in self._container.streams:
            if stream not in self._streams:
                stream.discard = Discard.all

    def _next(self) -> Packet | None:
        packet, self._pending = self._pending, None
        return packet or next(self._packets, None)

    def _wants(self, packet: Packet, time: Fraction) -> bool:
        """Whether to give ``packet``, which begins at ``time``; moves it there if so."""
        if self._window.start and time < self._window.start:
            return False
        line = self._lines[packet.stream_index]
        if not line.goes_on(time):
            warning = f"{self._path}: packets of its sound that run backward are left out"
            if warning not in self._health.warnings:
                self._health.warnings.append(warning)
            return False
        _move(packet, line.shift)
        return True

    def _demux(self) -> Generator[Packet, None, None]:
        try:
            for packet in self._container.demux(tuple(self._streams)):
                if packet.size:
                    _move(packet, -self._origin)
                    yield packet
        except av.FFmpegError:
            return  # the pictures come from the same file, and their source reports it


def _move(packet: Packet, seconds: Fraction) -> None:
    shift = round(seconds / packet.time_base)
    if packet.pts is not None:
        packet.pts += shift
    if packet.dts is not None:
        packet.dts += shift


def _time_of(packet: Packet) -> Fraction | None:
    stamp = packet.dts if packet.pts is None else packet.pts
    return None if stamp is None else stamp * packet.time_base
