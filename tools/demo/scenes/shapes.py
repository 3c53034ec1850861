"""Outlines as points, f64[N, 2]: x to the right and y up, in any unit."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
Point = tuple[float, float]


@lru_cache(maxsize=32)
def _circle(corners: int) -> Points:
    angles = np.arange(corners) * (2 * np.pi / corners)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


@lru_cache(maxsize=8)
def _spline_weights(steps: int) -> NDArray[np.float64]:
    """Catmull-Rom weights f64[steps, 4] of the four points around a piece."""
    t = np.arange(steps) / steps
    return np.stack(
        [
            (-t + 2 * t**2 - t**3) / 2,
            (2 - 5 * t**2 + 3 * t**3) / 2,
            (t + 4 * t**2 - 3 * t**3) / 2,
            (-(t**2) + t**3) / 2,
        ],
        axis=1,
    )


@lru_cache(maxsize=64)
def _neighbours(count: int) -> NDArray[np.int64]:
    """For each corner of a closed curve, the one before it, itself and the two after it."""
    return (np.arange(count)[:, None] + (-1, 0, 1, 2)) % count


def points(*corners: Point) -> Points:
    """Corners as an array."""
    return np.asarray(corners, np.float64)


def ellipse(center: Point, rx: float, ry: float, angle: float = 0, corners: int = 28) -> Points:
    """An ellipse, turned counter-clockwise by an angle in radians."""
    outline = _circle(corners) * (rx, ry)
    if angle:
        outline = turned(outline, angle)
    placed: Points = outline + center
    return placed


def turned(outline: Points, angle: float) -> Points:
    """Turned about the origin, counter-clockwise, in radians."""
    cos, sin = np.cos(angle), np.sin(angle)
    rotated: Points = outline @ np.asarray([[cos, sin], [-sin, cos]])
    return rotated


def smooth(corners: Sequence[Point] | Points, steps: int = 6) -> Points:
    """A closed curve through all corners: a Catmull-Rom spline."""
    around = np.asarray(corners, np.float64)
    joined: Points = (_spline_weights(steps) @ around[_neighbours(len(around))]).reshape(-1, 2)
    return joined


def curve(corners: Sequence[Point] | Points, steps: int = 6) -> Points:
    """An open curve through all corners."""
    ends = np.asarray(corners, np.float64)
    around = np.concatenate([2 * ends[:1] - ends[1:2], ends, 2 * ends[-1:] - ends[-2:-1]])
    pieces = np.stack([around[:-3], around[1:-2], around[2:-1], around[3:]], axis=1)
    return np.concatenate([(_spline_weights(steps) @ pieces).reshape(-1, 2), ends[-1:]])


def limb(start: Point, end: Point, start_radius: float, end_radius: float) -> Points:
    """A tapered piece with round ends."""
    a, b = np.asarray(start), np.asarray(end)
    angle = np.arctan2(b[1] - a[1], b[0] - a[0])
    arc = np.linspace(-np.pi / 2, np.pi / 2, 7) + angle
    ball = np.stack([np.cos(arc), np.sin(arc)], axis=1)
    joined: Points = np.concatenate([b + ball * end_radius, a - ball * start_radius])
    return joined


def ribbon(line: Points, width: float | Points) -> Points:
    """A band along an open line; the width may change from point to point."""
    along = np.gradient(line, axis=0)
    along /= np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-9)[:, None]
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)
    half = np.broadcast_to(np.asarray(width, np.float64) / 2, len(line))[:, None]
    return np.concatenate([line + across * half, (line - across * half)[::-1]])


def box(left: float, bottom: float, right: float, top: float, radius: float = 0) -> Points:
    """A rectangle, with round corners if a radius is given."""
    corners = points((right, top), (left, top), (left, bottom), (right, bottom))
    if not radius:
        return corners
    radius = min(radius, (right - left) / 2, (top - bottom) / 2)
    arc = np.linspace(0, np.pi / 2, 5)
    inner = points(
        (right - radius, top - radius),
        (left + radius, top - radius),
        (left + radius, bottom + radius),
        (right - radius, bottom + radius),
    )
    return np.concatenate(
        [
            center
            + radius * np.stack([np.cos(arc + k * np.pi / 2), np.sin(arc + k * np.pi / 2)], 1)
            for k, center in enumerate(inner)
        ]
    )
