"""Line charts with OpenCV, for the training report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from streamer.palette import RGB

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_INK, _FAINT, _PAPER = (60, 60, 60), (225, 225, 225), 255
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 170, 40, 45
_LINES = 5
_COLORS: tuple[RGB, ...] = (
    (31, 97, 180),
    (214, 96, 0),
    (20, 130, 60),
    (170, 30, 60),
    (110, 70, 170),
    (30, 30, 30),
)

Points = Sequence[tuple[float, float]]


def draw_chart(
    title: str,
    across: str,
    series: Mapping[str, Points],
    top: float,
    size: tuple[int, int] = (960, 420),
) -> NDArray[np.uint8]:
    """Draw lines, each with its name at its right end.

    Args:
        title: above the chart.
        across: name of the x axis.
        series: points (x, y) by name; x and y from 0 on.
        top: y at the upper edge; what is higher is drawn there.
        size: (width, height) in pixels.

    Returns:
        BGR u8[height, width, 3].
    """
    width, height = size
    canvas = np.full((height, width, 3), _PAPER, np.uint8)
    last = max((x for points in series.values() for x, _ in points), default=1.0) or 1.0
    frame = (_LEFT, _TOP, width - _RIGHT, height - _BOTTOM)
    _draw_axes(canvas, frame, last, top)
    _write(canvas, title, (_LEFT, 25), scale=0.55)
    _write(canvas, across, (frame[2] - 60, height - 8))
    ends: list[int] = []
    for (name, points), color in zip(series.items(), _COLORS, strict=False):
        if not points:
            continue
        places = [_place(frame, x / last, min(y / top, 1.0)) for x, y in points]
        line = np.array(places, np.int32).reshape(-1, 1, 2)
        cv2.polylines(canvas, [line], False, color[::-1], 2, cv2.LINE_AA)
        end = places[-1][1]
        while any(abs(end - other) < 17 for other in ends):
            end -= 17
        ends.append(end)
        _write(canvas, f"{name} {points[-1][1]:.3f}", (frame[2] + 8, end + 5), color=color)
    return canvas


def _draw_axes(
    canvas: NDArray[np.uint8], frame: tuple[int, int, int, int], last: float, top: float
) -> None:
    for number in range(_LINES + 1):
        share = number / _LINES
        x, y = _place(frame, share, share)
        cv2.line(canvas, (frame[0], y), (frame[2], y), _FAINT, 1)
        _write(canvas, f"{share * top:.2f}", (15, y + 5))
        _write(canvas, f"{share * last:.0f}", (x - 12, frame[3] + 20))
    cv2.rectangle(canvas, frame[:2], frame[2:], _INK, 1)


def _place(frame: tuple[int, int, int, int], across: float, up: float) -> tuple[int, int]:
    x1, y1, x2, y2 = frame
    return round(x1 + across * (x2 - x1)), round(y2 - up * (y2 - y1))


def _write(
    canvas: NDArray[np.uint8],
    text: str,
    place: tuple[int, int],
    *,
    scale: float = 0.45,
    color: RGB = _INK,
) -> None:
    cv2.putText(canvas, text, place, _FONT, scale, color[::-1], 1, cv2.LINE_AA)
