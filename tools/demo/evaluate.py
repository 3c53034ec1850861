"""Average precision of a model on rendered scenes, through the product's own code.

    python -m tools.demo.evaluate --model MODEL --data DIR [--limit N] [--precision auto]

The images are read, laid into the input, inferred and turned into instances by `streamer`, as in a
run; only the scoring is pycocotools'. Masks are compared at the images' full size.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from rich.console import Console
from rich.table import Table

from streamer.errors import StreamerError
from streamer.frame import Frame
from streamer.instances import Instances
from streamer.models.registry import open_model
from streamer.rle import encode
from streamer.sources.registry import open_source
from streamer.sources.window import Window
from streamer.two_pass import start

THRESHOLD = 0.05
"""Lowest score that counts; precision is averaged over all recalls, so it must be low."""

Kind = Literal["box", "mask"]

_TYPES: dict[Kind, str] = {"box": "bbox", "mask": "segm"}


@dataclass(frozen=True, slots=True)
class Precision:
    """Average precision, 0 to 1; -1 for a class that no scene shows.

    Attributes:
        ap: averaged over IoU .50 to .95 and over classes.
        ap50: at IoU .50.
        ap75: at IoU .75.
        by_class: ``ap`` of each class by its name.
        by_size: ``ap`` of small, medium and large objects by COCO's areas.
    """

    ap: float
    ap50: float
    ap75: float
    by_class: Mapping[str, float]
    by_size: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a model found in a folder of scenes, and how good that is.

    Attributes:
        truth: the folder's annotations, with only those images that were looked at.
        found: results in COCO's format.
        box: precision of boxes.
        mask: precision of masks.
    """

    truth: Mapping[str, Any]
    found: list[dict[str, Any]]
    box: Precision
    mask: Precision


def evaluate(
    model: Path, data: Path, *, limit: int | None = None, precision: str = "auto"
) -> Evaluation:
    """Run a saved model over a folder of rendered scenes and score it.

    Args:
        model: see `open_model`.
        data: with ``images/`` and ``instances.json`` in COCO's format.
        limit: look at so many images only.
        precision: what inference computes in; see `streamer.devices.PRECISIONS`.

    Raises:
        StreamerError: the model or the images cannot be read, or inference fails.
        OSError: the annotations cannot be read.
    """
    truth = json.loads((data / "instances.json").read_text("utf-8"))
    numbers = {image["file_name"]: image["id"] for image in truth["images"]}
    categories = {category["name"]: category["id"] for category in truth["categories"]}
    found: list[dict[str, Any]] = []
    seen = set()
    for frame, instances in detect(model, data, limit=limit, precision=precision):
        image = numbers[str(frame.name)]
        seen.add(image)
        found += _results(instances, image, (frame.height, frame.width), categories)
    shown = _only(truth, seen)
    return Evaluation(shown, found, score(shown, found, "box"), score(shown, found, "mask"))


def detect(
    model: Path,
    data: Path,
    *,
    threshold: float = THRESHOLD,
    limit: int | None = None,
    precision: str = "auto",
) -> Iterator[tuple[Frame, Instances]]:
    """What a model finds in the images of a folder of scenes; see `evaluate` for the arguments.

    Args:
        model: see `open_model`.
        data: with ``images/``.
        threshold: lowest score to report.
        limit: look at so many images only.
        precision: what inference computes in.

    Raises:
        StreamerError: the model or the images cannot be read, or inference fails.
    """
    opened = open_model(model, threshold=threshold)
    with (
        start(opened, "CPU", precision) as engine,
        open_source(str(data / "images"), Window(frames=limit)) as source,
    ):
        for frame in source:
            tensors, geometry = opened.preprocess(frame)
            pending = engine.submit(tensors)
            try:
                instances = opened.postprocess(pending.result(), geometry)
            finally:
                pending.release()
            yield frame, instances


