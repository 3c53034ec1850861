"""Looks: what a person is like, drawn at random. Lengths are shares of a person's height."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from tools.demo.scenes import color as c
from tools.demo.scenes.color import BGR
from tools.demo.scenes.skeleton import Build

_SKIN = "f6d3b8 eec1a0 e2ab85 c98d66 a86d48 875335 61391f f2c9a9"
_HAIR = "2a1d17 3d2817 5b3a1e 7d5430 b98a4f d9b878 1c1a1c 8a8580 a3441f c9c4be"
_CLOTH = (
    "d8453a e9773a f0b93b 3d8a57 2f7fb8 35508f 6d4a9c c94f7c 2b2f3a f0ede6 8fb6c9 9aa35b c2703d"
)
_TROUSERS = "2d3a56 3f5680 23252d 5b5148 8b7d6a 3c4a3d 6c7f95 c8bda6 4a3344"
_SHOES = "2a2628 f2efe9 c4432f 7a5233 3a4f7a e8b23c"

Top = Literal["shirt", "sleeves", "jacket", "coat"]
Bottom = Literal["trousers", "shorts", "skirt"]
Hair = Literal["short", "long", "bun", "bob", "bald", "curly", "tail"]


@dataclass(frozen=True)
class Look:
    """What a person is like.

    Attributes:
        height: metres.
        stripes: colour of stripes or a print on the chest, if any.
        hat: colour of a cap or a helmet, if any.
        bag: colour of a backpack, if any.
    """

    height: float
    build: Build
    skin: BGR
    hair_color: BGR
    hair: Hair
    top: Top
    top_color: BGR
    bottom: Bottom
    bottom_color: BGR
    shoes: BGR
    stripes: BGR | None = None
    hat: BGR | None = None
    bag: BGR | None = None
    beard: bool = False

    @staticmethod
    def random(rng: np.random.Generator, child: bool | None = None) -> Look:
        """Anybody."""
        child = rng.random() < 0.16 if child is None else child
        height = rng.uniform(1.0, 1.4) if child else rng.uniform(1.56, 1.92)
        hairs: list[Hair] = ["short", "short", "long", "bun", "bob", "bald", "curly", "tail"]
        hair = hairs[rng.integers(len(hairs))]
        if child and hair == "bald":
            hair = "short"
        tops: list[Top] = ["shirt", "shirt", "sleeves", "jacket", "coat"]
        bottoms: list[Bottom] = ["trousers", "trousers", "shorts", "skirt"]
        long_hair = hair in ("long", "bun", "bob", "tail")
        bottom = bottoms[rng.integers(4 if long_hair else 3)]
        return Look(
            height=height,
            build=Build(
                head=rng.uniform(0.098, 0.108) if child else rng.uniform(0.076, 0.084),
                girth=rng.uniform(0.9, 1.22),
            ),
            skin=c.pick(_SKIN, rng, 5),
            hair_color=c.pick(_HAIR, rng, 6),
            hair=hair,
            top=tops[rng.integers(len(tops))],
            top_color=c.pick(_CLOTH, rng, 14),
            bottom=bottom,
            bottom_color=c.pick(_CLOTH if bottom == "skirt" else _TROUSERS, rng, 10),
            shoes=c.pick(_SHOES, rng),
            stripes=c.pick(_CLOTH, rng) if rng.random() < 0.3 else None,
            hat=c.pick(_CLOTH, rng) if rng.random() < 0.16 else None,
            bag=c.pick(_CLOTH, rng) if rng.random() < 0.22 else None,
            beard=not (long_hair or child) and rng.random() < 0.35,
        )
