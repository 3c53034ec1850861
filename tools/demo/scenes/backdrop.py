"""Backdrop: sky, hills, houses or trees, and the ground.

Each part is painted once for a size of picture, wider than the picture where the camera moves, and
then only shifted: parts farther away move less.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from tools.demo.scenes import color as c
from tools.demo.scenes.camera import View
from tools.demo.scenes.compositor import blend
from tools.demo.scenes.ground import Ground
from tools.demo.scenes.houses import draw_houses
from tools.demo.scenes.light import Light
from tools.demo.scenes.pen import Patch, Pen
from tools.demo.scenes.shapes import Points, box, ellipse, points, smooth

_SKY_DISTANCE = 4000.0


@dataclass
class Part:
    """One part, as painted at rest.

    Attributes:
        image: BGRA with premultiplied alpha, or opaque BGR.
        z: its distance in metres; None for the ground.
        top: its first row in the picture.
        margin: columns that it has beyond the picture on each side.
    """

    image: Patch
    z: float | None
    top: int
    margin: int


@dataclass(frozen=True)
class Backdrop:
    """What is behind all figures.

    Attributes:
        seed: of its details.
        kind: "street" has houses, "park" trees, "meadow" only hills.
        houses_at: metres to the houses or the last trees.
        ground: the bands in front of that.
    """

    seed: int
    kind: str
    houses_at: float
    ground: Ground

    def parts(self, view: View, light: Light, margin: int) -> list[Part]:
        """Paint all parts for a view at rest; those near by get `margin` columns on each side."""
        rng = np.random.default_rng([11, self.seed])
        below = min(int(view.horizon) + 4, view.height_px)
        parts = [Part(_sky(rng, view, light, below, margin // 2), _SKY_DISTANCE, 0, margin // 2)]
        parts += self._hills(rng, view, light, margin)
        parts.append(self._skyline(rng, view, light, margin))
        parts.append(self._ground(view, light, margin))
        return parts

    def _hills(self, rng: np.random.Generator, view: View, light: Light, margin: int) -> list[Part]:
        parts = []
        for z, rise in ((900.0, 0.16), (400.0, 0.1)):
            if self.kind == "street" and rng.random() < 0.5:
                continue
            tall = int(rise * view.height_px) + 8
            top = max(int(view.horizon) - tall, 0)
            image = np.zeros((int(view.horizon) + 6 - top, view.width + 2 * margin, 4), np.uint8)
            wave = np.linspace(0, 6 * image.shape[1] / view.height_px, 60)
            ridge = sum(np.sin(wave * f + rng.uniform(0, 6)) / f for f in (0.7, 1.3, 2.9, 5.3))
            x = np.linspace(0, image.shape[1], 60)
            y = image.shape[0] * (0.5 - 0.22 * ridge / 1.6)
            outline = points((image.shape[1], image.shape[0] + 9), (0, image.shape[0] + 9))
            outline = np.concatenate([np.stack([x, y], axis=1), outline])
            tone = c.mix(c.pick("5a8a6a 6a9a78 7a9aa0 8aa070", rng), light.haze, 0.75 - rise * 0.9)
            Pen(image, np.asarray([[1.0, 0, 0], [0, 1, 0]]), 0).fill(outline, tone, -0.4)
            parts.append(Part(image, z, top, margin))
        return parts

    def _skyline(self, rng: np.random.Generator, view: View, light: Light, margin: int) -> Part:
        """Houses or trees at the end of the ground."""
        scale = view.scale(self.houses_at)
        foot = view.row(self.houses_at)
        tall = {"street": 17.0, "park": 14.0, "meadow": 9.0}[self.kind]
        top = max(int(foot - tall * scale), 0)
        rows, columns = max(int(foot) + 3 - top, 8), view.width + 2 * margin
        # Far trees need no sharp edges.
        coarse = 1 if self.kind == "street" else 2
        image = np.zeros((rows // coarse, columns // coarse, 4), np.uint8)
        matrix = np.asarray([[scale, 0, margin + view.width / 2], [0, -scale, foot - top]]) / coarse
        pen = Pen(image, matrix, light.sun)
        half = columns / 2 / scale
        if self.kind == "street":
            draw_houses(pen, rng, -half - rng.uniform(0, 6), half, light.lit)
        else:
            _tree_line(pen, rng, half, tall)
        haze = float(np.clip((self.houses_at - 8) / 110, 0.05, 0.6))
        matrix = np.diag([1 - haze, 1 - haze, 1 - haze, 1.0])
        matrix[:3, 3] = np.asarray(light.haze) * (haze / 255)
        image = np.asarray(cv2.transform(image, matrix), np.uint8)
        if coarse > 1:
            size = columns, rows
            image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR), np.uint8)
        return Part(image, self.houses_at, top, margin)

    def _ground(self, view: View, light: Light, margin: int) -> Part:
        picture = np.zeros((view.height_px, view.width + 2 * margin, 3), np.uint8)
        self.ground.paint(picture, view, light, margin)
        first = min(int(view.row(self.ground.bands[0].far)), view.height_px - 2)
        return Part(picture[first:], None, first, margin)


def show(parts: list[Part], view: View) -> Patch:
    """The parts as seen from a view: BGR u8[H, W, 3]."""
    picture = np.empty((view.height_px, view.width, 3), np.uint8)
    # Behind gaps between houses there is nothing but the end of the sky.
    picture[:] = parts[0].image[-1, 0, :3]
    moved = view.truck or view.zoom != 1 or any(view.shift)
    for part in parts:
        image, top = part.image, part.top
        if moved:
            matrix = view.warp(part.z, part.margin, part.top)
            border = cv2.BORDER_CONSTANT if image.shape[2] == 4 else cv2.BORDER_TRANSPARENT
            size = view.width, view.height_px
            if image.shape[2] == 3:
                cv2.warpAffine(
                    image, matrix, size, dst=picture, flags=cv2.INTER_LINEAR, borderMode=border
                )
                continue
            image = np.asarray(
                cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR, borderMode=border),
                np.uint8,
            )
            top = 0
        elif part.margin:
            image = image[:, part.margin : -part.margin]
        rows = picture[top : top + len(image)]
        if image.shape[2] == 3:
            rows[:] = image[: len(rows)]
        else:
            blend(rows, image[: len(rows)])
    return picture


def _sky(rng: np.random.Generator, view: View, light: Light, rows: int, margin: int) -> Patch:
    """A gradient with the sun's glow and clouds."""
    width = view.width + 2 * margin
    tones = np.asarray(light.sky, np.float32)[:, None]
    sky = np.asarray(cv2.resize(tones, (1, rows), interpolation=cv2.INTER_LINEAR))
    image = np.repeat(sky.astype(np.uint8), width, axis=1)
    glow = np.zeros((rows // 8 + 1, width // 8 + 1), np.float32)
    x = glow.shape[1] * (0.5 + 0.42 * light.sun)
    dx, dy = (
        np.arange(glow.shape[1])[None] - x,
        np.arange(glow.shape[0])[:, None] - glow.shape[0] * 0.7,
    )
    glow = np.exp(-np.hypot(dx, dy * 1.3) / (0.035 * width)).astype(np.float32)
    bright = cv2.resize(glow[:, :, None] * np.asarray(light.glow, np.float32), (width, rows))
    cv2.add(image, np.clip(bright * 1.5, 0, 255).astype(np.uint8), dst=image)
    clouds = np.zeros((rows, width, 4), np.uint8)
    unit = view.height_px / 10
    pen = Pen(clouds, np.asarray([[unit, 0, 0], [0, -unit, rows]]), light.sun)
    for _ in range(int(light.clouds * 11)):
        place = rng.uniform(0, width / unit), rng.uniform(0.6, max(rows / unit, 1.2))
        _cloud(pen, rng, place, rng.uniform(0.5, 1.1) * (0.4 + 0.16 * place[1]), light)
    blend(image, np.asarray(cv2.blur(clouds, (5, 5)), np.uint8))
    return image


def _cloud(
    pen: Pen, rng: np.random.Generator, place: tuple[float, float], size: float, light: Light
) -> None:
    tone = c.mix(light.sky[2], c.WHITE, 0.55)
    for k in range(int(rng.integers(5, 9))):
        u = rng.uniform(-1, 1)
        puff = size * rng.uniform(0.3, 0.55) * (1.15 - abs(u))
        center = place[0] + 1.5 * u * size, place[1] + puff * 0.6
        pen.fill(
            ellipse(center, puff * 1.25, puff * 0.8, corners=20), tone, 0.45, 0.5 if k else 0.8
        )
    base = ellipse((place[0], place[1] + 0.05 * size), 1.6 * size, 0.2 * size)
    pen.fill(base, c.darker(tone, 0.14), 0.3, 0.55)


def _tree_line(pen: Pen, rng: np.random.Generator, half: float, tall: float) -> None:
    """Rows of crowns, the nearer ones lower and darker."""
    base = c.pick("4f8a4a 5f9448 47805a 7a9a4a", rng)
    for row, (share, dark) in enumerate(((0.75, 0.1), (0.5, 0.22), (0.28, 0.38))):
        x = -half - 2
        while x < half + 2:
            r = tall * share * rng.uniform(0.32, 0.5)
            tone = c.darker(c.near(base, rng, 9), dark)
            y = tall * share * rng.uniform(0.55, 0.75) - r * 0.4
            outline = ellipse((x, max(y, 0.4)), r, r * rng.uniform(0.8, 1.1), corners=14)
            bumps = 1 + 0.06 * np.cos(3.0 * np.arange(len(outline)) + row)[:, None]
            bumpy: Points = (outline - (x, y)) * bumps + (x, y)
            pen.fill(smooth(bumpy, 3), tone, 1.0)
            x += r * rng.uniform(0.9, 1.4)
        low = tall * share * 0.45
        pen.fill(box(-half - 9, -0.2, half + 9, low), c.darker(base, dark + 0.12), 0)
