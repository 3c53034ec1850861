"""Masks of detected objects, from the small grids of probabilities in which models give them."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

_INSIDE = 0.5


def crop_mask(
    probabilities: NDArray[np.float32], extent: Sequence[float], rect: Sequence[int]
) -> NDArray[np.uint8]:
    """The part of a mask that covers a rectangle of the frame.

    Args:
        probabilities: f32[h, w], 0..1, whose cells tile ``extent``; only what is needed is read.
        extent: x1 y1 x2 y2 in frame pixels, of any fraction and also beyond the frame.
        rect: x1 y1 x2 y2 in whole frame pixels, x2 and y2 excluded.

    Returns:
        u8[y2 - y1, x2 - x1] of ``rect``: 255 where the probability, interpolated linearly between
        the centres of cells and continued beyond the outer ones, is above one half at a pixel's
        centre; else 0.
    """
    x1, y1, x2, y2 = rect
    size = (x2 - x1, y2 - y1)
    cells = probabilities.shape[1], probabilities.shape[0]
    spans = extent[2] - extent[0], extent[3] - extent[1]
    # Cells are put in line with the rectangle first, where there are few of them, and scaled up
    # then: an affine warp straight to a large rectangle costs six times as much, and a resize alone
    # misses by up to a pixel.
    grid = [
        min(side, max(round(side * count / span), 1))
        for side, count, span in zip(size, cells, spans, strict=True)
    ]
    matrix = np.zeros((2, 3))
    for axis in (0, 1):
        step = size[axis] / grid[axis]
        density = cells[axis] / spans[axis]
        matrix[axis, axis] = step * density
        matrix[axis, 2] = (rect[axis] + step / 2 - extent[axis]) * density - 0.5
    aligned = cv2.warpAffine(
        probabilities,
        matrix,
        grid,
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    if aligned.shape != size[::-1]:
        aligned = cv2.resize(aligned, size, interpolation=cv2.INTER_LINEAR)
    mask = (aligned > _INSIDE).view(np.uint8)
    mask *= 255
    return mask
