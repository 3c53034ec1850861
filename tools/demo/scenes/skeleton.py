"""Where a person's limbs are. All lengths are shares of the person's height, x forwards, y up."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from tools.demo.scenes.shapes import Point

View = Literal["side", "front", "back"]
Limb = tuple[Point, Point, Point]
"""Shoulder, elbow and wrist, or hip, knee and ankle."""


@dataclass(frozen=True)
class Build:
    """Proportions of a body.

    Attributes:
        head: radius of the head.
        girth: how stout, 1 being average.
    """

    head: float = 0.078
    girth: float = 1.0

    @property
    def shoulder(self) -> float:
        """Height of the shoulders."""
        return 0.975 - 2.12 * self.head

    @property
    def hip(self) -> float:
        """Length of a straight leg, down to the sole."""
        return self.shoulder * 0.605

    @property
    def thigh(self) -> float:
        """From hip to knee."""
        return self.hip * 0.48

    @property
    def shin(self) -> float:
        """From knee to ankle."""
        return self.hip * 0.45

    @property
    def upper_arm(self) -> float:
        """From shoulder to elbow."""
        return self.shoulder * 0.2

    @property
    def forearm(self) -> float:
        """From elbow to wrist."""
        return self.shoulder * 0.19


@dataclass(frozen=True)
class Skeleton:
    """A pose.

    Attributes:
        legs: the far one and the near one; seen from the front, the left and the right one.
        arms: likewise.
        lean: radians that the trunk is bent forwards.
    """

    build: Build
    view: View
    hip: Point
    shoulder: Point
    head: Point
    legs: tuple[Limb, Limb]
    arms: tuple[Limb, Limb]
    lean: float = 0.0
    seated: bool = False

    def with_near_hand(self, hand: Point) -> Skeleton:
        """The same pose with the near (right) hand at a point, as far as the arm reaches."""
        shoulder = self.arms[1][0]
        arm = _arm_to(self.build, shoulder, hand, bend=-1)
        return replace(self, arms=(self.arms[0], arm))


def _polar(start: Point, length: float, angle: float) -> Point:
    """The point at an angle from straight down, positive forwards."""
    return start[0] + length * float(np.sin(angle)), start[1] - length * float(np.cos(angle))


def _reach(start: Point, end: Point, first: float, second: float, bend: float) -> Limb:
    """Two bones from ``start`` towards ``end``; the joint lies to the left for ``bend`` 1."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    distance = max(float(np.hypot(dx, dy)), 1e-6)
    span = min(distance, 0.999 * (first + second))
    along = (first**2 - second**2 + span**2) / (2 * span)
    aside = bend * float(np.sqrt(max(first**2 - along**2, 0)))
    ux, uy = dx / distance, dy / distance
    joint = (start[0] + ux * along - uy * aside, start[1] + uy * along + ux * aside)
    return start, joint, (start[0] + ux * span, start[1] + uy * span)


def _arm_to(build: Build, shoulder: Point, hand: Point, bend: float) -> Limb:
    return _reach(shoulder, hand, build.upper_arm, build.forearm, bend)


def _trunk(build: Build, hip: Point, lean: float) -> tuple[Point, Point]:
    """Shoulder and head above a hip."""
    length = build.shoulder - build.hip
    shoulder = hip[0] + length * float(np.sin(lean)), hip[1] + length * float(np.cos(lean))
    up = 1.04 * build.head + 0.03
    head = (
        shoulder[0] + up * float(np.sin(lean * 0.6)) + 0.014,
        shoulder[1] + up * float(np.cos(lean * 0.6)),
    )
    return shoulder, head


def walk(build: Build, phase: float, run: float = 0) -> Skeleton:
    """Seen from the side; phase in radians, two steps a turn; run 0 walks, 1 runs."""
    swing, lean = 0.48 + 0.25 * run, 0.04 + 0.13 * run
    bends = []
    for turn in (phase + np.pi, phase):
        thigh = swing * np.sin(turn) + 0.1 * run
        knee = 0.12 + (0.75 + 0.75 * run) * max(0.0, np.cos(turn + 0.25))
        bends.append((float(thigh), float(thigh - knee)))
    drop = max(build.thigh * np.cos(thigh) + build.shin * np.cos(shin) for thigh, shin in bends)
    ankle = build.hip - build.thigh - build.shin
    hip = 0.0, float(drop) + ankle + 0.03 * run * abs(float(np.cos(phase)))
    shoulder, head = _trunk(build, hip, lean)
    legs, arms = [], []
    for (thigh, shin), turn in zip(bends, (phase + np.pi, phase), strict=True):
        knee_at = _polar(hip, build.thigh, thigh)
        legs.append((hip, knee_at, _polar(knee_at, build.shin, shin)))
        upper = -(0.45 + 0.3 * run) * float(np.sin(turn))
        elbow = _polar(shoulder, build.upper_arm, upper)
        fold = 0.3 + 1.2 * run + 0.25 * float(np.sin(-turn))
        arms.append((shoulder, elbow, _polar(elbow, build.forearm, upper + fold)))
    return Skeleton(
        build, "side", hip, shoulder, head, (legs[0], legs[1]), (arms[0], arms[1]), lean
    )


