"""SyntheticSource: frames that an FFmpeg filter graph makes up, for trials and tests."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Self

import av
from av.container import InputContainer

from streamer.errors import ReadError, SourceError
from streamer.frame import Frame
from streamer.sources.base import Health, StreamInfo
from streamer.sources.container import best_video, nominal_rate, pixel_aspect, reason
from streamer.sources.decoding import Clock, Decoder, frames_of, timed
from streamer.sources.pictures import Normalizer
from streamer.sources.window import Window
from streamer.urls import redact_text

PREFIX = "lavfi:"

_WHOLE = Window()


class SyntheticSource:
    """``lavfi:GRAPH``, such as ``lavfi:testsrc2=size=1280x720:rate=30``. See `Source`.

    Most graphs never end; the window ends them. Sound that a graph makes is left alone.
    """

    info: StreamInfo
    health: Health

    def __init__(self, graph: str, window: Window = _WHOLE) -> None:
        """Build the graph and make the first frame.

        Args:
            graph: in FFmpeg's notation, without the prefix.
            window: the part of its output to give.

        Raises:
            SourceError: FFmpeg refuses the graph, with its reason; or it makes no picture.
        """
        self.health = Health()
        url = redact_text(PREFIX + graph)
        self._container = _open(graph, url)
        try:
            stream = best_video(self._container, url)
            assert stream.time_base is not None
            rate = nominal_rate(stream)
            clock = Clock(0, 1 / (rate * stream.time_base), stream.time_base)
            pictures = Decoder(self._container, stream, self.health)
            wanted = window.select(timed(pictures, clock, stream.time_base))
            normalizer = Normalizer(stream.time_base)
            frames = frames_of(wanted, normalizer, stream.time_base, url)
            first = _first_of(frames, url)
        except BaseException:
            self.close()
            raise
        self._frames = chain([first], frames)
        count, seconds = window.expect(None, None, rate)
        self.info = StreamInfo(
            url=url,
            width=first.width,
            height=first.height,
            rate=rate,
            time_base=stream.time_base,
            frames=count,
            duration=None if seconds is None else float(seconds),
            start=window.start,
            pixel_aspect=pixel_aspect(stream),
        )

    def __iter__(self) -> Iterator[Frame]:
        """The frames of the window."""
        return self._frames

    def interrupt(self) -> None:
        """Nothing here waits for long."""

    def close(self) -> None:
        """Give back the graph."""
        self._container.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def _open(graph: str, url: str) -> InputContainer:
    try:
        return av.open(graph, "r", format="lavfi")
    except (av.FFmpegError, OSError, ValueError) as error:
        # Parts of a password may be among what FFmpeg quotes, in a form of its own.
        hidden = url != PREFIX + graph
        why = (None if hidden else _complaint(graph)) or reason(error)
        raise SourceError(f"{url}: FFmpeg refuses this graph: {why}") from error


def _complaint(graph: str) -> str | None:
    """What FFmpeg logs while it refuses ``graph``: its error codes all say "invalid argument"."""
    before = av.logging.get_level()
    av.logging.set_level(av.logging.ERROR)
    try:
        with av.logging.Capture() as logs, av.open(graph, "r", format="lavfi"):
            return None
    except (av.FFmpegError, OSError, ValueError):
        # The first line names the cause, the others what followed from it.
        return " ".join(logs[0][2].split()) if logs else None
    finally:
        av.logging.set_level(before)


def _first_of(frames: Iterator[Frame], url: str) -> Frame:
    try:
        first = next(frames, None)
    except ReadError as error:
        raise SourceError(str(error)) from error
    if first is None:
        raise SourceError(f"{url}: makes no picture in the time asked for")
    return first
