"""Sports balls that roll and bounce. The unit is metres, inside a ball its radius."""

from __future__ import annotations

import numpy as np

from tools.demo.scenes import color as c
from tools.demo.scenes.color import BGR
from tools.demo.scenes.figure import Bounds, Easel, Moment
from tools.demo.scenes.pen import Pen
from tools.demo.scenes.shapes import Points, curve, ellipse, points, ribbon


class Ball:
    """A ball that rolls, or bounces as high as `bounce` metres.

    Kinds: football, basketball, beach ball, tennis ball, volleyball.
    """

    labels: tuple[str, ...] = ("sports ball",)

    def __init__(self, rng: np.random.Generator, radius: float, bounce: float = 0) -> None:
        self.radius = radius
        self.bounce = bounce
        self.kind = str(rng.choice(["football", "basketball", "beach", "tennis", "volley"]))
        self.colors = [c.vivid(rng) for _ in range(3)]
        self.spin = rng.uniform(0, 2 * np.pi)
        self.tilt = rng.uniform(-0.7, 0.7)
        self.bounds = Bounds(-1.1 * radius, -0.1 * radius, 1.1 * radius, 2.1 * radius + bounce)
        self.footprint = radius

    def height(self, time: float) -> float:
        """Metres between its lowest point and the ground."""
        if not self.bounce:
            return 0.0
        period = 2 * float(np.sqrt(2 * self.bounce / 9.81))
        u = (time + self.spin) % period / period
        return 4 * self.bounce * u * (1 - u)

    def draw(self, easel: Easel, moment: Moment) -> None:
        """See `Figure`."""
        r = self.radius
        pen = easel.layer().moved(0, r + self.height(moment.time), scale=r)
        turn = self.spin - moment.distance / r
        if self.kind == "football":
            self._football(pen, turn)
        elif self.kind == "basketball":
            self._seams(pen, turn, c.rgb("#d9722e"), c.rgb("#3a221a"), 0.07)
        elif self.kind == "tennis":
            self._tennis(pen, turn)
        elif self.kind == "volley":
            self._panels(pen, turn, [c.rgb("#f4f0e4"), self.colors[0], self.colors[1]])
        else:
            self._panels(
                pen,
                turn,
                [self.colors[0], c.WHITE, self.colors[1], c.WHITE, self.colors[2], c.WHITE],
            )
        glint = ellipse((0.34 * pen.sun, 0.42), 0.24, 0.16, 0.5)
        pen.fill(glint, c.WHITE, 0, 0.5)

    def _football(self, pen: Pen, turn: float) -> None:
        pen.disc((0, 0), 1, c.rgb("#f1efe9"), 1.3)
        disc = ellipse((0, 0), 1, 1, corners=40)
        for axis in _turned_axes(turn, self.tilt):
            if axis[2] > -0.25:
                pen.fill(_spot(axis, 0.36), c.rgb("#23232a"), 0.5, clip=disc)

    def _tennis(self, pen: Pen, turn: float) -> None:
        pen.disc((0, 0), 1, c.rgb("#cfe03c"), 1.2)
        ball = pen.moved(angle=turn)
        for side in (-1, 1):
            seam = curve(
                points(
                    (side * 0.95, 0.75),
                    (side * 0.38, 0.3),
                    (side * 0.38, -0.3),
                    (side * 0.95, -0.75),
                )
            )
            ball.fill(ribbon(seam, 0.13), c.WHITE, 0, clip=ellipse((0, 0), 1, 1))

    def _seams(self, pen: Pen, turn: float, color: BGR, ink: BGR, width: float) -> None:
        pen.disc((0, 0), 1, color, 1.3)
        ball, disc = pen.moved(angle=turn), ellipse((0, 0), 0.99, 0.99)
        lines = [points((-1, 0), (1, 0)), points((0, -1), (0, 1))]
        lines += [
            curve(points((side * 0.9, 0.9), (side * 0.45, 0), (side * 0.9, -0.9)))
            for side in (-1, 1)
        ]
        for line in lines:
            ball.fill(ribbon(line, width), ink, 0, clip=disc)

    def _panels(self, pen: Pen, turn: float, colors: list[BGR]) -> None:
        pen.disc((0, 0), 1, colors[0], 1.2)
        ball = pen.moved(angle=turn)
        step = 2 * np.pi / len(colors)
        hub = points((0.2 * np.cos(self.tilt), 0.2 * np.sin(self.tilt)))[0]
        for k, color in enumerate(colors):
            arc = np.linspace(k * step, (k + 1) * step, 8)
            edge = np.stack([np.cos(arc), np.sin(arc)], axis=1)
            ball.fill(np.concatenate([[hub], edge]), color, 0.9)
        ball.fill(ellipse((float(hub[0]), float(hub[1])), 0.15, 0.15), c.WHITE, 0.6)


def _turned_axes(turn: float, tilt: float) -> Points:
    """The corners of an icosahedron on the unit sphere, rolled about the line of sight."""
    golden = (1 + 5**0.5) / 2
    corners = [
        np.roll((0, one, golden * two), shift)
        for shift in range(3)
        for one in (-1, 1)
        for two in (-1, 1)
    ]
    axes = np.asarray(corners, np.float64) / np.hypot(1, golden)
    sin, cos = np.sin(tilt), np.cos(tilt)
    axes = axes @ np.asarray([[1, 0, 0], [0, cos, -sin], [0, sin, cos]])
    # A rolling ball turns about the axis that points away from its viewer.
    sin, cos = np.sin(turn), np.cos(turn)
    turned: Points = axes @ np.asarray([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]])
    return turned


def _spot(axis: Points, radius: float) -> Points:
    """A pentagon around a point of the unit sphere, seen from z."""
    helper = np.asarray([0.0, 1.0, 0.1]) if abs(axis[1]) < 0.9 else np.asarray([1.0, 0.0, 0.1])
    u = np.cross(axis, helper)
    u /= np.linalg.norm(u)
    v = np.cross(axis, u)
    angles = np.arange(5) * (2 * np.pi / 5)
    ring = axis + radius * (np.cos(angles)[:, None] * u + np.sin(angles)[:, None] * v)
    ring /= np.linalg.norm(ring, axis=1, keepdims=True)
    flat: Points = ring[:, :2]
    return flat
