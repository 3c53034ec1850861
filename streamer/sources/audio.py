"""FileAudio: the audio packets of a media file, moved onto the time line of its pictures."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TypeAlias

import av
from av.stream import Discard

from streamer.sources.container import open_container
from streamer.sources.window import Window

Packet: TypeAlias = "av.Packet[av.AudioStream]"

_SEEK_MARGIN = 2
"""Seconds by which a file's audio may lie behind its pictures and still be found by a seek."""


@dataclass(slots=True)
class Extent:
    """How far a source got: written by the source, read by its audio feeds.

    Attributes:
        complete: the source gave all that it had to give.
        end: seconds at which the audio ends with the pictures; None if at the end of the file.
    """

    complete: bool = False
    end: Fraction | None = None


class FileAudio:
    """Audio packets of a file as they are, only their times moved. See `AudioFeed`.

    The file is opened a second time and read as far as packets are asked for, so memory does not
    depend on how it is interleaved. With a start, packets that begin earlier are left out; without,
    those before 0 stay, as they are what a decoder warms up with.
    """

    def __init__(self, path: Path, origin: Fraction, window: Window, extent: Extent) -> None:
        """Open the file.

        Args:
            path: of a file with audio streams.
            origin: seconds on the file's clock that the pictures call 0.
            window: the part that is wanted.
            extent: how far the pictures got.

        Raises:
            SourceError: the file cannot be opened again.
        """
        self._origin, self._window, self._extent = origin, window, extent
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
            if _time_of(packet) >= limit:
                self._pending = packet
                return
            yield packet

    def rest(self) -> Iterator[Packet]:
        """All packets not yet given, up to where the pictures end; none if they were cut off."""
        if not self._extent.complete:
            return
        end = self._extent.end
        ended: set[int] = set()
        while len(ended) < len(self._streams) and (packet := self._next()) is not None:
            if end is not None and _time_of(packet) >= end:
                ended.add(packet.stream_index)  # another stream may lie behind this one
            else:
                yield packet

    def close(self) -> None:
        """Give back the file."""
        self._packets.close()
        self._container.close()

    def _open(self, path: Path) -> None:
        self._container = open_container(path)
        self._streams = [s for s in self._container.streams.audio if s.codec_context is not None]
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
        return self._pending is not None and _time_of(self._pending) <= start

    def _leave_out_pictures(self) -> None:
        # Not before a seek: it goes by the keyframes of the pictures.
        for stream in self._container.streams:
            if stream not in self._streams:
                stream.discard = Discard.all

    def _next(self) -> Packet | None:
        """The next packet that does not begin before the window."""
        start = self._window.start
        while True:
            packet, self._pending = self._pending, None
            packet = packet or next(self._packets, None)
            if packet is None or not start or _time_of(packet) >= start:
                return packet

    def _demux(self) -> Generator[Packet, None, None]:
        try:
            for packet in self._container.demux(tuple(self._streams)):
                if packet.size:
                    yield self._moved(packet)
        except av.FFmpegError:
            return  # the pictures come from the same file, and their source reports it

    def _moved(self, packet: Packet) -> Packet:
        shift = round(self._origin / packet.time_base)
        if packet.pts is not None:
            packet.pts -= shift
        if packet.dts is not None:
            packet.dts -= shift
        return packet


def _time_of(packet: Packet) -> Fraction:
    stamp = packet.dts if packet.pts is None else packet.pts
    return Fraction(0) if stamp is None else stamp * packet.time_base
