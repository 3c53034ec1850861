"""Mask R-CNN in two passes over one graph that makes every mask, with the same weights and picture.

    python benchmarks/mask_rcnn.py [--survivors 8] [--rounds 5] [--input-size 800x1365]

The one graph runs its mask head on all 100 regions, as existing conversions do. The weights are
random and calibrated. Both run a picture at a time on all cores, in turns; medians are printed, by
the clock and in CPU time, with the ratio and how far the answers are apart.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from streamer.models import mask_rcnn
from streamer.models.base import sample_inputs
from streamer.models.registry import open_model
from streamer.network.config import MASK_RCNN_RESNET50_ATROUS_COCO
from streamer.network.network import build_reference, hand_over_as
from streamer.network.random_weights import random_weights

KINDS = {"bf16": ov.Type.bf16, "f32": ov.Type.f32}


class TwoPasses:
    """The detector and a mask head for so many detections, one picture at a time."""

    def __init__(self, folder: Path, precision: str, survivors: int) -> None:
        model = open_model(folder)
        assert model.second_pass is not None
        graph, masks = model.graph.clone(), model.second_pass.graph.clone()
        hand_over_as(KINDS[precision], graph, masks)
        masks.reshape({"detections": [survivors, 6]})
        self.survivors = survivors
        self.first = compiled(graph, precision).create_infer_request()
        self.second = compiled(masks, precision).create_infer_request()
        self.spent = [0.0, 0.0]

    def __call__(self, tensors: Any) -> tuple[NDArray[Any], NDArray[Any]]:
        """Detections, and the masks of the first of them."""
        began = time.perf_counter()
        self.first.infer(list(tensors))
        middle = time.perf_counter()
        detections, cells = self.first.output_tensors
        rows = np.array(detections.data[: self.survivors])
        self.second.set_input_tensor(0, cells)
        self.second.set_input_tensor(1, ov.Tensor(rows, shared_memory=True))
        self.second.infer()
        self.spent = [middle - began, time.perf_counter() - middle]
        return np.array(detections.data), np.array(self.second.output_tensors[0].data)


def compiled(graph: ov.Model, precision: str) -> ov.CompiledModel:
    hints = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": precision}
    return ov.Core().compile_model(graph, "CPU", hints)


def measured(run: Callable[[], Any]) -> tuple[float, float, Any]:
    """Wall and CPU seconds, and what came out."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = run()
    return time.perf_counter() - wall, time.process_time() - cpu, result


def compare(folder: Path, reference: Path, precision: str, survivors: int, rounds: int) -> None:
    one = compiled(ov.Core().read_model(reference), precision).create_infer_request()
    two = TwoPasses(folder, precision, survivors)
    tensors = list(sample_inputs(open_model(folder), 1280, 720))
    figures: list[tuple[float, ...]] = []
    for index in range(rounds + 1):
        wall_1, cpu_1, _ = measured(lambda: one.infer(tensors))
        wall_2, cpu_2, found = measured(lambda: two(tensors))
        if index:  # the first run of each is its warm-up
            figures.append((wall_1, wall_2, cpu_1, cpu_2, wall_1 / wall_2, *two.spent))
    one_wall, two_wall, one_cpu, two_cpu, ratio, first, masks = (
        statistics.median(column) for column in zip(*figures, strict=True)
    )
    detections, planes = (np.array(tensor.data) for tensor in one.output_tensors)
    print(f"{precision}: one graph {one_wall * 1e3:.0f} ms ({one_cpu * 1e3:.0f} CPU), two passes ")
    print(f"  {two_wall * 1e3:.0f} ms ({two_cpu * 1e3:.0f} CPU): {ratio:.2f} times as fast")
    print(f"  of that the first pass {first * 1e3:.0f} ms, {survivors} masks {masks * 1e3:.0f} ms")
    if precision == "f32":
        box = np.abs(found[0] - detections)[:survivors, :4].max() / tensors[0].shape[2]
        mask = np.abs(found[1] - planes[:survivors]).max()
        print(f"  answers differ by {box:.1e} of the width and {mask:.1e} of a probability")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--survivors", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--input-size", default="800x1365")
    parser.add_argument("--precisions", default="bf16,f32")
    parsed = parser.parse_args()
    height, width = map(int, parsed.input_size.split("x"))
    config = replace(MASK_RCNN_RESNET50_ATROUS_COCO, height=height, width=width)
    weights = random_weights(config)
    with tempfile.TemporaryDirectory() as name:
        folder, reference = Path(name, "model"), Path(name, "reference.xml")
        mask_rcnn.save(config, weights, folder, "random", {})
        ov.save_model(build_reference(config, weights), reference, compress_to_fp16=False)
        for precision in parsed.precisions.split(","):
            compare(folder, reference, precision, parsed.survivors, parsed.rounds)


if __name__ == "__main__":
    main()
