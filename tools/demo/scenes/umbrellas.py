"""Umbrellas and parasols. The unit is metres."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tools.demo.scenes import color as c
from tools.demo.scenes.color import BGR
from tools.demo.scenes.figure import Bounds, Easel, Moment
from tools.demo.scenes.pen import Pen
from tools.demo.scenes.shapes import Points, box, curve, points


@dataclass(frozen=True)
class Canopy:
    """What an umbrella is like."""

    radius: float
    colors: tuple[BGR, ...]
    panels: int
    fringe: bool

    @staticmethod
    def random(rng: np.random.Generator, radius: float) -> Canopy:
        """Any umbrella; most have two or three colours by turns."""
        first = c.vivid(rng)
        others = [c.WHITE, c.vivid(rng), c.lighter(first, 0.5), c.darker(first, 0.3)]
        colors = (first, others[rng.integers(4)], *((c.vivid(rng),) if rng.random() < 0.3 else ()))
        return Canopy(radius, colors, int(rng.integers(6, 9)), bool(rng.random() < 0.4))

    def draw(self, pen: Pen, pole: float, handle: bool) -> None:
        """Draw it above the pen's origin, where the pole's lower end is."""
        r, tall = self.radius, self.radius * 0.62
        pen.limb((0, 0), (0, pole + tall), (0.022, 0.018), c.rgb("#4a3a30"), 0.6)
        if handle:
            crook = curve(points((0, 0.1), (0, -0.02), (0.05, -0.08), (0.1, -0.02)))
            pen.line(crook, 0.04, c.rgb("#5b3a22"))
        edges = np.sin(np.linspace(-np.pi / 2, np.pi / 2, self.panels + 1))
        below = points(
            (-r, pole), *((x * r, pole - 0.02) for x in edges[1:-1]), (r, pole), (0, pole + 0.3 * r)
        )
        pen.fill(below, c.darker(self.colors[0], 0.6), 0)
        for k in range(self.panels):
            left, right = edges[k], edges[k + 1]
            pen.fill(self._panel(left, right, pole, tall), self.colors[k % len(self.colors)],
                     0.5 + 0.6 * (right - left))  # fmt: skip
        pen.limb((0, pole + tall), (0, pole + tall + 0.07), (0.022, 0.012), c.rgb("#3a3230"))

    def _panel(self, left: float, right: float, pole: float, tall: float) -> Points:
        """Between two ribs; ribs are quarter ellipses through the tip, the edge sags upwards."""
        r = self.radius
        arc = np.linspace(0, np.pi / 2, 9)
        rise = pole + tall * np.sin(arc)
        up = np.stack([left * r * np.cos(arc), rise], axis=1)
        down = np.stack([right * r * np.cos(arc), rise], axis=1)[::-1]
        middle = (left + right) / 2 * r, pole + (0.06 if not self.fringe else -0.05) * r
        rim = curve(points((right * r, pole), middle, (left * r, pole)), 5)[1:-1]
        return np.concatenate([up, down, rim])


class Parasol:
    """A large umbrella that stands by itself."""

    labels: tuple[str, ...] = ("umbrella",)
    footprint = 0.4

    def __init__(self, rng: np.random.Generator) -> None:
        self.canopy = Canopy.random(rng, rng.uniform(0.95, 1.35))
        self.pole = rng.uniform(1.5, 1.9)
        self.tilt = rng.uniform(-0.1, 0.1)
        r = self.canopy.radius
        self.bounds = Bounds(-1.3 * r, -0.05, 1.3 * r, self.pole + 0.62 * r + 0.3)

    def draw(self, easel: Easel, moment: Moment) -> None:
        """See `Figure`."""
        pen = easel.layer()
        pen.fill(box(-0.24, 0, 0.24, 0.1, 0.05), c.rgb("#6b6660"))
        sway = self.tilt + 0.012 * float(np.sin(1.3 * moment.time))
        self.canopy.draw(pen.moved(0, 0.05, sway), self.pole, handle=False)
