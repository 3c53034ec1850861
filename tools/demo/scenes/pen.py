"""Pen: draws outlines, with light and shade, into a patch of a picture.

A patch is BGRA with premultiplied alpha. A figure is drawn in metres from the point where it
touches the ground, x to the right and y up.
"""

from __future__ import annotations

from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.demo.scenes.color import BGR, darker, lighter
from tools.demo.scenes.shapes import Point, Points, ellipse, limb, ribbon

Patch = NDArray[np.uint8]

_SHIFT = 4
"""Fractional bits of the coordinates that OpenCV draws at."""

_SMALL = 160
"""Pixels of a region that is too small for its shade to be seen."""

_LARGEST = 30_000.0
"""OpenCV draws wrongly where a coordinate in pixels does not fit 16 bits."""


class Pen:
    """Draws into one patch.

    Attributes:
        patch: u8[rows, columns, 4], or an opaque picture u8[rows, columns, 3]; changed in place.
        cover: u8[rows, columns] of what belongs to the object though one sees through it, such as
            the disc of a wheel between its spokes; None until there is such a thing.
    """

    def __init__(self, patch: Patch, matrix: NDArray[np.float64], sun: float) -> None:
        """Draw into ``patch``.

        Args:
            patch: BGRA or BGR.
            matrix: f64[2, 3] from metres to patch pixels.
            sun: -1 where the light comes from the left, 1 from the right, 0 from above.
        """
        self.patch = patch
        self.cover: Patch | None = None
        self._matrix = matrix
        self._sun = sun
        self._root: Pen = self

    @property
    def sun(self) -> float:
        """-1 where the light comes from the left, 1 from the right, 0 from above."""
        return self._sun

    @property
    def pixel(self) -> float:
        """Size of a patch pixel in this pen's unit."""
        return float(1 / np.sqrt(abs(np.linalg.det(self._matrix[:, :2]))))

    def to_pixel(self, x: float, y: float) -> tuple[int, int]:
        """Column and row of a point in the patch."""
        column, row = self._matrix @ (x, y, 1)
        return round(float(column)), round(float(row))

    def moved(
        self, dx: float = 0, dy: float = 0, angle: float = 0, scale: float = 1, mirror: bool = False
    ) -> Pen:
        """A pen for the same patch whose origin is elsewhere, turned, scaled or mirrored."""
        cos, sin = np.cos(angle) * scale, np.sin(angle) * scale
        flip = -1 if mirror else 1
        inner = np.asarray([[cos * flip, -sin, dx], [sin * flip, cos, dy], [0, 0, 1]])
        other = Pen(self.patch, self._matrix @ inner, self._sun)
        other._root = self._root
        return other

    def fill(
        self,
        outline: Points,
        color: BGR,
        shade: float = 1,
        opacity: float = 1,
        clip: Points | None = None,
    ) -> Self:
        """Fill an outline.

        Args:
            outline: f64[N, 2].
            color: of the outline's middle.
            shade: how much lighter it is towards the sun and darker away from it, 0 to 1 or more.
            opacity: 0 to 1.
            clip: draw only inside this outline.
        """
        corners = self._fixed(outline)
        left, top, wide, tall = cv2.boundingRect(corners)
        x, y = max((left >> _SHIFT) - 1, 0), max((top >> _SHIFT) - 1, 0)
        right, bottom = ((left + wide) >> _SHIFT) + 3, ((top + tall) >> _SHIFT) + 3
        region = self.patch[y : max(bottom, 0), x : max(right, 0)]
        if not region.size:
            return self
        top_left = (x << _SHIFT, y << _SHIFT)
        plain = opacity == 1 and clip is None
        if plain and (not shade or region.shape[0] * region.shape[1] < _SMALL):
            _fill(region, corners - top_left, (*color, 255))
            return self
        level = 255 * opacity
        share = np.zeros_like(region)
        _fill(share, corners - top_left, (level, level, level, level))
        if clip is not None:
            window = np.zeros_like(region)
            _fill(window, self._fixed(clip) - top_left, (255, 255, 255, 255))
            cv2.multiply(share, window, dst=share, scale=1 / 255)
        paint = self._paint(color, shade, region.shape)
        cv2.multiply(paint, share, dst=paint, scale=1 / 255)
        cv2.bitwise_not(share, dst=share)
        cv2.multiply(region, share, dst=region, scale=1 / 255)
        cv2.add(region, paint, dst=region)
        return self

    def claim(self, outline: Points) -> None:
        """Count everything inside an outline as the object, whatever can be seen through it."""
        root = self._root
        if root.cover is None:
            root.cover = np.zeros(self.patch.shape[:2], np.uint8)
        _fill(root.cover, self._fixed(outline), (255,))

    def disc(self, center: Point, radius: float, color: BGR, shade: float = 1) -> None:
        """Fill a circle."""
        self.fill(ellipse(center, radius, radius, corners=32), color, shade)

    def limb(
        self, start: Point, end: Point, radii: tuple[float, float], color: BGR, shade: float = 1
    ) -> None:
        """Fill a tapered piece with round ends."""
        self.fill(limb(start, end, *radii), color, shade)

    def line(self, along: Points, width: float, color: BGR, opacity: float = 1) -> None:
        """Draw an open line; it is at least a patch pixel wide, so that it does not fall apart."""
        self.fill(ribbon(along, max(width, self.pixel)), color, 0, opacity)

    def _fixed(self, outline: Points) -> NDArray[np.int32]:
        pixels = outline @ self._matrix[:, :2].T + (self._matrix[:, 2] - 0.5)
        np.minimum(np.maximum(pixels, -_LARGEST, out=pixels), _LARGEST, out=pixels)
        return np.rint(pixels * (1 << _SHIFT)).astype(np.int32)

    def _paint(self, color: BGR, shade: float, shape: tuple[int, ...]) -> Patch:
        """BGR or BGRA u8[shape], lit from the upper left or right."""
        if not shade:
            return np.full(shape, (*color, 255)[: shape[2]], np.uint8)
        corners = np.empty((2, 2, shape[2]), np.uint8)
        for row, high in enumerate((1, -1)):
            for column, right in enumerate((-1, 1)):
                light = shade * (0.55 * high + 0.6 * right * self._sun)
                tone = lighter(color, 0.3 * light) if light > 0 else darker(color, -0.48 * light)
                corners[row, column] = (*tone, 255)[: shape[2]]
        return np.asarray(
            cv2.resize(corners, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR), np.uint8
        )


def _fill(image: Patch, corners: NDArray[np.int32], color: tuple[float, ...]) -> None:
    cv2.fillPoly(image, [corners], color, cv2.LINE_AA, _SHIFT)
