"""yolo-seg: instance segmentation as Ultralytics exports it (YOLOv8-seg, 11, 12, 26 and kin).

In:  one picture, RGB 0..1, [1, 3, H, W] or [1, H, W, 3]; 0..255 where the input is bytes.
Out: detections [1, 4 + classes + 32, N] or [1, N, 4 + classes + 32], one for each of N anchors:
     centre x, centre y, width, height, class scores, mask coefficients; or, where suppression is in
     the graph, [1, N, 38]: x1, y1, x2, y2, score, class, mask coefficients;
     and mask prototypes [1, 32, h, w] or [1, h, w, 32]. An object's mask is where the sum of the
     prototypes, weighted with its coefficients, is above 0 (Bolya et al., YOLACT, 2019).
     Boxes are in pixels of the input, or 0..1 of its sides.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import cv2
import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino.preprocess import PrePostProcessor

from streamer.errors import ModelError
from streamer.instances import Instances, covering_rects
from streamer.models import labels
from streamer.models.base import Tensors
from streamer.models.geometry import Geometry, Picture, lay_into, letterbox
from streamer.models.loading import Loaded
from streamer.models.yolo_ports import COEFFICIENTS, Ports, recognize

CONTRACT = "yolo-seg"
PORTS = (
    "one picture [1,3,H,W] or [1,H,W,3] in, detections [1,36+classes,N] or [1,N,36+classes] and "
    "prototypes [1,32,H/4,W/4] or [1,H/4,W/4,32] out"
)
"""What the contract asks of a model's ports, for error messages."""

# The three figures below are Ultralytics' own, so that results compare with its.
_PADDING = 114
_IOU = 0.7
_MAX_DETECTIONS = 300
# Anchors have boxes also where there is no object, so that pixels reach the hundreds on any frame.
LARGEST_NORMALIZED = 2.0

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """Objects before their masks are known.

    Attributes:
        boxes: f32[N, 4], x1 y1 x2 y2.
        scores: f32[N].
        classes: i64[N], the model's own indices.
        coefficients: f32[N, 32].
    """

    boxes: Floats
    scores: Floats
    classes: NDArray[np.int64]
    coefficients: Floats

    def pick(self, which: NDArray[np.bool] | NDArray[np.int64]) -> _Found:
        """Some of them: those marked, or those numbered in that order."""
        return _Found(
            self.boxes[which], self.scores[which], self.classes[which], self.coefficients[which]
        )


class YoloSeg:
    """A model under this contract; see `streamer.models.base.Model`."""

    contract = CONTRACT
    second_pass = None
    name: str
    graph: ov.Model
    labels: Mapping[int, str]

    def __init__(
        self, loaded: Loaded, *, threshold: float = 0.5, classes: Collection[str] = ()
    ) -> None:
        """Prepare a model.

        Args:
            loaded: the model as read; its graph is changed.
            threshold: lowest score that is reported, 0..1.
            classes: names of the classes to report; all where empty.

        Raises:
            ModelError: it does not follow the contract.
            SettingsError: the model has no class of a given name.
        """
        recognized = recognize(loaded)
        if recognized is None:
            raise ModelError(f"{loaded.path} does not follow {CONTRACT}: {PORTS}")
        graph, self._ports = recognized
        self.name = loaded.name
        self.graph = _take_bytes(graph, self._ports)
        self._threshold = threshold
        names = _names(loaded.names or (), self._ports.classes)
        self._ids = dict(enumerate(labels.category_ids(names)))
        self.labels = dict(zip(self._ids.values(), names, strict=True))
        wanted = labels.select(self.labels, classes)
        self._wanted = [index for index, class_id in self._ids.items() if class_id in wanted]

    def preprocess(self, picture: Picture) -> tuple[Tensors, Geometry]:
        """The picture letterboxed into u8[1, H, W, 3] RGB, grey around it."""
        ports = self._ports
        geometry = letterbox((picture.width, picture.height), (ports.width, ports.height))
        tensor = np.full((1, ports.height, ports.width, 3), _PADDING, np.uint8)
        lay_into(picture, geometry, tensor[0])
        return (tensor,), geometry

    def postprocess(self, outputs: Tensors, geometry: Geometry) -> Instances:
        """Decode, suppress duplicates, and compute the masks of what is left."""
        ports = self._ports
        detections = outputs[ports.detections][0]
        if ports.suppressed:
            found = _read_rows(detections, self._threshold, (ports.width, ports.height))
        else:
            values_first = detections.T if ports.values_last else detections
            found = _read_anchors(values_first, self._threshold, (ports.width, ports.height))
        if self._wanted:
            found = found.pick(np.isin(found.classes, self._wanted))
        found = found.pick(_best_first(found) if ports.suppressed else _suppress(found))
        boxes = geometry.to_frame(found.boxes)
        # Also false for boxes that are not numbers.
        visible = np.flatnonzero((boxes[:, 2:] > boxes[:, :2]).all(axis=1))
        found = replace(found, boxes=boxes).pick(visible)

        prototypes = outputs[ports.prototypes][0]
        if not ports.prototypes_last:
            prototypes = prototypes.transpose(1, 2, 0)
        ids = [self._ids.get(index, index) for index in found.classes.tolist()]
        return Instances(
            boxes=found.boxes,
            scores=found.scores,
            class_ids=np.array(ids, np.int32),
            labels=tuple(self.labels.get(class_id, f"class {class_id}") for class_id in ids),
            masks=_masks(found, prototypes, geometry, (ports.width, ports.height)),
        )


