"""From a detector's rows to Instances: what every Mask R-CNN has in common after its ports."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streamer.instances import Instances, covering_rects
from streamer.models import labels
from streamer.models.geometry import Geometry
from streamer.models.labels import Classes
from streamer.models.masks import crop_mask

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """Objects of one picture, in any order.

    Attributes:
        boxes: f32[N, 4], x1 y1 x2 y2 in pixels of the model's input.
        scores: f32[N], 0..1.
        numbers: i64[N], the model's own numbers of their classes.
        plane: gives the mask of the object in a row: probabilities f32[h, w], a view.
        input_size: (width, height) of the input where a plane covers all of it; None where it
            covers the object's box.
    """

    boxes: Floats
    scores: Floats
    numbers: NDArray[np.int64]
    plane: Callable[[int], Floats]
    input_size: tuple[int, int] | None = None


class Selection:
    """Chooses what is reported.

    Args:
        classes: what the model's numbers mean.
        threshold: lowest score that is reported, 0..1.
        wanted: names of the classes to report; all where empty.

    Raises:
        SettingsError: there is no class of a given name.
    """

    def __init__(self, classes: Classes, threshold: float, wanted: Collection[str]) -> None:
        self._classes = classes
        self._threshold = threshold
        ids = labels.select(classes.names, wanted)
        self._wanted = [number for number, class_id in classes.ids.items() if class_id in ids]
        self._all = not wanted

    def instances(self, found: Detections, geometry: Geometry) -> Instances:
        """What passes, best score first, in pixels of the frame."""
        kept = found.scores >= self._threshold
        if not self._all:
            kept &= np.isin(found.numbers, self._wanted)
        extents = geometry.to_frame(found.boxes, clip=False)
        boxes = geometry.to_frame(found.boxes)
        # Also false for boxes that are not numbers.
        kept &= (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
        rows = np.flatnonzero(kept)
        rows = rows[np.argsort(-found.scores[rows], kind="stable")]
        if found.input_size is not None:
            whole = np.array([[0, 0, *found.input_size]], np.float32)
            extents = np.broadcast_to(geometry.to_frame(whole, clip=False), extents.shape)

        boxes = boxes[rows]
        reported = [self._classes.of(number) for number in found.numbers[rows].tolist()]
        return Instances(
            boxes=boxes,
            scores=found.scores[rows],
            class_ids=np.array([class_id for class_id, _ in reported], np.int32),
            labels=tuple(name for _, name in reported),
            masks=tuple(
                crop_mask(found.plane(row), extent, rect)
                for row, extent, rect in zip(
                    rows.tolist(),
                    extents[rows].tolist(),
                    covering_rects(boxes).tolist(),
                    strict=True,
                )
            ),
        )
