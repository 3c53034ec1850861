"""Dense optical flow between two views, and what tells a scene cut.

Source: T. Kroeger et al., "Fast Optical Flow using Dense Inverse Search" (2016), by OpenCV.
"""

from __future__ import annotations

from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from streamer.frame import Plane

Field = NDArray[np.float32]
"""f32[h, w, 2]: how far from each cell of a picture what it shows lies in another, in cells to the
right and down."""

Pixels = TypeVar("Pixels", Plane, Field)

_FINEST, _STRIDE, _ITERATIONS = 1, 6, 8
"""Of the estimator: down to half the view's size, patches of 8 cells there 6 apart, 8 rounds each.
It costs a third more than OpenCV's fastest preset, which stops at a quarter of the size."""

_SPARSE = 4
"""Of so many cells in a row one is asked how far a region has moved."""

_SAME_SCENE = 0.6
"""Correlation of a picture with the one before, moved by the flow, from which they are of one
scene. Seen within four clips: 0.75 and more; between them: 0.44 and less."""

_BLURRED = 8
"""Cells a side over which pictures are averaged before they are compared."""


class FlowEstimator:
    """Estimates flow; keeps the estimator's buffers."""

    def __init__(self) -> None:
        self._dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
        self._dis.setFinestScale(_FINEST)
        self._dis.setPatchStride(_STRIDE)
        self._dis.setGradientDescentIterations(_ITERATIONS)
        self._least = self._dis.getPatchSize() << _FINEST

    def __call__(self, picture: Plane, other: Plane) -> Field:
        """From each cell of ``picture`` to what it shows in ``other``, both u8[h, w]."""
        if min(picture.shape) < self._least:
            return np.zeros((*picture.shape, 2), np.float32)
        return np.asarray(self._dis.calc(picture, other, None), np.float32)  # type: ignore[call-overload]


class Ways:
    """A flow as masks need it.

    Attributes:
        levels: it on the coarse grid and on the fine one, each in its own cells.
    """

    def __init__(self, flow: Field) -> None:
        self.levels = flow, doubled(flow)
        sparse = flow[::_SPARSE, ::_SPARSE]
        self._x, self._y = (
            np.ascontiguousarray(sparse[..., 0]),
            np.ascontiguousarray(sparse[..., 1]),
        )

    def extremes(self, x1: int, y1: int, x2: int, y2: int) -> tuple[float, float, float, float]:
        """The least and the most to the right, then down, about a rectangle of coarse cells."""
        part = np.s_[y1 // _SPARSE : -(-y2 // _SPARSE), x1 // _SPARSE : -(-x2 // _SPARSE)]
        (left, right, *_), (up, down, *_) = (
            cv2.minMaxLoc(self._x[part]),
            cv2.minMaxLoc(self._y[part]),
        )
        return left, right, up, down


def compose(later: Field, earlier: Field) -> Field:
    """From a picture through the one before to the one before that."""
    return np.asarray(later + sample(earlier, later), np.float32)


def sample(image: Pixels, flow: Field, left: int = 0, top: int = 0) -> Pixels:
    """What an image shows where the flow leads from each cell.

    Args:
        image: [H, W] or [H, W, 2]; its border is continued outwards.
        flow: f32[h, w, 2].
        left: column of ``image`` at which the flow's first column lies.
        top: row of ``image`` at which the flow's first row lies.
    """
    way = cv2.add(flow, (left, top, 0, 0)) if left or top else flow  # type: ignore[call-overload]
    how = cv2.INTER_LINEAR | cv2.WARP_RELATIVE_MAP
    found = cv2.remap(image, way, None, how, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[call-overload]
    return np.asarray(found, image.dtype)


def doubled(flow: Field) -> Field:
    """A flow on a grid twice as fine, in cells of that."""
    size = 2 * flow.shape[1], 2 * flow.shape[0]
    # OpenCV's sums of small arrays cost a tenth of numpy's.
    twice = cv2.add(flow, flow)
    return np.asarray(cv2.resize(twice, size, interpolation=cv2.INTER_LINEAR), np.float32)


def is_cut(now: Plane, before: Plane, flow: Field) -> bool:
    """Whether two pictures u8[h, w] are of two scenes, so that the flow between means nothing."""
    size = max(now.shape[1] // _BLURRED, 1), max(now.shape[0] // _BLURRED, 1)
    a, b = (
        np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
        for image in (now, before)
    )
    way = np.asarray(cv2.resize(flow, size, interpolation=cv2.INTER_NEAREST), np.float32)
    scale = np.array([size[0] / now.shape[1], size[1] / now.shape[0]], np.float32)
    return _correlation(a, sample(b, way * scale)) < _SAME_SCENE


def _correlation(a: Plane, b: Plane) -> float:
    """Pearson's; near 1 where both are flat, as all that could tell them apart is their level."""
    x, y = a - np.float32(a.mean()), b - np.float32(b.mean())
    power = float((x * x).sum()) * float((y * y).sum())
    noise = float(a.size)
    return (float((x * y).sum()) + noise) / (float(np.sqrt(power)) + noise)
