"""Train the demo's model.

    python -m tools.demo.train --data DIR... --val DIR -o RUN [--minutes M | --epochs N]

Goes on where the last run in RUN left off. Ctrl-C (or SIGTERM) saves and ends; the same command
goes on. At the end RUN holds ``weights.npz``, the model for `streamer` in ``model/``, and
``report.md`` with pictures.
"""

from __future__ import annotations

import argparse
import ctypes
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import numpy as np
import torch
from rich.console import Console

from streamer.errors import StreamerError
from streamer.evaluation.accuracy import Accuracy
from streamer.evaluation.evaluate import category_table, summary_table
from tools.demo.evaluate import evaluate
from tools.demo.training import export
from tools.demo.training.config import CATEGORIES, CONFIG
from tools.demo.training.display import Display
from tools.demo.training.loop import Plan, Training, TrainingError
from tools.demo.training.narrow import narrowed
from tools.demo.training.report import write_report
from tools.demo.training.scenes import Scenes, read

_CHECKED = 4
"""Pictures on which PyTorch and OpenVINO must agree."""

_LOOKED_AT = 100
"""Validation scenes that are looked at while training."""

_USUAL = Plan()

# From glibc's malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4


@dataclass(slots=True)
class Stop:
    """Whether the user has asked to end."""

    asked: bool = False

    def __call__(self) -> bool:
        """Whether to end now."""
        return self.asked


def main() -> int:
    """Train as the command line asks; gives the exit code: 0 when done, 130 when interrupted."""
    options = _options()
    torch.set_num_threads(options.threads)
    _keep_memory()
    console = Console(highlight=False)
    run: Path = options.output
    run.mkdir(parents=True, exist_ok=True)
    plan = Plan(
        minutes=None if options.epochs else options.minutes,
        epochs=options.epochs,
        batch=options.batch,
        rois=options.rois,
        rate=options.rate,
        seed=options.seed,
    )
    try:
        console.print("reading scenes")
        scenes = read(options.data, run / "cache", CONFIG, CATEGORIES)
        training = Training(CONFIG, scenes, run, plan)
        if training.progress.step:
            console.print(f"going on after step {training.progress.step}")
        elif options.start is not None:
            _begin(training, options.start)
        with _signals() as stop:
            _train(training, options.val, run, options.looks, stop, console)
        if stop.asked:
            console.print(f"saved after step {training.progress.step}; the same command goes on")
            return 130
        accuracy = _finish(training, scenes, options.val, run)
    except (StreamerError, OSError, TrainingError, export.DisagreementError) as error:
        print(f"train: {error}", file=sys.stderr)
        return 1
    console.print(summary_table(accuracy, {}, ""))
    console.print(category_table(accuracy))
    console.print(f"report: {run / 'report.md'}")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument(
        "--data", type=Path, nargs="+", required=True, metavar="DIR", help="scenes to learn from"
    )
    parser.add_argument("--val", type=Path, required=True, help="scenes to be tested with")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder of the run")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--minutes", type=float, default=70.0, help="of training (70)")
    length.add_argument("--epochs", type=float, help="passes over the scenes instead")
    parser.add_argument("--threads", type=int, default=2, help="cores to use (2)")
    parser.add_argument("--batch", type=int, default=_USUAL.batch, help="pictures a step")
    parser.add_argument("--rois", type=int, default=_USUAL.rois, help="regions sampled from each")
    parser.add_argument("--rate", type=float, default=_USUAL.rate, help="highest learning rate")
    parser.add_argument("--seed", type=int, default=_USUAL.seed, help="of weights and chance")
    parser.add_argument(
        "--start", type=Path, metavar="WEIGHTS.npz", help="begin with those of a wider network"
    )
    parser.add_argument("--looks", type=int, default=6, help="evaluations on the way (6)")
    return parser.parse_args()


def _begin(training: Training, path: Path) -> None:
    """Begin with the strongest channels of a wider network."""
    network = training.network
    with np.load(path) as archive:
        arrays = narrowed(dict(archive), export.arrays_of(network), CONFIG)
    export.load_arrays(network, arrays)
    training.begin_with(network.state_dict())


def _keep_memory() -> None:
    """Have glibc keep freed memory instead of fetching fresh pages for every large tensor.

    Page faults cost a tenth of the time otherwise. Elsewhere than on glibc nothing happens.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(_M_MMAP_MAX, 0)
        mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)


@contextmanager
def _signals() -> Iterator[Stop]:
    """Ctrl-C and SIGTERM ask to end after the current step."""
    stop = Stop()

    def ask(_: int, __: FrameType | None) -> None:
        stop.asked = True

    kinds = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(kind, ask) for kind in kinds]
    try:
        yield stop
    finally:
        for kind, handler in zip(kinds, before, strict=True):
            signal.signal(kind, handler)


def _train(
    training: Training, val: Path, run: Path, looks: int, stop: Stop, console: Console
) -> None:
    """Train to the end of the plan, with a look at validation scenes now and then."""
    parts = looks + 1
    part = int(training.done * parts)
    with Display(training, console) as display:
        for losses in training.run(stop):
            display.step(losses)
            if part < int(training.done * parts) < parts:
                part = int(training.done * parts)
                score = _look(training, val, run)
                training.progress.scores.append([float(training.progress.step), score])
                console.print(
                    f"step {training.progress.step}: mask AP {score:.3f} on at most {_LOOKED_AT} "
                    "scenes"
                )


def _look(training: Training, val: Path, run: Path) -> float:
    arrays = export.arrays_of(training.smoothed)
    path = export.save_model(CONFIG, arrays, run / "look")
    return evaluate(path, val, limit=_LOOKED_AT).masks.ap


def _finish(training: Training, scenes: Scenes, val: Path, run: Path) -> Accuracy:
    """Write weights, model and report."""
    network = training.smoothed
    arrays = export.arrays_of(network)
    export.save_weights(arrays, run / "weights.npz")
    difference = export.check(network, scenes.pictures(_CHECKED))
    path = export.save_model(CONFIG, arrays, run / "model")
    accuracy = evaluate(path, val)
    write_report(run, training, len(scenes), accuracy, path, val, difference)
    return accuracy


if __name__ == "__main__":
    sys.exit(main())
