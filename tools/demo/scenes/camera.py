"""Camera: where from a scene is seen, and how that changes.

World: X metres to the right, Y up from the ground, Z away from the camera.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class View:
    """The camera at one moment, for one size of picture.

    Attributes:
        focal: pixels that a metre at a distance of one metre takes.
        horizon: its row before zoom and shift.
        height: of the camera in metres.
        truck: metres that the camera has moved to the right.
        zoom: about the picture's middle.
        shift: pixels that everything is moved.
    """

    width: int
    height_px: int
    focal: float
    horizon: float
    height: float
    truck: float = 0.0
    zoom: float = 1.0
    shift: tuple[float, float] = (0.0, 0.0)

    def scale(self, z: float) -> float:
        """Pixels a metre at a distance."""
        return self.zoom * self.focal / z

    def point(self, x: float, y: float, z: float) -> tuple[float, float]:
        """Column and row of a point."""
        middle = self.height_px / 2
        row = self.horizon + (self.height - y) * self.focal / z
        return (
            self.width / 2 + self.zoom * (x - self.truck) * self.focal / z + self.shift[0],
            middle + self.zoom * (row - middle) + self.shift[1],
        )

    def row(self, z: float) -> float:
        """Row of the ground at a distance, before zoom and shift."""
        return self.horizon + self.height * self.focal / z

    def depth(self, row: float) -> float:
        """The ground's distance at a row below the horizon; inverse of `row`."""
        return self.height * self.focal / max(row - self.horizon, 1e-3)

    def warp(self, z: float | None, margin: int, top: int) -> NDArray[np.float64]:
        """From pixels of a picture drawn at rest to this view, f64[2, 3].

        Args:
            z: its distance; None for the ground, which is at all distances.
            margin: columns that it has to the left of the view at rest.
            top: its first row.
        """
        middle = self.width / 2, self.height_px / 2
        if z is None:
            shear = -self.truck / self.height
            offset = self.truck / self.height * (self.horizon - top)
        else:
            shear, offset = 0.0, -self.truck * self.focal / z
        left = offset - margin - middle[0]
        return np.asarray(
            [
                [self.zoom, self.zoom * shear, middle[0] + self.zoom * left + self.shift[0]],
                [0, self.zoom, middle[1] + self.zoom * (top - middle[1]) + self.shift[1]],
            ]
        )


@dataclass(frozen=True)
class Camera:
    """A camera that may move slowly.

    Attributes:
        horizon: share of the picture's height above it.
        height: metres above the ground.
        focal: focal length as a share of the picture's height.
        truck: metres a second to the right.
        truck_from: metres to the right at the start.
        zoom: growth a second, 0.01 being one percent.
        sway: amplitude of a hand's tremor as a share of the picture's height.
    """

    horizon: float
    height: float
    focal: float
    truck: float = 0.0
    truck_from: float = 0.0
    zoom: float = 0.0
    sway: float = 0.0

    def view(self, time: float, width: int, height: int) -> View:
        """The view after some seconds."""
        wave = np.sin(np.asarray([0.9, 2.1, 1.3, 2.9]) * time + (0, 1, 2, 3)) @ np.asarray(
            [[1, 0], [0.35, 0], [0, 0.8], [0, 0.3]]
        )
        return View(
            width=width,
            height_px=height,
            focal=self.focal * height,
            horizon=self.horizon * height,
            height=self.height,
            truck=self.truck_from + self.truck * time,
            zoom=(1 + self.zoom) ** time,
            shift=(self.sway * height * float(wave[0]), self.sway * height * float(wave[1])),
        )

    @property
    def still(self) -> bool:
        """Whether its view never changes."""
        return not (self.truck or self.truck_from or self.zoom or self.sway)

    @property
    def nearest(self) -> float:
        """Distance of the ground at the picture's lower edge."""
        return self.height * self.focal / (1 - self.horizon)

    @staticmethod
    def random(rng: np.random.Generator) -> Camera:
        """At eye level or above, looking straight ahead."""
        height = rng.uniform(1.35, 3.2)
        # The higher it stands, the more it looks down.
        horizon = float(np.clip(0.5 - 0.09 * (height - 1.3) + rng.normal(0, 0.035), 0.24, 0.52))
        return Camera(horizon, height, rng.uniform(1.05, 1.55))
