"""Showcase: the scene of the demo clip, arranged by hand for its 12 seconds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tools.demo.scenes import color as c
from tools.demo.scenes import light as lights
from tools.demo.scenes.backdrop import Backdrop
from tools.demo.scenes.balls import Ball
from tools.demo.scenes.benches import Bench
from tools.demo.scenes.buses import Bus, BusLook
from tools.demo.scenes.camera import Camera
from tools.demo.scenes.cars import Car, CarLook
from tools.demo.scenes.cycles import Bicycle, Frame
from tools.demo.scenes.dogs import Breed, Dog
from tools.demo.scenes.finish import Finish
from tools.demo.scenes.ground import Band, Ground
from tools.demo.scenes.kites import Kite
from tools.demo.scenes.light import Light
from tools.demo.scenes.looks import Look
from tools.demo.scenes.pedestrians import Pedestrian
from tools.demo.scenes.plants import Bush, Fence, Lamp, Tree
from tools.demo.scenes.scene import Actor, Scene
from tools.demo.scenes.umbrellas import Canopy, Parasol

SECONDS = 12

_KERB, _FAR_KERB, _LAWN_END = 8.2, 14.9, 62.0
_NEAR_LANE, _FAR_LANE = 10.1, 13.1


def showcase(seed: int = 2_000_003) -> Scene:
    """A morning by the park; the seed decides what everybody looks like, not where they go."""
    rng = np.random.default_rng([2, seed])
    ground = Ground(
        bands=(
            Band(_LAWN_END, _FAR_KERB + 2.2, "grass", c.rgb("#86ad55")),
            Band(_FAR_KERB + 2.2, _FAR_KERB, "paving", c.rgb("#cdbfaa")),
            Band(_FAR_KERB, _KERB, "asphalt", c.rgb("#64656b")),
            Band(_KERB, 0.1, "paving", c.rgb("#c9b9a3")),
        ),
        offset=(0.4, 1.3),
    )
    return Scene(
        seed=seed,
        camera=Camera(
            horizon=0.4, height=2.0, focal=1.3, truck=0.2, truck_from=-1.2, zoom=0.003, sway=0.0012
        ),
        light=_light(),
        backdrop=Backdrop(seed + 4, "park", _LAWN_END, ground),
        finish=Finish(exposure=1.03, contrast=1.05, noise=0.7, vignette=0.14),
        actors=(*_props(rng), *_park(rng), *_road(rng), *_pavement(rng)),
        reach=1.4,
    )


def _light() -> Light:
    return replace(
        lights.MORNING,
        sun=0.85,
        sky=(c.rgb("#4fa3dc"), c.rgb("#9fd2ea"), c.rgb("#fdeccd")),
        cast=(-0.75, 0.12),
        clouds=0.6,
        rim=0.6,
    )


def _props(rng: np.random.Generator) -> list[Actor]:
    lamp = Lamp(rng, lit=False)
    trees = (
        (-13, 24, 7.5), (-8.2, 18.6, 5.6), (6.6, 20, 6.4), (13.5, 26, 8), (1.5, 40, 8.5),
        (-19, 38, 9), (20, 36, 8.5), (11.2, 18.4, 5.2),
    )  # fmt: skip
    return [
        *(Actor(lamp, x, _FAR_KERB + 0.9) for x in (-12.5, -4.2, 4.1, 12.4)),
        *(Actor(Tree(rng, tall), x, z) for x, z, tall in trees),
        *(
            Actor(Bush(rng, wide), x, z)
            for x, z, wide in ((-4.6, 27, 3), (9, 30, 2.6), (3.4, 23, 2))
        ),
        Actor(Fence(rng, 24), 14, 44),
    ]


def _park(rng: np.random.Generator) -> list[Actor]:
    """On the lawn, behind the road."""
    flyers = [Pedestrian(Look.random(rng, child=False), "side", rng) for _ in range(2)]
    for flyer in flyers:
        flyer.pointing = True
    child = Look.random(rng, child=True)
    return [
        Actor(flyers[0], -1.0, 21),
        Actor(Kite(rng, 2.0, (-1.75, -4.1)), 1.2, 21, lift=6.1),
        Actor(flyers[1], -6.6, 24.9),
        Actor(Kite(rng, 1.7, (2.4, -5.7)), -8.6, 25, lift=7.4),
        Actor(Parasol(rng), 8.9, 17.8),
        Actor(Bench(rng, (Look.random(rng, child=False),)), 8.7, 17.6),
        Actor(Bench(rng), -5.2, 17.5),
        Actor(Pedestrian(child, "front", rng), 3.2, 18.6),
        Actor(Ball(rng, 0.3, bounce=0.8), 4.3, 18.4),
        Actor(Pedestrian(Look.random(rng, child=False), "front", rng), -2.8, 27, approach=0.7),
    ]


def _road(rng: np.random.Generator) -> list[Actor]:
    cars = [Car(CarLook.random(rng)) for _ in range(3)]
    cyclist = Bicycle(Frame.random(rng), Look.random(rng, child=False))
    return [
        Actor(cars[0], -6.5, _NEAR_LANE, speed=4.6),
        Actor(cars[1], 13.5, _FAR_LANE, speed=5.2, mirrored=True),
        Actor(Bus(BusLook.random(rng)), 15.6, _FAR_LANE, speed=4.2, mirrored=True, start=4.2),
        Actor(cars[2], -10.8, _NEAR_LANE, speed=5.4, start=7.6),
        Actor(cyclist, -10.2, 9.2, speed=3.3, start=2.6),
    ]


def _pavement(rng: np.random.Generator) -> list[Actor]:
    """In front of the road; who is nearer is drawn in front."""

    def walker(
        view: str = "side", umbrella: Canopy | None = None, child: bool = False
    ) -> Pedestrian:
        return Pedestrian(Look.random(rng, child=child), view, rng, umbrella)

    return [
        Actor(Bench(rng, (Look.random(rng, child=False),)), 2.1, 7.4),
        Actor(Bicycle(Frame.random(rng)), -3.7, 7.6),
        Actor(walker(umbrella=Canopy.random(rng, 0.62)), 6.1, 6.9, speed=1.15, mirrored=True),
        Actor(walker(), -3.4, 5.6, speed=1.2),
        Actor(Dog(Breed.random(rng)), -2.2, 5.5, speed=1.2),
        Actor(walker(), 6.6, 6.3, speed=2.7, mirrored=True, start=5.8),
        Actor(Ball(rng, 0.19, bounce=0.45), -5.1, 5.3, speed=2.9, start=7.3),
        Actor(Dog(Breed.random(rng)), -6.9, 5.4, speed=3.0, start=7.3),
        Actor(walker(child=True), -8.4, 5.8, speed=2.3, start=7.3),
    ]
