"""Makes models: from a frozen graph of TensorFlow, or from random weights."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import openvino.opset15 as ops

from streamer.errors import ModelError, last_line
from streamer.models import labels, mask_rcnn, tf_od_api
from streamer.models.loading import Loaded
from streamer.models.saving import save_graphs
from streamer.network.architecture import HEADS
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

_DEFAULT_SIZE = (800, 1365)
"""Rows and columns of the releases, for a graph without its ``pipeline.config``."""

_RESIZER = "Preprocessor/map/"
"""Begins the names of the loop in which such a graph scales its pictures."""

_RELEASE_DATE = re.compile(r"_\d{4}_\d{2}_\d{2}$")


def convert(
    source: Path,
    folder: Path,
    size: tuple[int, int] | None = None,
    say: Callable[[str], None] | None = None,
) -> Path:
    """Convert a frozen graph of the TensorFlow Object Detection API.

    ResNet v1 networks are built anew under the contract ``mask-rcnn``; others keep their own graph
    and contract, with the size of the input fixed and without their own scaling of it.

    Args:
        source: ``frozen_inference_graph.pb``; a ``pipeline.config`` beside it is read.
        folder: where the model goes; made if it is missing.
        size: rows and columns of the input; those of the ``pipeline.config`` by default.
        say: is told, in a line, where a network keeps its own graph.

    Returns:
        The model's file.

    Raises:
        ModelError: the graph is damaged, or no Mask R-CNN that can be converted, or the folder
            cannot be written.
    """
    graph = FrozenGraph(source)
    backbone = backbone_of(graph)
    if not backbone.startswith("resnet_v1_"):
        if say is not None:
            say(
                f"{source.name} has backbone {backbone}: its own graph is kept, which computes "
                "every mask; reading it may take minutes"
            )
        return _keep_graph(graph, folder, size)
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


def _keep_graph(frozen: FrozenGraph, folder: Path, size: tuple[int, int] | None) -> Path:
    source = frozen.path
    beside = source.with_name("pipeline.config")
    told: dict[str, Any] = read_pipeline_config(beside) if beside.exists() else {}
    if size is None:
        size = (told["height"], told["width"]) if told else _DEFAULT_SIZE
    try:
        graph = ov.Core().read_model(source)
        _name_ports(graph, source)
        _fix_size(graph, size)
        _describe(graph, _classes(frozen), stretched=not told.get("keep_aspect_ratio", True))
    except (OSError, RuntimeError) as error:
        raise ModelError(f"{source} cannot be converted: {last_line(error)}") from error
    save_graphs(folder, {name_of(source): graph})
    return folder / f"{name_of(source)}.xml"


def _name_ports(graph: ov.Model, source: Path) -> None:
    """Leave the ports the contract's names alone, of the several that the reader gives them."""
    ports = tf_od_api.recognize(Loaded(graph, source.stem, source))
    if ports is None:
        raise ModelError(f"{source} does not follow {tf_od_api.CONTRACT}: {tf_od_api.PORTS}")
    graph.input().get_tensor().set_names({"image_tensor"})
    for name, index in ports.outputs.items():
        graph.outputs[index].get_tensor().set_names({name})


def _fix_size(graph: ov.Model, size: tuple[int, int]) -> None:
    """Give the picture a size, and lead it past the graph's own resizer.

    The resizer stands in a loop, behind which no size is known any more, and it would bring
    pictures of any other size back to that of the release.
    """
    picture = graph.input()
    for node in graph.get_ops():
        if node.get_type_name() != "Loop":
            continue
        for output in node.outputs():
            if not any(name.startswith(_RESIZER) for name in output.names):
                continue
            kind = output.get_element_type()
            if len(output.get_partial_shape()) == 4:
                output.replace(ops.convert(picture, kind.to_string()).output(0))
            else:
                sizes = np.array([[*size, 3]], kind.to_dtype())
                output.replace(ops.constant(sizes).output(0))
    graph.reshape({0: [1, *size, 3]})


def _classes(frozen: FrozenGraph) -> int | None:
    """How many classes the network knows; None where its graph does not say."""
    name = f"{HEADS}/ClassPredictor/weights"
    return frozen.constant(name).shape[-1] - 1 if name in frozen else None


def _describe(graph: ov.Model, classes: int | None, *, stretched: bool) -> None:
    """Note what the contract takes otherwise of a model: COCO's ids, and the aspect ratio kept."""
    if classes is not None and classes != max(labels.COCO):
        names = [f"class {number}" for number in range(1, classes + 1)]
        graph.set_rt_info(str(names), ["framework", "names"])
    if stretched:
        graph.set_rt_info("standard", ["model_info", "resize_type"])
