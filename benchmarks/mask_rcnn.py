"""Mask R-CNN in two passes over one graph that makes every mask, with the same weights and picture.

    python benchmarks/mask_rcnn.py [--survivors 8] [--rounds 5] [--input-size 800x1365]

The one graph runs its mask head on all 100 regions, as existing conversions do. The weights are
random and calibrated; INT8 is made by NNCF. All forms run a picture at a time on all cores, in
turns, and medians are printed: by the clock and in CPU time, with the ratio to the one graph, how
close a form comes to what the machine does at best, where the time goes, and how far answers are
apart. Then: how long models take to start, and the pipeline over its engine alone.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from benchmarks.mask_rcnn_run import Precision, compare_pipeline, start_times
from benchmarks.work import best_rate, by_part, compiled, middle, multiply_adds, shared
from streamer.evaluation.quantize import quantize
from streamer.models import mask_rcnn
from streamer.models.base import Tensors, sample_inputs
from streamer.models.registry import open_model
from streamer.network.config import MASK_RCNN_RESNET50_ATROUS_COCO, MaskRcnnConfig
from streamer.network.network import build_reference, hand_over_as
from streamer.network.random_weights import random_weights
from streamer.network.weights import Weights


class OneGraph:
    """Every mask in one pass."""

    def __init__(self, path: Path, precision: str) -> None:
        graph = ov.Core().read_model(path)
        self.work = multiply_adds(graph)
        self.requests = [compiled(graph, precision).create_infer_request()]

    def __call__(self, tensors: Tensors) -> tuple[NDArray[Any], NDArray[Any]]:
        """Detections and masks."""
        self.requests[0].infer(shared(tensors))
        detections, masks = self.requests[0].output_tensors
        return np.array(detections.data), np.array(masks.data)


class TwoPasses:
    """The detector, and a mask head for so many detections."""

    def __init__(self, folder: Path, precision: str, survivors: int) -> None:
        model = open_model(folder)
        assert model.second_pass is not None
        graph, masks = model.graph.clone(), model.second_pass.graph.clone()
        kind = ov.Type.bf16 if precision == "bf16" else ov.Type.f32
        hand_over_as(kind, graph, masks)
        masks.reshape({"detections": [survivors, 6]})
        self.survivors = survivors
        self.work = multiply_adds(graph) + multiply_adds(masks)
        rest = "f32" if precision == "int8" else precision
        self.requests = [compiled(g, rest).create_infer_request() for g in (graph, masks)]

    def __call__(self, tensors: Tensors) -> tuple[NDArray[Any], NDArray[Any]]:
        """Detections, and the masks of the first of them."""
        first, second = self.requests
        first.infer(shared(tensors))
        detections, cells = first.output_tensors
        rows = np.array(detections.data[: self.survivors])
        second.set_input_tensor(0, cells)
        second.set_input_tensor(1, ov.Tensor(rows, shared_memory=True))
        second.infer()
        return np.array(detections.data), np.array(second.output_tensors[0].data)


def make_models(config: MaskRcnnConfig, weights: Weights, folder: Path) -> None:
    """The one graph, the two passes, and the two passes in INT8."""
    mask_rcnn.save(config, weights, folder / "float", "mask-rcnn", {})
    ov.save_model(build_reference(config, weights), folder / "one.xml", compress_to_fp16=False)
    model = open_model(folder / "float", threshold=config.score_threshold)
    graph, masks = quantize(model, [sample_inputs(model, 1280, 720)])
    assert masks is not None
    mask_rcnn.write(graph, masks, folder / "int8", "mask-rcnn")


def compare_forms(folder: Path, tensors: Tensors, survivors: int, rounds: int) -> None:
    forms: dict[str, OneGraph | TwoPasses] = {
        "one graph, f32": OneGraph(folder / "one.xml", "f32"),
        "two passes, f32": TwoPasses(folder / "float", "f32", survivors),
        "one graph, bf16": OneGraph(folder / "one.xml", "bf16"),
        "two passes, bf16": TwoPasses(folder / "float", "bf16", survivors),
        "two passes, int8": TwoPasses(folder / "int8", "int8", survivors),
    }
    figures: dict[str, list[tuple[float, float]]] = {name: [] for name in forms}
    answers = {name: form(tensors) for name, form in forms.items()}  # the warm-up
    for _ in range(rounds):
        for name, form in forms.items():
            wall, cpu = time.perf_counter(), time.process_time()
            form(tensors)
            figures[name].append((time.perf_counter() - wall, time.process_time() - cpu))
    rates = {precision: best_rate(precision) for precision in ("f32", "bf16", "int8")}
    walls = {name: [wall for wall, _ in runs] for name, runs in figures.items()}
    print(f"{survivors} masks; medians of {rounds} rounds; the limit is the work over what a")
    print("3x3 convolution of 512 channels reaches in the same run")
    for name, form in forms.items():
        wall, cpu = middle(zip(*figures[name], strict=True))
        precision = name.rpartition(" ")[2]
        base = walls["one graph, f32" if precision == "f32" else "one graph, bf16"]
        (ratio,) = middle([[b / w for b, w in zip(base, walls[name], strict=True)]])
        limit = form.work / rates[precision]
        print(
            f"{name}: {wall * 1e3:.0f} ms ({cpu * 1e3:.0f} CPU), {ratio:.2f} times as fast; "
            f"{form.work / 1e9:.0f} G multiply-adds, at {rates[precision] / 1e9:.0f} G/s "
            f"{limit * 1e3:.0f} ms: {limit / wall:.0%} of the limit"
        )
    for name, form in forms.items():
        parts = ", ".join(f"{part} {spent:.0f}" for part, spent in by_part(form.requests))
        print(f"{name}, ms: {parts}")
    boxes, masks = answers["one graph, f32"]
    found, planes = answers["two passes, f32"]
    box = np.abs(found - boxes)[:survivors, :4].max() / tensors[0].shape[2]
    mask = np.abs(planes - masks[:survivors]).max()
    print(f"f32 answers differ by {box:.1e} of the width and {mask:.1e} of a probability")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--survivors", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--input-size", default="800x1365")
    parser.add_argument("--frames", type=int, default=8, help="that the pipeline is tried on")
    parsed = parser.parse_args()
    height, width = map(int, parsed.input_size.split("x"))
    config = replace(MASK_RCNN_RESNET50_ATROUS_COCO, height=height, width=width)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_models(config, random_weights(config), folder)
        tensors = sample_inputs(open_model(folder / "float"), 1280, 720)
        compare_forms(folder, tensors, parsed.survivors, parsed.rounds)
        runs: list[tuple[str, Precision]] = [("float", "bf16"), ("int8", "auto")]
        for model, precision in runs:
            print(f"\n{model} model, --precision {precision}")
            start_times(folder / model, precision, folder / f"home-{model}")
            compare_pipeline(folder / model, precision, parsed.frames, parsed.rounds)


if __name__ == "__main__":
    main()
