"""Runs a model over annotated images and scores what it finds."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from streamer.engine import Engine, Pending
from streamer.errors import ModelError
from streamer.evaluation.coco import Found, Score, require_pycocotools, score
from streamer.evaluation.dataset import Dataset, Sample
from streamer.evaluation.rules import Categories, found_in
from streamer.models import yolo_seg
from streamer.models.base import Model, sample_inputs
from streamer.models.geometry import Geometry
from streamer.models.loading import load
from streamer.models.registry import build, contract_of
from streamer.two_pass import start

YOLO_THRESHOLD = 0.001
"""Lowest score that counts for YOLO, as Ultralytics has it; Mask R-CNN has none."""


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How good a model is.

    Attributes:
        device: that it ran on.
        precision: that it computed in.
        requests: how many were in flight.
        seconds: from the first image read to the last result.
        dataset: what was looked at, with those categories only that the model knows.
        unknown: names of the categories that it does not know.
        found: all that was scored.
        boxes: precision of boxes.
        masks: precision of masks.
    """

    device: str
    precision: str
    requests: int
    seconds: float
    dataset: Dataset
    unknown: tuple[str, ...]
    found: tuple[Found, ...]
    boxes: Score
    masks: Score


def open_to_measure(spec: str | Path) -> Model:
    """Read a model so that it leaves out nothing that the metric wants to see.

    Raises:
        ModelError: the model cannot be read, or follows no contract.
    """
    loaded = load(spec)
    is_yolo = contract_of(loaded) == yolo_seg.CONTRACT
    return build(loaded, threshold=YOLO_THRESHOLD if is_yolo else 0.0)


def measure(
    model: Model,
    dataset: Dataset,
    *,
    device: str = "AUTO",
    precision: str = "auto",
    requests: int | None = None,
    cache_dir: Path | None = None,
    report: Callable[[int], None] = lambda _: None,
) -> Accuracy:
    """Run a model over a data set and score it.

    Args:
        model: see `open_to_measure`.
        dataset: what to look at.
        device: see `streamer.engine.OpenVinoEngine`, also for the three below.
        precision: what inference computes in.
        requests: how many in flight.
        cache_dir: where compiled graphs are kept.
        report: takes the number of images that are done.

    Raises:
        SettingsError: pycocotools is not installed.
        ModelError: the model and the annotations have no class in common, or the images show none
            of them.
        DeviceError: the device is not there or will not take the model.
        SourceError: an image cannot be read, or does not belong to its annotations.
        InferenceError: the device failed.
    """
    require_pycocotools()
    categories = Categories.match(model.labels, dataset.categories)
    known = dataset.of_categories(categories.ids.values())
    if all(row["iscrowd"] for row in known.annotations):
        raise ModelError(
            f"none of the {len(known.samples)} images shows an object of a class that "
            f"{model.name} knows, so there is nothing to measure"
        )
    found: list[Found] = []
    with start(model, device, precision, requests, cache_dir) as engine:
        engine.check(sample_inputs(model))
        began = time.perf_counter()
        for done, objects in enumerate(_detect(model, engine, known.samples, categories), 1):
            found += objects
            report(done)
        seconds = time.perf_counter() - began
    return Accuracy(
        engine.device,
        engine.precision,
        engine.requests,
        seconds,
        known,
        categories.unknown,
        tuple(found),
        score(known, found, "bbox"),
        score(known, found, "segm"),
    )


def _detect(
    model: Model, engine: Engine, samples: Iterable[Sample], categories: Categories
) -> Iterator[list[Found]]:
    """What is found in each image, in their order; reads ahead as far as requests allow."""
    flying: deque[tuple[Sample, Pending, Geometry]] = deque()

    def land() -> list[Found]:
        sample, pending, geometry = flying[0]
        found = list(found_in(model, pending.result(), geometry, sample, categories))
        pending.release()
        flying.popleft()
        return found

    try:
        for sample in samples:
            tensors, geometry = model.preprocess(sample.read())
            if len(flying) == engine.requests:
                yield land()
            flying.append((sample, engine.submit(tensors), geometry))
        while flying:
            yield land()
    finally:
        for _, pending, _ in flying:
            pending.release()
