"""People on foot. The unit is metres."""

from __future__ import annotations

import numpy as np

from tools.demo.scenes.figure import Bounds, Easel, Moment
from tools.demo.scenes.looks import Look
from tools.demo.scenes.people import PersonPainter
from tools.demo.scenes.shapes import Point
from tools.demo.scenes.skeleton import Skeleton, facing, stand, walk
from tools.demo.scenes.umbrellas import Canopy


class Pedestrian:
    """A person who walks, runs or stands, with an umbrella or without."""

    def __init__(
        self, look: Look, view: str, rng: np.random.Generator, umbrella: Canopy | None = None
    ) -> None:
        self.look = look
        self.view = view
        self.umbrella = umbrella
        self.labels: tuple[str, ...] = ("person", "umbrella") if umbrella else ("person",)
        self.phase = rng.uniform(0, 2 * np.pi)
        self.pointing = rng.random() < 0.12 and not umbrella
        h = look.height
        reach = max(0.42 * h, 1.05 * umbrella.radius + 0.15 if umbrella else 0)
        top = h * 1.1 if not umbrella else h * 1.06 + umbrella.radius * 0.75
        self.bounds = Bounds(-reach, -0.03 * h, reach, top)
        self.footprint = 0.17 * h

    def draw(self, easel: Easel, moment: Moment) -> None:
        """See `Figure`."""
        pose = self._pose(moment)
        if not self.umbrella:
            PersonPainter(self.look, pose).draw(easel.layer(0))
            return
        h = self.look.height
        shoulder = pose.arms[1][0]
        hand: Point = (shoulder[0] + (0.1 if self.view == "side" else 0.02), shoulder[1] - 0.1)
        pose = pose.with_near_hand(hand)
        person = PersonPainter(self.look, pose)
        body = easel.layer(0)
        person.back(body)
        person.front(body, arms=False)
        canopy = easel.layer(1)
        tilt = 0.06 * float(np.sin(moment.time + self.phase)) - 0.05
        self.umbrella.draw(
            canopy.moved(hand[0] * h, hand[1] * h - 0.06, tilt), 0.3 * h, handle=True
        )
        person.near_arm(easel.layer(0))

    def _pose(self, moment: Moment) -> Skeleton:
        build, h = self.look.build, self.look.height
        moving = moment.speed > 0.2
        if self.view != "side":
            view = "front" if self.view == "front" else "back"
            phase = self.phase + moment.distance / (0.85 * h) * 2 * np.pi
            if not moving:
                phase = 0.3 * float(np.sin(moment.time + self.phase))
            pose = facing(
                build, "front" if view == "front" else "back", phase, 1.0 if moving else 0.0
            )
        elif moving:
            run = float(np.clip((moment.speed - 1.9) / 1.2, 0, 1))
            stride = h * (0.86 + 0.5 * run)
            pose = walk(build, self.phase + moment.distance / stride * 2 * np.pi, run)
        else:
            pose = stand(build, float(np.sin(moment.time * 0.9 + self.phase)))
        if self.pointing and not moving:
            shoulder = pose.arms[1][0]
            wave = 0.03 * float(np.sin(5 * moment.time))
            pose = pose.with_near_hand((shoulder[0] + 0.17 + wave, shoulder[1] + 0.17))
        return pose
