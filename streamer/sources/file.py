"""FileSource: frames of a video file, each with its own presentation time.

A file is not trusted. Counts, durations and rates of its header only describe it (`StreamInfo`);
what decides is the pictures that come out of the decoder.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Self

import av

from streamer.errors import ReadError, SourceError
from streamer.frame import Frame
from streamer.sources.audio import Extent, FileAudio
from streamer.sources.base import Health, StreamInfo
from streamer.sources.container import (
    duration_of,
    metadata_of,
    nominal_rate,
    pixel_aspect,
    start_of,
)
from streamer.sources.decoding import Clock, frames_of, timed
from streamer.sources.hardware import OFF, hardware_decoder
from streamer.sources.pictures import Normalizer
from streamer.sources.reader import FileReader
from streamer.sources.window import Window
from streamer.threads import decoder_threads

_WHOLE = Window()


class FileSource:
    """Any video file that FFmpeg opens. See `Source`.

    The first frame is decoded at once, so that a file without a picture is refused here and `info`
    has the true size.
    """

    info: StreamInfo
    health: Health

    def __init__(
        self,
        path: Path,
        window: Window = _WHOLE,
        *,
        threads: int | None = None,
        hwaccel: str = OFF,
    ) -> None:
        """Open the file and decode the first frame of the window.

        Args:
            path: the file.
            window: the part of it to give.
            threads: of the decoder; by default half the cores, up to four.
            hwaccel: what decodes; see `SourceOptions`.

        Raises:
            SourceError: it is no readable video, or holds no picture in the window.
            SettingsError: this build of FFmpeg does not know the hardware.
        """
        self.health = Health()
        self._path, self._window = path, window
        threads = threads or decoder_threads()
        hardware = hardware_decoder(hwaccel, self.health.warnings)
        self._reader = FileReader(path, self.health, threads=threads, hardware=hardware)
        try:
            self._read_header()
            self._normalizer = Normalizer(self._time_base, threads=threads)
            frames = self._read()
            first = self._first_of(frames)
            self.info = self._describe(first)
            self._frames: Iterator[Frame] = chain([first], frames)
        except BaseException:
            self.close()
            raise

    def __iter__(self) -> Iterator[Frame]:
        """The frames of the window."""
        return self._frames

    def interrupt(self) -> None:
        """Nothing here waits for long."""

    def close(self) -> None:
        """Give back the file and the decoder."""
        self._reader.close()
        # They hold this source, which holds them: pictures would stay until somebody collects.
        self._frames = iter(())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _read_header(self) -> None:
        stream = self._reader.stream
        assert stream.time_base is not None
        self._time_base = stream.time_base
        self._rate = nominal_rate(stream)
        self._start = start_of(self._reader.container, self._path)
        self._seconds = duration_of(self._reader.container, stream)
        self._promised = stream.frames or None
        self._read_pictures = 0
        self._end = Fraction(0)
        origin = round(self._start / self._time_base)
        self._clock = Clock(origin, 1 / (self._rate * self._time_base), self._time_base)
        self._extent = Extent(self._clock.joins)
        self._seek_to = (
            origin + int(self._window.start / self._time_base) if self._window.start else None
        )

    def _describe(self, first: Frame) -> StreamInfo:
        stream, container = self._reader.stream, self._reader.container
        frames, seconds = self._window.expect(self._promised, self._seconds, self._rate)
        aspect = pixel_aspect(stream)
        audible = any(s.codec_context is not None for s in container.streams.audio)
        return StreamInfo(
            url=str(self._path),
            width=first.width,
            height=first.height,
            rate=self._rate,
            time_base=self._time_base,
            frames=frames,
            duration=None if seconds is None else float(seconds),
            start=self._window.start,
            pixel_aspect=1 / aspect if self._normalizer.turn.swaps_sides else aspect,
            open_audio=(
                partial(FileAudio, self._path, self._start, self._window, self._extent, self.health)
                if audible
                else None
            ),
            metadata=metadata_of(container),
        )

    def _read(self) -> Iterator[Frame]:
        name = str(self._path)
        given = 0
        wanted = self._window.select(self._timed())
        for frame in frames_of(wanted, self._normalizer, self._time_base, name):
            given += 1
            yield frame
        self._extent.end = self._end if given == self._window.frames else self._window.end
        self._extent.complete = True
        if joins := len(self._clock.joins):
            count = "once" if joins == 1 else f"{joins} times"
            self.health.warnings.append(f"{name}: its times jump back {count}; joined")
        if self._clock.repaired:
            self.health.warnings.append(
                f"{name}: {self._clock.repaired} frames had times out of order; "
                "each is shown right after the one before it"
            )

    def _timed(self) -> Iterator[tuple[Fraction, av.VideoFrame]]:
        """The pictures with their times in seconds; what was lost is reported at the end."""
        pictures = self._reader.pictures(self._seek_to)
        for seconds, picture in timed(pictures, self._clock, self._time_base):
            self._read_pictures += 1
            length = picture.duration * self._time_base if picture.duration else 1 / self._rate
            self._end = seconds + length
            self._extent.reached = seconds
            yield seconds, picture
        if loss := self._loss():
            self.health.warnings.append(f"{self._path} {loss}")

    def _loss(self) -> str | None:
        """What the file promised and did not hold, in words; None where that is not clear."""
        if self._reader.broken:
            return f"cannot be read beyond {float(self._end):.3f} s: {self._reader.broken}"
        if self._seconds is None:
            return None
        missing = self._seconds - self._end
        counted = self._promised is not None and not self._window.start
        if self._promised is not None:
            clear = missing > max(2 / self._rate, self._seconds / 50)
        else:  # only a duration, which may be the sound's
            clear = missing > max(Fraction(1), self._seconds / 20)
        if not clear:
            return None
        if counted:
            held = self._read_pictures + self.health.corrupt_packets
            if held >= (self._promised or 0):
                return None
            return f"ends early: {self._read_pictures} of {self._promised} frames could be read"
        return f"ends early: {float(self._end):.1f} of {float(self._seconds):.1f} s could be read"

    def _first_of(self, frames: Iterator[Frame]) -> Frame:
        try:
            first = next(frames, None)
        except ReadError as error:
            raise SourceError(str(error)) from error
        if first is not None:
            return first
        if self._read_pictures:
            raise SourceError(
                f"{self._path}: holds nothing from {float(self._window.start):g} s on; "
                f"it ends at {float(self._end):g} s"
            )
        raise SourceError(f"{self._path}: holds no picture that can be decoded")
