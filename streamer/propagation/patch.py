"""Patch: a mask on a grid of a view; how it gets there, back, and together with others."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from functools import reduce as fold

import cv2
import numpy as np
from numpy.typing import NDArray

from streamer.frame import Plane
from streamer.propagation.view import COARSE, FINE, Grid, Grids

Rect = tuple[int, int, int, int]
"""x1, y1, x2, y2 in cells, x2 and y2 excluded."""

INSIDE = 128
"""Coverage from which a cell is inside a mask."""

MARGIN = 11
"""Cells around a mask within which its edge may move in one step beside what the flow says."""

_LARGE = 20_000
"""Fine cells that a box covers from which its mask is carried on the coarse grid."""


@dataclass(frozen=True)
class Patch:
    """A mask on a grid.

    Attributes:
        x, y: cells to the left of it and above it.
        soft: u8[h, w], how much of each cell is covered.
        grid: of which the cells are.
    """

    x: int
    y: int
    soft: Plane
    grid: Grid

    @classmethod
    def nowhere(cls, grid: Grid) -> Patch:
        """The mask of what is out of sight."""
        return cls(0, 0, np.zeros((1, 1), np.uint8), grid)

    @property
    def rect(self) -> Rect:
        """The cells that `soft` covers."""
        return self.x, self.y, self.x + self.soft.shape[1], self.y + self.soft.shape[0]

    @cached_property
    def bounds(self) -> Rect | None:
        """The cells around all that is inside; None where nothing is."""
        x, y, width, height = cv2.boundingRect((self.soft >= INSIDE).view(np.uint8))
        if not width:
            return None
        return self.x + x, self.y + y, self.x + x + width, self.y + y + height

    @cached_property
    def area(self) -> float:
        """Cells covered."""
        return float(cv2.sumElems(self.soft)[0]) / 255


def reduce(mask: Plane, rect: NDArray[np.int32], grids: Grids) -> Patch:
    """A mask crop u8[h, w] that lies at ``rect`` of the frame, on the grid that suits it."""
    x1, y1, x2, y2 = (int(v) for v in rect)
    fine = (x2 - x1) * (y2 - y1) < _LARGE * grids[FINE].cell ** 2
    grid = grids[FINE if fine else COARSE]
    n = grid.cell
    left, top = min(x1 // n, grid.width - 1), min(y1 // n, grid.height - 1)
    right = min(max(-(-x2 // n), left + 1), grid.width)
    bottom = min(max(-(-y2 // n), top + 1), grid.height)
    canvas = np.zeros(((bottom - top) * n, (right - left) * n), np.uint8)
    inside = canvas[y1 - top * n :, x1 - left * n :][: mask.shape[0], : mask.shape[1]]
    inside[:] = mask[: inside.shape[0], : inside.shape[1]]
    x, y, *end = grown((left, top, right, bottom), MARGIN, grid)
    soft = np.zeros((end[1] - y, end[0] - x), np.uint8)
    soft[top - y : bottom - y, left - x : right - x] = cv2.resize(
        canvas, (right - left, bottom - top), interpolation=cv2.INTER_AREA
    )
    return Patch(x, y, soft, grid)


def enlarge(patch: Patch, size: tuple[int, int]) -> tuple[int, int, Plane] | None:
    """A mask in a frame of (width, height).

    Returns:
        Its left and top pixel, and u8[h, w] with what is inside at 255 and no rim of nothing; None
        where nothing is inside.
    """
    if patch.bounds is None:
        return None
    grid, n = patch.grid, patch.grid.cell
    x1, y1, x2, y2 = rect = grown(patch.bounds, 1, grid)
    large = cv2.resize(
        window(patch, rect, grid), ((x2 - x1) * n, (y2 - y1) * n), interpolation=cv2.INTER_LINEAR
    )
    _, mask = cv2.threshold(large, INSIDE - 1, 255, cv2.THRESH_BINARY)
    # The last cells of a row also stand for what sticks out behind them.
    right = max(size[0] - x2 * n, 0) if x2 == grid.width else 0
    below = max(size[1] - y2 * n, 0) if y2 == grid.height else 0
    if right or below:
        mask = cv2.copyMakeBorder(mask, 0, below, 0, right, cv2.BORDER_REPLICATE)
    left, top, width, height = cv2.boundingRect(mask[: size[1] - y1 * n, : size[0] - x1 * n])
    if not width:
        return None
    inside = mask[top : top + height, left : left + width]
    return x1 * n + left, y1 * n + top, np.asarray(inside, np.uint8)


def grown(rect: Rect, margin: int, grid: Grid) -> Rect:
    """A rectangle with a margin around it, within the grid."""
    x1, y1, x2, y2 = rect
    return (
        max(x1 - margin, 0),
        max(y1 - margin, 0),
        min(x2 + margin, grid.width),
        min(y2 + margin, grid.height),
    )


def common(a: Rect, b: Rect) -> Rect | None:
    """What is in both rectangles; None where nothing is."""
    x1, y1, x2, y2 = max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])
    return (x1, y1, x2, y2) if x1 < x2 and y1 < y2 else None


def around(a: Rect, b: Rect) -> Rect:
    """The smallest rectangle with both in it."""
    return min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])


def on_fine(rect: Rect, grid: Grid) -> Rect:
    """A rectangle of a grid in cells of the fine one."""
    if grid.level == FINE:
        return rect
    x1, y1, x2, y2 = rect
    return 2 * x1, 2 * y1, 2 * x2, 2 * y2


def from_fine(rect: Rect, grid: Grid) -> Rect:
    """The cells of a grid that cover a rectangle of the fine one."""
    if grid.level == FINE:
        return rect
    x1, y1, x2, y2 = rect
    return x1 // 2, y1 // 2, -(-x2 // 2), -(-y2 // 2)


def extent(*patches: Patch | None) -> Rect | None:
    """The fine cells around all that is inside some masks; None where nothing is."""
    rects = [
        on_fine(patch.bounds, patch.grid)
        for patch in patches
        if patch is not None and patch.bounds is not None
    ]
    return fold(around, rects) if rects else None


def window(patch: Patch, rect: Rect, grid: Grid) -> Plane:
    """What a mask is within a rectangle of the grid given, u8[h, w]."""
    x1, y1, x2, y2 = rect
    if patch.grid == grid:
        soft = np.zeros((y2 - y1, x2 - x1), np.uint8)
        if inside := common(rect, patch.rect):
            left, top, right, bottom = inside
            soft[top - y1 : bottom - y1, left - x1 : right - x1] = patch.soft[
                top - patch.y : bottom - patch.y, left - patch.x : right - patch.x
            ]
        return soft
    if grid.level == COARSE:
        soft = window(patch, on_fine(rect, grid), patch.grid)
        coarse = cv2.resize(soft, (x2 - x1, y2 - y1), interpolation=cv2.INTER_AREA)
        return np.asarray(coarse, np.uint8)
    left, top, right, bottom = small = from_fine(rect, patch.grid)
    soft = window(patch, small, patch.grid)
    size = 2 * (right - left), 2 * (bottom - top)
    large = cv2.resize(soft, size, interpolation=cv2.INTER_LINEAR)
    return np.asarray(large[y1 - 2 * top : y2 - 2 * top, x1 - 2 * left : x2 - 2 * left], np.uint8)


def united(patch: Patch, other: Patch | None) -> Patch:
    """What is in one of two masks or in both, on the grid of the first."""
    if other is None or other.bounds is None:
        return patch
    there = from_fine(on_fine(other.bounds, other.grid), patch.grid)
    rect = around(patch.bounds, there) if patch.bounds else there
    soft = cv2.max(window(patch, rect, patch.grid), window(other, rect, patch.grid))
    return Patch(rect[0], rect[1], np.asarray(soft, np.uint8), patch.grid)


def mixed(patch: Patch, other: Patch, weight: float) -> Patch:
    """A mask mixed with another of the same picture, which counts 1 - ``weight``.

    Where they are of two grids, or apart, it stays as it is.
    """
    if patch.grid != other.grid or common(patch.rect, other.rect) is None:
        return patch
    there = window(other, patch.rect, patch.grid)
    soft = cv2.addWeighted(patch.soft, weight, there, 1 - weight, 0)
    return Patch(patch.x, patch.y, np.asarray(soft, np.uint8), patch.grid)
