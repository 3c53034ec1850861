"""A row of houses, in metres, drawn straight into a picture."""

from __future__ import annotations

import cv2
import numpy as np

from tools.demo.scenes import color as c
from tools.demo.scenes.color import BGR
from tools.demo.scenes.pen import Pen
from tools.demo.scenes.shapes import box, ellipse, points
from tools.demo.scenes.textures import tile

_WALLS = "b5654a c9a27a d9cbb0 a8b5a8 9a6a55 e0c49a b98a72 8fa5b0 d8a890 c4b8a8"
_ROOFS = "7a4436 5a4a4a 6a5a50 4f5a60 8a5a40"
_GLASS = c.rgb("#587484")
_LAMP = c.rgb("#ffdf96")


def draw_houses(pen: Pen, rng: np.random.Generator, left: float, right: float, lit: float) -> None:
    """Houses from one X to another; `lit` is the share of lit windows."""
    x = left
    while x < right:
        wide = rng.uniform(5.5, 9.5)
        floors = int(rng.integers(2, 5))
        _house(pen, rng, x, wide, floors, lit)
        x += wide + (rng.uniform(1, 3) if rng.random() < 0.15 else 0)


def _house(
    pen: Pen, rng: np.random.Generator, x: float, wide: float, floors: int, lit: float
) -> None:
    wall = c.pick(_WALLS, rng, 10)
    tall = 3.1 * floors + 0.8
    trim = c.lighter(wall, 0.5) if rng.random() < 0.7 else c.darker(wall, 0.4)
    _roof(pen, rng, x, wide, tall)
    front = box(x, 0, x + wide, tall)
    pen.fill(front, wall, 0.55)
    if rng.random() < 0.6:
        _bricks(pen, x, x + wide, tall, rng)
    pen.fill(box(x - 0.1, tall - 0.25, x + wide + 0.1, tall + 0.1), trim, 0.6)
    shop = rng.random() < 0.5
    count = max(int(wide / rng.uniform(1.7, 2.3)), 2)
    step = wide / count
    glow = rng.random((floors, count)) < lit
    for floor in range(1 if shop else 0, floors):
        for k in range(count):
            if floor == 0 and k == count // 2:
                _door(pen, rng, x + (k + 0.5) * step, trim)
                continue
            _window(
                pen,
                x + (k + 0.5) * step,
                3.1 * floor + 1.1,
                0.28 * step,
                1.5,
                trim,
                bool(glow[floor, k]),
            )
    if shop:
        _shop(pen, rng, x, wide, lit > 0.1)


def _roof(pen: Pen, rng: np.random.Generator, x: float, wide: float, tall: float) -> None:
    """A sloped roof with chimneys, or a flat one, which is not seen."""
    tone = c.pick(_ROOFS, rng)
    if rng.random() >= 0.55:
        return
    left, right, top = x - 0.2, x + wide + 0.2, tall + rng.uniform(1.2, 2.6)
    pen.fill(points((left, tall), (right, tall), (right - 1.2, top), (left + 1.2, top)), tone, 0.6)
    for middle in (x + 0.25 * wide, x + 0.7 * wide):
        chimney = box(middle - 0.3, top - 0.8, middle + 0.3, top + 0.7)
        pen.fill(chimney, c.darker(tone, 0.1), 0.8)


def _bricks(pen: Pen, left: float, right: float, tall: float, rng: np.random.Generator) -> None:
    """Multiply a wall by bricks."""
    x1, y1 = pen.to_pixel(left, tall)
    x2, y2 = pen.to_pixel(right, 0)
    rows, columns = pen.patch.shape[:2]
    x1, x2 = max(x1, 0), min(x2, columns)
    y1, y2 = max(y1, 0), min(y2, rows)
    if x2 <= x1 or y2 <= y1:
        return
    grow = 0.25 / pen.pixel / 32
    texture = tile("brick")
    start = int(rng.integers(0, 8)) * 32
    wide, tall_px = int((x2 - x1) / grow) + 2, int((y2 - y1) / grow) + 2
    wall = np.take(
        np.take(texture, np.arange(tall_px) % 512, 0), (np.arange(wide) + start) % 512, 1
    )
    inside = pen.patch[y1:y2, x1:x2]
    factor = cv2.resize(wall, (x2 - x1, y2 - y1), interpolation=cv2.INTER_AREA)
    factor = cv2.merge([factor, factor, factor, np.full_like(factor, 128)])
    cv2.multiply(inside, factor, dst=inside, scale=1 / 128)


def _window(pen: Pen, x: float, y: float, half: float, tall: float, trim: BGR, glow: bool) -> None:
    pen.fill(box(x - half - 0.12, y - 0.12, x + half + 0.12, y + tall + 0.14), trim, 0)
    pane = box(x - half, y, x + half, y + tall)
    pen.fill(pane, _LAMP if glow else _GLASS, 0.8)
    if not glow:
        streak = points(
            (x - half, y + 0.3),
            (x + half, y + tall),
            (x + half * 0.2, y + tall),
            (x - half, y + 0.8),
        )
        pen.fill(streak, c.mix(_GLASS, c.rgb("#cfe4ec"), 0.4), 0)
    pen.fill(box(x - 0.03, y, x + 0.03, y + tall), trim, 0)
    pen.fill(box(x - half, y + tall * 0.6, x + half, y + tall * 0.6 + 0.06), trim, 0)
    pen.fill(box(x - half - 0.2, y - 0.22, x + half + 0.2, y - 0.1), c.darker(trim, 0.2), 0)


def _door(pen: Pen, rng: np.random.Generator, x: float, trim: BGR) -> None:
    paint = c.pick("7a3428 2f5a4a 2f4a6a 6a4a2f b8862f", rng)
    pen.fill(box(x - 0.68, 0, x + 0.68, 2.5), trim, 0.4)
    pen.fill(box(x - 0.52, 0, x + 0.52, 2.35), paint, 0.8)
    pen.fill(box(x - 0.38, 1.2, x + 0.38, 2.15), c.mix(paint, _GLASS, 0.6), 0.6)
    pen.fill(ellipse((x + 0.38, 1.05), 0.06, 0.06), c.rgb("#e0c070"), 0)


def _shop(pen: Pen, rng: np.random.Generator, x: float, wide: float, glow: bool) -> None:
    """A shop window with an awning."""
    color = c.pick("b8402f 2f6a5a 2f4f7a c98a2f 6a3f5a efe6d2", rng)
    pen.fill(box(x + 0.2, 0, x + wide - 0.2, 3.2), c.darker(color, 0.35), 0.4)
    pane = box(x + 0.5, 0.6, x + wide - 1.9, 2.5)
    pen.fill(pane, c.mix(_GLASS, _LAMP, 0.55 if glow else 0.12), 0.9)
    streak = points((x + 1, 0.6), (x + 1.8, 0.6), (x + 3, 2.5), (x + 2.2, 2.5))
    pen.fill(streak, c.WHITE, 0, 0.25, clip=pane)
    pen.fill(box(x + wide - 1.6, 0, x + wide - 0.5, 2.4), c.darker(_GLASS, 0.2), 0.6)
    stripes = max(int(wide / 0.8), 4)
    step = (wide - 0.2) / stripes
    for k in range(stripes):
        a = x + 0.1 + k * step
        flap = points((a, 2.5), (a + step, 2.5), (a + step * 0.97, 3.25), (a + step * 0.03, 3.25))
        pen.fill(flap, color if k % 2 else c.rgb("#f2ecdf"), 0.5)
