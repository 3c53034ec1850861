"""Figure: what can be drawn, in metres from the point where it touches the ground."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from tools.demo.scenes.pen import Patch, Pen

SPARE = 0.12
"""Metres that a figure may reach beyond its bounds, as a runner's toes do."""


class Bounds(NamedTuple):
    """A box around a figure: metres, y up, looking to the right."""

    left: float
    bottom: float
    right: float
    top: float


class Moment(NamedTuple):
    """What a moving figure must know.

    Attributes:
        time: seconds.
        distance: metres that it has gone so far; legs and wheels turn with it.
        speed: metres a second.
    """

    time: float
    distance: float
    speed: float


@dataclass
class Layer:
    """One layer of a figure.

    Attributes:
        member: index into the figure's labels of the object it shows; None for what is not one.
        pen: that drew it.
    """

    member: int | None
    pen: Pen

    @property
    def patch(self) -> Patch:
        """What was drawn."""
        return self.pen.patch


class Easel:
    """Hands out layers, the farthest first, that all cover the same place."""

    def __init__(self, size: tuple[int, int], matrix: NDArray[np.float64], sun: float) -> None:
        """Layers of ``size`` pixels (rows, columns); matrix and sun are those of `Pen`."""
        self._shape = (*size, 4)
        self._matrix = matrix
        self._sun = sun
        self.layers: list[Layer] = []

    def layer(self, member: int | None = 0) -> Pen:
        """A pen for a new layer, in front of all before."""
        pen = Pen(np.zeros(self._shape, np.uint8), self._matrix, self._sun)
        self.layers.append(Layer(member, pen))
        return pen


class Figure(Protocol):
    """Something that can be drawn.

    Attributes:
        labels: the classes of its objects, such as a person and a bicycle; empty for a backdrop.
        bounds: what it stays within, but for `SPARE`.
        footprint: metres to each side that its contact shadow reaches; 0 for none.
    """

    labels: tuple[str, ...]
    bounds: Bounds
    footprint: float

    def draw(self, easel: Easel, moment: Moment) -> None:
        """Draw it at a moment."""
