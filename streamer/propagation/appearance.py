"""Appearance: the colours of an object and of what is around it.

A mask that is only carried by flow smears: flow is smooth where motion is not, and errors add up.
Colours tell where the object's edge is in the picture at hand. They are counted where a result is
known, apart for parts of the object (head, shirt, shoes), as few colours are only its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from streamer.propagation.patch import Patch, Rect, grown, window
from streamer.propagation.view import COLORS, View

_ROWS, _COLUMNS = 6, 3
_PARTS = _ROWS * _COLUMNS
"""Parts that the box of an object is cut into."""

_AROUND = 24
"""Cells around the box of an object that count as its surroundings."""

_BACKING = 40.0
"""Cells for which the whole object's colours stand in each part's."""

_RAREST = np.array([[[3e-5]], [[1e-5]]], np.float32)
"""Share of cells outside and inside that any colour may have without having been seen. What is new
is more often something else than the object, or masks would spread over it."""

_CERTAIN = 7.0
"""Log of likelihoods beyond which no colour is trusted."""

_MEMORY = 0.6
"""Weight of earlier results' counts, at each new result."""


@dataclass(frozen=True, slots=True, eq=False)
class Appearance:
    """What an object looks like.

    Attributes:
        counts: f32[2, _PARTS, COLORS], cells outside and inside.
        table: f32[_PARTS * COLORS], log of how many times likelier a colour is inside.
    """

    counts: NDArray[np.float32]
    table: NDArray[np.float32]

    @classmethod
    def learn(
        cls, view: View, patch: Patch, earlier: Appearance | None = None
    ) -> Appearance | None:
        """Count the colours of a view by a mask; None where the mask is empty."""
        bounds = patch.bounds
        if bounds is None:
            return None
        rect = grown(bounds, _AROUND, patch.grid)
        soft = window(patch, rect, patch.grid)
        places = _index(view.colors[patch.grid.level], rect, bounds)
        counts = np.stack(
            [
                np.bincount(places[chosen], minlength=_PARTS * COLORS)
                for chosen in (soft < 16, soft > 200)
            ]
        ).astype(np.float32)
        counts = counts.reshape(2, _PARTS, COLORS)
        if earlier is not None:
            counts += _MEMORY * earlier.counts
        return cls(counts, _table(counts))

    def evidence(self, view: View, patch: Patch) -> NDArray[np.float32]:
        """f32[h, w] of a patch's cells: log of how many times likelier each is inside."""
        bounds = patch.bounds or patch.rect
        return np.take(self.table, _index(view.colors[patch.grid.level], patch.rect, bounds))


def _index(colors: NDArray[np.uint16], rect: Rect, bounds: Rect) -> NDArray[np.int32]:
    """Where in a table each cell of ``rect`` is looked up, for an object within ``bounds``."""
    x1, y1, x2, y2 = rect
    columns = _parts(x1, x2, bounds[0], bounds[2], _COLUMNS)
    rows = _parts(y1, y2, bounds[1], bounds[3], _ROWS) * _COLUMNS
    index = colors[y1:y2, x1:x2].astype(np.int32)
    index += columns * COLORS
    index += (rows * COLORS)[:, None]
    return index


def _parts(first: int, last: int, begin: int, end: int, count: int) -> NDArray[np.int32]:
    """The part that each cell from ``first`` to ``last`` is in; outer ones are in the outermost."""
    parts = (np.arange(first - begin, last - begin, dtype=np.int32) * count) // (end - begin)
    return np.clip(parts, 0, count - 1)


def _table(counts: NDArray[np.float32]) -> NDArray[np.float32]:
    whole = counts.sum(axis=1, keepdims=True)
    whole /= np.maximum(whole.sum(axis=2, keepdims=True), 1)
    grid = counts.reshape(2, _ROWS, _COLUMNS, COLORS)
    near = grid.copy()
    # A part's neighbours count half, as its border with them is arbitrary.
    near[:, 1:] += 0.5 * grid[:, :-1]
    near[:, :-1] += 0.5 * grid[:, 1:]
    near[:, :, 1:] += 0.5 * grid[:, :, :-1]
    near[:, :, :-1] += 0.5 * grid[:, :, 1:]
    parts = near.reshape(2, _PARTS, COLORS)
    total = parts.sum(axis=2, keepdims=True)
    shares = (parts + _BACKING * whole) / (total + _BACKING) + _RAREST
    logs = cv2.log(shares.reshape(2, -1))
    return np.asarray(np.clip(logs[1] - logs[0], -_CERTAIN, _CERTAIN), np.float32)
