"""Light: time of day and weather."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tools.demo.scenes import color as c
from tools.demo.scenes.color import BGR


@dataclass(frozen=True)
class Light:
    """What the light is like.

    Attributes:
        sun: -1 where it comes from the left, 1 from the right.
        sky: from the zenith to the horizon.
        haze: colour that distant things take on.
        gain: what all colours are multiplied by at the end, blue, green, red.
        shadow: darkness of cast shadows, 0 to 1.
        cast: how far shadows reach sideways and away, as shares of a thing's height.
        rim: strength of the bright edge towards the sun.
        glow: colour of the light around the sun.
        clouds: share of sky that they cover, 0 to 1.
        lit: share of windows that are lit.
    """

    sun: float
    sky: tuple[BGR, BGR, BGR]
    haze: BGR
    gain: BGR
    shadow: float
    cast: tuple[float, float]
    rim: float
    glow: BGR
    clouds: float
    lit: float = 0.0

    @staticmethod
    def random(rng: np.random.Generator) -> Light:
        """Morning, noon, golden hour, overcast or dusk, slightly changed."""
        kinds = [MORNING, NOON, NOON, GOLDEN, GOLDEN, OVERCAST, DUSK]
        kind = kinds[rng.integers(len(kinds))]
        sun = float(rng.choice([-1, 1])) * rng.uniform(0.45, 1)
        zenith, middle, horizon = kind.sky
        return replace(
            kind,
            sun=sun,
            sky=(c.near(zenith, rng, 7), c.near(middle, rng, 7), c.near(horizon, rng, 7)),
            shadow=kind.shadow * rng.uniform(0.85, 1.1),
            cast=(-sun * kind.cast[0] * rng.uniform(0.5, 1.2), rng.uniform(-0.28, 0.2)),
            clouds=float(np.clip(kind.clouds + rng.normal(0, 0.2), 0, 1)),
        )


MORNING = Light(
    sun=1.0,
    sky=(c.rgb("#6fb4dc"), c.rgb("#b5dbe8"), c.rgb("#fbe9cf")),
    haze=c.rgb("#dfe6e2"),
    gain=(0.94, 1.0, 1.05),
    shadow=0.42,
    cast=(0.8, 0.0),
    rim=0.5,
    glow=c.rgb("#5a4a28"),
    clouds=0.4,
)
NOON = Light(
    sun=1.0,
    sky=(c.rgb("#3f93d4"), c.rgb("#83c3e8"), c.rgb("#d8eef3")),
    haze=c.rgb("#cfe2ea"),
    gain=(1.0, 1.01, 1.02),
    shadow=0.5,
    cast=(0.4, 0.0),
    rim=0.35,
    glow=c.rgb("#2c281c"),
    clouds=0.45,
)
GOLDEN = Light(
    sun=1.0,
    sky=(c.rgb("#7c9cc4"), c.rgb("#f2c29a"), c.rgb("#ffdf9f")),
    haze=c.rgb("#f3d3a6"),
    gain=(0.8, 0.95, 1.1),
    shadow=0.45,
    cast=(1.2, 0.0),
    rim=0.85,
    glow=c.rgb("#7a5320"),
    clouds=0.5,
    lit=0.15,
)
OVERCAST = Light(
    sun=0.5,
    sky=(c.rgb("#a9b8c2"), c.rgb("#c4d0d6"), c.rgb("#e2e6e4")),
    haze=c.rgb("#d3dadb"),
    gain=(0.98, 0.96, 0.93),
    shadow=0.2,
    cast=(0.25, 0.0),
    rim=0.15,
    glow=c.rgb("#101010"),
    clouds=0.9,
)
DUSK = Light(
    sun=1.0,
    sky=(c.rgb("#4a5f9a"), c.rgb("#a483ab"), c.rgb("#f7b58c")),
    haze=c.rgb("#b79cae"),
    gain=(0.98, 0.84, 0.87),
    shadow=0.28,
    cast=(1.3, 0.0),
    rim=0.6,
    glow=c.rgb("#503a2c"),
    clouds=0.5,
    lit=0.55,
)
