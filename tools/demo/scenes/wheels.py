"""What all motor vehicles have: wheels and window panes."""

from __future__ import annotations

import numpy as np

from tools.demo.scenes import color as c
from tools.demo.scenes.color import BGR
from tools.demo.scenes.pen import Pen
from tools.demo.scenes.shapes import ellipse

GLASS = c.rgb("#33464f")
SKY = c.rgb("#a9c8d6")
"""What panes reflect."""

_RUBBER = c.rgb("#1f1e20")


def draw_wheel(pen: Pen, radius: float, rim: BGR, spokes: int) -> None:
    """A wheel around the pen's origin; the pen is turned with it."""
    pen.disc((0, 0), radius, _RUBBER, 0.25)
    pen.disc((0, 0), radius * 0.66, c.darker(rim, 0.55), 0)
    for k in range(spokes):
        angle = 2 * np.pi * k / spokes
        end = 0.58 * radius * np.cos(angle), 0.58 * radius * np.sin(angle)
        pen.limb((0, 0), (float(end[0]), float(end[1])), (radius * 0.13, radius * 0.1), rim, 0.4)
    hoop = ellipse((0, 0), radius * 0.62, radius * 0.62)
    pen.line(np.concatenate([hoop, hoop[:1]]), radius * 0.1, rim)
    pen.disc((0, 0), radius * 0.16, c.lighter(rim, 0.3), 0)
