"""Cars, seen from the side. The unit is metres; they look to the right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tools.demo.scenes import color as c
from tools.demo.scenes.color import BGR
from tools.demo.scenes.figure import Bounds, Easel, Moment
from tools.demo.scenes.pen import Pen
from tools.demo.scenes.shapes import Point, Points, box, curve, ellipse, points, smooth
from tools.demo.scenes.wheels import GLASS, SKY, draw_wheel

_PAINTS = (
    "c8372d 2f6fb0 e8e4dc 2c3038 d9a02b 4a8a5c 8fa3ad b8bcc0 7a2e3a 3a5f7d e27a3a 5bb0b5 f2d45c"
)


@dataclass(frozen=True)
class CarLook:
    """What a car is like: `roof` are the corners of its cabin from the back to the front."""

    length: float
    roof: tuple[Point, Point, Point, Point]
    bonnet: float
    boot: float
    wheel: float
    paint: BGR
    second: BGR | None
    rim: BGR
    spokes: int

    @staticmethod
    def random(rng: np.random.Generator) -> CarLook:
        """A hatchback, saloon, estate, van or mini."""
        kind = rng.integers(5)
        length, top = [(4.0, 1.5), (4.6, 1.42), (4.6, 1.66), (4.8, 1.95), (3.6, 1.5)][kind]
        length, top = length * rng.uniform(0.95, 1.06), top * rng.uniform(0.97, 1.04)
        half = length / 2
        back_top, back_base, front_top, front_base = [
            (0.1, 0.02, 0.53, 0.72),
            (0.27, 0.13, 0.54, 0.72),
            (0.07, 0.015, 0.55, 0.7),
            (0.03, 0.01, 0.7, 0.83),
            (0.14, 0.03, 0.56, 0.76),
        ][kind]
        belt = 0.6 * top
        roof = (
            (-half + back_base * length, belt),
            (-half + back_top * length, top),
            (-half + front_top * length, top),
            (-half + front_base * length, belt),
        )
        paint = c.pick(_PAINTS, rng, 10)
        return CarLook(
            length=length,
            roof=roof,
            bonnet=belt * rng.uniform(0.9, 0.96),
            boot=belt * rng.uniform(0.97, 1.02),
            wheel=rng.uniform(0.31, 0.36) * (1.05 if kind in (2, 3) else 1),
            paint=paint,
            second=c.pick(_PAINTS, rng) if rng.random() < 0.15 else None,
            rim=c.pick("c9ccd0 9aa0a6 e8e6e2 4a4c50", rng),
            spokes=int(rng.integers(4, 8)),
        )


class Car:
    """A car."""

    labels: tuple[str, ...] = ("car",)

    def __init__(self, look: CarLook) -> None:
        self.look = look
        half = look.length / 2
        self.bounds = Bounds(-half - 0.12, -0.04, half + 0.12, look.roof[1][1] + 0.12)
        self.footprint = half

    def draw(self, easel: Easel, moment: Moment) -> None:
        """See `Figure`."""
        pen, look = easel.layer(), self.look
        half = look.length / 2
        axles = (-half + 0.19 * look.length, half - 0.185 * look.length)
        pen.fill(box(-half + 0.25, 0.2, half - 0.25, 0.55, 0.1), c.rgb("#17181a"), 0)
        body = self._body()
        pen.fill(body, look.paint, 1.25)
        if look.second:
            pen.fill(box(-half, 1.02 * look.boot, half, 3), look.second, 0.9, clip=body)
        self._windows(pen)
        self._lines(pen, body)
        for x in axles:
            arch = ellipse((x, look.wheel), look.wheel * 1.22, look.wheel * 1.22)
            pen.fill(arch, c.darker(look.paint, 0.75), 0, clip=body)
        for x in axles:
            wheel = pen.moved(x, look.wheel, -moment.distance / look.wheel)
            draw_wheel(wheel, look.wheel, look.rim, look.spokes)

    def _body(self) -> Points:
        look = self.look
        half = look.length / 2
        rear, top, front, base = look.roof
        cabin = curve(
            points(
                (-half + 0.02, look.boot * 0.86), (-half + 0.05, look.boot * 0.99),
                rear, (top[0] + 0.08, top[1] - 0.03),
                (0.55 * top[0] + 0.45 * front[0], top[1] + 0.03),
                (front[0] - 0.05, front[1] - 0.02), base, (half - 0.38, look.bonnet * 0.97),
                (half - 0.06, look.bonnet * 0.82), (half, look.bonnet * 0.6),
            ), 5)  # fmt: skip
        sill = points(
            (half + 0.01, 0.36), (half - 0.1, 0.24), (-half + 0.1, 0.25), (-half - 0.01, 0.4)
        )
        return np.concatenate([cabin, sill])

    def _windows(self, pen: Pen) -> None:
        rear, top, front, base = self.look.roof
        floor = rear[1] + 0.03
        rim = 0.07
        glass = points(
            (rear[0] + 0.16, floor), (top[0] + 0.14, top[1] - rim),
            (front[0] - 0.04, front[1] - rim), (base[0] - 0.17, floor),
        )  # fmt: skip
        inside = smooth(_rounded(glass), 3)
        pen.fill(inside, GLASS, 0.5)
        sky = points(
            (rear[0], front[1]),
            (base[0], front[1]),
            (base[0], floor + 0.24),
            (rear[0], floor + 0.12),
        )
        pen.fill(sky, SKY, 0.4, 0.35, clip=inside)
        for x in (top[0] + 0.35, front[0] - 0.35):
            streak = points((x, floor), (x + 0.22, floor), (x + 0.5, top[1]), (x + 0.28, top[1]))
            pen.fill(streak, c.WHITE, 0, 0.22, clip=inside)
        for x in self._pillars():
            pen.fill(
                box(x - 0.045, floor - 0.05, x + 0.045, top[1] + 0.05),
                self.look.paint,
                0.4,
                clip=inside,
            )

    def _pillars(self) -> list[float]:
        _, top, front, _ = self.look.roof
        if self.look.length < 3.9:
            return [0.35 * top[0] + 0.65 * front[0] - 0.25]
        middle = 0.45 * top[0] + 0.55 * front[0]
        return [middle - 0.02, middle - 1.02] if middle - 1.3 > top[0] else [middle]

    def _lines(self, pen: Pen, body: Points) -> None:
        look = self.look
        half = look.length / 2
        dark, light = c.darker(look.paint, 0.55), c.lighter(look.paint, 0.6)
        shoulder = curve(
            points(
                (-half + 0.1, look.boot * 0.84),
                (0, look.boot * 0.87),
                (half - 0.15, look.bonnet * 0.8),
            )
        )
        pen.line(shoulder, 0.035, light, 0.6)
        pen.line(shoulder - (0, 0.05), 0.03, dark, 0.35)
        lower = points((-half, 0.24), (half, 0.24), (half, 0.4), (-half, 0.4))
        pen.fill(lower, c.darker(look.paint, 0.6), 0.2, 0.75, clip=body)
        for x in self._pillars():
            pen.line(points((x, look.boot), (x, 0.36)), 0.018, dark, 0.8)
            handle = box(x - 0.3, look.boot * 0.8, x - 0.12, look.boot * 0.8 + 0.045, 0.02)
            pen.fill(handle, c.lighter(look.paint, 0.3), 0.8)
        high, low = look.bonnet * 0.83, look.bonnet * 0.66
        front = points((half - 0.3, high), (half - 0.02, low), (half - 0.22, low))
        pen.fill(smooth(front, 3), c.rgb("#fff6da"), 0.3)
        pen.fill(
            box(-half, look.boot * 0.7, -half + 0.16, look.boot * 0.88, 0.04), c.rgb("#d8322a"), 0.5
        )
        pen.fill(box(half - 0.2, 0.33, half + 0.03, 0.5, 0.05), c.rgb("#3a3c40"), 0.6)
        pen.fill(box(-half - 0.03, 0.35, -half + 0.2, 0.52, 0.05), c.rgb("#3a3c40"), 0.6)
        mirror = look.roof[3][0] - 0.3
        pen.fill(ellipse((mirror, look.boot + 0.1), 0.11, 0.075), c.darker(look.paint, 0.1))


def _rounded(corners: Points) -> Points:
    """Corners doubled, a little inwards, so that a spline through them has small radii."""
    before, after = np.roll(corners, 1, 0), np.roll(corners, -1, 0)
    pairs = np.stack([corners * 0.88 + before * 0.12, corners * 0.88 + after * 0.12], axis=1)
    return pairs.reshape(-1, 2)
