"""Frames, stream infos and audio feeds made for sinks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from streamer.frame import Frame
from streamer.instances import Instances
from streamer.sinks.options import SinkOptions
from streamer.sinks.video import VideoSink
from streamer.sources.base import StreamInfo

SIZE = (64, 48)
RATE = Fraction(25)
OPTIONS = SinkOptions(threads=1)


def frame(
    index: int = 0,
    *,
    pts: int | None = None,
    time_base: Fraction = 1 / RATE,
    size: tuple[int, int] = SIZE,
    pix_fmt: str = "yuv420p",
    name: str | None = None,
) -> Frame:
    """A frame of noise over a grey that tells ``index``."""
    made = Frame(
        av.VideoFrame(*size, pix_fmt), index, index if pts is None else pts, time_base, name=name
    )
    noise = np.random.default_rng(index)
    made.y[:] = 30 + 3 * (index % 60) + noise.integers(0, 12, made.y.shape, np.uint8)
    made.u[:], made.v[:] = 110, 140
    return made


def frames(times: Sequence[int], time_base: Fraction) -> Iterator[Frame]:
    """A frame at each time."""
    for index, pts in enumerate(times):
        yield frame(index, pts=pts, time_base=time_base)


def info(
    size: tuple[int, int] = SIZE, rate: Fraction = RATE, **others: Any
) -> StreamInfo:  # fmt: skip
    """What a source of such frames says of itself."""
    others.setdefault("time_base", 1 / rate)
    return StreamInfo("test", size[0], size[1], rate, **others)


def write(
    path: Path, pictures: list[Frame], options: SinkOptions = OPTIONS, **about: object
) -> VideoSink:
    """Write a video file; ``about`` is what the source says of itself."""
    size = (pictures[0].width, pictures[0].height)
    about.setdefault("time_base", pictures[0].time_base)
    with VideoSink(path, info(size, **about), options) as sink:  # type: ignore[arg-type]
        for picture in pictures:
            sink.write(picture, Instances.empty())
    return sink


class FileFeed:
    """The audio of a file, as it is, as an `AudioFeed`.

    Attributes:
        ended: whether `rest` gives anything.
        closed: whether `close` was called.
    """

    def __init__(self, path: Path, *, ended: bool = True) -> None:
        self.ended = ended
        self.closed = False
        self._container = av.open(str(path))
        self._packets = [p for p in self._container.demux(audio=tuple(self._numbers())) if p.size]

    @property
    def streams(self) -> list[av.AudioStream]:
        return list(self._container.streams.audio)

    def until(self, seconds: Fraction) -> Iterator[av.Packet[av.AudioStream]]:
        while self._packets and _begin(self._packets[0]) < seconds:
            yield self._packets.pop(0)

    def rest(self) -> Iterator[av.Packet[av.AudioStream]]:
        while self.ended and self._packets:
            yield self._packets.pop(0)

    def close(self) -> None:
        self.closed = True
        self._container.close()

    def _numbers(self) -> range:
        return range(len(self._container.streams.audio))


def _begin(packet: av.Packet[Any]) -> Fraction:
    assert packet.pts is not None
    return packet.pts * packet.time_base
