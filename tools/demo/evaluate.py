"""A model on folders of rendered scenes, through the product's own code."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from streamer.evaluation.accuracy import Accuracy, measure, open_to_measure
from streamer.evaluation.dataset import load_dataset
from streamer.frame import Frame
from streamer.instances import Instances
from streamer.models.registry import open_model
from streamer.sources.registry import open_source
from streamer.two_pass import start


def evaluate(model: Path, data: Path, *, limit: int | None = None) -> Accuracy:
    """Score a saved model, as ``streamer evaluate`` does.

    Args:
        model: see `streamer.models.registry.open_model`.
        data: with ``images/`` and ``instances.json`` in COCO's format.
        limit: look at so many images only.

    Raises:
        StreamerError: the model or the scenes cannot be read, or inference fails.
    """
    dataset = load_dataset(data / "instances.json", data / "images", limit)
    return measure(open_to_measure(model), dataset, device="CPU")


def detect(model: Path, data: Path, threshold: float) -> Iterator[tuple[Frame, Instances]]:
    """What a run finds in the images of a folder of scenes.

    Args:
        model: see `streamer.models.registry.open_model`.
        data: with ``images/``.
        threshold: lowest score to report.

    Raises:
        StreamerError: the model or the images cannot be read, or inference fails.
    """
    opened = open_model(model, threshold=threshold)
    with start(opened, "CPU") as engine, open_source(str(data / "images")) as source:
        for frame in source:
            tensors, geometry = opened.preprocess(frame)
            pending = engine.submit(tensors)
            try:
                instances = opened.postprocess(pending.result(), geometry)
            finally:
                pending.release()
            yield frame, instances
