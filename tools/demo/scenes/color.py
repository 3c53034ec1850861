"""Colours, in OpenCV's order blue, green, red, 0 to 255."""

from __future__ import annotations

import colorsys

import numpy as np

BGR = tuple[float, float, float]

WHITE: BGR = (255.0, 255.0, 255.0)
BLACK: BGR = (0.0, 0.0, 0.0)


def rgb(code: str) -> BGR:
    """The colour that ``#rrggbb`` writes."""
    red, green, blue = (int(code[i : i + 2], 16) for i in (1, 3, 5))
    return float(blue), float(green), float(red)


def hsv(hue: float, saturation: float, value: float) -> BGR:
    """A colour by hue, saturation and value, each 0 to 1; hue wraps around."""
    red, green, blue = colorsys.hsv_to_rgb(hue % 1, saturation, value)
    return 255 * blue, 255 * green, 255 * red


def mix(one: BGR, other: BGR, share: float) -> BGR:
    """``share`` of the other colour, the rest of the one."""
    return (
        one[0] + (other[0] - one[0]) * share,
        one[1] + (other[1] - one[1]) * share,
        one[2] + (other[2] - one[2]) * share,
    )


def darker(color: BGR, share: float) -> BGR:
    """Towards a cool shade: shadows outdoors are lit by the sky."""
    return mix(color, (color[0] * 0.35 + 18, color[1] * 0.25 + 6, color[2] * 0.22), share)


def lighter(color: BGR, share: float) -> BGR:
    """Towards warm white."""
    return mix(color, (215.0, 240.0, 255.0), share)


def near(color: BGR, rng: np.random.Generator, spread: float = 12) -> BGR:
    """A colour somewhat like it."""
    blue, green, red = np.clip(np.asarray(color) + rng.normal(0, spread, 3), 0, 255).tolist()
    return blue, green, red


def pick(codes: str, rng: np.random.Generator, spread: float = 8) -> BGR:
    """One of the colours ``rrggbb rrggbb ...``, slightly changed."""
    return near(rgb("#" + str(rng.choice(codes.split()))), rng, spread)


def vivid(rng: np.random.Generator) -> BGR:
    """Any strong colour."""
    return hsv(rng.random(), rng.uniform(0.55, 0.95), rng.uniform(0.6, 1.0))
