"""Director: who is where in a random scene."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from tools.demo.scenes.balls import Ball
from tools.demo.scenes.benches import Bench
from tools.demo.scenes.buses import Bus, BusLook
from tools.demo.scenes.camera import Camera
from tools.demo.scenes.cars import Car, CarLook
from tools.demo.scenes.cycles import Bicycle, Frame
from tools.demo.scenes.dogs import Breed, Dog
from tools.demo.scenes.figure import Figure
from tools.demo.scenes.finish import Finish
from tools.demo.scenes.kites import Kite
from tools.demo.scenes.light import Light
from tools.demo.scenes.looks import Look
from tools.demo.scenes.pedestrians import Pedestrian
from tools.demo.scenes.places import Place, random_place
from tools.demo.scenes.scene import Actor, Scene
from tools.demo.scenes.umbrellas import Canopy, Parasol

_LINES = 720
"""Sizes below are given for pictures of so many lines."""

_WIDE = 16 / 9

_MOST_HIDDEN = 0.75
"""Share of a figure, by outlines, that another may hide in a crowded scene."""

_TOGETHER = 0.6
"""Chance that a figure in a crowded scene is put before or behind another."""

Rect = tuple[float, float, float, float]


def random_scene(seed: int, *, crowded: bool = False) -> Scene:
    """The scene of a seed: a place with 3 to 14 figures, or a crowd of 6 to 17 in each other's way.

    In crowds there are more who sit on benches or ride, for these are never seen alone.
    """
    rng = np.random.default_rng([3, seed])
    camera, light, finish = Camera.random(rng), Light.random(rng), Finish.random(rng)
    place = random_place(rng, camera, light)
    casting = _Casting(rng, camera, place, crowded)
    casting.fill(int(rng.integers(3, 15)) + (3 if crowded else 0))
    return Scene(seed, camera, light, place.backdrop, finish, (*place.props, *casting.actors))


@dataclass
class _Casting:
    """Chooses figures and finds room for them."""

    rng: np.random.Generator
    camera: Camera
    place: Place
    crowded: bool
    actors: list[Actor] = field(default_factory=list)
    taken: list[Rect] = field(default_factory=list)

    def fill(self, count: int) -> None:
        """Find room for up to so many figures, vehicles first: they need most."""
        if self.place.lanes:
            if self.rng.random() < 0.5:
                self._drive(Bus(BusLook.random(self.rng)))
            for _ in range(int(self.rng.integers(1, 4))):
                self._drive(Car(CarLook.random(self.rng)))
        often = 2 if self.crowded else 1
        roles = {
            self._add_walker: 0.27,
            self._add_umbrella: 0.1,
            self._add_parasol: 0.045,
            self._add_dog: 0.14,
            self._add_ball: 0.13,
            self._add_bench: 0.105 * often,
            self._add_cyclist: 0.07 * often,
            self._add_bicycle: 0.055 * often,
            self._add_kite: 0.1 if self.place.sky else 0.0,
        }
        weights = np.asarray(list(roles.values()))
        for role in self.rng.choice(len(roles), count, p=weights / weights.sum()):
            if sum(len(actor.figure.labels) for actor in self.actors) < count:
                list(roles)[role]()

    def _add_walker(self) -> None:
        self._stroll(None)

    def _add_umbrella(self) -> None:
        self._stroll(Canopy.random(self.rng, self.rng.uniform(0.5, 0.68)))

    def _stroll(self, umbrella: Canopy | None) -> None:
        rng = self.rng
        view = str(rng.choice(["side", "side", "side", "front", "back"]))
        figure = Pedestrian(Look.random(rng), view, rng, umbrella)
        speed = 0.0
        if rng.random() < 0.72:
            speed = (
                rng.uniform(1.0, 1.7) if umbrella or rng.random() < 0.75 else rng.uniform(2.4, 3.4)
            )
        if view == "side":
            self._put(figure, 28, speed)
        else:
            pace = min(speed, 1.2) * (1 if view == "front" else -1)
            self._put(figure, 28, 0.0, approach=pace)

    def _add_dog(self) -> None:
        speed = float(self.rng.choice([0.0, self.rng.uniform(0.9, 2.0), self.rng.uniform(3, 4.5)]))
        self._put(Dog(Breed.random(self.rng)), 62, speed)

    def _add_ball(self) -> None:
        rng = self.rng
        z = self._depth(48)
        scale = self._scale(z)
        radius = float(np.clip(rng.uniform(0.13, 0.3), 16 / scale, 0.36))
        bounce = rng.uniform(0.3, 1.4) if rng.random() < 0.35 else 0.0
        self._put(Ball(rng, radius, bounce), 48, rng.uniform(0, 3), z=z)

    def _add_bench(self) -> None:
        chance = self.rng.random()
        count = 0 if chance < (0.35 if self.crowded else 0.6) else 1 if chance < 0.88 else 2
        sitters = tuple(Look.random(self.rng) for _ in range(count))
        self._put(Bench(self.rng, sitters), 38, 0.0)

    def _add_bicycle(self) -> None:
        self._put(Bicycle(Frame.random(self.rng)), 40, 0.0)

    def _add_cyclist(self) -> None:
        figure = Bicycle(Frame.random(self.rng), Look.random(self.rng, child=False))
        z = None
        if self.place.lanes and self.rng.random() < 0.5:
            z = float(self.rng.choice(self.place.lanes)) + self.rng.uniform(-0.8, 0.8)
        self._put(figure, 36, self.rng.uniform(2.5, 6), z=z)

    def _add_parasol(self) -> None:
        self._put(Parasol(self.rng), 36, 0.0)

    def _add_kite(self) -> None:
        """A kite, often with somebody who flies it."""
        rng = self.rng
        z = rng.uniform(9, 26)
        scale = self._scale(z)
        size = float(np.clip(rng.uniform(48, 150) / scale, 0.6, 2.2))
        sky = self.camera.horizon * _LINES
        if sky < 130:
            return
        row = rng.uniform(min(0.75 * size * scale, sky * 0.6), sky * 0.8)
        lift = self.camera.height + (sky - row) / scale
        half = _LINES * _WIDE / 2 / scale
        x = rng.uniform(-half, half) * 0.95
        hand = rng.uniform(-0.35, 0.35) * half
        if rng.random() < 0.6:
            figure = Pedestrian(Look.random(rng), "side", rng)
            figure.pointing = True
            self._put(figure, 28, 0.0, z=z, x=x + hand)
        self._put(
            Kite(rng, size, (hand, 1.6 - lift)), 0, 0.0, z=z, x=x, lift=lift, spare=0.95 * size
        )

    def _drive(self, figure: Car | Bus) -> None:
        lane = int(self.rng.integers(2))
        z = self.place.lanes[lane] + self.rng.uniform(-0.25, 0.25)
        speed = 0.0 if self.rng.random() < 0.2 else self.rng.uniform(3, 9)
        self._put(figure, 0, speed, z=z, mirrored=lane == 0)

    def _scale(self, z: float) -> float:
        return self.camera.focal * _LINES / z

    def _depth(self, least: float) -> float:
        """A distance on free ground at which a metre takes at least so many pixels."""
        rng = self.rng
        farthest = self.camera.focal * _LINES / least
        for _ in range(8):
            far, near = self.place.free[rng.integers(len(self.place.free))]
            if near < farthest:
                far = min(far, farthest)
                # Pixels are what matters, so sizes in pixels are spread evenly on a log scale.
                return float(np.exp(rng.uniform(np.log(near), np.log(far))))
        return self.camera.nearest * 1.1

    def _put(
        self, figure: Figure, least: float, speed: float, *, approach: float = 0.0,
        z: float | None = None, x: float | None = None, lift: float = 0.0,
        mirrored: bool | None = None, spare: float | None = None,
    ) -> None:  # fmt: skip
        """Put a figure where it hides others not too much; give up after some tries."""
        rng = self.rng
        mirrored = bool(rng.random() < 0.5) if mirrored is None else mirrored
        crowd = 0.7 if rng.random() < 0.3 else 0.35
        for _ in range(10):
            depth = z if z is not None else self._depth(least)
            scale = self._scale(depth)
            half = _LINES * _WIDE / 2 / scale
            place = rng.uniform(-1, 1) * (half + 0.1 * (figure.bounds.right - figure.bounds.left))
            if self.crowded and self.taken and rng.random() < _TOGETHER:
                left, _, right, _ = self.taken[rng.integers(len(self.taken))]
                place = (rng.uniform(left, right) - _LINES * _WIDE / 2) / scale
            place = x if x is not None else float(place)
            rect = self._rect(figure, place, depth, lift, spare)
            if self._fits(rect, depth, crowd):
                self.taken.append(rect)
                self.actors.append(
                    Actor(figure, place, depth, speed, approach, mirrored, lift=lift)
                )
                return
            if x is not None:
                return

    def _fits(self, rect: Rect, z: float, crowd: float) -> bool:
        """Whether enough is seen of it and of those who are there."""
        if not self.crowded:
            return all(_overlap(rect, other) < crowd for other in self.taken)
        # The nearer one may stand before the other as long as enough of that is left.
        return all(
            _shared(rect, other) < _MOST_HIDDEN * _area(rect if z > actor.z else other)
            for other, actor in zip(self.taken, self.actors, strict=True)
        )

    def _rect(self, figure: Figure, x: float, z: float, lift: float, spare: float | None) -> Rect:
        """About where it is in a picture of `_LINES` lines."""
        scale = self._scale(z)
        ground = (self.camera.horizon * _LINES) + self.camera.height * scale
        left, bottom, right, top = figure.bounds
        if spare is not None:
            left, bottom, right, top = -spare, -spare, spare, spare
        middle = _LINES * _WIDE / 2 + x * scale
        half = 0.42 * (right - left) * scale
        return (
            middle - half,
            ground - (lift + top) * scale,
            middle + half,
            ground - (lift + bottom) * scale,
        )


def _overlap(one: Rect, other: Rect) -> float:
    """Shared area over the smaller area."""
    return _shared(one, other) / min(_area(one), _area(other))


def _shared(one: Rect, other: Rect) -> float:
    wide = min(one[2], other[2]) - max(one[0], other[0])
    tall = min(one[3], other[3]) - max(one[1], other[1])
    return max(wide, 0.0) * max(tall, 0.0)


def _area(rect: Rect) -> float:
    return (rect[2] - rect[0]) * (rect[3] - rect[1])
