"""Lettering: the labels of instances, as small anti-aliased pictures, and where they find room.

A label is as tall as two capital letters, on even pixels in both directions: each of its chroma
samples then belongs to it alone, and it is laid on a frame by copying.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from streamer.frame import Plane

_FONT = cv2.FONT_HERSHEY_DUPLEX
# OpenCV 5 draws TrueType under this name, in a weight that 1 makes semi-bold; OpenCV 4 draws
# strokes, which are this thick.
_THICKNESS = 1 if hasattr(cv2, "FontFace") else 6
_SCALE = 3.0
"""Text is drawn this large once and scaled down, which smooths it alike in both."""


class Rect(NamedTuple):
    """Whole pixels, x2 and y2 excluded."""

    x1: int
    y1: int
    x2: int
    y2: int

    @property
    def area(self) -> int:
        """Pixels inside."""
        return (self.x2 - self.x1) * (self.y2 - self.y1)


def render(words: Sequence[str], capital: int) -> Plane:
    """Words side by side with room around them, 0 background to 255 text.

    Args:
        words: each is rendered once and kept, so cut off what changes from frame to frame.
        capital: height of a capital letter in pixels, even.

    Returns:
        u8[2 * capital, an even width].
    """
    gap = capital // 2
    parts = [_render_word(word, capital) for word in words]
    width = sum(part.shape[1] + gap for part in parts) + gap
    text = np.zeros((2 * capital, _even_up(width)), np.uint8)
    start = gap
    for part in parts:
        text[:, start : start + part.shape[1]] = part
        start += part.shape[1] + gap
    return text


def find_room(
    size: tuple[int, int], box: Rect, picture: tuple[int, int], taken: NDArray[np.int_]
) -> Rect:
    """Where to put a label of an instance: in the picture, on even pixels.

    Tried in this order: above the box, inside it at the top, below it, inside it at the bottom,
    each at the left, then at the right, and moved into the picture. The first that hides nothing
    is taken, or else the one that hides least.

    Args:
        size: (width, height) of the label, even.
        box: the instance's.
        picture: (width, height).
        taken: int[N, 4], rectangles that should not be hidden; empty ones are ignored.
    """
    width, height = size
    places = []
    for top in (_even_up(box.y1) - height, box.y1, _even_up(box.y2), box.y2 - height):
        y = _even_within(top, picture[1] - height)
        for left in (box.x1, box.x2 - width):
            x = _even_within(left, picture[0] - width)
            places.append(Rect(x, y, x + width, y + height))
    return places[int(np.argmin(_hidden(np.array(places), taken)))]


def _hidden(places: NDArray[np.int_], taken: NDArray[np.int_]) -> NDArray[np.int_]:
    """Pixels of ``taken`` int[M, 4] that each of ``places`` int[N, 4] would lie on, int[N]."""
    first = np.maximum(places[:, None, :2], taken[:, :2])
    last = np.minimum(places[:, None, 2:], taken[:, 2:])
    sides = np.maximum(last - first, 0)
    return np.asarray((sides[..., 0] * sides[..., 1]).sum(axis=1))


def _even_within(position: int, last: int) -> int:
    return max(min(position, last), 0) // 2 * 2


def _even_up(position: int) -> int:
    return (position + 1) // 2 * 2


@lru_cache(maxsize=512)
def _render_word(word: str, capital: int) -> Plane:
    """The word u8[2 * capital, width], its capitals in the middle rows."""
    top, bottom = _capital_rows()
    factor = capital / (bottom - top)
    margin = (bottom - top) // 2
    ink = _draw_large(word)[top - margin : bottom + margin]
    columns = np.flatnonzero(ink.any(axis=0))
    if not len(columns):
        return np.zeros((2 * capital, 0), np.uint8)
    ink = ink[:, columns[0] : columns[-1] + 1]
    size = (max(round(ink.shape[1] * factor), 1), 2 * capital)
    return np.asarray(cv2.resize(ink, size, interpolation=cv2.INTER_AREA), np.uint8)


@lru_cache(maxsize=1)
def _capital_rows() -> tuple[int, int]:
    rows = np.flatnonzero(_draw_large("H").any(axis=1))
    return int(rows[0]), int(rows[-1]) + 1


def _draw_large(word: str) -> Plane:
    # A lone surrogate, which is no character, would crash OpenCV's own decoder.
    word = word.encode("utf-8", "replace").decode("utf-8").replace("\n", " ")
    (width, height), _ = cv2.getTextSize(word, _FONT, _SCALE, _THICKNESS)
    side = 40
    canvas = np.zeros((3 * max(height, 40) + 100, width + 2 * side), np.uint8)
    cv2.putText(canvas, word, (side, 150), _FONT, _SCALE, 255, _THICKNESS, cv2.LINE_AA)
    return canvas
