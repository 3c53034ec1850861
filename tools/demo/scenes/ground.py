"""Ground: bands of grass, paving, road and path, in perspective."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.demo.scenes import color as c
from tools.demo.scenes.camera import View
from tools.demo.scenes.color import BGR
from tools.demo.scenes.light import Light
from tools.demo.scenes.pen import Patch, Pen
from tools.demo.scenes.shapes import points
from tools.demo.scenes.textures import METRES, TILE, tile

_CONTRAST = {"grass": 0.6, "asphalt": 0.9, "paving": 0.8, "sand": 0.6}


@dataclass(frozen=True)
class Band:
    """A strip of ground across the picture, from a distance to a nearer one, in metres."""

    far: float
    near: float
    material: str
    color: BGR


@dataclass(frozen=True)
class Ground:
    """All of the ground.

    Attributes:
        bands: from far to near; the last reaches below the picture.
        path: X of a path's middle in the front and far away, and its width; None for none.
        crossing: X of a zebra crossing on the road; None for none.
        offset: where the textures begin, in metres.
    """

    bands: tuple[Band, ...]
    path: tuple[float, float, float] | None = None
    path_color: BGR = c.WHITE
    crossing: float | None = None
    offset: tuple[float, float] = (0.0, 0.0)

    @property
    def road(self) -> Band | None:
        """The band that cars drive on."""
        return next((band for band in self.bands if band.material == "asphalt"), None)

    def paint(self, picture: Patch, view: View, light: Light, margin: int) -> None:
        """Paint it into a picture BGR u8[H, W, 3] that shows `margin` columns more on each side."""
        for band in self.bands:
            first = max(int(np.floor(view.row(band.far))), 0)
            last = min(int(np.ceil(view.row(band.near))), len(picture))
            if last <= first:
                continue
            rows = picture[first:last]
            depth = _depths(view, first, last)
            haze = np.clip((depth - 10) / 130, 0, 0.55)[:, None]
            tone = np.asarray(band.color) * (1 - haze) + np.asarray(light.haze) * haze
            rows[:] = tone[:, None].astype(np.uint8)
            _texture(rows, band.material, depth, view, margin, self.offset)
        canvas = Pen(picture, np.asarray([[1.0, 0, margin], [0, 1, 0]]), 0)
        if self.path and (far := self.bands[0].far):
            self._paint_path(canvas, view, far)
        if self.road:
            self._paint_road(canvas, view, self.road)

    def _paint_path(self, pen: Pen, view: View, far: float) -> None:
        if not self.path:
            return
        x_near, x_far, width = self.path
        depth = 1 / np.linspace(1 / (0.7 * view.depth(view.height_px)), 1 / far, 24)
        share = (depth - depth[0]) / (depth[-1] - depth[0])
        middle = x_near + (x_far - x_near) * share + 1.2 * np.sin(3 * share) * (1 - share)
        left = [view.point(x - width / 2, 0, z) for x, z in zip(middle, depth, strict=True)]
        right = [view.point(x + width / 2, 0, z) for x, z in zip(middle, depth, strict=True)]
        outline = points(*left, *right[::-1])
        pen.fill(outline, self.path_color, 0.3, 0.85)
        for side in (points(*left), points(*right)):
            pen.line(side, 2, c.darker(self.path_color, 0.4), 0.35)

    def _paint_road(self, pen: Pen, view: View, road: Band) -> None:
        def strip(x1: float, x2: float, z1: float, z2: float, tone: BGR, opacity: float) -> None:
            corners = points(
                *(view.point(x, 0, z) for x, z in ((x1, z1), (x2, z1), (x2, z2), (x1, z2)))
            )
            pen.fill(corners, tone, 0, opacity)

        paint = c.rgb("#eee9da")
        middle = (road.far + road.near) / 2
        for edge, out in ((road.far, 0.22), (road.near, -0.22)):
            strip(-60, 60, edge, edge + out, c.rgb("#b9b3a6"), 0.9)
            strip(-60, 60, edge - out * 0.05, edge - out * 0.4, c.rgb("#3a3a3c"), 0.5)
        for x in np.arange(-30.0, 30.0, 3.2):
            strip(x, x + 1.6, middle - 0.07, middle + 0.07, paint, 0.75)
        if self.crossing is not None:
            for k in range(5):
                x = self.crossing + 0.95 * k
                strip(x, x + 0.5, road.near + 0.25, road.far - 0.25, paint, 0.8)


def _depths(view: View, first: int, last: int) -> NDArray[np.float64]:
    rows = np.arange(first, last) + 0.5 - view.horizon
    depths: NDArray[np.float64] = view.height * view.focal / np.maximum(rows, 0.5)
    return depths


def _texture(
    rows: Patch, material: str, depth: NDArray[np.float64], view: View, margin: int,
    offset: tuple[float, float],
) -> None:  # fmt: skip
    """Multiply rows by a tile laid on the ground."""
    dense = TILE / METRES
    columns = np.arange(rows.shape[1], dtype=np.float32) + np.float32(0.5 - margin - view.width / 2)
    metres = (depth / view.focal).astype(np.float32)[:, None]
    across = columns * (metres * np.float32(dense)) + np.float32(offset[0] * dense + 64 * TILE)
    along = np.empty_like(across)
    along[:] = ((offset[1] - depth) * dense % TILE)[:, None]
    texture = cv2.remap(tile(material), across, along, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    # Where many texels fall on a pixel their mean is flat.
    strength = _CONTRAST[material] * np.clip(1.6 / (metres * dense), 0.16, 1)
    change = texture.astype(np.float32) - 128
    change *= strength.astype(np.float32)
    factor = (change + 128).astype(np.uint8)
    cv2.multiply(rows, cv2.merge([factor, factor, factor]), dst=rows, scale=1 / 128)