def _results(
    instances: Instances, image: int, size: tuple[int, int], categories: Mapping[str, int]
) -> list[dict[str, Any]]:
    results = []
    rows = zip(
        instances.boxes.tolist(),
        instances.scores.tolist(),
        instances.labels,
        instances.masks,
        instances.rects.tolist(),
        strict=True,
    )
    for (x1, y1, x2, y2), score, label, mask, rect in rows:
        results.append(
            {
                "image_id": image,
                "category_id": categories[label],
                "bbox": [x1, y1, x2 - x1, y2 - y1],
                "score": score,
                "segmentation": encode(mask, tuple(rect), size),
            }
        )
    return results


def _only(truth: Mapping[str, Any], images: set[int]) -> dict[str, Any]:
    return {
        "images": [image for image in truth["images"] if image["id"] in images],
        "annotations": [a for a in truth["annotations"] if a["image_id"] in images],
        "categories": truth["categories"],
    }


def score(truth: Mapping[str, Any], found: Sequence[Mapping[str, Any]], kind: Kind) -> Precision:
    """Score results by pycocotools.

    Args:
        truth: annotations in COCO's format.
        found: results in COCO's format.
        kind: what is compared.
    """
    names = [category["name"] for category in truth["categories"]]
    if not found:
        nothing = dict.fromkeys(names, 0.0)
        return Precision(0.0, 0.0, 0.0, nothing, dict.fromkeys(("small", "medium", "large"), 0.0))
    # pycocotools prints at every step.
    with contextlib.redirect_stdout(io.StringIO()):
        annotations = COCO()
        annotations.dataset = dict(truth)
        annotations.createIndex()
        # It writes into what it is given.
        scorer = COCOeval(
            annotations, annotations.loadRes([dict(row) for row in found]), _TYPES[kind]
        )
        scorer.evaluate()
        scorer.accumulate()
        scorer.summarize()
    # By IoU, recall, class, size of the object (all first), and most detections (100 last).
    by_class = scorer.eval["precision"][:, :, :, 0, -1]
    order = [annotations.cats[number]["name"] for number in scorer.params.catIds]
    stats = scorer.stats.tolist()
    return Precision(
        stats[0],
        stats[1],
        stats[2],
        {name: _mean(by_class[:, :, index]) for index, name in enumerate(order)},
        dict(zip(("small", "medium", "large"), stats[3:6], strict=True)),
    )


def _mean(values: np.ndarray[Any, np.dtype[np.float64]]) -> float:
    known = values[values > -1]
    return float(known.mean()) if known.size else -1.0


def table(evaluation: Evaluation) -> Table:
    """The figures for people."""
    images, objects = len(evaluation.truth["images"]), len(evaluation.truth["annotations"])
    view = Table(box=None, title=f"{images} images, {objects} objects", title_justify="left")
    view.add_column("average precision")
    for kind in _TYPES:
        view.add_column(kind, justify="right")
    box, mask = evaluation.box, evaluation.mask
    view.add_row("IoU .50:.95", f"{box.ap:.3f}", f"{mask.ap:.3f}")
    view.add_row("IoU .50", f"{box.ap50:.3f}", f"{mask.ap50:.3f}")
    view.add_row("IoU .75", f"{box.ap75:.3f}", f"{mask.ap75:.3f}")
    for size in box.by_size:
        view.add_row(size, f"{box.by_size[size]:.3f}", f"{mask.by_size[size]:.3f}")
    for name in box.by_class:
        view.add_row(name, f"{box.by_class[name]:.3f}", f"{mask.by_class[name]:.3f}")
    return view


def main() -> int:
    """Evaluate as the command line asks; gives the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--model", type=Path, required=True, help="a saved model")
    parser.add_argument("--data", type=Path, required=True, help="images/ and instances.json")
    parser.add_argument("--limit", type=int, help="look at so many images only")
    parser.add_argument("--precision", default="auto", help="what inference computes in")
    options = parser.parse_args()
    try:
        evaluation = evaluate(
            options.model, options.data, limit=options.limit, precision=options.precision
        )
    except (StreamerError, OSError) as error:
        print(f"evaluate: {error}", file=sys.stderr)
        return 2
    Console(highlight=False).print(table(evaluation))
    return 0


if __name__ == "__main__":
    sys.exit(main())
