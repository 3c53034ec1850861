"""Bicycles, alone and ridden. The unit is metres."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tools.demo.scenes import color as c
from tools.demo.scenes.color import BGR
from tools.demo.scenes.figure import Bounds, Easel, Moment
from tools.demo.scenes.looks import Look
from tools.demo.scenes.pen import Pen
from tools.demo.scenes.people import PersonPainter
from tools.demo.scenes.shapes import Point, box, curve, ellipse, points, smooth
from tools.demo.scenes.skeleton import ride

_TYRE = c.rgb("#23211f")
_STEEL = c.rgb("#b9bdc2")


@dataclass(frozen=True)
class Frame:
    """What a bicycle is like."""

    color: BGR
    tyre: BGR
    saddle: BGR
    basket: BGR | None
    guards: bool
    step_through: bool

    @staticmethod
    def random(rng: np.random.Generator) -> Frame:
        """Any bicycle."""
        tan = rng.random() < 0.25
        return Frame(
            color=c.vivid(rng) if rng.random() < 0.8 else c.pick("222222 e8e6e0 4a5a55", rng),
            tyre=c.rgb("#b98a55") if tan else _TYRE,
            saddle=c.pick("2a2220 7a4a28 3a3a40", rng),
            basket=c.pick("a8783f 6d4a2a 3a3a3a", rng) if rng.random() < 0.35 else None,
            guards=rng.random() < 0.5,
            step_through=rng.random() < 0.4,
        )


class Bicycle:
    """A bicycle, ridden if there is a rider, else on its kickstand."""

    WHEEL = 0.345
    REAR: Point = (-0.53, 0.345)
    FRONT: Point = (0.53, 0.345)
    CRANK: Point = (-0.07, 0.28)
    SADDLE: Point = (-0.22, 0.97)
    GRIP: Point = (0.32, 1.08)

    def __init__(self, frame: Frame, rider: Look | None = None) -> None:
        self.frame = frame
        self.rider = rider
        self.labels: tuple[str, ...] = ("bicycle", "person") if rider else ("bicycle",)
        top = 0.8 + 0.62 * rider.height if rider else 1.25
        self.bounds = Bounds(-0.98, -0.04, 1.0, top)
        self.footprint = 0.85

    def draw(self, easel: Easel, moment: Moment) -> None:
        """See `Figure`."""
        turn = -moment.distance / self.WHEEL
        crank = turn * 0.42
        person = self._person(crank) if self.rider else None
        if person:
            person.back(easel.layer(1))
        bicycle = easel.layer(0)
        self._wheels(bicycle, turn)
        self._frame(bicycle, crank)
        if person:
            person.front(easel.layer(1))

    def _pedal(self, crank: float) -> Point:
        return self.CRANK[0] + 0.17 * float(np.cos(crank)), self.CRANK[1] + 0.17 * float(
            np.sin(crank)
        )

    def _person(self, crank: float) -> PersonPainter | None:
        if not self.rider:
            return None
        h = self.rider.height

        def share(point: Point) -> Point:
            return point[0] / h, point[1] / h

        pedals = share(self._pedal(crank + np.pi)), share(self._pedal(crank))
        pose = ride(self.rider.build, share(self.SADDLE), share(self.GRIP), pedals)
        return PersonPainter(self.rider, pose)

    def _wheels(self, pen: Pen, turn: float) -> None:
        for center in (self.REAR, self.FRONT):
            rim = ellipse(center, self.WHEEL, self.WHEEL, corners=44)
            pen.claim(rim)
            pen.fill(rim, c.rgb("#cfd6da"), 0.5, 0.3)
            wheel = pen.moved(*center, angle=turn)
            for k in range(7):
                across = (
                    0.92
                    * self.WHEEL
                    * points(
                        (np.cos(k * np.pi / 7), np.sin(k * np.pi / 7)),
                        (-np.cos(k * np.pi / 7), -np.sin(k * np.pi / 7)),
                    )
                )
                wheel.line(across, 0.009, _STEEL, 0.85)
            hoop = ellipse(center, self.WHEEL - 0.02, self.WHEEL - 0.02, corners=44)
            pen.line(np.concatenate([hoop, hoop[:1]]), 0.048, self.frame.tyre)
            inner = ellipse(center, self.WHEEL - 0.05, self.WHEEL - 0.05, corners=44)
            pen.line(np.concatenate([inner, inner[:1]]), 0.02, _STEEL)
            pen.disc(center, 0.035, _STEEL)

    def _frame(self, pen: Pen, crank: float) -> None:
        look = self.frame
        head, seat = (0.36, 0.86), (-0.2, 0.84)
        far = self._pedal(crank + np.pi)
        pen.limb(self.CRANK, far, (0.022, 0.018), c.rgb("#6f7377"))
        pen.fill(box(far[0] - 0.06, far[1] - 0.02, far[0] + 0.06, far[1] + 0.015), _TYRE, 0)
        if look.guards:
            for x, y in (self.REAR, self.FRONT):
                arc = np.linspace(0.35, 2.9, 12)
                guard = np.stack([x + 0.37 * np.cos(arc), y + 0.37 * np.sin(arc)], axis=1)
                pen.line(guard, 0.035, c.darker(look.color, 0.2))
        dark = c.darker(look.color, 0.15)
        for start, end in ((self.REAR, self.CRANK), (self.REAR, seat)):
            pen.limb(start, end, (0.018, 0.02), dark, 0.5)
        top = (-0.13, 0.5) if look.step_through else (-0.19, 0.8)
        for start, end in ((self.CRANK, seat), (self.CRANK, head), (top, (0.345, 0.9))):
            pen.limb(start, end, (0.028, 0.028), look.color, 0.8)
        pen.limb((0.33, 0.95), self.FRONT, (0.028, 0.02), look.color, 0.8)
        pen.limb(seat, (-0.22, 0.95), (0.018, 0.018), _STEEL)
        saddle = smooth(
            points((-0.36, 0.985), (-0.3, 1.01), (-0.06, 0.985), (-0.07, 0.955), (-0.3, 0.93)), 4
        )
        pen.fill(saddle, look.saddle)
        bar = curve(points((0.33, 0.94), (0.34, 1.04), (0.42, 1.09), (0.3, 1.1)))
        pen.line(bar, 0.04, c.rgb("#5a5d60"))
        pen.limb((0.36, 1.095), (0.26, 1.1), (0.026, 0.026), look.saddle)
        pen.disc((0.44, 0.93), 0.045, c.rgb("#fff2c8"))
        if look.basket:
            outline = points((0.4, 0.83), (0.44, 1.08), (0.82, 1.08), (0.76, 0.83))
            pen.fill(outline, look.basket)
            for y in (0.9, 0.96, 1.02):
                pen.line(points((0.43, y), (0.78, y)), 0.014, c.darker(look.basket, 0.4))
        near = self._pedal(crank)
        pen.disc(self.CRANK, 0.075, c.rgb("#8b8f93"))
        pen.limb(self.CRANK, near, (0.022, 0.018), _STEEL)
        pen.fill(box(near[0] - 0.06, near[1] - 0.02, near[0] + 0.06, near[1] + 0.015), _TYRE, 0)
        if not self.rider:
            pen.limb((-0.2, 0.3), (-0.3, 0.01), (0.018, 0.016), c.rgb("#5a5d60"))
