"""People: their looks, drawn around a skeleton. Lengths are shares of a person's height."""

from __future__ import annotations

import numpy as np

from tools.demo.scenes import color as c
from tools.demo.scenes.color import BGR
from tools.demo.scenes.heads import draw_head
from tools.demo.scenes.looks import Look
from tools.demo.scenes.pen import Pen
from tools.demo.scenes.shapes import Point, Points, box, ellipse, limb, points, smooth
from tools.demo.scenes.skeleton import Limb, Skeleton


class PersonPainter:
    """Draws one person in layers, so that others can be drawn between them."""

    def __init__(self, look: Look, skeleton: Skeleton) -> None:
        self.look = look
        self.pose = skeleton
        self._girth = look.build.girth * (1.1 if look.build.head > 0.09 else 1)

    def draw(self, pen: Pen) -> None:
        """The whole person; the pen's unit is metres."""
        self.back(pen)
        self.front(pen)

    def back(self, pen: Pen) -> None:
        """What is farthest: the far arm and the far leg; all legs and arms seen from behind."""
        pen = pen.moved(scale=self.look.height)
        if self.pose.view == "side":
            self._arm(pen, self.pose.arms[0], 0.32)
            self._leg(pen, self.pose.legs[0], 0.32)

    def front(self, pen: Pen, arms: bool = True) -> None:
        """The rest, as far as ``near_arm`` is not to be drawn later."""
        pen = pen.moved(scale=self.look.height)
        if self.pose.view == "side":
            self._leg(pen, self.pose.legs[1], 0)
            if self.look.bag and not self.pose.seated:
                self._backpack(pen, self.look.bag)
        else:
            for leg in self.pose.legs:
                self._leg(pen, leg, 0)
        if self.look.hair in ("long", "tail") and self.pose.view == "front":
            self._hair_behind(pen)
        self._trunk(pen)
        if self.pose.view != "side":
            self._straps(pen)
        if arms and self.pose.view != "side":
            self._arm(pen, self.pose.arms[0], 0.06)
        self._head(pen)
        if arms:
            self._arm(pen, self.pose.arms[1], 0)

    def near_arm(self, pen: Pen) -> None:
        """The near arm alone, for `front` without arms."""
        self._arm(pen.moved(scale=self.look.height), self.pose.arms[1], 0)

    def _leg(self, pen: Pen, leg: Limb, dark: float) -> None:
        look, girth = self.look, self._girth
        hip, knee, ankle = leg
        cloth, skin = c.darker(look.bottom_color, dark), c.darker(look.skin, dark)
        shoes = c.darker(look.shoes, dark)
        bare = look.bottom != "trousers"
        self._shoe(pen, knee, ankle, shoes)
        radii = (0.041 * girth, 0.031) if bare else (0.046 * girth, 0.037)
        pen.limb(knee, ankle, radii, skin if bare else cloth, 0.5)
        if look.bottom == "skirt" and not self.pose.seated:
            pen.limb(hip, knee, (0.05 * girth, 0.043 * girth), skin, 0.5)
        else:
            pen.limb(hip, knee, (0.068 * girth, 0.05 * girth), cloth, 0.5)

    def _shoe(self, pen: Pen, knee: Point, ankle: Point, color: BGR) -> None:
        if self.pose.view != "side":
            pen.fill(ellipse((ankle[0], ankle[1] - 0.012), 0.034, 0.03), color)
            pen.fill(ellipse((ankle[0], ankle[1] - 0.034), 0.035, 0.012), c.darker(color, 0.5), 0)
            return
        tilt = float(np.arctan2(ankle[0] - knee[0], knee[1] - ankle[1])) * 0.75
        foot = pen.moved(*ankle, angle=tilt)
        sole = points(
            (-0.032, 0.02), (0.025, 0.018), (0.085, -0.012), (0.098, -0.03), (0.05, -0.036),
            (-0.036, -0.036), (-0.044, -0.01),
        )  # fmt: skip
        foot.fill(smooth(sole, 3), color)
        foot.fill(box(-0.042, -0.042, 0.098, -0.03, 0.006), c.lighter(color, 0.55), 0)

    def _arm(self, pen: Pen, arm: Limb, dark: float) -> None:
        look, girth = self.look, 0.5 + self._girth / 2
        shoulder, elbow, wrist = arm
        skin, cloth = c.darker(look.skin, dark), c.darker(look.top_color, dark + 0.1)
        dx, dy = wrist[0] - elbow[0], wrist[1] - elbow[1]
        hand = wrist[0] + 0.14 * dx, wrist[1] + 0.14 * dy
        pen.limb(wrist, hand, (0.023, 0.026), skin, 0.5)
        if look.top == "shirt":
            pen.limb(elbow, wrist, (0.031 * girth, 0.023), skin, 0.5)
            pen.limb(shoulder, elbow, (0.037 * girth, 0.031 * girth), skin, 0.5)
            sleeve = (
                shoulder[0] + 0.62 * (elbow[0] - shoulder[0]),
                shoulder[1] + 0.62 * (elbow[1] - shoulder[1]),
            )
            pen.limb(shoulder, sleeve, (0.045 * girth, 0.043 * girth), cloth, 0.5)
            return
        thick = 1.12 if look.top in ("jacket", "coat") else 1
        pen.limb(elbow, wrist, (0.036 * girth * thick, 0.03 * thick), cloth, 0.5)
        pen.limb(shoulder, elbow, (0.044 * girth * thick, 0.037 * girth * thick), cloth, 0.5)

    def _trunk(self, pen: Pen) -> None:
        look, pose, girth = self.look, self.pose, self._girth
        length = float(np.hypot(pose.shoulder[0] - pose.hip[0], pose.shoulder[1] - pose.hip[1]))
        body = pen.moved(*pose.hip, angle=-pose.lean)
        wide = 1.1 if look.top in ("jacket", "coat") else 1.0
        if pose.view == "side":
            outline = points(
                (0.03, length + 0.03), (-0.05, length + 0.022), (-0.088, length * 0.78),
                (-0.07, length * 0.35), (-0.088, 0), (-0.07, -0.035), (0.068, -0.035),
                (0.078, 0.02), (0.08, length * 0.4), (0.088, length * 0.75), (0.062, length),
            )  # fmt: skip
            neck = limb((0.005, length), (0.02, length + 0.07), 0.034, 0.032)
        else:
            outline = points(
                (0.045, length + 0.03), (-0.045, length + 0.03), (-0.125, length - 0.002),
                (-0.135, length * 0.75), (-0.105, length * 0.3), (-0.112, -0.03),
                (0.112, -0.03), (0.105, length * 0.3), (0.135, length * 0.75),
                (0.125, length - 0.002),
            )  # fmt: skip
            neck = limb((0, length), (0, length + 0.07), 0.036, 0.034)
        if look.bottom == "skirt":
            self._skirt(pen)
        outline = outline * (girth * wide, 1)
        body.fill(neck, c.darker(look.skin, 0.25), 0)
        if look.top == "coat":
            self._coat_tails(pen, wide)
        elif look.bottom != "skirt":
            seat = outline * (0.99, 1) - (0, 0.02)
            body.fill(seat[seat[:, 1] < length * 0.4], look.bottom_color)
        torso = smooth(outline, 4)
        body.fill(torso, look.top_color, 1.1)
        self._print(body, torso, length)

    def _print(self, body: Pen, torso: Points, length: float) -> None:
        look, view = self.look, self.pose.view
        if look.top in ("jacket", "coat"):
            if view == "front":
                inner = points((-0.03, length + 0.03), (0.03, length + 0.03), (0, length * 0.55))
                body.fill(inner, look.stripes or c.WHITE, 0.4, clip=torso)
                body.line(
                    points((0, length * 0.55), (0, -0.03)), 0.008, c.darker(look.top_color, 0.5)
                )
            pocket = points((0.02, length * 0.22), (0.075, length * 0.3))
            body.line(pocket, 0.008, c.darker(look.top_color, 0.45))
        elif look.stripes:
            for k in range(3):
                y = length * (0.32 + 0.2 * k)
                body.fill(box(-0.2, y, 0.2, y + length * 0.09), look.stripes, 0.6, clip=torso)

    def _skirt(self, pen: Pen) -> None:
        pose, girth = self.pose, self._girth
        if pose.seated:
            return
        knees = [leg[1][0] for leg in pose.legs]
        hem = min(leg[1][1] for leg in pose.legs) + 0.03
        wide = 0.03 if pose.view == "side" else 0.06
        x, y = pose.hip
        outline = points(
            (x + 0.075 * girth, y + 0.05),
            (x - 0.075 * girth, y + 0.05),
            (x - 0.11 * girth, y - 0.03),
            (min(*knees, x - 0.06) - wide, hem),
            (max(*knees, x + 0.06) + wide, hem),
            (x + 0.11 * girth, y - 0.03),
        )
        pen.fill(outline, self.look.bottom_color, 1.2)
        fold = points((x, y), ((knees[0] + knees[1]) / 2, hem))
        pen.line(fold, 0.008, c.darker(self.look.bottom_color, 0.4), 0.6)

    def _coat_tails(self, pen: Pen, wide: float) -> None:
        pose, girth = self.pose, self._girth * wide
        x, y = pose.hip
        half = (0.086 if pose.view == "side" else 0.115) * girth
        if pose.seated:
            return
        knees = [leg[1][0] * 0.6 + x * 0.4 for leg in pose.legs]
        hem = y - 0.17
        outline = points(
            (x + half, y + 0.04), (x - half, y + 0.04),
            (min(*knees, x) - 0.07 * girth, hem), (max(*knees, x) + 0.07 * girth, hem),
        )  # fmt: skip
        pen.fill(outline, c.darker(self.look.top_color, 0.08), 1.1)

    def _backpack(self, pen: Pen, color: BGR) -> None:
        x, y = self.pose.shoulder
        bag = pen.moved(x - 0.085 * self._girth, y - 0.02, angle=-self.pose.lean)
        bag.fill(box(-0.075, -0.2, 0.03, 0.02, 0.035), color)
        bag.fill(box(-0.085, -0.18, -0.03, -0.09, 0.02), c.darker(color, 0.2))

    def _straps(self, pen: Pen) -> None:
        bag = self.look.bag
        if not bag:
            return
        x, y = self.pose.shoulder
        if self.pose.view == "back":
            pen.fill(box(x - 0.1, y - 0.22, x + 0.1, y + 0.01, 0.035), bag)
            pen.fill(box(x - 0.075, y - 0.2, x + 0.075, y - 0.11, 0.02), c.darker(bag, 0.25))
        else:
            for side in (-1, 1):
                strap = points((x + side * 0.075, y + 0.02), (x + side * 0.085, y - 0.16))
                pen.line(strap, 0.024, c.darker(bag, 0.1))

    def _hair_behind(self, pen: Pen) -> None:
        (x, y), r = self.pose.head, self.look.build.head
        fall = points((x - r, y + 0.3 * r), (x - 1.15 * r, y - 1.3 * r), (x, y - 1.6 * r),
                      (x + 1.15 * r, y - 1.3 * r), (x + r, y + 0.3 * r))  # fmt: skip
        pen.fill(smooth(fall, 4), c.darker(self.look.hair_color, 0.2))

    def _head(self, pen: Pen) -> None:
        tilt = -0.3 * self.pose.lean
        draw_head(pen.moved(*self.pose.head, angle=tilt, scale=self.look.build.head), self.look,
                  self.pose.view)  # fmt: skip
