"""Sight: an object where it was seen or is expected, and how far two of them agree."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from streamer.frame import Plane
from streamer.instances import Box, Instances
from streamer.overlap import box_iou

Boxes = NDArray[np.float64]
"""f64[N, 4], x1 y1 x2 y2."""

Point = tuple[float, float]
"""x and y, in pixels."""

_GROWN = 0.6
"""Boxes count as this part of their size larger on each side, so that what is small and fast is
near itself though it no longer overlaps itself."""

_TOUCHING = 0.1
"""IoU of boxes below which their masks are not compared: they can hardly share more."""


class Sight:
    """An object at a place.

    Attributes:
        box: f64[4], x1 y1 x2 y2 in pixels; it may reach out of the frame.
        center: of the box.
        size: width and height of the box.
        mask: u8[h, w], 0 or 255.
        area: pixels in the mask.
    """

    __slots__ = ("_left", "_top", "area", "box", "center", "mask", "size")

    def __init__(
        self, box: NDArray[np.float64], left: int, top: int, mask: Plane, area: int
    ) -> None:
        """Take a mask whose first column and row lie at the pixel (left, top)."""
        self.box, self.mask, self.area = box, mask, area
        x1, y1, x2, y2 = box.tolist()
        self.center: Point = (x1 + x2) / 2, (y1 + y2) / 2
        self.size: Point = x2 - x1, y2 - y1
        self._left, self._top = left, top

    def moved(self, x: float, y: float) -> Sight:
        """The same, so many pixels farther to the right and down."""
        return Sight(
            self.box + np.array((x, y, x, y)),
            self._left + round(x),
            self._top + round(y),
            self.mask,
            self.area,
        )

    def shared(self, other: Sight) -> int:
        """Pixels that are in both masks."""
        left, top, ours, theirs = self._left, self._top, self.mask, other.mask
        # Where the other's mask begins in this one's crop.
        x, y = other._left - left, other._top - top
        height, width = theirs.shape
        ours = ours[max(y, 0) : max(y + height, 0), max(x, 0) : max(x + width, 0)]
        height, width = ours.shape
        if not ours.size:
            return 0
        x, y = max(-x, 0), max(-y, 0)
        return cv2.countNonZero(cv2.bitwise_and(ours, theirs[y : y + height, x : x + width]))

    def mask_iou(self, other: Sight) -> float:
        """Intersection over union of the masks; 0 where both are empty."""
        shared = self.shared(other)
        return shared / max(self.area + other.area - shared, 1)


def sights(instances: Instances) -> list[Sight]:
    """Where each instance is."""
    return [
        Sight(box, left, top, mask, cv2.countNonZero(mask) if mask.size else 0)
        for box, (left, top, *_), mask in zip(
            instances.boxes.astype(np.float64),
            instances.rects.tolist(),
            instances.masks,
            strict=True,
        )
    ]


def agreement(expected: Sequence[Sight], seen: Sequence[Sight]) -> NDArray[np.float64]:
    """How far each expected sight agrees with each that was seen, f64[N, M], 0..1.

    Half is the IoU of the masks, which tells apart objects whose boxes overlap; half that of grown
    boxes, which is there also for what has moved farther than its own size.
    """
    if not expected or not seen:
        return np.zeros((len(expected), len(seen)))
    ours, theirs = (np.stack([sight.box for sight in side]) for side in (expected, seen))
    masks = np.zeros((len(expected), len(seen)))
    for row, column in np.argwhere(box_iou(ours, theirs) > _TOUCHING).tolist():
        masks[row, column] = expected[row].mask_iou(seen[column])
    return (masks + box_iou(_grown(ours), _grown(theirs))) / 2


def contained(sights: Sequence[Sight], box: Box) -> NDArray[np.float64]:
    """What part of each sight's box lies within another or its size of it, f64[N], 0..1."""
    boxes, around = np.stack([sight.box for sight in sights]), _grown(box[None], 1)
    low, high = np.maximum(boxes[:, :2], around[:, :2]), np.minimum(boxes[:, 2:], around[:, 2:])
    shared = np.maximum(high - low, 0).prod(axis=1)
    return np.asarray(shared / np.maximum((boxes[:, 2:] - boxes[:, :2]).prod(axis=1), 1e-9))


def _grown(boxes: Boxes, share: float = _GROWN) -> Boxes:
    margin = (boxes[:, 2:] - boxes[:, :2]) * share
    return np.concatenate([boxes[:, :2] - margin, boxes[:, 2:] + margin], axis=1)