def stand(build: Build, sway: float) -> Skeleton:
    """Seen from the side, at rest; sway from -1 to 1."""
    hip = 0.0, build.hip
    shoulder, head = _trunk(build, hip, 0.015 * sway)
    ankle = build.hip - build.thigh - build.shin
    legs = [_reach(hip, (x, ankle), build.thigh, build.shin, 1) for x in (-0.035, 0.045)]
    arms = []
    for upper, fold in ((0.18 + 0.03 * sway, 0.25), (-0.08 - 0.03 * sway, 0.2)):
        elbow = _polar(shoulder, build.upper_arm, upper)
        arms.append((shoulder, elbow, _polar(elbow, build.forearm, upper + fold)))
    return Skeleton(build, "side", hip, shoulder, head, (legs[0], legs[1]), (arms[0], arms[1]))


def facing(build: Build, view: View, phase: float, stride: float) -> Skeleton:
    """Seen from the front or the back, walking (stride 1) or at rest (stride 0)."""
    bob = 0.012 * stride * abs(float(np.cos(phase)))
    hip = 0.006 * stride * float(np.sin(phase)), build.hip - 0.01 + bob
    shoulder = hip[0] * 0.5, build.shoulder - 0.01 + bob
    head = hip[0] * 0.3, shoulder[1] + 1.04 * build.head + 0.03
    ankle = build.hip - build.thigh - build.shin
    legs, arms = [], []
    for side, turn in ((-1.0, phase), (1.0, phase + np.pi)):
        lift = stride * max(0.0, float(np.sin(turn)))
        joint = hip[0] + side * 0.052 * build.girth, hip[1]
        foot = joint[0] + side * 0.014, ankle + 0.075 * lift
        knee = (
            (joint[0] + foot[0]) / 2 + side * 0.012,
            hip[1] - build.thigh * (1 - 0.12 * lift),
        )
        legs.append((joint, knee, foot))
        root = shoulder[0] + side * 0.118 * build.girth, shoulder[1] - 0.012
        swing = stride * float(np.sin(turn + np.pi))
        elbow = root[0] + side * 0.04, root[1] - build.upper_arm * (1 - 0.04 * abs(swing))
        hand = elbow[0] + side * 0.012, elbow[1] - build.forearm * (1 - 0.14 * swing)
        arms.append((root, elbow, hand))
    return Skeleton(build, view, hip, shoulder, head, (legs[0], legs[1]), (arms[0], arms[1]))


def sit(build: Build, seat: float, sway: float) -> Skeleton:
    """Seen from the front on a seat of some height."""
    base = facing(build, "front", 0, 0)
    down = base.hip[1] - seat - 0.05
    hip, shoulder = (base.hip[0], base.hip[1] - down), (0.004 * sway, base.shoulder[1] - down)
    head = 0.012 * sway, base.head[1] - down
    legs, arms = [], []
    for side in (-1.0, 1.0):
        joint = hip[0] + side * 0.06 * build.girth, hip[1]
        knee = joint[0] + side * 0.035, seat + 0.0
        legs.append((joint, knee, (knee[0] - side * 0.012, 0.035)))
        root = shoulder[0] + side * 0.118 * build.girth, shoulder[1] - 0.012
        elbow = root[0] + side * 0.05, root[1] - 0.9 * build.upper_arm
        arms.append((root, elbow, (knee[0] - side * 0.02, seat + 0.06)))
    return Skeleton(
        build, "front", hip, shoulder, head, (legs[0], legs[1]), (arms[0], arms[1]), seated=True
    )


def ride(build: Build, saddle: Point, grip: Point, pedals: tuple[Point, Point]) -> Skeleton:
    """Seen from the side on a bicycle; the points are shares of the height too."""
    hip = saddle[0], saddle[1] + 0.045
    reach = grip[0] - hip[0]
    lean = float(np.clip(0.15 + 0.9 * reach, 0.15, 0.75))
    shoulder, head = _trunk(build, hip, lean)
    ankle = 0.035
    far, near = (_reach(hip, (x - 0.02, y + ankle), build.thigh, build.shin, 1) for x, y in pedals)
    arms = tuple(_arm_to(build, shoulder, grip, -1) for _ in range(2))
    return Skeleton(build, "side", hip, shoulder, head, (far, near), (arms[0], arms[1]), lean)
