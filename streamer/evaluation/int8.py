"""``streamer models quantize``: a model in INT8, and how it compares with what it was made from."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from rich.console import Console

from streamer.errors import ModelError, SourceError
from streamer.evaluation.accuracy import Accuracy, measure, open_to_measure
from streamer.evaluation.agreement import Agreement, compare
from streamer.evaluation.dataset import Dataset
from streamer.evaluation.quantize import Quantized, quantize
from streamer.frame import Frame
from streamer.models import mask_rcnn, omz, yolo_seg
from streamer.models.base import Model, Tensors
from streamer.models.registry import open_model
from streamer.models.saving import save_graphs
from streamer.sources.registry import open_source
from streamer.sources.window import Window
from streamer.two_pass import start

SAMPLES = 300
"""Pictures to calibrate on, if there are as many; more change little."""

_COMPARED = 30
"""Pictures on which both models are compared."""

_THRESHOLD = 0.5
_LENIENT = 0.6
"""Share of the threshold that is enough to find a detection again."""

_CONTRACTS = (mask_rcnn.CONTRACT, omz.CONTRACT, yolo_seg.CONTRACT)


class Limit(NamedTuple):
    """How much accuracy may be lost.

    Attributes:
        drop: points of average precision, of boxes and of masks.
        dataset: that it is measured on.
    """

    drop: float
    dataset: Dataset


class _Form(NamedTuple):
    """What of a model is quantized.

    Attributes:
        words: that say it.
        kept: see `quantize`.
    """

    words: str
    kept: tuple[str, ...] = ()


_ALL = _Form("everything")
_PREDICTORS = (
    r".*/(BoxEncodingPredictor|ClassPredictor)",
    r"masks/SecondStageBoxPredictor/Conv_\d+",
    r"FirstStageFeatureExtractor/[^/]+/conv1",
)
_FORMS = (
    _ALL,
    _Form("all but the first convolution and the predictors", _PREDICTORS),
    _Form("all but these and the RPN's convolution", (*_PREDICTORS, "Conv")),
    _Form("all but these and the masks", (*_PREDICTORS, "Conv", "masks/.*")),
)
"""What is tried, one after the other, where accuracy has to hold; for networks of our own."""


def quantize_model(
    spec: str | Path,
    data: str,
    folder: Path,
    *,
    samples: int = SAMPLES,
    limit: Limit | None = None,
    console: Console,
) -> Path:
    """Quantize a model, write it, and print how it compares.

    Args:
        spec: the model; see `open_model`.
        data: a folder of images or a clip to calibrate on, best of what the model is to see.
        folder: where the INT8 model goes.
        samples: how many pictures of it to take at most, evenly spread.
        limit: less is quantized, or nothing written, where the model would lose more.
        console: to print to.

    Returns:
        The model's file.

    Raises:
        ModelError: the model is quantized already or cannot be, the folder cannot be written, or no
            form of it stays within ``limit``.
        SourceError: there is no picture to calibrate on.
        DeviceError: the CPU will not take the model.
    """
    model = open_model(spec, threshold=_THRESHOLD)
    if model.contract not in _CONTRACTS:
        raise ModelError(
            f"{spec} is under {model.contract}; what can be quantized is {', '.join(_CONTRACTS)}"
        )
    pictures = Pictures(data, samples)
    console.print(f"calibrating {model.name} on {len(pictures)} pictures of {data}")
    prepared = _Prepared(model, pictures)
    quantized = _hold(spec, model, prepared, limit, console) if limit else quantize(model, prepared)
    path = _write(model, quantized, folder)
    for line in _comparison(model, path, pictures):
        console.print(line)
    return path


def _hold(
    spec: str | Path, model: Model, prepared: _Prepared, limit: Limit, console: Console
) -> Quantized:
    """Quantize as much as ``limit`` allows."""
    before = measure(open_to_measure(spec), limit.dataset)
    console.print(f"in {before.precision}: {_precision(before)}")
    drops = []
    for form in _FORMS if model.second_pass else (_ALL,):
        quantized = quantize(model, prepared, form.kept)
        with tempfile.TemporaryDirectory() as folder:
            after = measure(open_to_measure(_write(model, quantized, Path(folder))), limit.dataset)
        lost = (before.boxes.ap - after.boxes.ap, before.masks.ap - after.masks.ap)
        drops.append(100 * max(lost))
        console.print(f"{form.words} in INT8: {_precision(after)}")
        if drops[-1] <= limit.drop:
            return quantized
    raise ModelError(
        f"{model.name} in INT8 loses {min(drops):.2f} points of average precision at best, more "
        f"than {limit.drop:g}, so nothing was written; allow more with --max-drop, or calibrate on "
        "more of what it is to see"
    )


def _precision(accuracy: Accuracy) -> str:
    return f"box AP {accuracy.boxes.ap:.4f}, mask AP {accuracy.masks.ap:.4f}"


class Pictures:
    """Frames of a source, evenly spread, that can be gone through again and again.

    Args:
        spec: the source.
        most: how many to take.

    Raises:
        SourceError: it cannot be opened, or holds no picture.
    """

    def __init__(self, spec: str, most: int) -> None:
        self._spec, self._most = spec, most
        with open_source(spec) as source:
            count = source.info.frames or sum(1 for _ in source)
        if not count:
            raise SourceError(f"{spec} holds no picture to calibrate on")
        self._step = max(count // most, 1)
        self._count = min(-(-count // self._step), most)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Frame]:
        with open_source(self._spec, Window()) as source:
            yield from islice(source, 0, self._count * self._step, self._step)


class _Prepared:
    """Pictures as the model takes them."""

    def __init__(self, model: Model, pictures: Pictures) -> None:
        self._model, self._pictures = model, pictures

    def __len__(self) -> int:
        return len(self._pictures)

    def __iter__(self) -> Iterator[Tensors]:
        for frame in self._pictures:
            yield self._model.preprocess(frame)[0]


def _write(model: Model, quantized: Quantized, folder: Path) -> Path:
    name = f"{model.name}-int8"
    if quantized.masks is not None:
        return mask_rcnn.write(quantized.graph, quantized.masks, folder, name)
    names = dict(enumerate(model.labels.values()))
    quantized.graph.set_rt_info(str(names), ["framework", "names"])
    save_graphs(folder, {name: quantized.graph})
    return folder / f"{name}.xml"


def _comparison(model: Model, path: Path, pictures: Pictures) -> Iterator[str]:
    int8 = open_model(path, threshold=_LENIENT * _THRESHOLD)
    with start(model, "CPU", requests=1) as before, start(int8, "CPU", requests=1) as after:
        found = compare(model, int8, (before, after), islice(pictures, _COMPARED))
        yield f"{path}: {_megabytes(path)}, {found.ratio:.2f} times as fast as {before.precision}"
    yield _words(found)


def _words(found: Agreement) -> str:
    return (
        f"of {found.detections} detections {found.share:.1%} are found again; their scores differ "
        f"by {found.score_error:.3f} and their masks overlap by {found.mask_iou:.3f} on average"
    )


def _megabytes(path: Path) -> str:
    files = [path, *path.parent.glob(f"{path.stem}*.bin")]
    return f"{sum(file.stat().st_size for file in files) / 1e6:.1f} MB"
