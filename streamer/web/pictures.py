"""Pictures: from the pipeline's thread to the viewers, the newest only.

    pipeline's thread --copy--> slot --JPEG, in a third thread--> latest --> every viewer that waits

Nothing is copied while nobody watches, and nothing is encoded while nobody waits, so one JPEG of a
picture serves all viewers, and one who is slow or has stalled costs the others nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from dataclasses import dataclass
from fractions import Fraction

import cv2

from streamer.frame import Frame

_WIDEST = 1280
_QUALITY = [cv2.IMWRITE_JPEG_QUALITY, 75]

_INTERVAL_S = 1 / 32
"""Between two pictures, in the mean: a little less than those of 30 a second lie apart."""

_BURST = 3
"""So many pictures more may come at once, as those of network cameras do."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as browsers take it.

    Attributes:
        number: grows from picture to picture.
        jpeg: bytes of the file.
        captured_at: of the frame; see `Frame.captured_at`.
    """

    number: int
    jpeg: bytes
    captured_at: float


class Pictures:
    """Hands on pictures. `offer` is for the pipeline's thread, all else for the event loop's.

    Args:
        pixel_aspect: width of a pixel over its height; browsers get square ones.

    Attributes:
        watched: somebody looks.
    """

    def __init__(self, pixel_aspect: Fraction) -> None:
        self.watched = False
        self._pixel_aspect = pixel_aspect
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._slot: Frame | None = None
        self._not_before = 0.0
        self._offered = asyncio.Event()
        self._wanted = asyncio.Event()
        self._published = asyncio.Condition()
        self._latest: Picture | None = None
        self._number = 0

    def offer(self, frame: Frame) -> None:
        """Take one frame, if somebody looks. What is not encoded by then is replaced."""
        now = time.monotonic()
        if not self.watched or now < self._not_before:
            return
        self._not_before = max(self._not_before, now - _BURST * _INTERVAL_S) + _INTERVAL_S
        copy = frame.copy()
        with self._lock:
            self._slot = copy
        with contextlib.suppress(RuntimeError):  # the server has ended; its error is told elsewhere
            self._loop.call_soon_threadsafe(self._offered.set)

    async def after(self, number: int) -> Picture:
        """The latest picture, as soon as it is a later one than ``number``."""
        async with self._published:
            while self._latest is None or self._latest.number <= number:
                self._wanted.set()
                await self._published.wait()
            return self._latest

    async def encode(self) -> None:
        """Encode what is offered whenever somebody waits for it; never ends by itself."""
        while True:
            await self._wanted.wait()
            await self._offered.wait()
            self._offered.clear()
            with self._lock:
                frame, self._slot = self._slot, None
            if frame is None:
                continue
            jpeg = await asyncio.to_thread(encode, frame, self._pixel_aspect)
            async with self._published:
                self._number += 1
                self._latest = Picture(self._number, jpeg, frame.captured_at)
                self._wanted.clear()
                self._published.notify_all()

    def forget(self) -> None:
        """Nobody looks any more; who comes later is not to see an old picture first."""
        self.watched = False
        with self._lock:
            self._slot = None
        self._latest = None
        self._wanted.clear()


def encode(frame: Frame, pixel_aspect: Fraction = Fraction(1)) -> bytes:
    """The frame as a JPEG of square pixels, at most 1280 wide.

    Through BGR, since JPEG's YCbCr is BT.601 at full range and video's is mostly not; and by
    libjpeg-turbo, which takes a sixth of the time of FFmpeg's encoder.

    Raises:
        ValueError: it fits no JPEG.
    """
    width, height = shown_size(frame.width, frame.height, pixel_aspect)
    picture = frame.to_bgr((width, height), exact=False)
    done, data = cv2.imencode(".jpg", picture, _QUALITY)
    if not done:
        raise ValueError(f"frame {frame.seq}, {width}x{height}, does not fit JPEG")
    return data.tobytes()


def shown_size(width: int, height: int, pixel_aspect: Fraction) -> tuple[int, int]:
    """Columns and rows of square pixels in which a picture is sent."""
    wide = width * pixel_aspect
    scale = min(Fraction(1), _WIDEST / wide)
    return max(round(wide * scale), 1), max(round(height * scale), 1)
