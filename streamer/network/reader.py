"""From a frozen graph of the TensorFlow Object Detection API to a config and its weights."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamer.errors import ModelError
from streamer.network.architecture import (
    FIRST_STAGE,
    HEADS,
    RPN,
    RPN_CONV,
    SECOND_STAGE,
    root_scope,
)
from streamer.network.config import MaskRcnnConfig
from streamer.network.frozen_graph import FrozenGraph
from streamer.network.pipeline_config import read_pipeline_config
from streamer.network.weights import Weights

_SCOPES = (f"{FIRST_STAGE}/", f"{SECOND_STAGE}/", f"{RPN}/", f"{HEADS}/", f"{RPN_CONV}/")
_VARIABLES = ("weights", "biases", "gamma", "beta", "moving_mean", "moving_variance")
_FUSED_EPSILON = 1e-4
"""TensorFlow's own value where a FusedBatchNorm does not say."""

_UNIT = re.compile(r"/block(\d)/unit_(\d+)/bottleneck_v1/conv1/weights$")

Arrays = Mapping[str, NDArray[Any]]


def read_network(path: Path, pipeline: Path | None = None) -> tuple[MaskRcnnConfig, Weights]:
    """The network that a frozen graph holds.

    Args:
        path: ``frozen_inference_graph.pb``.
        pipeline: its ``pipeline.config``; None for the one beside it. Where there is none, sizes
            come from the graph and everything else from the COCO release.

    Raises:
        ModelError: a file cannot be read, holds another network, lacks a constant, has one too many
            or of the wrong shape, or the two contradict each other.
    """
    graph = FrozenGraph(path)
    backbone = backbone_of(graph)
    if not backbone.startswith("resnet_v1_"):
        raise ModelError(f"{path} has backbone {backbone}; only ResNet v1 can be built")
    arrays = _variables(graph)
    found = _sizes(arrays, backbone)
    found |= _epsilon(graph)
    beside = pipeline or path.with_name("pipeline.config")
    told = read_pipeline_config(beside) if pipeline or beside.exists() else {}
    for name in found.keys() & told.keys():
        if found[name] != told[name]:
            raise ModelError(f"{beside} says {name} {told[name]}, but {path.name} {found[name]}")
    config = MaskRcnnConfig(**(told | found))
    _check_anchors(config, arrays, path)
    return config, Weights(config, arrays)


def backbone_of(graph: FrozenGraph) -> str:
    """The scope that a graph's feature extractor has, such as ``"resnet_v1_50"``.

    Raises:
        ModelError: the graph is no Mask R-CNN of the Object Detection API.
    """
    scopes = {
        name.split("/")[1]
        for name in graph.names("Const")
        if name.startswith(f"{FIRST_STAGE}/") and name.endswith("/weights")
    }
    if not scopes or f"{HEADS}/Conv/weights" not in graph:
        wanted = f"{HEADS}/Conv/weights" if scopes else f"{FIRST_STAGE}/.../weights"
        raise ModelError(
            f"{graph.path} is no Mask R-CNN of the TensorFlow Object Detection API: "
            f"it has no constant {wanted}"
        )
    return min(scopes)


def _epsilon(graph: FrozenGraph) -> dict[str, float]:
    """What batch norm adds to variances; nothing where it is not done by operations of its own."""
    epsilons = {
        round(graph.number(name, "epsilon", _FUSED_EPSILON), 9)
        for op in ("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3")
        for name in graph.names(op)
    }
    if len(epsilons) > 1:
        raise ModelError(f"{graph.path} has batch norms of different epsilon: {sorted(epsilons)}")
    return {"batch_norm_epsilon": epsilons.pop()} if epsilons else {}


def _variables(graph: FrozenGraph) -> dict[str, NDArray[Any]]:
    """Every constant that was a variable: known by its name, or by the Identity that reads it."""
    return {
        name: graph.constant(name)
        for name in graph.names("Const")
        if name.startswith(_SCOPES)
        and (name.rsplit("/", 1)[-1] in _VARIABLES or f"{name}/read" in graph)
    }


def _sizes(arrays: Arrays, backbone: str) -> dict[str, Any]:
    """What the shapes of the weights say about the network."""
    units = dict.fromkeys((1, 2, 3, 4), 0)
    for name in arrays:
        if match := _UNIT.search(name):
            block, number = int(match[1]), int(match[2])
            units[block] = max(units.get(block, 0), number)
    empty = [block for block, count in units.items() if not count]
    if empty:
        raise ModelError(f"the graph has no constant of block{empty[0]}/unit_1")
    convs = [name for name in arrays if re.fullmatch(rf"{HEADS}/Conv(_\d+)?/weights", name)]
    root = root_scope(MaskRcnnConfig(backbone=backbone))
    return {
        "backbone": backbone,
        "units": tuple(units.values()),
        "base_width": _shape(arrays, f"{root}/weights", 4)[3],
        "classes": _shape(arrays, f"{HEADS}/ClassPredictor/weights", 2)[1] - 1,
        "rpn_depth": _shape(arrays, f"{RPN_CONV}/weights", 4)[3],
        "rpn_kernel": _shape(arrays, f"{RPN_CONV}/weights", 4)[0],
        "mask_convs": len(convs),
        "mask_depth": _shape(arrays, f"{HEADS}/Conv/weights", 4)[3],
    }


def _check_anchors(config: MaskRcnnConfig, arrays: Arrays, path: Path) -> None:
    name = f"{RPN}/ClassPredictor/weights"
    anchors = _shape(arrays, name, 4)[3] // 2
    if anchors != config.anchors_per_cell:
        raise ModelError(
            f"{name} of {path.name} is for {anchors} anchors a cell, but the scales and aspect "
            f"ratios of pipeline.config make {config.anchors_per_cell}"
        )


def _shape(arrays: Arrays, name: str, rank: int) -> tuple[int, ...]:
    if name not in arrays:
        raise ModelError(f"the graph has no constant {name}")
    shape = arrays[name].shape
    if len(shape) != rank or not np.all(shape):
        raise ModelError(f"the constant {name} has shape {shape}, not {rank} dimensions")
    return shape
