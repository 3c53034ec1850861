"""FileReader: the pictures of a file from a given time on, whatever seeking and threads do."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import av
from av.codec.hwaccel import HWAccel

from streamer.sources.base import Health
from streamer.sources.container import best_video, open_container
from streamer.sources.decoding import Decoder
from streamer.sources.hardware import warn_of_software


class FileReader:
    """Reads the best video stream of a file.

    Attributes:
        container: the open file.
        stream: the stream that is read. Both change when a file must be opened again.
        broken: why the file could not be read to its end, None if it could.
    """

    def __init__(
        self, path: Path, health: Health, *, threads: int, hardware: HWAccel | None = None
    ) -> None:
        """Open the file.

        Args:
            path: the file.
            health: where corrupt packets are counted.
            threads: of the decoder.
            hardware: what is to decode; software does where it cannot.

        Raises:
            SourceError: it is no readable video.
        """
        self.broken: str | None = None
        self._path, self._health, self._threads = path, health, threads
        self._hardware = hardware
        self._open()

    def pictures(self, start: int | None) -> Iterator[av.VideoFrame]:
        """All pictures in order of presentation, once.

        Args:
            start: in the stream's units; pictures before the last keyframe up to there may be left
                out. None reads the whole file.

        Raises:
            ReadError: there is no memory for the pictures.
        """
        decoder, pictures = self._decode() if start is None else self._decode_from(start)
        last = None
        for picture in pictures:
            last = picture.pts
            yield picture
        if decoder.tail_lost and last is not None:
            self._health.corrupt_packets -= decoder.failed_since
            yield from self._tail(last)
        self.broken = decoder.broken

    def close(self) -> None:
        """Give back the file and the decoder."""
        self.container.close()

    def _decode(self) -> tuple[Decoder, Iterator[av.VideoFrame]]:
        decoder = Decoder(self.container, self.stream, self._health, threads=self._threads)
        return decoder, iter(decoder)

    def _decode_from(self, start: int) -> tuple[Decoder, Iterator[av.VideoFrame]]:
        """Decode from a keyframe at or before ``start``; from the beginning if none is found."""
        if self._seek(start):
            before = self._health.corrupt_packets
            decoder, pictures = self._decode()
            first = next(pictures, None)
            if first is not None and first.pts is not None and first.pts <= start:
                return decoder, chain([first], pictures)
            self._health.corrupt_packets = before
        self._reopen()
        return self._decode()

    def _tail(self, after: int) -> Iterator[av.VideoFrame]:
        """The pictures after ``after``, by a decoder that loses none. See `Decoder.tail_lost`."""
        self._reopen()
        if not self._seek(after):
            self._reopen()
        yield from Decoder(self.container, self.stream, self._health, after=after)

    def _seek(self, stamp: int) -> bool:
        try:
            self.container.seek(stamp, stream=self.stream)
        except av.FFmpegError:
            return False
        return True

    def _open(self) -> None:
        self.container = open_container(self._path, self._hardware)
        try:
            self.stream = best_video(self.container, str(self._path))
            if self._hardware is not None:
                warn_of_software(self.stream, str(self._path), self._health.warnings)
        except BaseException:
            self.container.close()
            raise

    def _reopen(self) -> None:
        self.container.close()
        self._open()
