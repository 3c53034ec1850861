"""A network small enough to be worked out in numpy, and ways to run parts of one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino import opset13 as op

from streamer.network.architecture import layers, root_scope
from streamer.network.config import MaskRcnnConfig

TINY = MaskRcnnConfig(
    height=75,
    width=98,
    classes=4,
    units=(1, 2, 2, 1),
    base_width=4,
    rpn_depth=8,
    anchor_scales=(0.05, 0.15),
    proposals=12,
    max_detections=9,
    score_threshold=0.05,
    mask_depth=6,
    mask_convs=3,
    mask_size=15,
    crop_size=8,
)
STRIDE_16 = replace(TINY, features_stride=16, anchor_stride=(16, 16))


def random_arrays(config: MaskRcnnConfig, seed: int = 0) -> dict[str, NDArray[Any]]:
    """Weights by name, scaled so that activations neither die nor explode."""
    noise = np.random.default_rng(seed)
    arrays: dict[str, NDArray[Any]] = {}
    for layer in layers(config):
        for name, shape in layer.shapes():
            if name.endswith("weights"):
                deviation = np.sqrt(1.5 / np.prod(shape[:-1]))
                arrays[name] = (noise.standard_normal(shape) * deviation).astype(np.float32)
            elif name.endswith(("gamma", "variance")):
                arrays[name] = noise.uniform(0.4, 0.9, shape).astype(np.float32)
            else:
                arrays[name] = (noise.standard_normal(shape) * 0.1).astype(np.float32)
    # The picture's values are in the hundreds.
    arrays[f"{root_scope(config)}/weights"] /= 100
    # Something is found in most regions.
    arrays["SecondStageBoxPredictor/ClassPredictor/biases"][0] -= 2
    return arrays


def random_image(config: MaskRcnnConfig, seed: int = 1) -> NDArray[np.uint8]:
    """A picture with structure at several scales."""
    noise = np.random.default_rng(seed)
    small = noise.integers(0, 256, (1, 5, 6, 3))
    big = small.repeat(-(-config.height // 5), 1).repeat(-(-config.width // 6), 2)
    grain = noise.integers(-20, 20, (1, config.height, config.width, 3))
    picture = np.clip(big[:, : config.height, : config.width] + grain, 0, 255)
    return np.asarray(picture, np.uint8)


def run(graph: ov.Model, *inputs: NDArray[Any], precision: str = "f32") -> list[NDArray[Any]]:
    """A graph's outputs, on the CPU."""
    compiled = ov.Core().compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": precision})
    return [np.array(value) for value in compiled(list(inputs)).values()]


def evaluate(
    function: Callable[..., Any], *inputs: NDArray[Any], precision: str = "f32"
) -> list[NDArray[Any]]:
    """What a function that builds a part of a graph gives for arrays."""
    parameters = [op.parameter(list(x.shape), x.dtype) for x in inputs]
    built = function(*parameters)
    outputs = list(built) if isinstance(built, tuple | list) else [built]
    return run(ov.Model(outputs, parameters), *inputs, precision=precision)
