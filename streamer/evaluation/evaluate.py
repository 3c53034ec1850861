"""``streamer evaluate``: average precision of a model, for people, scripts and the eye."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from streamer.console import Lenient
from streamer.devices import is_quantized
from streamer.durations import left
from streamer.errors import ModelError, SettingsError
from streamer.evaluation.accuracy import Accuracy, measure, open_to_measure
from streamer.evaluation.coco import require_pycocotools
from streamer.evaluation.dataset import load_dataset
from streamer.evaluation.sheet import write_sheet
from streamer.models.base import Model
from streamer.places import check_writable
from streamer.report import write_json
from streamer.threads import limit_libraries

BOXES, MASKS = "coco_orig_precision", "coco_orig_segm_precision"
"""Open Model Zoo's names of the two figures, in reports and in ``published``."""

_LINE_EVERY_S = 10.0
_PICTURES = (".png", ".jpg", ".jpeg")


def evaluate(
    spec: str | Path,
    annotations: Path,
    images: Path,
    *,
    limit: int | None = None,
    device: str = "AUTO",
    precision: str = "auto",
    requests: int | None = None,
    json_file: Path | None = None,
    sheet: Path | None = None,
    published: Mapping[str, float] | None = None,
    published_on: str = "COCO val2017",
    cache_dir: Path | None = None,
) -> Accuracy:
    """Measure a model, print the figures, and write what was asked for.

    Args:
        spec: the model, a file or folder.
        annotations: instances in COCO's format.
        images: the folder of their images.
        limit: look at so many images only.
        device: as OpenVINO names it.
        precision: what inference computes in.
        requests: how many in flight; None for the device's optimum.
        json_file: where the figures go.
        sheet: where a picture of the worst images goes.
        published: figures to print beside the measured ones, 0..1, by `BOXES` and `MASKS`.
        published_on: what those were measured on.
        cache_dir: where compiled graphs are kept.

    Raises:
        RequestError: something that was asked for is not there or does not fit.
        RunError: it broke on the way.
    """
    if requests is not None and requests < 1:
        raise SettingsError(f"--requests {requests} runs nothing; give 1 or more, or leave it out")
    require_pycocotools()
    limit_libraries()
    _check_targets(annotations, json_file, sheet)
    dataset = load_dataset(annotations, images, limit)
    model = open_to_measure(spec)
    if precision == "int8" and not is_quantized(model.graph):
        raise ModelError(f"{model.name} is not quantized, so --precision int8 cannot be had")
    console = Console(file=Lenient.stderr(), highlight=False, soft_wrap=True)
    with _progress(console, len(dataset.samples)) as report:
        accuracy = measure(
            model,
            dataset,
            device=device,
            precision=precision,
            requests=requests,
            cache_dir=cache_dir,
            report=report,
        )
    figures = Console(highlight=False, soft_wrap=True)
    figures.print(_headline(model, accuracy), markup=False)
    figures.print(summary_table(accuracy, published or {}, published_on))
    figures.print(category_table(accuracy))
    for note in notes(accuracy):
        figures.print(note, markup=False)
    if json_file is not None:
        write_json(json_file, as_json(model, accuracy, published or {}))
    if sheet is not None:
        count = write_sheet(sheet, accuracy)
        said = f"the {count} worst images are in {sheet}" if count else "no image has a mistake"
        console.print(said, markup=False)
    return accuracy


def summary_table(accuracy: Accuracy, published: Mapping[str, float], published_on: str) -> Table:
    """The overall figures, and the published ones where there are any."""
    view = Table(box=None)
    view.add_column("average precision")
    for name in ("boxes", "masks"):
        view.add_column(name, justify="right")
    boxes, masks = accuracy.boxes, accuracy.masks
    view.add_row("IoU .50:.95", f"{boxes.ap:.4f}", f"{masks.ap:.4f}")
    view.add_row("IoU .50", f"{boxes.ap50:.4f}", f"{masks.ap50:.4f}")
    if published:
        known = [f"{published[name]:.4f}" if name in published else "" for name in (BOXES, MASKS)]
        view.add_row(f"published, IoU .50:.95 on {published_on}", *known)
    return view


