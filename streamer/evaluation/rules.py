"""From a model's answer to objects in COCO's format, by the rules that accuracies rest on.

What Mask R-CNN's published figures were measured with is Open Model Zoo's accuracy checker. Its
rules differ from what is drawn on video: nothing is left out for its score, boxes are not clipped,
and masks are put in place in whole pixels. So the raw `Detections` are read here, not `Instances`.

Source: ``adapters/mask_rcnn.py``, ``postprocessor/faster_rcnn_postprocessing_resize.py`` and
``metrics/coco_orig_metrics.py`` of tools/accuracy_checker in openvinotoolkit/open_model_zoo.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from streamer.errors import ModelError
from streamer.evaluation.coco import Found
from streamer.evaluation.dataset import Sample
from streamer.models.base import Model, Tensors
from streamer.models.detections import Detections, Detector, Floats
from streamer.models.geometry import Geometry
from streamer.models.masks import crop_mask
from streamer.rle import RLE, encode

Size = tuple[int, int]

_INSIDE = 0.5
_BOUNDARY = 1
"""Added to a predicted box's sides: its last pixels are part of it (``include_boundaries``)."""


@dataclass(frozen=True, slots=True)
class Categories:
    """How a model's classes and those of the annotations belong together.

    Attributes:
        ids: the annotations' category, by the id that the model reports.
        unknown: names of the annotations' categories that the model does not know.
    """

    ids: Mapping[int, int]
    unknown: tuple[str, ...]

    @classmethod
    def match(cls, labels: Mapping[int, str], categories: Mapping[int, str]) -> Categories:
        """Match by name: ids mean what they mean only to those who gave them.

        Args:
            labels: the model's names by the ids that it reports.
            categories: the annotations' names by id.

        Raises:
            ModelError: no name is in both.
        """
        numbers = {_key(name): number for number, name in categories.items()}
        ids = {
            class_id: numbers[_key(name)]
            for class_id, name in labels.items()
            if _key(name) in numbers
        }
        if not ids:
            raise ModelError(
                f"the model knows {_some(labels)}, the annotations have {_some(categories)}: "
                "no name is in both, so nothing can be compared"
            )
        known = set(ids.values())
        return cls(ids, tuple(name for number, name in categories.items() if number not in known))


def found_in(
    model: Model, outputs: Tensors, geometry: Geometry, sample: Sample, categories: Categories
) -> Iterator[Found]:
    """What a model has found in an image, of the categories that count.

    Args:
        model: that gave the outputs.
        outputs: of its graph.
        geometry: how the image was laid into its input.
        sample: the image.
        categories: that count.
    """
    if isinstance(model, Detector):
        return _from_detections(model, model.detections(outputs), geometry, sample, categories)
    return _from_instances(model, outputs, geometry, sample, categories)


def _from_detections(
    model: Detector,
    found: Detections,
    geometry: Geometry,
    sample: Sample,
    categories: Categories,
) -> Iterator[Found]:
    boxes, extents = geometry.to_frame(found.boxes, clip=False), found.extents(geometry)
    # Rows of score 0 are padding; boxes that are not numbers cannot be compared.
    real = (found.scores > 0) & np.isfinite(boxes).all(axis=1)
    for row in np.flatnonzero(real).tolist():
        class_id, _ = model.classes.of(int(found.numbers[row]))
        if class_id not in categories.ids:
            continue
        if found.input_size is None:
            mask = paste(found.plane(row), boxes[row], sample.size)
        else:
            mask = _whole(found.plane(row), extents[row], sample.size)
        x1, y1, x2, y2 = boxes[row].tolist()
        yield Found(
            sample.id,
            categories.ids[class_id],
            float(found.scores[row]),
            (x1, y1, x2 - x1 + _BOUNDARY, y2 - y1 + _BOUNDARY),
            mask,
        )


def _from_instances(
    model: Model, outputs: Tensors, geometry: Geometry, sample: Sample, categories: Categories
) -> Iterator[Found]:
    """As the model itself reports them; Ultralytics' figures know no boundary to be added."""
    instances = model.postprocess(outputs, geometry)
    width, height = sample.size
    rects = instances.rects.tolist()
    for row, class_id in enumerate(instances.class_ids.tolist()):
        if class_id in categories.ids:
            x1, y1, x2, y2 = instances.boxes[row].tolist()
            yield Found(
                sample.id,
                categories.ids[class_id],
                float(instances.scores[row]),
                (x1, y1, x2 - x1, y2 - y1),
                encode(instances.masks[row], tuple(rects[row]), (height, width)),
            )


def paste(probabilities: Floats, box: Floats, size: Size) -> RLE:
    """Put a mask where its box is: what is above one half after scaling it to whole pixels.

    A border of one cell of zeros is laid around the mask and the box made wider by as much; its
    corners are then cut to whole pixels, and both of them belong to it.

    Args:
        probabilities: f32[M, M], 0..1.
        box: f32[4], x1 y1 x2 y2 in pixels of the image, of any fraction and also beyond it.
        size: (width, height) of the image.
    """
    bordered = np.pad(probabilities, 1)
    wider = bordered.shape[0] / (bordered.shape[0] - 2)
    center = (box[2:] + box[:2]) * 0.5
    half = (box[2:] - box[:2]) * 0.5 * wider
    low, high = (center - half).astype(int), (center + half).astype(int)
    width, height = np.maximum(high - low + 1, 1).tolist()
    mask = cv2.resize(bordered, (width, height), interpolation=cv2.INTER_LINEAR) > _INSIDE
    x1, y1 = np.clip(low, 0, size)
    x2, y2 = np.maximum(np.clip(high + 1, 0, size), (x1, y1))
    crop = mask[y1 - low[1] : y2 - low[1], x1 - low[0] : x2 - low[0]]
    return encode(crop.astype(np.uint8) * 255, (x1, y1, x2, y2), size[::-1])


def _whole(probabilities: Floats, extent: Floats, size: Size) -> RLE:
    """A mask that the model has drawn into its whole input, at the image's size."""
    rect = (0, 0, *size)
    return encode(crop_mask(probabilities, extent.tolist(), rect), rect, size[::-1])


def _key(name: str) -> str:
    return " ".join(name.replace("_", " ").casefold().split())


def _some(names: Mapping[int, str]) -> str:
    shown = ", ".join(list(names.values())[:4])
    return f"{shown} ..." if len(names) > 4 else shown or "no names"
