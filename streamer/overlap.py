"""How far boxes and masks overlap: intersection over union."""

from __future__ import annotations

from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from streamer.instances import Instances

Real = TypeVar("Real", np.float32, np.float64)


def box_iou(a: NDArray[Real], b: NDArray[Real]) -> NDArray[Real]:
    """IoU [N, M] of boxes [N, 4] and [M, 4], x1 y1 x2 y2; 0 where both are empty."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    overlap = np.maximum(high - low, 0)
    shared = overlap[..., 0] * overlap[..., 1]
    ours, theirs = ((x[:, 2] - x[:, 0]) * (x[:, 3] - x[:, 1]) for x in (a, b))
    iou: NDArray[Real] = shared / np.maximum(
        ours[:, None] + theirs[None] - shared, a.dtype.type(1e-9)
    )
    return iou


def mask_iou(a: Instances, i: int, b: Instances, j: int) -> float:
    """IoU of mask ``i`` of ``a`` and mask ``j`` of ``b``, of one picture; 1 if both are empty."""
    (ax1, ay1, ax2, ay2), (bx1, by1, bx2, by2) = a.rects[i].tolist(), b.rects[j].tolist()
    x1, y1, x2, y2 = max(ax1, bx1), max(ay1, by1), min(ax2, bx2), min(ay2, by2)
    both = 0
    if x1 < x2 and y1 < y2:
        first = a.masks[i][y1 - ay1 : y2 - ay1, x1 - ax1 : x2 - ax1]
        second = b.masks[j][y1 - by1 : y2 - by1, x1 - bx1 : x2 - bx1]
        both = cv2.countNonZero(cv2.bitwise_and(first, second))
    either = sum(cv2.countNonZero(m) for m in (a.masks[i], b.masks[j]) if m.size) - both
    return both / either if either else 1.0