def category_table(accuracy: Accuracy) -> Table:
    """The figures of each category that the images show."""
    objects = Counter(
        row["category_id"] for row in accuracy.dataset.annotations if not row["iscrowd"]
    )
    view = Table(box=None)
    view.add_column("category")
    for column in ("objects", "boxes", "masks"):
        view.add_column(column, justify="right")
    for number, name in accuracy.dataset.categories.items():
        if number in objects:
            values = (score.by_category[number] for score in (accuracy.boxes, accuracy.masks))
            view.add_row(name, str(objects[number]), *(f"{value:.3f}" for value in values))
    return view


def notes(accuracy: Accuracy) -> Iterator[str]:
    """What a reader of the figures must know."""
    if accuracy.unknown:
        names = ", ".join(accuracy.unknown[:4]) + (", ..." if len(accuracy.unknown) > 4 else "")
        known = len(accuracy.dataset.categories)
        yield (
            f"Scored on {known} of {known + len(accuracy.unknown)} categories; the model does not "
            f"know the others ({names})."
        )


def as_json(model: Model, accuracy: Accuracy, published: Mapping[str, float]) -> dict[str, Any]:
    """The figures, as ``--json`` writes them."""
    boxes, masks = accuracy.boxes, accuracy.masks
    names = accuracy.dataset.categories
    return {
        "model": model.name,
        "contract": model.contract,
        "device": accuracy.device,
        "precision": accuracy.precision,
        "images": len(accuracy.dataset.samples),
        BOXES: round(boxes.ap, 6),
        MASKS: round(masks.ap, 6),
        "ap50": round(boxes.ap50, 6),
        "segm_ap50": round(masks.ap50, 6),
        "seconds": round(accuracy.seconds, 3),
        "published": dict(published),
        "categories": {
            names[number]: {"ap": round(ap, 6), "segm_ap": round(masks.by_category[number], 6)}
            for number, ap in boxes.by_category.items()
        },
        "unknown_categories": list(accuracy.unknown),
    }


def _headline(model: Model, accuracy: Accuracy) -> str:
    images, objects = len(accuracy.dataset.samples), len(accuracy.dataset.annotations)
    return (
        f"{model.name} ({model.contract}) on {accuracy.device} in {accuracy.precision}: "
        f"{images} images, {objects} objects, {images / accuracy.seconds:.1f} images a second"
    )


def _check_targets(annotations: Path, json_file: Path | None, sheet: Path | None) -> None:
    """Refuse before hours of work what could not be written after them."""
    taken = {annotations.resolve(): "the file of annotations"}
    for option, path in (("--json", json_file), ("--sheet", sheet)):
        if path is None:
            continue
        check_writable(option, path)
        if path.resolve() in taken:
            raise SettingsError(f"{option} {path} is {taken[path.resolve()]}; name another file")
        taken[path.resolve()] = f"what {option} names"
    if sheet is not None and sheet.suffix.lower() not in _PICTURES:
        raise SettingsError(f"--sheet {sheet} is no picture; end its name in .png or .jpg")


@contextmanager
def _progress(console: Console, total: int) -> Iterator[Callable[[int], None]]:
    """Takes the number of images done: a bar on a terminal, a line now and then elsewhere."""
    if console.is_terminal:
        columns = (
            TextColumn("evaluating"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task("", total=total)
            yield lambda done: bar.update(task, completed=done)
        return
    began = said = time.monotonic()

    def say(done: int) -> None:
        nonlocal said
        now = time.monotonic()
        if now - said >= _LINE_EVERY_S:
            said = now
            console.print(progress_line(done, total, now - began))

    yield say


def progress_line(done: int, total: int, passed_s: float) -> str:
    """How far it is, how fast, and how long it will take."""
    rate = done / passed_s
    rest = left(total - done, rate)
    return f"{done / total:.0%}, {done} of {total} images, {rate:.1f} a second, {rest} left"
