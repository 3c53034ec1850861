"""Trees, bushes, lamp posts, fences and bins: what stands around but is no object to find."""

from __future__ import annotations

import numpy as np

from tools.demo.scenes import color as c
from tools.demo.scenes.color import BGR
from tools.demo.scenes.figure import Bounds, Easel, Moment
from tools.demo.scenes.pen import Pen
from tools.demo.scenes.shapes import Points, box, curve, ellipse, points, smooth

_LEAVES = "4f8a3c 6a9a3e 3d7447 86a544 5c8f58 a8a03c 2f6a4a"


class Tree:
    """A tree of round clumps of leaves, or a fir."""

    labels: tuple[str, ...] = ()

    def __init__(self, rng: np.random.Generator, height: float) -> None:
        self.height = height
        self.leaves = c.pick(_LEAVES, rng, 10)
        self.bark = c.pick("6b4a32 7a5a40 584436 8a7a68", rng)
        self.fir = rng.random() < 0.18
        self.trunk = rng.uniform(0.3, 0.45)
        wide = rng.uniform(0.24, 0.36)
        count = int(rng.integers(9, 14))
        angle = rng.uniform(0, 2 * np.pi, count)
        reach = np.sqrt(rng.uniform(0.1, 1, count))
        self.clumps = np.stack(
            [
                wide * 0.75 * reach * np.cos(angle),
                (self.trunk + 1) / 2 + 0.03 + (1 - self.trunk) * 0.34 * reach * np.sin(angle),
                rng.uniform(0.1, 0.17, count),
            ],
            axis=1,
        )
        self.clumps = self.clumps[np.argsort(self.clumps[:, 1] - 0.2 * self.clumps[:, 2])]
        self.dots = rng.uniform(-1, 1, (26, 3))
        self.phase = rng.uniform(0, 6)
        reach_m = height * (wide + 0.12)
        self.bounds = Bounds(-reach_m, -0.1, reach_m, height * 1.12)
        self.footprint = 0.05 * height

    def draw(self, easel: Easel, moment: Moment) -> None:
        """See `Figure`."""
        pen = easel.layer(None).moved(scale=self.height)
        sway = 0.006 * float(np.sin(0.8 * moment.time + self.phase))
        flare = points(
            (-0.05, 0), (-0.025, 0.05), (-0.018, self.trunk + 0.2),
            (0.018, self.trunk + 0.2), (0.025, 0.05), (0.05, 0),
        )  # fmt: skip
        pen.fill(flare, self.bark, 1.2)
        if self.fir:
            self._fir(pen, sway)
            return
        for k, side in enumerate((-1, 1)):
            twig = (side * 0.1, self.trunk + 0.2 + 0.04 * k)
            pen.limb((0, self.trunk - 0.04 + 0.05 * k), twig, (0.014, 0.008), self.bark, 0.5)
        sun = pen.sun
        for dark, dx, dy, grow in ((0.42, 0.0, 0.0, 1.08), (0.0, 0.1, 0.12, 0.9)):
            tone = c.darker(self.leaves, dark)
            for k, (x, y, r) in enumerate(self.clumps.tolist()):
                move = sway * (1 + 0.4 * np.sin(k + moment.time))
                center = x + dx * r * sun + float(move), y + dy * r
                outline = ellipse(center, r * grow, r * grow * 0.88, corners=16)
                pen.fill(_leafy(outline, center, k), tone, 0.75)
        self._leaves(pen, sway)

    def _leaves(self, pen: Pen, sway: float) -> None:
        bright, deep = c.lighter(self.leaves, 0.35), c.darker(self.leaves, 0.3)
        for k, (u, v, w) in enumerate(self.dots.tolist()):
            x, y, r = self.clumps[k % len(self.clumps)].tolist()
            center = x + sway + 0.7 * r * u, y + 0.7 * r * v
            spot = ellipse(center, r * (0.16 + 0.06 * w), r * 0.1, angle=w, corners=8)
            pen.fill(spot, bright if v + 0.6 * u * pen.sun > 0.1 else deep, 0, 0.6)

    def _fir(self, pen: Pen, sway: float) -> None:
        for k in range(4):
            low = 0.14 + 0.2 * k
            half = 0.2 - 0.042 * k
            tip = low + 0.4 if k < 3 else 1.03
            x = sway * k
            skirt = points((x - half, low), (x - half * 0.5, low + 0.03), (x, low - 0.015),
                           (x + half * 0.5, low + 0.03), (x + half, low), (x, tip))  # fmt: skip
            pen.fill(skirt, c.mix(self.leaves, c.rgb("#2f5a48"), 0.5), 1.2)


class Bush:
    """A bush or a piece of hedge, perhaps with flowers."""

    labels: tuple[str, ...] = ()

    def __init__(self, rng: np.random.Generator, wide: float) -> None:
        self.leaves = c.pick(_LEAVES, rng, 10)
        self.flowers = c.vivid(rng) if rng.random() < 0.5 else None
        count = max(int(wide * 4), 4)
        self.clumps = np.stack(
            [
                np.linspace(-wide / 2 + 0.2, wide / 2 - 0.2, count),
                rng.uniform(0.22, 0.5, count),
                rng.uniform(0.25, 0.4, count),
            ],
            axis=1,
        )
        self.dots = rng.uniform(-0.7, 0.7, (4 * count, 2))
        self.bounds = Bounds(-wide / 2 - 0.4, -0.05, wide / 2 + 0.4, 1.05)
        self.footprint = wide / 2

    def draw(self, easel: Easel, moment: Moment) -> None:  # noqa: ARG002
        """See `Figure`."""
        pen = easel.layer(None)
        for dark, dy, grow in ((0.4, 0.0, 1.0), (0.05, 0.06, 0.82)):
            for k, (x, y, r) in enumerate(self.clumps.tolist()):
                center = x, max(y + dy, r * 0.9)
                outline = _leafy(ellipse(center, r * grow, r * grow, corners=16), center, k)
                pen.fill(outline, c.darker(self.leaves, dark), 0.8)
        for k, (u, v) in enumerate(self.dots.tolist()):
            x, y, r = self.clumps[k % len(self.clumps)].tolist()
            spot = x + u * r, max(y, r * 0.9) + v * r
            if self.flowers and k % 2:
                pen.disc(spot, 0.045, self.flowers, 0.4)
            else:
                pen.fill(ellipse(spot, 0.06, 0.035, u, 8), c.lighter(self.leaves, 0.3), 0, 0.6)


