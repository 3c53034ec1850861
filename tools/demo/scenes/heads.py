"""Heads: face, hair and hats. The unit is the head's radius, the origin its middle."""

from __future__ import annotations

from tools.demo.scenes import color as c
from tools.demo.scenes.color import BGR
from tools.demo.scenes.looks import Look
from tools.demo.scenes.pen import Pen
from tools.demo.scenes.shapes import box, curve, ellipse, points, smooth
from tools.demo.scenes.skeleton import View

_EYE = c.rgb("#2b211f")

_BUN = (
    (0.8, 0.6), (0.25, 0.55), (-0.1, 0.2), (-0.45, -0.35), (-0.9, -0.2), (-1.0, 0.4), (-0.6, 1.0),
    (0.1, 1.15), (0.65, 0.98),
)  # fmt: skip

_PROFILES = {
    "short": (
        (0.75, 0.62), (0.35, 0.55), (0.02, 0.3), (-0.22, 0.1), (-0.4, -0.4), (-0.85, -0.3),
        (-1.02, 0.25), (-0.75, 0.9), (-0.05, 1.2), (0.7, 1.02),
    ),
    "long": (
        (0.8, 0.6), (0.25, 0.5), (-0.05, -0.1), (-0.2, -1.3), (-0.6, -1.9), (-1.2, -1.7),
        (-1.15, -0.3), (-1.05, 0.5), (-0.4, 1.15), (0.4, 1.15),
    ),
    "bob": (
        (0.8, 0.6), (0.25, 0.5), (0.0, 0.0), (-0.1, -0.75), (-0.6, -1.0), (-1.1, -0.7),
        (-1.12, 0.3), (-0.7, 1.0), (0.1, 1.2), (0.65, 1.0),
    ),
    "bun": _BUN,
    "tail": _BUN,
}  # fmt: skip
"""Outline of the hair from the side."""


def draw_head(pen: Pen, look: Look, view: View) -> None:
    """Draw a head that looks forwards (along x), at the viewer or away."""
    if view == "side":
        _profile(pen, look)
    elif view == "front":
        _face(pen, look)
    else:
        _back(pen, look)
    if look.hat:
        _hat(pen, look.hat, view)


def _profile(pen: Pen, look: Look) -> None:
    skin, hair = look.skin, look.hair_color
    if look.hair == "tail":
        pen.fill(smooth(points((-0.8, 0.5), (-1.6, 0.2), (-1.5, -0.9), (-1.1, -0.4)), 4), hair)
    if look.hair == "bun":
        pen.disc((-0.95, 0.55), 0.42, hair)
    skull = points(
        (0.1, 1.02), (-0.62, 0.8), (-0.9, 0.1), (-0.6, -0.65), (0.05, -0.98), (0.55, -1.0),
        (0.78, -0.72), (0.82, -0.42), (0.94, -0.2), (1.02, -0.14), (0.86, 0.12), (0.84, 0.5),
    )  # fmt: skip
    pen.fill(smooth(skull, 3), skin, 0.8)
    if look.beard:
        beard = points((-0.25, -0.15), (0.1, -0.42), (0.8, -0.5), (0.78, -0.85), (0.5, -1.12),
                       (0.0, -0.98), (-0.35, -0.55))  # fmt: skip
        pen.fill(smooth(beard, 3), hair, 0.6)
    pen.fill(ellipse((0.6, 0.1), 0.085, 0.14), _EYE, 0)
    pen.line(curve(points((0.48, 0.38), (0.62, 0.43), (0.78, 0.36))), 0.09, c.darker(hair, 0.2))
    pen.line(points((0.55, -0.58), (0.76, -0.55)), 0.08, c.mix(skin, c.rgb("#9a3030"), 0.6))
    pen.fill(ellipse((0.5, -0.3), 0.2, 0.13), c.mix(skin, c.rgb("#f0605a"), 0.35), 0, 0.6)
    pen.fill(ellipse((-0.12, -0.05), 0.16, 0.24), c.darker(skin, 0.14), 0.5)
    if look.hair == "bald":
        return
    if look.hair == "curly":
        for x, y, r in ((0.5, 0.85, 0.4), (0.0, 1.0, 0.5), (-0.5, 0.8, 0.5), (-0.85, 0.35, 0.5),
                        (-0.8, -0.2, 0.42), (-0.35, 0.45, 0.5), (0.2, 0.65, 0.35)):  # fmt: skip
            pen.disc((x, y), r, hair, 0.9)
        return
    pen.fill(smooth(points(*_PROFILES[look.hair]), 4), hair, 1.1)
    shine = points((0.3, 0.95), (-0.2, 0.98), (-0.65, 0.7))
    pen.line(curve(shine), 0.1, c.lighter(hair, 0.35), 0.5)