def _take_bytes(graph: ov.Model, ports: Ports) -> ov.Model:
    """Have the graph take u8[1, H, W, 3] and give f32, whatever it was exported with."""
    steps = PrePostProcessor(graph)
    picture = steps.input()
    picture.tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC"))
    picture.model().set_layout(ov.Layout(ports.layout))
    if graph.input().element_type != ov.Type.u8:
        picture.preprocess().convert_element_type(ov.Type.f32).scale(255.0)
    for index in range(len(graph.outputs)):
        steps.output(index).tensor().set_element_type(ov.Type.f32)
    return steps.build()


def _names(exported: tuple[str, ...], classes: int | None) -> tuple[str, ...]:
    if classes is None or len(exported) == classes:
        return exported
    return labels.default_names(classes)


def _read_anchors(detections: Floats, threshold: float, size: tuple[int, int]) -> _Found:
    """What reaches the threshold in f32[4 + classes + 32, N]; one class, the best, an anchor."""
    scores = detections[4:-COEFFICIENTS]
    best = scores.max(axis=0)
    kept = np.flatnonzero(best >= threshold)
    centers, sizes = detections[:2, kept], detections[2:4, kept]
    boxes = np.concatenate([centers - sizes / 2, centers + sizes / 2]).T
    if detections[2:4].max() <= LARGEST_NORMALIZED:
        boxes *= np.array(size * 2, np.float32)
    classes = scores[:, kept].argmax(axis=0)
    return _Found(boxes, best[kept], classes, detections[-COEFFICIENTS:, kept].T)


def _read_rows(rows: Floats, threshold: float, size: tuple[int, int]) -> _Found:
    """What reaches the threshold in f32[N, 38], where suppression is done already."""
    kept = rows[rows[:, 4] >= threshold]
    boxes = kept[:, :4]
    if rows[:, :4].max() <= LARGEST_NORMALIZED:
        boxes = boxes * np.array(size * 2, np.float32)
    return _Found(boxes, kept[:, 4], kept[:, 5].astype(np.int64), kept[:, 6:])


def _best_first(found: _Found) -> NDArray[np.int64]:
    return np.argsort(-found.scores, kind="stable")[:_MAX_DETECTIONS]


def _suppress(found: _Found) -> NDArray[np.int64]:
    """Indices of what is no duplicate of a better object of its class, best first."""
    if not len(found.boxes):
        return np.zeros(0, np.int64)
    corners_and_sizes = found.boxes.astype(np.float64)
    corners_and_sizes[:, 2:] -= corners_and_sizes[:, :2]
    kept = cv2.dnn.NMSBoxesBatched(
        corners_and_sizes.tolist(), found.scores.tolist(), found.classes.tolist(), 0.0, _IOU
    )
    return np.asarray(kept, np.int64).reshape(-1)[:_MAX_DETECTIONS]


def _masks(
    found: _Found, prototypes: Floats, geometry: Geometry, size: tuple[int, int]
) -> tuple[NDArray[np.uint8], ...]:
    """Masks u8 of 0 or 255 that cover `covering_rects` of boxes in frame pixels.

    Each is computed in its own part of the prototypes f32[h, w, 32] and scaled up there. Both ends
    of that part are put on whole pixels of the frame, so that a plain resize does, ten times faster
    than an affine warp: at most half a pixel off, and exact at the usual sizes, where a prototype
    cell spans a whole number of pixels.
    """
    if not len(found.boxes):
        return ()
    rects = covering_rects(found.boxes)
    cells = np.array([prototypes.shape[1], prototypes.shape[0]] * 2, np.float32)
    grid = cells / np.array(size * 2, np.float32)
    # A cell more on each side, for the interpolation.
    around = geometry.to_input(rects.astype(np.float32)) * grid
    sources = np.concatenate([np.floor(around[:, :2]) - 1, np.ceil(around[:, 2:]) + 1], axis=1)
    sources = np.clip(sources, 0, cells)
    targets = np.rint(geometry.to_frame(sources / grid, clip=False))
    masks = []
    for coefficients, (x1, y1, x2, y2), (sx1, sy1, sx2, sy2), (tx1, ty1, tx2, ty2) in zip(
        found.coefficients,
        rects.tolist(),
        sources.astype(int).tolist(),
        targets.astype(int).tolist(),
        strict=True,
    ):
        logits = prototypes[sy1:sy2, sx1:sx2] @ coefficients
        scaled = cv2.resize(logits, (tx2 - tx1, ty2 - ty1), interpolation=cv2.INTER_LINEAR)
        crop = scaled[y1 - ty1 : y2 - ty1, x1 - tx1 : x2 - tx1]
        mask = (crop > 0).view(np.uint8)
        mask *= 255
        masks.append(mask)
    return tuple(masks)
