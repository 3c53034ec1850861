"""How a mask gets from one picture to the next: by flow, by its motion as a whole, by colours."""

from __future__ import annotations

from math import ceil, floor

import cv2
import numpy as np
from numpy.typing import NDArray

from streamer.propagation.flow import Field, Ways, sample
from streamer.propagation.patch import INSIDE, MARGIN, Patch, Rect, grown
from streamer.propagation.view import FINE, Grid

Motion = tuple[float, float]
"""Coarse cells to the right and down."""

_FARTHEST = 32
"""Coarse cells beyond which a step is taken for an error of the flow."""

_REACH = (21, 21)
"""Cells over which a mask is blurred to tell how near its edge is: it moves by half as much."""

_GAIN = 64.0
"""Levels of coverage for each unit of evidence, so that edges stay one or two cells wide."""

_COMPACT = 0.72
"""Part of its bounds that a mask of one piece fills, from which it is taken to stay in one."""

_CRUMB = 0.6
"""Of the largest piece's area, below which another is no part of a compact object."""

_ASKED = 150
"""Cells of an object, about, that are asked for its motion as a whole."""

_FEWEST = 5
"""Cells that are too few to tell that."""


def _prior() -> NDArray[np.float32]:
    """f32[256]: log odds of being inside, by the share of inside around; beyond doubt at its ends.

    Evidence never reaches what is beyond doubt, so a mask changes near its edge only.
    """
    share = np.clip(np.arange(256) / 255, 0.01, 0.99)
    odds = np.log(share / (1 - share))
    odds[share <= 0.01], odds[share >= 0.99] = -1000, 1000
    return odds.astype(np.float32)


_PRIOR = _prior()


def moved(patch: Patch, ways: Ways) -> Patch:
    """Carry a mask one step; it is empty where it has left.

    Args:
        patch: the mask.
        ways: from the later picture to the patch's.
    """
    bounds = patch.bounds
    if bounds is None:
        return patch
    there = grown(_destination(bounds, ways, patch.grid), MARGIN, patch.grid)
    x1, y1, x2, y2 = there
    if x1 >= x2 or y1 >= y2:
        return Patch.nowhere(patch.grid)
    way = ways.levels[patch.grid.level][y1:y2, x1:x2]
    return Patch(x1, y1, sample(patch.soft, way, x1 - patch.x, y1 - patch.y), patch.grid)


def _destination(bounds: Rect, ways: Ways, grid: Grid) -> Rect:
    """Where what is within bounds may lie now, by the flow there."""
    x1, y1, x2, y2 = bounds
    n = 2 if grid.level == FINE else 1
    left, right, up, down = (
        n * min(max(v, -_FARTHEST), _FARTHEST)
        for v in ways.extremes(x1 // n, y1 // n, -(-x2 // n), -(-y2 // n))
    )
    return floor(x1 - right), floor(y1 - down), ceil(x2 - left), ceil(y2 - up)


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


def shifted(patch: Patch, motion: Motion) -> Patch:
    """Carry a mask one step as a whole; it is empty where it has left."""
    bounds = patch.bounds
    if bounds is None:
        return patch
    n = 2 if patch.grid.level == FINE else 1
    x, y = n * motion[0], n * motion[1]
    left, top, right, bottom = bounds
    there = grown(
        (floor(left + x) - 1, floor(top + y) - 1, ceil(right + x) + 1, ceil(bottom + y) + 1),
        0,
        patch.grid,
    )
    if there[0] >= there[2] or there[1] >= there[3]:
        return Patch.nowhere(patch.grid)
    way = np.array([[1, 0, patch.x + x - there[0]], [0, 1, patch.y + y - there[1]]], np.float64)
    size = there[2] - there[0], there[3] - there[1]
    soft = cv2.warpAffine(patch.soft, way, size, flags=cv2.INTER_LINEAR)
    return Patch(there[0], there[1], np.asarray(soft, np.uint8), patch.grid)


def motion_of(patch: Patch, flow: Field) -> Motion | None:
    """How far most of a mask's cells have moved in a step; None where too few are to be seen.

    Args:
        patch: the mask in the later picture.
        flow: f32[h, w, 2] of the whole coarse grid, from the later picture to the earlier.
    """
    if patch.bounds is None:
        return None
    n = 2 if patch.grid.level == FINE else 1
    # Whole coarse cells only.
    left, top, right, bottom = patch.bounds
    x1, y1, x2, y2 = -(-left // n), -(-top // n), right // n, bottom // n
    stride = max(round((max(x2 - x1, 1) * max(y2 - y1, 1) / _ASKED) ** 0.5), 1)
    soft = patch.soft[n * y1 - patch.y :: n * stride, n * x1 - patch.x :: n * stride]
    ways = flow[y1 : y2 + 1 : stride, x1 : x2 + 1 : stride]
    rows, columns = min(len(soft), len(ways)), min(soft.shape[1], ways.shape[1])
    inside = ways[:rows, :columns][soft[:rows, :columns] >= INSIDE]
    if len(inside) < _FEWEST:
        return None
    # Half of numpy's median is spent before it sorts.
    inside.sort(axis=0)
    x, y = inside[len(inside) // 2].tolist()
    return -x, -y


def is_compact(patch: Patch) -> bool:
    """Whether a mask is in one piece and fills its bounds as a ball or a car does."""
    count, _, stats = _pieces(patch)
    if count != 1:
        return False
    _, _, width, height, area = stats[0].tolist()
    return bool(area >= _COMPACT * width * height)


def without_crumbs(patch: Patch) -> Patch:
    """The mask of a compact object without what it took along of others that it passed.

    A piece that is nearly as large as the largest stays: something may stand before the middle.
    """
    if patch.bounds is None:
        return patch
    x1, y1, x2, y2 = patch.bounds
    if patch.area >= _COMPACT * (x2 - x1) * (y2 - y1):
        return patch
    count, numbers, stats = _pieces(patch)
    if count < 2:
        return patch
    areas = stats[:, cv2.CC_STAT_AREA]
    crumbs = np.zeros(count + 1, np.uint8)
    crumbs[1:] = areas < _CRUMB * areas.max()
    # Together with their soft rims.
    rims = cv2.dilate(crumbs[numbers], np.ones((3, 3), np.uint8))
    soft = np.where((rims > 0) & ((numbers == 0) | (crumbs[numbers] > 0)), 0, patch.soft)
    return Patch(patch.x, patch.y, np.asarray(soft, np.uint8), patch.grid)


def _pieces(patch: Patch) -> tuple[int, NDArray[np.int32], NDArray[np.int32]]:
    """How many pieces a mask is in, the number from 1 of each cell's, and OpenCV's statistics."""
    inside = (patch.soft >= INSIDE).view(np.uint8)
    count, numbers, stats, _ = cv2.connectedComponentsWithStats(inside, connectivity=4)
    return count - 1, np.asarray(numbers, np.int32), np.asarray(stats[1:], np.int32)
