"""Places: streets, avenues and parks without anybody in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tools.demo.scenes import color as c
from tools.demo.scenes.backdrop import Backdrop
from tools.demo.scenes.camera import Camera
from tools.demo.scenes.ground import Band, Ground
from tools.demo.scenes.light import Light
from tools.demo.scenes.plants import Bin, Bush, Fence, Lamp, Tree
from tools.demo.scenes.scene import Actor

_GRASS = "7fa650 8cae58 6f9a4c 9ab45e 88a860"
_PAVING = "bdb3a4 c9bfae a8a49e c2b09a b0aaa4"
_ROAD = "5d5f66 6a6a6e 53565c 75726e"
_SAND = "d8c39a cbb48a e0cfa8 c9ad86"


@dataclass(frozen=True)
class Place:
    """A place.

    Attributes:
        free: strips of ground that people and dogs use, as far and near distance.
        lanes: distance of the lanes that lead to the left and to the right; empty without a road.
        sky: whether kites can be seen.
        props: what stands around.
    """

    backdrop: Backdrop
    free: tuple[tuple[float, float], ...]
    lanes: tuple[float, ...]
    sky: bool
    props: tuple[Actor, ...]


def random_place(rng: np.random.Generator, camera: Camera, light: Light) -> Place:
    """A street with houses, an avenue by a park, or a park."""
    kind = rng.choice(["street", "avenue", "park"], p=[0.36, 0.3, 0.34])
    make = {"street": _street, "avenue": _avenue, "park": _park}[str(kind)]
    return make(rng, camera, light)


def _offset(rng: np.random.Generator) -> tuple[float, float]:
    return rng.uniform(0, 4), rng.uniform(0, 4)


def _street(rng: np.random.Generator, camera: Camera, light: Light) -> Place:
    near = max(camera.nearest * rng.uniform(1.4, 2.1), 6.5)
    far = near + rng.uniform(6, 8)
    houses = far + rng.uniform(3, 6)
    paving = c.pick(_PAVING, rng)
    front = c.pick(_GRASS, rng) if rng.random() < 0.35 else c.near(paving, rng, 5)
    ground = Ground(
        bands=(
            Band(houses, far, "paving", paving),
            Band(far, near, "asphalt", c.pick(_ROAD, rng)),
            Band(near, 0.1, "grass" if front[1] > front[2] + 12 else "paving", front),
        ),
        crossing=rng.uniform(-9, 4) if rng.random() < 0.35 else None,
        offset=_offset(rng),
    )
    props = _along(rng, light, far + 0.7, near - 0.6, 0.6)
    return Place(
        Backdrop(int(rng.integers(1 << 30)), "street", houses, ground),
        free=((houses - 0.8, far + 0.5), (near - 0.5, camera.nearest * 1.08)),
        lanes=(far - (far - near) * 0.27, far - (far - near) * 0.73),
        sky=houses > 20,
        props=tuple(props),
    )


def _avenue(rng: np.random.Generator, camera: Camera, light: Light) -> Place:
    near = max(camera.nearest * rng.uniform(1.5, 2.4), 7.0)
    far = near + rng.uniform(6, 7.5)
    end = rng.uniform(45, 75)
    grass = c.pick(_GRASS, rng)
    ground = Ground(
        bands=(
            Band(end, far + 2, "grass", grass),
            Band(far + 2, far, "paving", c.pick(_PAVING, rng)),
            Band(far, near, "asphalt", c.pick(_ROAD, rng)),
            Band(near, 0.1, "paving", c.pick(_PAVING, rng))
            if rng.random() < 0.6
            else Band(near, 0.1, "grass", grass),
        ),
        crossing=rng.uniform(-9, 4) if rng.random() < 0.3 else None,
        offset=_offset(rng),
    )
    props = [
        *_along(rng, light, far + 1.7, near - 0.6, 0.5),
        *_garden(rng, camera, far + 3, end * 0.8, 4),
    ]
    return Place(
        Backdrop(int(rng.integers(1 << 30)), str(rng.choice(["park", "meadow"])), end, ground),
        free=((min(end, far + 12), far + 0.4), (near - 0.5, camera.nearest * 1.08)),
        lanes=(far - (far - near) * 0.27, far - (far - near) * 0.73),
        sky=True,
        props=tuple(props),
    )


def _park(rng: np.random.Generator, camera: Camera, light: Light) -> Place:
    end = rng.uniform(40, 80)
    grass = c.pick(_GRASS, rng)
    bands = [Band(end, 0.1, "grass", grass)]
    if rng.random() < 0.5:
        middle = rng.uniform(7, 16)
        width = middle * rng.uniform(0.16, 0.3)
        bands = [
            Band(end, middle + width, "grass", grass),
            Band(middle + width, middle, "sand", c.pick(_SAND, rng)),
            Band(middle, 0.1, "grass", c.near(grass, rng, 4)),
        ]
    path = None
    if rng.random() < 0.4:
        path = rng.uniform(-3, 3), rng.uniform(-14, 14), rng.uniform(1.6, 3.2)
    ground = Ground(tuple(bands), path, c.pick(_SAND, rng), offset=_offset(rng))
    props = _garden(rng, camera, 9.0, end * 0.8, 7)
    if rng.random() < 0.5:
        props += _along(rng, light, rng.uniform(14, 22), rng.uniform(7, 10), 0.3)
    return Place(
        Backdrop(
            int(rng.integers(1 << 30)), str(rng.choice(["park", "park", "meadow"])), end, ground
        ),
        free=((min(end * 0.8, 30), camera.nearest * 1.08),),
        lanes=(),
        sky=True,
        props=tuple(props),
    )


def _along(
    rng: np.random.Generator, light: Light, far: float, near: float, trees: float
) -> list[Actor]:
    """Lamp posts, bins and trees at both sides of a road."""
    props = []
    lamp = Lamp(rng, light.lit > 0.1)
    if rng.random() < 0.7:
        gap, start = rng.uniform(7, 13), rng.uniform(-4, 4)
        props += [Actor(lamp, start + k * gap, far) for k in range(-2, 3)]
    if rng.random() < trees:
        gap, start = rng.uniform(6, 10), rng.uniform(-4, 4)
        props += [Actor(Tree(rng, rng.uniform(4, 6)), start + k * gap, far) for k in range(-2, 3)]
    if rng.random() < 0.5:
        props.append(Actor(Bin(rng), rng.uniform(-5, 5), near))
    if rng.random() < 0.25:
        props.append(Actor(Lamp(rng, light.lit > 0.1), rng.uniform(-3, 3), near))
    return props


def _garden(
    rng: np.random.Generator, camera: Camera, near: float, far: float, most: int
) -> list[Actor]:
    """Trees, bushes and perhaps a fence on a lawn."""
    props = []
    for _ in range(int(rng.integers(1, most + 1))):
        z = 1 / rng.uniform(1 / far, 1 / near)
        half = 0.9 * z / camera.focal
        props.append(Actor(Tree(rng, rng.uniform(4.5, 9)), rng.uniform(-half, half) * 1.1, z))
    for _ in range(int(rng.integers(0, 5))):
        z = 1 / rng.uniform(1 / far, 1 / near)
        half = 0.9 * z / camera.focal
        props.append(Actor(Bush(rng, rng.uniform(1, 3)), rng.uniform(-half, half), z))
    if rng.random() < 0.2:
        z = rng.uniform(near, far)
        props.append(Actor(Fence(rng, 2.0 * z / camera.focal), rng.uniform(-3, 3), z))
    return props
