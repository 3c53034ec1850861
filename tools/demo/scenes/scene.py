"""Scene: a place, its light and everybody in it, as a function of time."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.demo.scenes.backdrop import Backdrop, Part, show
from tools.demo.scenes.camera import Camera, View
from tools.demo.scenes.compositor import Placed, Sprite, cast_shadows, draw, paste
from tools.demo.scenes.figure import Figure, Moment
from tools.demo.scenes.finish import Finish
from tools.demo.scenes.light import Light
from tools.demo.scenes.pen import Patch


@dataclass(frozen=True)
class SceneObject:
    """An object in a picture.

    Attributes:
        track_id: the same in all pictures of a scene, from 1 on.
        label: its class.
        mask: bool[H, W], its pixels that can be seen.
        box: x1, y1, x2, y2 around the mask, x2 and y2 excluded; zeros where nothing can be seen.
        whole_area: pixels that it would cover with nothing in front of it and no border.
    """

    track_id: int
    label: str
    mask: NDArray[np.bool_]
    box: tuple[int, int, int, int]
    whole_area: int

    @property
    def crop(self) -> Patch:
        """The mask within the box, u8[h, w], 0 or 255."""
        x1, y1, x2, y2 = self.box
        return self.mask[y1:y2, x1:x2].astype(np.uint8) * np.uint8(255)

    @property
    def area(self) -> int:
        """Pixels that can be seen."""
        return int(np.count_nonzero(self.mask))

    @property
    def visible(self) -> float:
        """Share of it that can be seen, 0 to 1."""
        return min(self.area / max(self.whole_area, 1), 1.0)


@dataclass(frozen=True)
class Picture:
    """A rendered picture: BGR u8[H, W, 3] and the objects in it, by track id."""

    image: Patch
    objects: tuple[SceneObject, ...]


@dataclass(frozen=True)
class Actor:
    """A figure that goes straight ahead.

    Attributes:
        x, z: metres to the right and away from the camera, at time 0.
        speed: metres a second; to the left where `mirrored`.
        approach: metres a second towards the camera.
        start: seconds before which it waits.
        lift: metres above the ground.
    """

    figure: Figure
    x: float
    z: float
    speed: float = 0.0
    approach: float = 0.0
    mirrored: bool = False
    start: float = 0.0
    lift: float = 0.0

    def placed(self, time: float, ids: tuple[int, ...]) -> Placed:
        """Where it is and what it looks like at a time."""
        gone = max(time - self.start, 0.0)
        moving = time > self.start
        pace = float(np.hypot(self.speed, self.approach)) if moving else 0.0
        return Placed(
            figure=self.figure,
            ids=ids,
            x=self.x + (-1 if self.mirrored else 1) * self.speed * gone,
            z=self.z - self.approach * gone,
            mirrored=self.mirrored,
            moment=Moment(time, float(np.hypot(self.speed, self.approach)) * gone, pace),
            lift=self.lift,
        )


@dataclass
class Scene:
    """A scene.

    Attributes:
        seed: of the noise and the backdrop's details.
        actors: all figures, objects and others.
        reach: metres that the camera moves at most to either side, for how far the backdrop goes.
    """

    seed: int
    camera: Camera
    light: Light
    backdrop: Backdrop
    finish: Finish
    actors: tuple[Actor, ...]
    reach: float = 0.0
    _parts: dict[tuple[int, int], list[Part]] = field(default_factory=dict, repr=False)

    def render(self, time: float, width: int, height: int) -> Picture:
        """The picture at a time in seconds."""
        view = self.camera.view(time, width, height)
        image = show(self._painted(width, height), view)
        sprites, labels = self._sprites(time, view)
        cast_shadows(image, sprites, view, self.light)
        ids = np.zeros((height, width), np.uint8)
        for sprite in sprites:
            paste(image, ids, sprite)
        image = self.finish.apply(image, self.light.gain, self.seed + int(time * 1000))
        return Picture(image, _objects(ids, sprites, labels))

    def _sprites(self, time: float, view: View) -> tuple[list[Sprite], dict[int, str]]:
        """All figures in view, far ones first, and what each id is."""
        labels: dict[int, str] = {}
        placed = []
        for actor in self.actors:
            ids = tuple(range(len(labels) + 1, len(labels) + 1 + len(actor.figure.labels)))
            labels |= dict(zip(ids, actor.figure.labels, strict=True))
            placed.append(actor.placed(time, ids))
        placed.sort(key=lambda one: -one.z)
        nearest = 0.25 * self.camera.nearest
        drawn = [draw(one, view, self.light) for one in placed if one.z > nearest]
        return [sprite for sprite in drawn if sprite], labels

    def _painted(self, width: int, height: int) -> list[Part]:
        if (width, height) not in self._parts:
            rest = self.camera.view(0, width, height)
            rest = View(width, height, rest.focal, rest.horizon, rest.height)
            margin = 0
            if not self.camera.still:
                near = self.camera.nearest
                margin = int(rest.focal / near * self.reach + 0.08 * width)
            self._parts[width, height] = self.backdrop.parts(rest, self.light, margin)
        return self._parts[width, height]


def _objects(
    ids: NDArray[np.uint8], sprites: list[Sprite], labels: dict[int, str]
) -> tuple[SceneObject, ...]:
    whole = {number: area for sprite in sprites for number, area in sprite.whole.items() if area}
    objects = []
    for number in sorted(whole):
        mask = ids == number
        x, y, wide, tall = cv2.boundingRect(mask.view(np.uint8))
        box = (x, y, x + wide, y + tall)
        objects.append(SceneObject(number, labels[number], mask, box, whole[number]))
    return tuple(objects)
