"""Patches: masks on the grid of a view, and how they get there, onwards, and back."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import ceil, floor

import cv2
import numpy as np
from numpy.typing import NDArray

from streamer.frame import Plane
from streamer.instances import covering_rects
from streamer.models.masks import crop_mask
from streamer.propagation.flow import Field, doubled, sample
from streamer.propagation.view import COARSE, FINE, Grid, Grids

Rect = tuple[int, int, int, int]
"""x1, y1, x2, y2 in cells, x2 and y2 excluded."""

INSIDE = 128
"""Coverage from which a cell is inside a mask."""

_SPARSE = 4
"""Of so many cells in a row one is asked how far it moved."""

_LARGE = 6000
"""Fine cells that a box covers from which its mask is carried on the coarse grid."""

_FARTHEST = 32
"""Coarse cells beyond which a step is taken for an error of the flow."""

_REACH = (9, 9)
"""Cells over which a mask is blurred to tell how near its edge is: it moves by half as much."""

_GAIN = 64.0
"""Levels of coverage for each unit of evidence, so that edges stay one or two cells wide."""

MARGIN = 8
"""Cells around a mask within which its edge may move in one step beside what the flow says."""


def _prior() -> NDArray[np.float32]:
    """f32[256]: log odds of being inside, by the share of inside around; beyond doubt at its ends.

    Evidence never reaches what is beyond doubt, so a mask changes near its edge only.
    """
    share = np.clip(np.arange(256) / 255, 0.01, 0.99)
    odds = np.log(share / (1 - share))
    odds[share <= 0.01], odds[share >= 0.99] = -1000, 1000
    return odds.astype(np.float32)


_PRIOR = _prior()


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


def enlarge(patch: Patch, box: NDArray[np.float32]) -> Plane:
    """The mask crop of a patch for a box f32[4] in frame pixels, as `Instances` holds it."""
    extent = [v * patch.grid.cell for v in patch.rect]
    rect = covering_rects(box[None])[0].tolist()
    return crop_mask(patch.soft.astype(np.float32) / np.float32(255), extent, rect)


def grown(rect: Rect, margin: int, grid: Grid) -> Rect:
    """A rectangle with a margin around it, within the grid."""
    x1, y1, x2, y2 = rect
    return (
        max(x1 - margin, 0),
        max(y1 - margin, 0),
        min(x2 + margin, grid.width),
        min(y2 + margin, grid.height),
    )


def moved(patch: Patch, flow: Field) -> Patch:
    """Carry a mask one step; it is empty where it has left.

    Args:
        patch: the mask.
        flow: f32[h, w, 2] of the whole coarse grid, from the later picture to the patch's.
    """
    bounds = patch.bounds
    if bounds is None:
        return patch
    there = grown(_destination(bounds, flow, patch.grid), MARGIN, patch.grid)
    if there[0] >= there[2] or there[1] >= there[3]:
        return Patch(0, 0, np.zeros((2, 2), np.uint8), patch.grid)
    part = _part(flow, there, patch.grid)
    soft = sample(patch.soft, part, there[0] - patch.x, there[1] - patch.y)
    return Patch(there[0], there[1], np.asarray(soft, np.uint8), patch.grid)


def _part(flow: Field, rect: Rect, grid: Grid) -> Field:
    """The flow within a rectangle of a grid, in its cells."""
    if grid.level == FINE:
        return doubled(flow, rect)
    x1, y1, x2, y2 = rect
    return flow[y1:y2, x1:x2]


def _destination(bounds: Rect, flow: Field, grid: Grid) -> Rect:
    """Where what is within bounds may lie now, by the flow of the coarse grid there."""
    x1, y1, x2, y2 = bounds
    n = 2 if grid.level == FINE else 1
    some = flow[y1 // n : -(-y2 // n) : _SPARSE, x1 // n : -(-x2 // n) : _SPARSE].reshape(-1, 2)
    left, up = (n * max(float(v), -_FARTHEST) for v in some.min(0))
    right, down = (n * min(float(v), _FARTHEST) for v in some.max(0))
    return floor(x1 - right), floor(y1 - down), ceil(x2 - left), ceil(y2 - up)


def window(patch: Patch, rect: Rect) -> Plane:
    """What a mask is within a rectangle, u8[h, w]."""
    x1, y1, x2, y2 = rect
    soft = np.zeros((y2 - y1, x2 - x1), np.uint8)
    a, b, c, d = patch.rect
    left, top, right, bottom = max(x1, a), max(y1, b), min(x2, c), min(y2, d)
    if left < right and top < bottom:
        soft[top - y1 : bottom - y1, left - x1 : right - x1] = patch.soft[
            top - b : bottom - b, left - a : right - a
        ]
    return soft


def refined(patch: Patch, evidence: NDArray[np.float32]) -> Patch:
    """Move a mask's edge to where the picture's colours say it is.

    Args:
        patch: a mask that was carried here.
        evidence: f32[h, w] of its cells, log of how many times likelier their colours are inside
            than outside.
    """
    near = cv2.blur(patch.soft, _REACH)
    prior = cv2.LUT(near, _PRIOR)
    likely = cv2.blur(evidence, (3, 3))
    soft = cv2.addWeighted(prior, _GAIN, likely, _GAIN, 127.5, dtype=cv2.CV_8U)
    return Patch(patch.x, patch.y, np.asarray(soft, np.uint8), patch.grid)


def mixed(patch: Patch, other: Patch, weight: float) -> Patch:
    """A mask mixed with another of the same picture, which counts 1 - ``weight``.

    Where they are of two grids, it stays as it is.
    """
    if patch.grid != other.grid:
        return patch
    x1, y1, x2, y2 = patch.rect
    a, b, c, d = other.rect
    left, top, right, bottom = max(x1, a), max(y1, b), min(x2, c), min(y2, d)
    if left >= right or top >= bottom:
        return patch
    soft = cv2.convertScaleAbs(patch.soft, alpha=weight)
    part = soft[top - y1 : bottom - y1, left - x1 : right - x1]
    there = other.soft[top - b : bottom - b, left - a : right - a]
    cv2.addWeighted(part, 1, there, 1 - weight, 0, dst=part)
    return Patch(patch.x, patch.y, np.asarray(soft, np.uint8), patch.grid)