class Lamp:
    """A lamp post."""

    labels: tuple[str, ...] = ()
    footprint = 0.16

    def __init__(self, rng: np.random.Generator, lit: bool) -> None:
        self.metal = c.pick("2f3a3a 3a3f45 4a4038 24402f", rng)
        self.lit = lit
        self.arm = rng.random() < 0.5
        self.height = rng.uniform(3.4, 4.4) + (1.2 if self.arm else 0)
        self.bounds = Bounds(-0.5, -0.05, 1.3, self.height + 0.7)

    def draw(self, easel: Easel, moment: Moment) -> None:  # noqa: ARG002
        """See `Figure`."""
        pen, top = easel.layer(None), self.height
        glass = c.rgb("#ffe7a8") if self.lit else c.rgb("#dfe6e4")
        pen.fill(box(-0.13, 0, 0.13, 0.4, 0.04), self.metal)
        pen.limb((0, 0.2), (0, top), (0.065, 0.04), self.metal)
        if self.arm:
            pen.line(
                curve(points((0, top - 0.1), (0.15, top + 0.28), (0.8, top + 0.35))),
                0.07,
                self.metal,
            )
            pen.fill(
                smooth(
                    points(
                        (0.6, top + 0.4), (1.1, top + 0.38), (1.12, top + 0.28), (0.62, top + 0.3)
                    ),
                    3,
                ),
                self.metal,
            )
            pen.fill(box(0.68, top + 0.24, 1.06, top + 0.3), glass, 0)
            return
        pen.fill(
            points((-0.13, top), (0.13, top), (0.2, top + 0.42), (-0.2, top + 0.42)), glass, 0.5
        )
        pen.fill(points((-0.26, top + 0.42), (0.26, top + 0.42), (0, top + 0.64)), self.metal)
        pen.fill(box(-0.16, top - 0.05, 0.16, top + 0.02), self.metal)


class Bin:
    """A litter bin, a bollard or a planter."""

    labels: tuple[str, ...] = ()
    footprint = 0.26

    def __init__(self, rng: np.random.Generator) -> None:
        self.paint = c.pick("3f5a4a 4a4d52 7a3f34 3a5570", rng)
        self.kind = int(rng.integers(3))
        self.leaves: BGR = c.pick(_LEAVES, rng)
        self.bounds = Bounds(-0.5, -0.05, 0.5, 1.2)

    def draw(self, easel: Easel, moment: Moment) -> None:  # noqa: ARG002
        """See `Figure`."""
        pen = easel.layer(None)
        if self.kind == 0:
            pen.fill(points((-0.2, 0), (0.2, 0), (0.25, 0.75), (-0.25, 0.75)), self.paint, 1.2)
            for x in (-0.12, 0, 0.12):
                pen.line(points((x, 0.08), (x * 1.2, 0.68)), 0.02, c.darker(self.paint, 0.5))
            pen.fill(box(-0.28, 0.72, 0.28, 0.84, 0.05), c.darker(self.paint, 0.3))
        elif self.kind == 1:
            pen.fill(box(-0.1, 0, 0.1, 0.85, 0.09), self.paint, 1.2)
            pen.fill(box(-0.1, 0.6, 0.1, 0.7), c.rgb("#efe9dc"), 0.8)
        else:
            for k, x in enumerate((-0.2, 0.0, 0.2)):
                spot = x, 0.66 + 0.08 * (k % 2)
                pen.fill(_leafy(ellipse(spot, 0.22, 0.22, corners=16), spot, k), self.leaves)
            pen.fill(points((-0.3, 0), (0.3, 0), (0.36, 0.5), (-0.36, 0.5)), c.rgb("#b0795a"), 1.2)


class Fence:
    """A low fence."""

    labels: tuple[str, ...] = ()
    footprint = 0.0

    def __init__(self, rng: np.random.Generator, wide: float) -> None:
        self.paint = c.pick("efe9dc 8a6a48 4a5a55 b8a888", rng)
        self.half = wide / 2
        self.bounds = Bounds(-self.half - 0.1, -0.05, self.half + 0.1, 1.1)

    def draw(self, easel: Easel, moment: Moment) -> None:  # noqa: ARG002
        """See `Figure`."""
        pen = easel.layer(None)
        for y in (0.35, 0.75):
            pen.fill(box(-self.half, y, self.half, y + 0.09), c.darker(self.paint, 0.15), 0.4)
        for x in np.arange(-self.half + 0.1, self.half, 0.32).tolist():
            slat = points((x, 0), (x + 0.12, 0), (x + 0.12, 0.9), (x + 0.06, 0.98), (x, 0.9))
            pen.fill(slat, self.paint, 0.5)


def _leafy(outline: Points, center: tuple[float, float], seed: int) -> Points:
    """An outline with small bumps, as leaves make."""
    bumps = 1 + 0.055 * np.cos(5 * np.arange(len(outline)) + seed)[:, None]
    bumpy: Points = (outline - center) * bumps + center
    return smooth(bumpy, 3)
