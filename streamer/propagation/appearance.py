"""Appearance: the colours of an object and of what is around it.

A mask that is only carried by flow smears: flow is smooth where motion is not, and errors add up.
Colours tell where the object's edge is in the picture at hand. They are counted where a result is
known, apart for parts of the object (head, shirt, shoes), as few colours are only its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

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

_RAREST = np.array([[3e-5], [1e-5]], np.float32)
"""Share of cells outside and inside that any colour may have without having been seen. What is new
is more often something else than the object, or masks would spread over it."""

_OUTSIDE, _INSIDE = 16, 200
"""Coverage below and above which a cell counts as outside and inside."""

_CERTAIN = 7.0
"""Log of likelihoods beyond which no colour is trusted."""

_MEMORY = 0.6
"""Weight of earlier results' counts, at each new result."""


_FORGOTTEN = 0.3
"""Cells of a colour, of earlier results, that no longer count."""


def _near() -> NDArray[np.float32]:
    """f32[_PARTS, _PARTS]: how much each part counts in another: wholly, half or not at all."""
    rows, columns = np.divmod(np.arange(_PARTS), _COLUMNS)
    apart = abs(rows[:, None] - rows) + abs(columns[:, None] - columns)
    return np.maximum(1 - apart / 2, 0).astype(np.float32)


_NEAR = _near()


@dataclass(frozen=True, slots=True, eq=False)
class Appearance:
    """What an object looks like.

    Of all colours a tenth is in or around an object. To leave out the others keeps the table so
    small that it stays in the processor's cache.

    Attributes:
        rows: intp[COLORS], each colour's row; 0 of all that were not seen.
        counts: f32[N, 2, _PARTS], cells outside and inside that had it; none in row 0.
        table: f32[N, _PARTS], log of how many times likelier a colour is inside.
    """

    rows: NDArray[np.intp]
    counts: NDArray[np.float32]
    table: NDArray[np.float32]

    @classmethod
    def learn(cls, view: View, patch: Patch, earlier: Appearance | None = None) -> Appearance:
        """Count the colours of a view by a mask."""
        bounds = patch.bounds or patch.rect
        rect = grown(bounds, _AROUND, patch.grid)
        soft = window(patch, rect, patch.grid)
        colors = _within(view, patch, rect)
        seen = np.bincount(colors.ravel(), minlength=COLORS) > 0
        if earlier is not None:
            known = np.take(earlier.counts.sum(axis=(1, 2)) > _FORGOTTEN, earlier.rows)
            seen |= known
        rows = np.cumsum(seen, dtype=np.intp)
        count = int(rows[-1]) + 1
        rows *= seen
        places = _places(rows, colors, rect, bounds)
        counts = np.empty((count, 2, _PARTS), np.float32)
        for side, chosen in enumerate((soft < _OUTSIDE, soft > _INSIDE)):
            cells = np.bincount(places[chosen], minlength=count * _PARTS)
            counts[:, side] = cells.reshape(count, _PARTS)
        if earlier is not None:
            counts[rows[known]] += _MEMORY * earlier.counts[earlier.rows[known]]
        return cls(rows, counts, _likelihoods(counts))

    def evidence(self, view: View, patch: Patch) -> NDArray[np.float32]:
        """f32[h, w] of a patch's cells: log of how many times likelier each is inside."""
        colors, bounds = _within(view, patch, patch.rect), patch.bounds or patch.rect
        return np.take(self.table, _places(self.rows, colors, patch.rect, bounds), mode="wrap")


def _within(view: View, patch: Patch, rect: Rect) -> NDArray[np.uint16]:
    """The colours within a rectangle of a patch's grid."""
    x1, y1, x2, y2 = rect
    return view.colors[patch.grid.level][y1:y2, x1:x2]


def _places(
    rows: NDArray[np.intp], colors: NDArray[np.uint16], rect: Rect, bounds: Rect
) -> NDArray[np.intp]:
    """Where in a table each cell of ``rect`` is looked up, for an object within ``bounds``."""
    x1, y1, x2, y2 = rect
    left, top, right, bottom = bounds
    # Not to check what is right takes half the time.
    places = np.take(rows * _PARTS, colors, mode="wrap")
    places += _parts(x1 - left, x2 - left, right - left, _COLUMNS)
    places += _parts(y1 - top, y2 - top, bottom - top, _ROWS)[:, None] * _COLUMNS
    return places


def _parts(first: int, last: int, size: int, count: int) -> NDArray[np.intp]:
    """The part of so many that each cell is in, of those from ``first`` to ``last``.

    The parts tile 0 to ``size``; cells before and behind are in the outermost.
    """
    ends = [first, *(min(max(-(-size * n // count), first), last) for n in range(1, count)), last]
    return np.repeat(np.arange(count), [b - a for a, b in pairwise(ends)])


def _likelihoods(counts: NDArray[np.float32]) -> NDArray[np.float32]:
    """f32[N, _PARTS]: log of how many times likelier each colour is inside."""
    whole = counts.sum(axis=2, keepdims=True)
    whole /= np.maximum(whole.sum(axis=0), 1)
    # A part's neighbours count half, as its border with them is arbitrary.
    parts = counts @ _NEAR
    shares = (parts + _BACKING * whole) / (parts.sum(axis=0) + _BACKING) + _RAREST
    logs = np.log(shares)
    ratios = logs[:, 1] - logs[:, 0]
    return np.asarray(np.minimum(np.maximum(ratios, -_CERTAIN), _CERTAIN), np.float32)
