"""Detector: what every Mask R-CNN has in common before and after its ports."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from streamer.instances import Instances, covering_rects
from streamer.models import labels
from streamer.models.base import SecondPass, Tensors
from streamer.models.geometry import Geometry, Picture
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

    def extents(self, geometry: Geometry) -> Floats:
        """f32[N, 4]: what each plane covers, in pixels of the picture and also beyond it."""
        if self.input_size is None:
            return geometry.to_frame(self.boxes, clip=False)
        whole = np.array([[0, 0, *self.input_size]], np.float32)
        return np.broadcast_to(geometry.to_frame(whole, clip=False), self.boxes.shape)


class Filler(Protocol):
    """Fills the inputs of a graph.

    Attributes:
        graph: whose inputs they are.
    """

    graph: ov.Model

    def __call__(self, picture: Picture) -> tuple[Tensors, Geometry]:
        """The inputs for a picture in the order of the graph's ports, and how it lies in them."""


class Detector(ABC):
    """A `Model` that gives rows of detections, a mask with each.

    Attributes:
        classes: what the numbers in `Detections` mean.
    """

    contract: str
    name: str
    graph: ov.Model
    labels: Mapping[int, str]
    classes: Classes
    second_pass: SecondPass | None = None

    def __init__(
        self,
        name: str,
        inputs: Filler,
        known: Classes,
        threshold: float,
        wanted: Collection[str],
    ) -> None:
        """Take what a contract has found out about a model.

        Args:
            name: of the model.
            inputs: its graph and what fills that.
            known: what its numbers mean.
            threshold: lowest score that is reported, 0..1.
            wanted: names of the classes to report; all where empty.

        Raises:
            SettingsError: the model has no class of a given name.
        """
        self.name, self.graph = name, inputs.graph
        self.classes, self.labels = known, known.names
        self._inputs = inputs
        self._selection = Selection(known, threshold, wanted)

    def preprocess(self, picture: Picture) -> tuple[Tensors, Geometry]:
        """The graph's inputs for a picture, and how it was laid into them."""
        return self._inputs(picture)

    @abstractmethod
    def detections(self, outputs: Tensors) -> Detections:
        """All that the graph found: views of its outputs, none left out for its score."""

    def postprocess(self, outputs: Tensors, geometry: Geometry) -> Instances:
        """What is to be reported, best score first, in pixels of the picture."""
        return self._selection.instances(self.detections(outputs), geometry)


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

    def passes(self, scores: Floats, numbers: NDArray[np.int64]) -> NDArray[np.bool]:
        """Whether each f32[N] score and i64[N] number of a class is good enough: bool[N]."""
        passing: NDArray[np.bool] = scores >= self._threshold
        return passing if self._all else passing & np.isin(numbers, self._wanted)

    def instances(self, found: Detections, geometry: Geometry) -> Instances:
        """What passes, best score first, in pixels of the picture."""
        boxes = geometry.to_frame(found.boxes)
        # Also false for boxes that are not numbers.
        visible = (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
        rows = np.flatnonzero(self.passes(found.scores, found.numbers) & visible)
        rows = rows[np.argsort(-found.scores[rows], kind="stable")]
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
                    found.extents(geometry)[rows].tolist(),
                    covering_rects(boxes).tolist(),
                    strict=True,
                )
            ),
        )
