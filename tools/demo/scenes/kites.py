"""Kites. The unit is metres, inside a kite its size."""

from __future__ import annotations

import numpy as np

from tools.demo.scenes import color as c
from tools.demo.scenes.figure import Bounds, Easel, Moment
from tools.demo.scenes.pen import Pen
from tools.demo.scenes.shapes import Point, curve, points

_Panel = tuple[tuple[Point, ...], int]

_RIM: tuple[Point, ...] = (
    (0, 0.62), (0.46, 0.32), (0.46, -0.32), (0, -0.62), (-0.46, -0.32), (-0.46, 0.32)
)  # fmt: skip

_SAILS: dict[str, tuple[_Panel, ...]] = {
    "diamond": (
        (((0, 0.62), (-0.48, 0.15), (0, 0.15)), 0),
        (((0, 0.62), (0, 0.15), (0.48, 0.15)), 1),
        (((-0.48, 0.15), (0, -0.62), (0, 0.15)), 2),
        (((0, 0.15), (0, -0.62), (0.48, 0.15)), 3),
    ),
    "delta": (
        (((0, 0.55), (-0.85, -0.32), (-0.4, -0.2)), 0),
        (((0, 0.55), (-0.4, -0.2), (0, -0.42)), 1),
        (((0, 0.55), (0, -0.42), (0.4, -0.2)), 2),
        (((0, 0.55), (0.4, -0.2), (0.85, -0.32)), 0),
    ),
    "rokkaku": tuple(((_RIM[k], _RIM[(k + 1) % 6], (0, 0)), (0, 3, 1)[k % 3]) for k in range(6)),
}
"""Panels of each kind: their corners and which of the kite's four colours they have."""


class Kite:
    """A kite in the wind. String and tail are drawn, but are not part of it."""

    labels: tuple[str, ...] = ("kite",)
    footprint = 0.0

    def __init__(self, rng: np.random.Generator, size: float, string: Point) -> None:
        """A kite of ``size`` metres at the origin; its string goes to ``string``."""
        self.size = size
        self.string = string
        self.kind = str(rng.choice(list(_SAILS)))
        self.colors = [c.vivid(rng) for _ in range(3)] + [c.WHITE]
        self.phase = rng.uniform(0, 6)
        self.lean = rng.uniform(-0.35, 0.35)
        r = 0.95 * size
        self.bounds = Bounds(min(-r, string[0]), min(-1.9 * size, string[1]), max(r, string[0]), r)

    def draw(self, easel: Easel, moment: Moment) -> None:
        """See `Figure`."""
        t = moment.time + self.phase
        sway = 0.16 * float(np.sin(1.1 * t)) + 0.06 * float(np.sin(2.7 * t))
        drift = 0.12 * self.size * float(np.sin(0.8 * t)), 0.08 * self.size * float(np.sin(1.3 * t))
        behind = easel.layer(None)
        x, y = self.string
        sag = (x * 0.55, y * 0.6 - 0.03 * float(np.hypot(x, y)))
        behind.line(curve(points(drift, sag, (x, y)), 10), 0.008, c.rgb("#f4f1ea"), 0.65)
        kite = behind.moved(*drift, angle=self.lean + sway, scale=self.size)
        self._tail(kite, t)
        self._sail(easel.layer(0).moved(*drift, angle=self.lean + sway, scale=self.size))

    def _tail(self, pen: Pen, t: float) -> None:
        y = np.linspace(-0.55, -1.5, 7)
        x = 0.13 * np.sin(3.2 * t - 4 * y) * (-y - 0.5)
        pen.line(curve(np.stack([x, y], axis=1), 4), 0.03, self.colors[1])
        for k in range(1, 7):
            bow = pen.moved(float(x[k]), float(y[k]), 0.5 * float(np.sin(3 * t + k)))
            for side in (-1, 1):
                bow.fill(
                    points((0, 0), (side * 0.1, 0.05), (side * 0.1, -0.05)), self.colors[k % 3]
                )

    def _sail(self, pen: Pen) -> None:
        panels = [(points(*corners), self.colors[k]) for corners, k in _SAILS[self.kind]]
        for panel, color in panels:
            pen.fill(panel, color, 0.9)
        for panel, _ in panels:
            seam = np.concatenate([panel, panel[:1]])
            pen.line(seam, 0.018, c.darker(self.colors[0], 0.5), 0.5)
