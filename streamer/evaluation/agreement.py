"""How far two models agree on the same pictures, and how much faster one of them is."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from streamer.engine import Engine
from streamer.frame import Frame
from streamer.instances import Instances
from streamer.models.base import Model, Tensors
from streamer.overlap import box_iou, mask_iou

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
            self.mask_ious.append(mask_iou(first, one, second, other))


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
