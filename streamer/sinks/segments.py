"""SegmentSink: a recording in parts of equal length, each a film of its own.

``rec.mp4`` becomes ``rec-00001.mp4``, ``rec-00002.mp4`` and so on. Numbers go on after the highest
one that is there, so that a recorder that is started again adds to its archive. Every part but the
first begins at 0, and one of a live source says in its metadata when that was (``creation_time``).
Each has an encoder of its own and hence begins with a keyframe; the last picture of a part is shown
until the next part begins, so that parts that are played in turn are as long as one file would be.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Self

import av

from streamer.errors import SinkError, WriteError
from streamer.frame import Frame
from streamer.instances import Instances
from streamer.sinks.aside import Aside
from streamer.sinks.options import SinkOptions
from streamer.sinks.video import VideoSink
from streamer.sources.base import AudioFeed, StreamInfo

_MOST_WARNINGS = 10


class SegmentSink:
    """Writes video files that each take so many seconds of the source.

    The bounds lie at whole multiples of the length after the first frame, so a lost connection
    delays none of them; a part in which no frame came is left out. A part has its name as soon as
    it is whole; until then it is ``NAME.part``, which plays.

    Args:
        path: of the recording; parts are named after it.
        info: of the frames to come.
        options: how parts are written; `SinkOptions.segment` is their length.

    Attributes:
        url: the file that the user named.
        draws: True.
        frames: how many were taken.
        warnings: what is less than perfect about the first parts that have something.

    Raises:
        SinkError: the first part cannot be made; see `VideoSink`.
        SourceError: the source's audio cannot be opened.
    """

    draws = True
    on_main_thread = False

    def __init__(self, path: Path, info: StreamInfo, options: SinkOptions) -> None:
        assert options.segment is not None
        self.url = str(path)
        self.frames = 0
        self.warnings: list[str] = []
        self._length = options.segment
        self._path, self._info, self._options = path, info, options
        self._number = 1 if options.overwrite else _highest(path) + 1
        self._bound: Fraction | None = None
        self._closed = False
        VideoSink(self._part_path(), info, options).close()
        self._audio: _SharedFeed | None = None
        if options.audio and info.open_audio:
            self._audio = _SharedFeed(info.open_audio())
        # Parts with sound read on in one feed, so the next cannot begin before the last is done.
        self._alone = info.live and self._audio is None
        self._aside = Aside(live=self._alone)
        self._part = self._open(info.start)

    def write(self, frame: Frame, instances: Instances) -> None:
        """Take one frame. See `Sink.write`."""
        if self._bound is None:
            self._bound = frame.time + self._length
        with _told():
            if frame.time >= self._bound:
                self._cut(frame.time)
            self._aside.check()
            self._part.write(frame, instances)
        self.frames += 1

    def close(self) -> None:
        """Finish the last part. See `Sink.close`."""
        if self._closed:
            return
        self._closed = True
        with _told(), ExitStack() as closing:
            if self._audio:
                closing.callback(self._audio.end)
            closing.callback(self._finish, self._part, None)
            closing.callback(self._aside.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _cut(self, time: Fraction) -> None:
        """End the part before ``time``, in seconds, and begin the next."""
        assert self._bound is not None
        missed = (time - self._bound) // self._length
        # Nobody wants the picture before a long gap to stand in a part for hours.
        until = None if missed and self._alone else time
        self._aside.do(partial(self._finish, self._part, until))
        self._bound += (missed + 1) * self._length
        self._number += 1
        self._part = self._open(time)

    def _open(self, start: Fraction) -> VideoSink:
        opener = self._audio.share if self._audio else None
        info = replace(self._info, start=start, open_audio=opener)
        return VideoSink(self._part_path(), info, self._options, tried=True)

    def _finish(self, part: VideoSink, until: Fraction | None) -> None:
        part.close(until)
        # Days of parts that have the same fault are told by the first few.
        new = [warning for warning in part.warnings if warning not in self.warnings]
        self.warnings.extend(new[: _MOST_WARNINGS - len(self.warnings)])

    def _part_path(self) -> Path:
        return self._path.with_stem(f"{self._path.stem}-{self._number:05d}")


@contextmanager
def _told() -> Iterator[None]:
    """Errors of a part say that those before it are whole; and the request was fine."""
    try:
        yield
    except (SinkError, WriteError) as error:
        raise WriteError(f"{error}; the segments before it are whole") from error


class _SharedFeed:
    """An audio feed that one part after the other reads on. See `AudioFeed`."""

    def __init__(self, feed: AudioFeed) -> None:
        self._feed = feed

    def share(self) -> AudioFeed:
        return self

    @property
    def streams(self) -> list[av.AudioStream]:
        return self._feed.streams

    def until(self, seconds: Fraction) -> Iterator[av.Packet[av.AudioStream]]:
        return self._feed.until(seconds)

    def rest(self) -> Iterator[av.Packet[av.AudioStream]]:
        return self._feed.rest()

    def close(self) -> None:
        """Another part may follow; `end` gives the file back."""

    def end(self) -> None:
        self._feed.close()


def is_part_of(path: Path, file: Path) -> bool:
    """Whether ``file`` has the name of a part, finished or not, of the recording ``path``."""
    return file.absolute().parent == path.absolute().parent and _number_of(path, file.name) > 0


def _highest(path: Path) -> int:
    """The highest number of a part of the recording that is there; 0 where there is none."""
    folder = path.parent
    names = [entry.name for entry in folder.iterdir()] if folder.is_dir() else []
    return max((_number_of(path, name) for name in names), default=0)


def _number_of(path: Path, name: str) -> int:
    stem, suffix = re.escape(path.stem), re.escape(path.suffix)
    match = re.fullmatch(rf"{stem}-(\d{{5,9}}){suffix}(?:\.part\d*)?", name)
    return int(match[1]) if match else 0
