"""How far two models agree on the same pictures, and how much faster one of them is."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from streamer.engine import Engine
from streamer.frame import Frame
from streamer.instances import Instances
from streamer.models.base import Model, Tensors

IOU = 0.5
"""Two boxes of a class that overlap so far are of the same object."""


@dataclass(slots=True)
class Agreement:
    """What became of the first model's detections in the second's results.

    Attributes:
        detections: of the first model.
        matched: how many of them the second has found as well.
        score_errors: differences of the matched ones' scores.
        mask_ious: intersection over union of the matched ones' masks.
        ratios: seconds of the first over those of the second, picture by picture.
    """

    detections: int = 0
    matched: int = 0
    score_errors: list[float] = field(default_factory=list)
    mask_ious: list[float] = field(default_factory=list)
    ratios: list[float] = field(default_factory=list)

    @property
    def share(self) -> float:
        """Of the first model's detections, those that were matched; 1 where there are none."""
        return self.matched / self.detections if self.detections else 1.0

    @property
    def score_error(self) -> float:
        """Mean difference of scores."""
        return statistics.fmean(self.score_errors) if self.score_errors else 0.0

    @property
    def mask_iou(self) -> float:
        """Mean overlap of masks; 1 where nothing was matched."""
        return statistics.fmean(self.mask_ious) if self.mask_ious else 1.0

    @property
    def ratio(self) -> float:
        """How many times as fast the second is, the median."""
        return statistics.median(self.ratios)

    def add(self, first: Instances, second: Instances) -> None:
        """Count one picture."""
        self.detections += len(first)
        for one, other in _pairs(first, second):
            self.matched += 1
            self.score_errors.append(abs(float(first.scores[one] - second.scores[other])))
            self.mask_ious.append(_mask_iou(first, one, second, other))


def compare(
    first: Model, second: Model, engines: tuple[Engine, Engine], frames: Iterable[Frame]
) -> Agreement:
    """Run both models on every frame, one after the other, a picture at a time.

    Args:
        first: whose detections are to be found again.
        second: that should; best with a somewhat lower threshold.
        engines: theirs.
        frames: to run on.

    Raises:
        InferenceError: a device failed.
    """
    agreement = Agreement()
    for frame in frames:
        (a, spent_a), (b, spent_b) = (
            _timed(model, engine, frame)
            for model, engine in zip((first, second), engines, strict=True)
        )
        agreement.add(a, b)
        agreement.ratios.append(spent_a / spent_b)
    return agreement


def _timed(model: Model, engine: Engine, frame: Frame) -> tuple[Instances, float]:
    """What a model finds, and the seconds that inference took."""
    tensors, geometry = model.preprocess(frame)
    outputs, spent = _run(engine, tensors)
    return model.postprocess(outputs, geometry), spent


def _run(engine: Engine, tensors: Tensors) -> tuple[Tensors, float]:
    began = time.perf_counter()
    pending = engine.submit(tensors)
    try:
        outputs = [np.array(output) for output in pending.result()]
    finally:
        pending.release()
    return outputs, time.perf_counter() - began


def _pairs(first: Instances, second: Instances) -> Iterator[tuple[int, int]]:
    """Indices of those that belong together; best scores choose first, each takes one."""
    if not (len(first) and len(second)):
        return
    overlaps = box_iou(first.boxes, second.boxes)
    overlaps[first.class_ids[:, None] != second.class_ids[None]] = 0
    for one in range(len(first)):
        other = int(overlaps[one].argmax())
        if overlaps[one, other] >= IOU:
            overlaps[:, other] = 0
            yield one, other


def box_iou(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    """Intersection over union f32[N, M] of boxes f32[N, 4] and f32[M, 4], x1 y1 x2 y2."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(axis=1) for boxes in (a, b)]
    whole: NDArray[np.float32] = areas[0][:, None] + areas[1][None] - shared
    result: NDArray[np.float32] = shared / np.maximum(whole, np.float32(1e-9))
    return result


def _mask_iou(a: Instances, one: int, b: Instances, other: int) -> float:
    (ax1, ay1, ax2, ay2), (bx1, by1, bx2, by2) = a.rects[one].tolist(), b.rects[other].tolist()
    x1, y1, x2, y2 = max(ax1, bx1), max(ay1, by1), min(ax2, bx2), min(ay2, by2)
    ours = a.masks[one][y1 - ay1 : y2 - ay1, x1 - ax1 : x2 - ax1] > 0
    theirs = b.masks[other][y1 - by1 : y2 - by1, x1 - bx1 : x2 - bx1] > 0
    shared = int((ours & theirs).sum())
    whole = int((a.masks[one] > 0).sum()) + int((b.masks[other] > 0).sum()) - shared
    return shared / whole if whole else 1.0
