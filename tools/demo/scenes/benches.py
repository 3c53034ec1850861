"""Park benches and who sits on them. The unit is metres."""

from __future__ import annotations

import numpy as np

from tools.demo.scenes import color as c
from tools.demo.scenes.figure import Bounds, Easel, Moment
from tools.demo.scenes.looks import Look
from tools.demo.scenes.people import PersonPainter
from tools.demo.scenes.shapes import box, points
from tools.demo.scenes.skeleton import sit


class Bench:
    """A park bench, seen from the front or slightly from the side, with people on it or none."""

    def __init__(self, rng: np.random.Generator, sitters: tuple[Look, ...] = ()) -> None:
        self.labels: tuple[str, ...] = ("bench", *("person" for _ in sitters))
        self.sitters = sitters
        self.half = rng.uniform(0.75, 1.0) + 0.1 * len(sitters)
        self.wood = c.pick("a8713c 8a5a2e c08a4c 7d7a70 b4552f 4d7a5a 3f6f9a", rng, 10)
        self.metal = c.pick("2b2d30 3a4a3f 5a5550", rng)
        self.slats = int(rng.integers(2, 4))
        self.tall = rng.uniform(0.82, 0.95)
        self.phase = rng.uniform(0, 6)
        top = 1.55 if sitters else self.tall + 0.1
        self.bounds = Bounds(-self.half - 0.2, -0.05, self.half + 0.2, top)
        self.footprint = self.half

    def draw(self, easel: Easel, moment: Moment) -> None:
        """See `Figure`."""
        pen = easel.layer(0)
        half = self.half
        for x in (-half + 0.16, half - 0.16):
            pen.limb(
                (x, 0.02), (x, self.tall - 0.03), (0.045, 0.04), c.darker(self.metal, 0.2), 0.6
            )
        step = (self.tall - 0.5) / self.slats
        pen.fill(box(-half, 0.48, half, self.tall), c.darker(self.wood, 0.6), 0)
        for k in range(self.slats):
            y = 0.5 + k * step
            slat = box(-half, y, half, y + step * 0.86, 0.03)
            pen.fill(slat, c.lighter(self.wood, 0.05 * k), 0.9)
            grain = points((-half * 0.8, y + step * 0.4), (half * 0.7, y + step * 0.44))
            pen.line(grain, 0.012, c.darker(self.wood, 0.35), 0.5)
        for x in (-half + 0.1, half - 0.1):
            pen.limb((x, 0.02), (x, 0.44), (0.055, 0.05), self.metal)
        seat = points(
            (-half - 0.05, 0.36), (half + 0.05, 0.36), (half - 0.03, 0.5), (-half + 0.03, 0.5)
        )
        pen.fill(seat, c.lighter(self.wood, 0.18), 0.7)
        pen.line(points((-half - 0.02, 0.43), (half + 0.02, 0.43)), 0.016, c.darker(self.wood, 0.5))
        pen.fill(box(-half - 0.05, 0.32, half + 0.05, 0.38, 0.02), c.darker(self.wood, 0.3), 0.4)
        for x in (-half + 0.06, half - 0.06):
            pen.limb((x, 0.4), (x, 0.66), (0.035, 0.03), self.metal)
            pen.limb((x - 0.02, 0.66), (x + 0.02, 0.66), (0.045, 0.045), self.metal)
        for k, look in enumerate(self.sitters):
            x = (k - (len(self.sitters) - 1) / 2) * 0.72
            sway = float(np.sin(moment.time * 0.7 + self.phase + 2 * k))
            pose = sit(look.build, 0.5 / look.height, sway)
            PersonPainter(look, pose).draw(easel.layer(k + 1).moved(x, 0))