def _face(pen: Pen, look: Look) -> None:
    skin, hair = look.skin, look.hair_color
    for side in (-1, 1):
        pen.fill(ellipse((side * 0.86, -0.05), 0.17, 0.25), c.darker(skin, 0.15), 0.4)
    if look.hair in ("bob", "long"):
        for side in (-1, 1):
            pen.fill(box(side * 0.8 - 0.3, -0.95, side * 0.8 + 0.3, 0.5, 0.3), hair)
    face = points(
        (0, 1.02), (-0.72, 0.75), (-0.88, 0.1), (-0.68, -0.6), (-0.25, -1.0), (0.25, -1.0),
        (0.68, -0.6), (0.88, 0.1), (0.72, 0.75),
    )  # fmt: skip
    pen.fill(smooth(face, 3), skin, 0.8)
    if look.beard:
        beard = points((-0.82, -0.1), (-0.4, -0.42), (0, -0.36), (0.4, -0.42), (0.82, -0.1),
                       (0.62, -0.8), (0, -1.15), (-0.62, -0.8))  # fmt: skip
        pen.fill(smooth(beard, 3), hair, 0.6)
    for side in (-1, 1):
        pen.fill(ellipse((side * 0.34, 0.08), 0.09, 0.13), _EYE, 0)
        brow = points((side * 0.2, 0.34), (side * 0.36, 0.4), (side * 0.54, 0.32))
        pen.line(curve(brow), 0.08, c.darker(hair, 0.2))
        cheek = ellipse((side * 0.5, -0.25), 0.2, 0.13)
        pen.fill(cheek, c.mix(skin, c.rgb("#f0605a"), 0.35), 0, 0.5)
    pen.line(curve(points((0.02, 0.02), (0.1, -0.2), (-0.02, -0.24))), 0.07, c.darker(skin, 0.3))
    mouth = curve(points((-0.24, -0.5), (0, -0.6), (0.24, -0.5)))
    pen.line(mouth, 0.09, c.mix(skin, c.rgb("#9a3030"), 0.7))
    if look.hair == "bald":
        return
    if look.hair == "curly":
        for x, y, r in ((-0.85, 0.3, 0.4), (-0.6, 0.75, 0.45), (-0.1, 1.0, 0.5), (0.45, 0.9, 0.45),
                        (0.85, 0.4, 0.42)):  # fmt: skip
            pen.disc((x, y), r, hair, 0.9)
        return
    fringe = points((-0.92, 0.0), (-0.78, 0.42), (-0.2, 0.6), (0.35, 0.46), (0.8, 0.4), (0.92, 0.0),
                    (1.0, 0.5), (0.65, 1.05), (0, 1.25), (-0.65, 1.05), (-1.0, 0.5))  # fmt: skip
    if look.hair == "bun":
        pen.disc((0, 1.25), 0.42, hair)
    pen.fill(smooth(fringe, 3), hair, 1.1)
    pen.line(curve(points((-0.5, 0.9), (0, 1.02), (0.45, 0.9))), 0.1, c.lighter(hair, 0.35), 0.5)


def _back(pen: Pen, look: Look) -> None:
    skin, hair = look.skin, look.hair_color
    for side in (-1, 1):
        pen.fill(ellipse((side * 0.86, -0.05), 0.17, 0.25), c.darker(skin, 0.15), 0.4)
    pen.fill(ellipse((0, 0), 0.88, 1.0), skin, 0.8)
    if look.hair == "bald":
        pen.fill(smooth(points((-0.85, 0), (0.85, 0), (0.6, -0.7), (-0.6, -0.7)), 4), hair, 0.6)
        return
    low = {"long": -1.7, "bob": -0.95, "tail": -0.7, "curly": -0.7}.get(look.hair, -0.62)
    mane = points((0, 1.2), (-0.75, 0.95), (-1.02, 0.2), (-0.85, low * 0.8), (0, low),
                  (0.85, low * 0.8), (1.02, 0.2), (0.75, 0.95))  # fmt: skip
    pen.fill(smooth(mane, 4), hair, 1.1)
    if look.hair == "tail":
        pen.fill(box(-0.28, -1.7, 0.28, 0.35, 0.28), c.darker(hair, 0.15))
    if look.hair == "bun":
        pen.disc((0, 0.75), 0.45, c.darker(hair, 0.12))
    shine = curve(points((-0.5, 0.75), (0, 0.88), (0.5, 0.75)))
    pen.line(shine, 0.12, c.lighter(hair, 0.35), 0.5)


def _hat(pen: Pen, color: BGR, view: View) -> None:
    dome = points((-1.02, 0.32), (-0.85, 0.95), (0, 1.3), (0.8, 0.98), (0.95, 0.32))
    pen.fill(smooth(dome, 4), color, 1.1)
    if view == "side":
        brim = points((0.6, 0.52), (1.55, 0.34), (1.5, 0.2), (0.6, 0.28))
        pen.fill(smooth(brim, 3), c.darker(color, 0.25), 0.5)
    elif view == "front":
        pen.fill(ellipse((0, 0.36), 0.85, 0.2), c.darker(color, 0.25), 0.5)
    pen.line(points((-0.95, 0.38), (0.9, 0.38)), 0.12, c.darker(color, 0.35))
