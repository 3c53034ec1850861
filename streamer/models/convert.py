"""Makes models: from a frozen graph of TensorFlow, or from random weights."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import openvino as ov

from streamer.errors import ModelError, last_line
from streamer.models import mask_rcnn
from streamer.network.config import (
    MASK_RCNN_RESNET50_ATROUS_COCO,
    MASK_RCNN_RESNET101_ATROUS_COCO,
    MaskRcnnConfig,
)
from streamer.network.frozen_graph import FrozenGraph
from streamer.network.pipeline_config import read_pipeline_config
from streamer.network.random_weights import random_weights
from streamer.network.reader import backbone_of, read_network

LICENCE = "Apache-2.0"
"""Of the models of the TensorFlow Object Detection API."""

NETWORKS = {
    "mask_rcnn_resnet50_atrous_coco": MASK_RCNN_RESNET50_ATROUS_COCO,
    "mask_rcnn_resnet101_atrous_coco": MASK_RCNN_RESNET101_ATROUS_COCO,
}
"""What `make_random` can make."""

_RELEASE_DATE = re.compile(r"_\d{4}_\d{2}_\d{2}$")


def convert(source: Path, folder: Path, size: tuple[int, int] | None = None) -> Path:
    """Convert a frozen graph of the TensorFlow Object Detection API.

    ResNet v1 networks are built anew under the contract ``mask-rcnn``; others keep their own graph
    and contract, with the size of the input fixed.

    Args:
        source: ``frozen_inference_graph.pb``; a ``pipeline.config`` beside it is read.
        folder: where the model goes; made if it is missing.
        size: rows and columns of the input; those of the ``pipeline.config`` by default.

    Returns:
        The model's file.

    Raises:
        ModelError: the graph is damaged, or no Mask R-CNN that can be converted, or the folder
            cannot be written.
    """
    graph = FrozenGraph(source)
    if not backbone_of(graph).startswith("resnet_v1_"):
        return _keep_graph(source, folder, size)
    config, weights = read_network(source)
    config = resized(config, size)
    notes = {"licence": LICENCE, "origin": f"converted from {source.name}"}
    return mask_rcnn.save(config, weights, folder, name_of(source), notes)


def make_random(
    name: str, folder: Path, size: tuple[int, int] | None = None, seed: int = 0
) -> Path:
    """Make a network of full size with random weights, for benchmarks without the download.

    Args:
        name: one of `NETWORKS`.
        folder: where the model goes; made if it is missing.
        size: rows and columns of the input; the release's by default.
        seed: the same seed gives the same weights.

    Returns:
        The model's file.

    Raises:
        ModelError: there is no such network, or the folder cannot be written.
    """
    if name not in NETWORKS:
        raise ModelError(f"no network {name} is known; there are {', '.join(NETWORKS)}")
    config = resized(NETWORKS[name], size)
    notes = {"licence": LICENCE, "origin": "random weights, which have learnt nothing"}
    return mask_rcnn.save(config, random_weights(config, seed), folder, f"{name}-random", notes)


def resized(config: MaskRcnnConfig, size: tuple[int, int] | None) -> MaskRcnnConfig:
    """The same network for another input; the anchors stay as they are.

    Raises:
        ModelError: the network cannot take that size.
    """
    return dataclasses.replace(config, height=size[0], width=size[1]) if size else config


def name_of(source: Path) -> str:
    """What a release's model is called: by its folder, without the date."""
    folder = source.resolve().parent.name
    return _RELEASE_DATE.sub("", folder) if _RELEASE_DATE.search(folder) else source.stem


def _keep_graph(source: Path, folder: Path, size: tuple[int, int] | None) -> Path:
    beside = source.with_name("pipeline.config")
    told: dict[str, Any] = read_pipeline_config(beside) if beside.exists() else {}
    height, width = size or (told.get("height", 800), told.get("width", 1365))
    path = folder / f"{name_of(source)}.xml"
    try:
        graph = ov.Core().read_model(source)
        graph.reshape({0: [1, height, width, 3]})
        folder.mkdir(parents=True, exist_ok=True)
        ov.save_model(graph, path, compress_to_fp16=False)
    except (OSError, RuntimeError) as error:
        raise ModelError(f"{source} cannot be converted: {last_line(error)}") from error
    return path
