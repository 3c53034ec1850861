"""Dogs. The unit is metres."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tools.demo.scenes import color as c
from tools.demo.scenes.color import BGR
from tools.demo.scenes.figure import Bounds, Easel, Moment
from tools.demo.scenes.pen import Pen
from tools.demo.scenes.shapes import Point, curve, ellipse, points, ribbon, smooth

_COATS = "8a5a32 c79a63 e9dcc3 2b2523 5b3b24 d8b07c f3ede2 6f6a68 a4532a"


@dataclass(frozen=True)
class Breed:
    """What a dog is like.

    Attributes:
        height: metres to the back.
        length: of the trunk, as a share of the height.
        legs: their length, as a share of the height.
        snout: length of the snout in head radii.
        ears: "flop" or "point".
        patches: colour of saddle and ears.
    """

    height: float
    length: float
    legs: float
    girth: float
    snout: float
    ears: str
    coat: BGR
    patches: BGR
    belly: BGR
    collar: BGR
    tail: float
    shaggy: bool

    @staticmethod
    def random(rng: np.random.Generator) -> Breed:
        """Any dog."""
        coat = c.pick(_COATS, rng)
        return Breed(
            height=rng.uniform(0.46, 0.74),
            length=rng.uniform(1.15, 1.5),
            legs=rng.uniform(0.5, 0.62),
            girth=rng.uniform(0.9, 1.15),
            snout=rng.uniform(0.9, 1.5),
            ears=str(rng.choice(["flop", "point"])),
            coat=coat,
            patches=c.pick(_COATS, rng) if rng.random() < 0.5 else c.darker(coat, 0.25),
            belly=c.lighter(coat, rng.uniform(0.1, 0.5)),
            collar=c.vivid(rng),
            tail=rng.uniform(0.4, 0.75),
            shaggy=rng.random() < 0.35,
        )


class Dog:
    """A dog that stands, trots or runs, seen from the side."""

    labels: tuple[str, ...] = ("dog",)

    def __init__(self, breed: Breed) -> None:
        self.breed = breed
        size = breed.height
        half = 0.5 * breed.length * size
        self.bounds = Bounds(-half - 0.75 * size, -0.05, half + 0.85 * size, 1.75 * size)
        self.footprint = half

    def draw(self, easel: Easel, moment: Moment) -> None:
        """See `Figure`."""
        pen = easel.layer().moved(scale=self.breed.height)
        breed = self.breed
        run = float(np.clip((moment.speed - 2.2) / 2, 0, 1))
        pace = float(np.clip(moment.speed, 0, 1))
        phase = moment.distance / (breed.height * (1.35 + 0.9 * run)) * 2 * np.pi
        bob = 0.03 * pace * (1 + run) * float(np.sin(2 * phase))
        half = breed.length / 2
        thick = 0.235 * breed.girth
        back = pen.moved(0, bob)
        self._tail(back, moment, half)
        for x, turn, dark in ((half - 0.16, phase + np.pi, 0.3), (-half + 0.14, phase, 0.3)):
            self._leg(pen, (x - 0.04, 0.72 + bob), turn + run * 0.9, pace, run, dark, x > 0)
        self._trunk(back, half, thick)
        for x, turn in ((half - 0.16, phase), (-half + 0.14, phase + np.pi)):
            self._leg(pen, (x, 0.72 + bob), turn, pace, run, 0, x > 0)
        nod = 0.06 * pace * float(np.sin(2 * phase + 1)) + 0.05 * float(np.sin(moment.time))
        self._head(back.moved(half + 0.16 + 0.12 * run, 1.17 - 0.16 * run, nod - 0.1 * run))

    def _tail(self, pen: Pen, moment: Moment, half: float) -> None:
        breed = self.breed
        wag = 0.14 * float(np.sin(moment.time * 11))
        root = (-half + 0.04, 0.92)
        line = curve(
            points(
                root,
                (root[0] - 0.22, root[1] + 0.1 + wag / 2),
                (root[0] - 0.18 - breed.tail * 0.3, root[1] + breed.tail * 0.55 + wag),
            )
        )
        width = np.linspace(0.14, 0.09 if breed.shaggy else 0.05, len(line))
        pen.fill(ribbon(line, width), breed.patches if breed.shaggy else breed.coat, 0.8)

    def _leg(self, pen: Pen, root: Point, turn: float, pace: float, run: float, dark: float,
             front: bool) -> None:  # fmt: skip
        """Three bones; the middle joint of a hind leg bends the other way."""
        breed = self.breed
        coat = c.darker(breed.coat, dark)
        swing = pace * (0.5 + 0.3 * run) * float(np.sin(turn))
        lift = pace * (0.16 + 0.1 * run) * max(0.0, float(np.cos(turn)))
        foot = root[0] + 0.6 * swing, 0.045 + lift
        bend = -0.07 if front else 0.09
        knee = (
            (root[0] + foot[0]) / 2 - bend - 0.3 * lift * (1 if front else -1),
            root[1] * 0.5 + lift / 2,
        )
        thick = 0.115 if front else 0.16
        pen.limb(root, knee, (thick * breed.girth, 0.082), coat)
        pen.limb(knee, foot, (0.075, 0.06), c.mix(coat, breed.belly, 0.3 * (1 - dark)))
        paw = ellipse((foot[0] + 0.03, foot[1]), 0.095, 0.055)
        pen.fill(paw, c.mix(coat, breed.belly, 0.6 * (1 - dark)))

    def _trunk(self, pen: Pen, half: float, thick: float) -> None:
        breed = self.breed
        mid = 0.79
        outline = smooth(
            points(
                (half + 0.08, mid + thick * 0.75), (half - 0.25, mid + thick),
                (0, mid + thick * 0.88),
                (-half + 0.2, mid + thick * 0.95), (-half - 0.02, mid + thick * 0.45),
                (-half - 0.02, mid - thick * 0.35), (-half + 0.3, mid - thick * 0.6),
                (0, mid - thick * 0.85), (half - 0.25, mid - thick * 1.2),
                (half + 0.06, mid - thick * 0.7), (half + 0.15, mid),
            ), 4)  # fmt: skip
        neck = smooth(
            points(
                (half - 0.2, mid), (half - 0.2, mid + 0.15), (half - 0.02, 1.22),
                (half + 0.26, 1.24), (half + 0.2, mid + 0.1), (half + 0.1, mid - 0.1),
            ), 4)  # fmt: skip
        if breed.shaggy:
            along = np.linspace(-half + 0.15, half - 0.05, 11).tolist()
            fringe = [(x, mid - thick * (1.25 if k % 2 else 1.0)) for k, x in enumerate(along)]
            belly = smooth(points(*fringe, (half, mid), (-half + 0.1, mid)), 3)
            pen.fill(belly, c.darker(breed.coat, 0.12), 0)
        pen.fill(outline, breed.coat, 1.3)
        saddle = ellipse((-0.08, mid + thick * 0.75), half * 0.7, thick * 0.85)
        pen.fill(saddle, breed.patches, 0.7, clip=outline)
        pen.fill(neck, breed.coat, 0.9)
        pen.line(points((half + 0.02, 1.12), (half + 0.27, 1.0)), 0.075, breed.collar)

    def _head(self, pen: Pen) -> None:
        breed = self.breed
        r = 0.2
        snout = r * breed.snout
        if breed.ears == "point":
            pen.fill(
                points((-0.15, 0.12), (-0.1, 0.44), (0.06, 0.17)), c.darker(breed.patches, 0.3)
            )
        muzzle = smooth(
            points(
                (0.02, 0.07), (0.16, 0.06), (0.16 + snout, -0.02), (0.18 + snout, -0.1),
                (0.14 + snout * 0.7, -0.165), (0.02, -0.17),
            ), 4)  # fmt: skip
        pen.fill(muzzle, c.mix(breed.coat, breed.belly, 0.5), 0.8)
        pen.fill(ellipse((0.03, 0.03), r * 1.04, r * 0.98), breed.coat, 1)
        pen.disc((0.165 + snout, -0.025), 0.05, c.rgb("#1d1716"), 0.3)
        smile = points((0.1, -0.115), (0.14 + snout * 0.6, -0.105))
        pen.line(smile, 0.025, c.darker(breed.coat, 0.6))
        pen.disc((0.105, 0.075), 0.034, c.rgb("#1d1716"), 0)
        pen.disc((0.115, 0.087), 0.011, c.WHITE, 0)
        if breed.ears == "flop":
            ear = smooth(
                points((-0.1, 0.19), (0.0, 0.16), (-0.01, -0.12), (-0.12, -0.22), (-0.2, -0.05)), 4
            )
            pen.fill(ear, breed.patches, 1)
        else:
            pen.fill(points((-0.17, 0.06), (-0.16, 0.43), (0.0, 0.16)), breed.patches, 1)
