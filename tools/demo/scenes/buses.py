"""Buses, seen from the side. The unit is metres; they look to the right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tools.demo.scenes import color as c
from tools.demo.scenes.color import BGR
from tools.demo.scenes.figure import Bounds, Easel, Moment
from tools.demo.scenes.pen import Pen
from tools.demo.scenes.shapes import box, ellipse, points
from tools.demo.scenes.wheels import GLASS, SKY, draw_wheel


@dataclass(frozen=True)
class BusLook:
    """What a bus is like."""

    length: float
    height: float
    paint: BGR
    stripe: BGR
    roof: BGR
    doors: int
    windows: int
    double: bool

    @staticmethod
    def random(rng: np.random.Generator) -> BusLook:
        """A city bus, sometimes with two decks."""
        double = rng.random() < 0.2
        return BusLook(
            length=rng.uniform(8.2, 10.5),
            height=4.1 if double else rng.uniform(2.85, 3.2),
            paint=c.pick("d23b2f e8a62c 2f7fb8 3d8a57 e9e5da 8a4f9c e2703a", rng, 12),
            stripe=c.pick("f0ede6 2c3e60 f0b93b 23252d", rng),
            roof=c.pick("e9e5da d8d3c6", rng) if rng.random() < 0.5 else c.WHITE,
            doors=2 if rng.random() < 0.6 else 1,
            windows=int(rng.integers(5, 8)),
            double=double,
        )


class Bus:
    """A bus."""

    labels: tuple[str, ...] = ("bus",)
    WHEEL = 0.48

    def __init__(self, look: BusLook) -> None:
        self.look = look
        half = look.length / 2
        self.bounds = Bounds(-half - 0.1, -0.04, half + 0.35, look.height + 0.25)
        self.footprint = half

    def draw(self, easel: Easel, moment: Moment) -> None:
        """See `Figure`."""
        pen, look = easel.layer(), self.look
        half, top = look.length / 2, look.height
        pen.fill(box(-half + 0.2, 0.22, half - 0.2, 0.8), c.rgb("#17181a"), 0)
        body = box(-half, 0.32, half, top, 0.28)
        pen.fill(body, look.paint, 1.1)
        pen.fill(box(-half, top - 0.2, half, top + 0.2), look.roof, 0.6, clip=body)
        pen.fill(
            box(-half + 0.9, top - 0.02, half * 0.1, top + 0.14, 0.06), c.darker(look.roof, 0.2)
        )
        pen.fill(box(-half, 0.2, half, 0.55), c.darker(look.paint, 0.6), 0.2, 0.8, clip=body)
        pen.fill(box(-half, 0.95, half, 1.1), look.stripe, 0.6, clip=body)
        sweep = points((-half, 0.55), (-half + 2.6, 0.55), (-half + 1.5, 1.1), (-half, 1.1))
        pen.fill(sweep, look.stripe, 0.6, clip=body)
        decks = [(1.32, 2.28), (2.62, 3.6)] if look.double else [(1.32, top - 0.42)]
        for k, (low, high) in enumerate(decks):
            self._windows(pen, low, high, doors=k == 0)
        self._ends(pen, decks[0])
        for x in (-half + 0.24 * look.length, half - 0.22 * look.length):
            arch = ellipse((x, self.WHEEL), self.WHEEL * 1.2, self.WHEEL * 1.2)
            pen.fill(arch, c.rgb("#1b1c1e"), 0, clip=body)
            draw_wheel(pen.moved(x, self.WHEEL, -moment.distance / self.WHEEL), self.WHEEL,
                       c.rgb("#b8bcc0"), 6)  # fmt: skip

    def _windows(self, pen: Pen, low: float, high: float, doors: bool) -> None:
        look = self.look
        half = look.length / 2
        left, right = -half + 0.3, half - 1.0
        band = box(left - 0.06, low - 0.06, half - 0.02, high + 0.06, 0.1)
        pen.fill(band, c.rgb("#1f262b"), 0.3)
        step = (right - left) / look.windows
        for k in range(look.windows):
            pane = box(left + k * step + 0.04, low, left + (k + 1) * step - 0.04, high, 0.06)
            pen.fill(pane, GLASS, 0.9)
            x = left + (k + 0.15) * step
            streak = points((x, low), (x + 0.3, low), (x + 0.75, high), (x + 0.45, high))
            pen.fill(streak, c.WHITE, 0, 0.2, clip=pane)
            pen.fill(box(x - 1, (low + high) / 2, x + 2, high), SKY, 0.4, 0.3, clip=pane)
        for k in range(look.doors if doors else 0):
            x = half - 0.95 if k == 0 else 0.05 * look.length
            pen.fill(box(x - 0.02, 0.42, x + 0.92, high + 0.04, 0.05), c.rgb("#2a3036"), 0.4)
            for side in (0.04, 0.48):
                leaf = box(x + side, 0.5, x + side + 0.38, high - 0.04, 0.04)
                pen.fill(leaf, c.mix(GLASS, SKY, 0.35), 1)

    def _ends(self, pen: Pen, deck: tuple[float, float]) -> None:
        half, top = self.look.length / 2, self.look.height
        pen.fill(box(half - 0.9, top - 0.36, half - 0.06, top - 0.12, 0.03), c.rgb("#1b1a16"), 0)
        pen.fill(box(half - 0.8, top - 0.3, half - 0.2, top - 0.18), c.rgb("#ffc552"), 0)
        pen.fill(box(half - 0.1, 0.6, half + 0.02, 0.84, 0.05), c.rgb("#fff6da"), 0.2)
        pen.fill(box(-half - 0.01, 0.7, -half + 0.1, 1.2, 0.03), c.rgb("#d8322a"), 0.4)
        pen.limb(
            (half - 0.02, deck[1] - 0.05),
            (half + 0.18, deck[1] - 0.1),
            (0.03, 0.03),
            c.rgb("#2a2a2c"),
        )
        pen.fill(
            box(half + 0.1, deck[1] - 0.55, half + 0.24, deck[1] - 0.06, 0.05), c.rgb("#2a2a2c")
        )
