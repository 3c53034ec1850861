"""Connections of live sources that do as they are told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import av

from streamer.errors import ReadError
from streamer.frame import Frame
from streamer.sources.live import Limits, LiveSource
from streamer.sources.options import SourceOptions
from tests.clips import numbered

URL = "test://name:secret@camera/1"
NAME = "test://name:***@camera/1"
QUICK = Limits(first=5, picture=5, retry=0.01, longest_retry=0.02)
NEVER = SourceOptions(reconnect=0)

Item = av.VideoFrame | None | Exception | Callable[[], None]


def picture(index: int, size: tuple[int, int] = (64, 48), pts: int | None = -1) -> av.VideoFrame:
    """Picture ``index`` of a `numbered` clip, at 1/1000 s a unit; 30 a second by default."""
    made = numbered(size)(index)
    made.pts = index * 33 if pts == -1 else pts
    return made


def pictures(count: int, size: tuple[int, int] = (64, 48)) -> list[Item]:
    return [picture(index, size) for index in range(count)]


@dataclass
class Script:
    """A `Connection` that gives what it was told to, and remembers."""

    items: Sequence[Item]
    time_base: Fraction = Fraction(1, 1000)
    rate: Fraction = Fraction(30)
    pixel_aspect: Fraction = Fraction(1)
    duration: Fraction | None = None
    paced: bool = False
    closed: threading.Event = field(default_factory=threading.Event)

    def __iter__(self) -> Iterator[av.VideoFrame | None]:
        for item in self.items:
            if isinstance(item, Exception):
                raise item
            if callable(item):
                item()
            else:
                yield item

    def close(self) -> None:
        self.closed.set()


class Camera:
    """Connects to one script after another.

    The first begins with a picture of its own, by which a source knows it, and goes on when
    somebody wants to see it.
    """

    def __init__(self, *scripts: Script | Exception) -> None:
        self.scripts = list(scripts)
        self.attempts = 0
        self.is_watched = threading.Event()

    def __call__(self) -> Script:
        self.attempts += 1
        script = self.scripts.pop(0)
        if isinstance(script, Exception):
            raise script
        if self.attempts == 1 and not script.paced and isinstance(script.items[0], av.VideoFrame):
            size = script.items[0].width, script.items[0].height
            script.items = [
                picture(63, size),
                lambda: void(self.is_watched.wait(60)),
                *script.items,
            ]
        return script


class Live(LiveSource):
    """The source of a `Camera`, which is watched as soon as there is iteration."""

    def __init__(self, *scripts: Script | Exception, **more: Any) -> None:
        self.camera = Camera(*scripts)
        super().__init__(URL, self.camera, **{"limits": QUICK} | more)

    def __iter__(self) -> Iterator[Frame]:
        frames = super().__iter__()
        self.camera.is_watched.set()
        return frames

    def close(self) -> None:
        super().close()
        self.camera.is_watched.set()


def lost(why: str = "gone") -> ReadError:
    return ReadError(f"{NAME}: {why}")


def take(source: LiveSource) -> tuple[list[Frame], Exception | None]:
    """All frames, and what ended them."""
    frames: list[Frame] = []
    with source:
        try:
            frames.extend(source)
        except ReadError as error:
            return frames, error
    return frames, None


def void(_: object) -> None:
    """Make a statement of an expression."""
