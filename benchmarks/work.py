"""What a graph has to compute, how fast this machine computes at best, and where time goes."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable

import numpy as np
import openvino as ov
from openvino import opset13 as op

from streamer.models.base import Tensors

SIDE, CHANNELS = 96, 512
"""Of the convolution that stands for the machine's best: even, large and in one go."""


def multiply_adds(graph: ov.Model) -> int:
    """Multiply-adds of the convolutions and matrix products of a graph with static shapes."""
    total = 0
    for node in graph.get_ops():
        if node.get_type_name() == "Convolution":
            inputs, *kernel = list(node.input_value(1).get_shape())[1:]
            total += int(np.prod(node.output(0).get_shape())) * inputs * int(np.prod(kernel))
        elif node.get_type_name() == "MatMul":
            total += int(np.prod(node.output(0).get_shape())) * node.input_value(0).get_shape()[-1]
    return total


def best_rate(precision: str) -> float:
    """Multiply-adds a second of 3x3 convolutions in the best of a few runs."""
    graph = _convolution()
    if precision == "int8":
        import nncf

        noise = np.random.default_rng(0)
        pictures = [noise.random((1, CHANNELS, SIDE, SIDE), np.float32) for _ in range(2)]
        graph = nncf.quantize(graph, nncf.Dataset(pictures))
    request = compiled(graph, "f32" if precision == "int8" else precision).create_infer_request()
    tensor = ov.Tensor(np.random.default_rng(0).random((1, CHANNELS, SIDE, SIDE), np.float32))
    times = []
    for _ in range(5):
        request.infer([tensor])
        spent = (info for info in request.get_profiling_info() if info.node_type == "Convolution")
        times.append(sum(info.real_time.total_seconds() for info in spent))
    return float(multiply_adds(graph) / min(times))


def _convolution() -> ov.Model:
    """Three convolutions, so that what is between them is in the precision of the inside."""
    data = op.parameter([1, CHANNELS, SIDE, SIDE], np.float32)
    noise = np.random.default_rng(1)
    x: ov.Output = data.output(0)
    for _ in range(3):
        weights = noise.standard_normal((CHANNELS, CHANNELS, 3, 3), np.float32) / 70
        x = op.relu(op.convolution(x, op.constant(weights), [1, 1], [1, 1], [1, 1], [1, 1]))
        x = x.output(0)
    return ov.Model([x], [data], "convolutions")


def compiled(graph: ov.Model, precision: str) -> ov.CompiledModel:
    """For one picture at a time on all cores."""
    hints = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": precision,
        "PERF_COUNT": True,
    }
    return ov.Core().compile_model(graph, "CPU", hints)


def by_part(requests: Iterable[ov.InferRequest]) -> list[tuple[str, float]]:
    """Milliseconds of the last runs by part of the network, longest first."""
    spent: defaultdict[str, float] = defaultdict(float)
    for request in requests:
        for info in request.get_profiling_info():
            milliseconds = info.real_time.total_seconds() * 1e3
            spent[_part(info.node_name, info.node_type)] += milliseconds
    return sorted(spent.items(), key=lambda item: -item[1])


def _part(name: str, kind: str) -> str:
    convolves = kind in ("Convolution", "MatMul", "FullyConnected")
    if "FirstStageFeatureExtractor" in name and convolves:
        return "backbone block" + name.partition("block")[2][:1] if "block" in name else "backbone"
    if "block4" in name and convolves:
        return "masks: block4" if name.startswith("masks/") else "boxes: block4"
    if "SecondStageBoxPredictor/Conv" in name or name.startswith("masks/"):
        return "masks: head"
    if convolves:
        return "RPN" if "FirstStage" in name or name.startswith("Conv") else "boxes: predictors"
    if name.startswith("crops/") or kind == "ROIAlign":
        return "cropping"
    return "reorders" if kind == "Reorder" else "boxes, suppression and the rest"


def middle(columns: Iterable[Iterable[float]]) -> list[float]:
    """The median of each column."""
    return [statistics.median(column) for column in columns]


def shared(tensors: Tensors) -> list[ov.Tensor]:
    """Inputs that are read where they lie."""
    return [ov.Tensor(tensor, shared_memory=True) for tensor in tensors]
