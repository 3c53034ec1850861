"""Moving shapes whose masks are known: textured discs and bars over a textured ground."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import av
import cv2
import numpy as np

from streamer.frame import Frame, Plane
from streamer.instances import Instances


@dataclass(frozen=True)
class Shape:
    """An ellipse or a bar that moves evenly.

    Attributes:
        center: column and row at frame 0.
        speed: pixels a frame, to the right and down.
        radii: half its width and height, in pixels.
        turn: degrees a frame.
        bar: it is a rectangle.
        tint: Cb and Cr.
        luma: its mean level.
    """

    center: tuple[float, float]
    speed: tuple[float, float] = (0.0, 0.0)
    radii: tuple[float, float] = (40.0, 60.0)
    turn: float = 0.0
    bar: bool = False
    tint: tuple[int, int] = (110, 160)
    luma: int = 150

    def mask(self, number: int, size: tuple[int, int]) -> Plane:
        """Its pixels in a frame of (width, height): u8[height, width], 0 or 255."""
        width, height = size
        angle = np.deg2rad(self.turn * number)
        x = np.arange(width) + 0.5 - self.center[0] - self.speed[0] * number
        y = np.arange(height)[:, None] + 0.5 - self.center[1] - self.speed[1] * number
        u = (x * np.cos(angle) + y * np.sin(angle)) / self.radii[0]
        v = (y * np.cos(angle) - x * np.sin(angle)) / self.radii[1]
        inside = np.maximum(abs(u), abs(v)) < 1 if self.bar else u * u + v * v < 1
        return np.asarray(inside, np.uint8) * np.uint8(255)


class Scene:
    """Shapes over a ground; later shapes are in front.

    Attributes:
        size: columns and rows of its pictures.
    """

    def __init__(
        self, shapes: Sequence[Shape], size: tuple[int, int] = (640, 360), seed: int = 1
    ) -> None:
        self.size = size
        self._shapes = shapes
        noise = np.random.default_rng(seed)
        self._ground = _texture(noise, size)
        self._skin = _texture(noise, size)

    def frame(self, number: int) -> Frame:
        """A picture at 30 frames a second."""
        width, height = self.size
        frame = Frame(av.VideoFrame(width, height, "yuv420p"), number, number, Fraction(1, 30))
        frame.y[:] = 60 + self._ground // 3
        frame.u[:], frame.v[:] = 128, 120
        for shape in self._shapes:
            mask = shape.mask(number, self.size)
            # The texture goes along with the shape.
            shift = np.array(
                [[1, 0, shape.speed[0] * number], [0, 1, shape.speed[1] * number]], np.float32
            )
            skin = cv2.warpAffine(self._skin, shift, self.size, borderMode=cv2.BORDER_WRAP)
            frame.y[mask > 0] = (shape.luma - 30 + skin // 4)[mask > 0]
            small = mask[::2, ::2] > 0
            frame.u[small], frame.v[small] = shape.tint
        return frame

    def truth(self, number: int) -> Instances:
        """What can be seen of each shape, its track id its number from 1 on."""
        masks = [shape.mask(number, self.size) for shape in self._shapes]
        for front in range(1, len(masks)):
            for back in range(front):
                masks[back] = np.where(masks[front] > 0, np.uint8(0), masks[back])
        rows = [(i + 1, mask, cv2.boundingRect(mask)) for i, mask in enumerate(masks)]
        rows = [row for row in rows if row[2][2]]
        return Instances(
            boxes=np.array([(x, y, x + w, y + h) for *_, (x, y, w, h) in rows], np.float32).reshape(
                -1, 4
            ),
            scores=np.ones(len(rows), np.float32),
            class_ids=np.ones(len(rows), np.int32),
            labels=("shape",) * len(rows),
            masks=tuple(mask[y : y + h, x : x + w] for _, mask, (x, y, w, h) in rows),
            track_ids=np.array([number for number, *_ in rows], np.int32),
        )

    def frames(self, count: int) -> list[Frame]:
        """The first pictures."""
        return [self.frame(number) for number in range(count)]


def _texture(noise: np.random.Generator, size: tuple[int, int]) -> Plane:
    width, height = size
    coarse = noise.integers(0, 256, (height // 8 + 2, width // 8 + 2), np.uint8)
    texture = cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC)
    return np.asarray(texture, np.uint8)
