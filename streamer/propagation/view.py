"""View: what carrying masks needs to see of a picture, in two sizes.

The coarse one, about 320x180, is for the flow of the picture and for large objects, whose edges
follow their colours better where noise is averaged away. Small objects need the fine one, twice as
wide and tall, and have few cells there too.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import cv2
import numpy as np
from numpy.typing import NDArray

from streamer.frame import Frame, Plane

COLORS = 8 * 16 * 16
"""How many colours a view tells apart: levels of luma, of Cb and of Cr."""

COARSE, FINE = 0, 1
"""Levels of a view."""

_CELLS = 260_000
"""Cells of the fine level, about: 640x360 for the usual sizes."""

_CHROMA_STEP = 6
"""Chroma of real pictures keeps near its middle, so its 16 levels are narrow and end at +-48."""

_LUMA_LEVELS = (np.arange(256) >> 5 << 8).astype(np.uint16)
_CHROMA_LEVELS = np.clip((np.arange(256) - 128) // _CHROMA_STEP + 8, 0, 15).astype(np.uint16)


@dataclass(frozen=True, slots=True)
class Grid:
    """Square cells of whole pixels that tile a picture; what sticks out at the end is left out.

    Attributes:
        level: `COARSE` or `FINE`; a coarse cell is two fine ones wide and tall.
        cell: pixels that a cell is wide and tall.
        width: cells in a row.
        height: rows of cells.
    """

    level: int
    cell: int
    width: int
    height: int


Grids = tuple[Grid, Grid]
"""The coarse and the fine grid of pictures of one size."""


def grids_of(width: int, height: int) -> Grids:
    """The grids for pictures of that size.

    A whole number of pixels a cell makes averages over them two to five times as fast as others.
    """
    cell = max(round(sqrt(width * height / _CELLS)), 1)
    columns, rows = max(width // (2 * cell), 1), max(height // (2 * cell), 1)
    return Grid(COARSE, 2 * cell, columns, rows), Grid(FINE, cell, 2 * columns, 2 * rows)


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A picture, reduced.

    Attributes:
        luma: u8[height, width] of the coarse grid.
        colors: u16[height, width] of each grid: the number of each cell's colour, below `COLORS`.
    """

    luma: Plane
    colors: tuple[NDArray[np.uint16], NDArray[np.uint16]]

    @classmethod
    def of(cls, frame: Frame, grids: Grids) -> View:
        """Reduce a picture."""
        coarse, fine = grids
        height, width = fine.cell * fine.height, fine.cell * fine.width
        halves = np.s_[: (height + 1) // 2, : (width + 1) // 2]
        planes = [
            _reduced(plane, fine)
            for plane in (frame.y[:height, :width], frame.u[halves], frame.v[halves])
        ]
        small = [_reduced(plane, coarse) for plane in planes]
        return cls(small[0], (_colors(*small), _colors(*planes)))


def _reduced(plane: Plane, grid: Grid) -> Plane:
    """Averages over the cells of a grid.

    Halves are taken first, which costs a quarter of averages over three by three pixels; what is
    left is less than half, where lines between pixels are averages as well.
    """
    while plane.shape[0] >= 2 * grid.height and not (plane.shape[0] | plane.shape[1]) % 2:
        size = plane.shape[1] // 2, plane.shape[0] // 2
        plane = np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.uint8)
    if plane.shape == (grid.height, grid.width):
        return plane
    # Where halving had to end early, lines would pass over pixels.
    far = plane.shape[0] > 2 * grid.height
    way = cv2.INTER_AREA if far else cv2.INTER_LINEAR
    size = grid.width, grid.height
    return np.asarray(cv2.resize(plane, size, interpolation=way), np.uint8)


def _colors(luma: Plane, cb: Plane, cr: Plane) -> NDArray[np.uint16]:
    colors = cv2.add(cv2.LUT(luma, _LUMA_LEVELS), cv2.LUT(cb, _CHROMA_LEVELS << 4))
    return np.asarray(cv2.add(colors, cv2.LUT(cr, _CHROMA_LEVELS)), np.uint16)
