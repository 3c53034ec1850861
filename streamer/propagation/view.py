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

    A whole number of pixels a cell makes averages over them exact, and two to five times as fast
    as others.
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
        luma = _reduced(frame.y[:height, :width], fine, cv2.INTER_AREA)
        # Half an odd cell is no whole number of samples, where averages over areas are slow.
        way = cv2.INTER_LINEAR if fine.cell % 2 else cv2.INTER_AREA
        halves = np.s_[: (height + 1) // 2, : (width + 1) // 2]
        planes = luma, _reduced(frame.u[halves], fine, way), _reduced(frame.v[halves], fine, way)
        small = [_reduced(plane, coarse, cv2.INTER_AREA) for plane in planes]
        return cls(small[0], (_colors(*small), _colors(*planes)))


def _reduced(plane: Plane, grid: Grid, way: int) -> Plane:
    return np.asarray(cv2.resize(plane, (grid.width, grid.height), interpolation=way), np.uint8)


def _colors(luma: Plane, cb: Plane, cr: Plane) -> NDArray[np.uint16]:
    colors = cv2.add(cv2.LUT(luma, _LUMA_LEVELS), cv2.LUT(cb, _CHROMA_LEVELS << 4))
    return np.asarray(cv2.add(colors, cv2.LUT(cr, _CHROMA_LEVELS)), np.uint16)
