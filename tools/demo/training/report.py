"""The report of a training run: Markdown, with charts and sample pictures beside it."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from streamer.evaluation.accuracy import Accuracy
from streamer.evaluation.coco import SIZES
from streamer.overlay import OverlayStyle, draw
from tools.demo.classes import CATEGORY_IDS, CLASSES
from tools.demo.evaluate import detect
from tools.demo.training.chart import draw_chart
from tools.demo.training.confusion import confusion
from tools.demo.training.loop import LOGGED, Training
from tools.demo.training.losses import NAMES

_SAMPLES = 12
_COLUMNS = 3
_SHOWN_SCORE = 0.5
_SMOOTHED = 5
"""Logged losses that one point of the chart is the mean of."""


def write_report(
    run: Path, training: Training, scenes: int, accuracy: Accuracy, model: Path, val: Path,
    difference: float,
) -> Path:  # fmt: skip
    """Write ``report.md`` and its pictures.

    Args:
        run: folder to write to.
        training: that has ended.
        scenes: how many it learnt from.
        accuracy: of the model, on ``val``.
        model: the saved model.
        val: folder of validation scenes.
        difference: largest difference of PyTorch and OpenVINO.

    Returns:
        The Markdown file.
    """
    _write_picture(run / "losses.png", _loss_chart(training))
    _write_picture(run / "precision.png", _precision_chart(training))
    _write_picture(run / "samples.png", _samples(model, val))
    plan, progress = training.plan, training.progress
    images = progress.step * plan.batch
    lines = [
        "# Training of the demo model",
        "",
        f"{images} pictures ({images / max(scenes, 1):.1f} times {scenes} scenes) in "
        f"{progress.step} steps and {progress.seconds / 60:.1f} minutes: "
        f"{images / max(progress.seconds, 1e-9):.1f} pictures a second. Batch {plan.batch}, "
        f"{plan.rois} regions a picture, learning rate {plan.rate:g}, seed {plan.seed}.",
        "",
        f"PyTorch and OpenVINO differ by {difference:.1e} at most.",
        "",
        *_precision_lines(accuracy),
        "",
        "## Losses",
        "",
        "![losses](losses.png)",
        "",
        "![precision while training](precision.png)",
        "",
        *_confusion_lines(accuracy),
        "",
        "## Samples",
        "",
        "The first validation scenes, at the default threshold, drawn by the product.",
        "",
        "![samples](samples.png)",
        "",
    ]
    path = run / "report.md"
    path.write_text("\n".join(lines), "utf-8")
    return path


def _precision_lines(accuracy: Accuracy) -> list[str]:
    boxes, masks, dataset = accuracy.boxes, accuracy.masks, accuracy.dataset
    objects = [row["category_id"] for row in dataset.annotations if not row["iscrowd"]]
    rows = [
        ("IoU .50:.95", len(objects), boxes.ap, masks.ap),
        ("IoU .50", "", boxes.ap50, masks.ap50),
        ("IoU .75", "", boxes.ap75, masks.ap75),
        *((size, "", boxes.by_size[size], masks.by_size[size]) for size in SIZES),
        *(
            (name, objects.count(number), boxes.by_category[number], masks.by_category[number])
            for number, name in dataset.categories.items()
            if number in boxes.by_category
        ),
    ]
    return [
        f"## Average precision on {len(dataset.samples)} held-out scenes",
        "",
        "As `streamer evaluate` measures it. Sizes are COCO's.",
        "",
        "| | objects | box | mask |",
        "|---|---:|---:|---:|",
        *(f"| {name} | {count} | {a:.3f} | {b:.3f} |" for name, count, a, b in rows),
    ]


def _confusion_lines(accuracy: Accuracy) -> list[str]:
    counts = confusion(accuracy.dataset, accuracy.found, [CATEGORY_IDS[name] for name in CLASSES])
    rows = (*CLASSES, "nothing")
    return [
        "## What is taken for what",
        "",
        f"Detections that score {_SHOWN_SCORE:g} or more, matched at mask IoU .50. Rows are what "
        "there is, columns what was found.",
        "",
        "| | " + " | ".join((*CLASSES, "missed")) + " |",
        "|---|" + "---:|" * (len(CLASSES) + 1),
        *(
            f"| {name} | " + " | ".join(str(count) for count in row) + " |"
            for name, row in zip(rows, counts.tolist(), strict=True)
        ),
    ]


def _loss_chart(training: Training) -> NDArray[np.uint8]:
    losses = np.array(training.progress.losses, np.float64).reshape(-1, len(NAMES))
    whole = len(losses) // _SMOOTHED * _SMOOTHED
    means = losses[:whole].reshape(-1, _SMOOTHED, len(NAMES)).mean(1)
    steps = (np.arange(len(means)) + 1) * _SMOOTHED * LOGGED
    series = {
        name: list(zip(steps.tolist(), means[:, index].tolist(), strict=True))
        for index, name in enumerate(NAMES)
    }
    return draw_chart("losses", "steps", series, top=1.0)


def _precision_chart(training: Training) -> NDArray[np.uint8]:
    points = [(step, score) for step, score in training.progress.scores]
    return draw_chart("mask AP on validation scenes", "steps", {"mask AP": points}, top=1.0)


def _samples(model: Path, val: Path) -> NDArray[np.uint8]:
    """The first scenes with what was found in them, as one picture."""
    pictures = []
    for frame, instances in islice(detect(model, val, _SHOWN_SCORE), _SAMPLES):
        drawn = draw(frame, instances, OverlayStyle()).to_bgr()
        half = (frame.width // 2, frame.height // 2)
        pictures.append(cv2.resize(drawn, half, interpolation=cv2.INTER_AREA))
    while len(pictures) % _COLUMNS:
        pictures.append(np.full_like(pictures[0], 255))
    rows = [np.hstack(pictures[i : i + _COLUMNS]) for i in range(0, len(pictures), _COLUMNS)]
    return np.asarray(np.vstack(rows), np.uint8)


def _write_picture(path: Path, picture: NDArray[np.uint8]) -> None:
    if not cv2.imwrite(str(path), picture):
        raise OSError(f"{path} cannot be written")
