"""Random weights under which the network behaves like a trained one, for benchmarks without one.

Weights drawn at random alone make activations grow or die from layer to layer, and then nothing or
everything is found. Here each layer's batch norm is set to what the layer gives for a picture, one
after the other (in the manner of Mishkin and Matas, "All you need is a good init", 2016), and the
predictors are scaled to logits as a trained network has them. It has learnt nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino import opset13 as op
from openvino.passes import ConstantFolding, Manager

from streamer.network.architecture import HEADS, RPN, RPN_CONV, layers, roi_units
from streamer.network.backbone import feature_map
from streamer.network.config import MaskRcnnConfig
from streamer.network.layers import Layers
from streamer.network.roi_heads import every_mask
from streamer.network.weights import Weights

_CELLS = 24
"""Rows and columns of the feature map that layers are tried on; enough for their statistics."""

_CROPS = 16

# Standard deviations of what the predictors give, as trained networks have them.
_SPREAD = {
    RPN_CONV: 1.0,
    f"{RPN}/ClassPredictor": 2.0,
    f"{RPN}/BoxEncodingPredictor": 1.0,
    f"{HEADS}/ClassPredictor": 1.5,
    f"{HEADS}/BoxEncodingPredictor": 1.0,
}

_SPREAD_OF_MASKS = 2.0


def random_weights(config: MaskRcnnConfig, seed: int = 0) -> Weights:
    """Weights for ``config``; the same for the same seed."""
    noise = np.random.default_rng(seed)
    side = _CELLS * config.features_stride
    small = replace(config, height=side, width=side)
    trial = _Trial(config, noise)
    features = feature_map(op.constant(_picture(side, noise)), trial, small)
    hidden = op.clamp(trial.conv(features, RPN_CONV, rate=config.rpn_rate), 0.0, 6.0)
    for name in ("ClassPredictor", "BoxEncodingPredictor"):
        trial.conv(hidden, f"{RPN}/{name}")
    crops = op.constant(_crops(_value(features), config, noise))
    pooled = op.reduce_mean(trial.units(crops, roi_units(config)), [2, 3])
    for name in ("ClassPredictor", "BoxEncodingPredictor"):
        trial.dense(pooled, f"{HEADS}/{name}")
    # Most regions are background.
    trial.arrays[f"{HEADS}/ClassPredictor/biases"][0] += 4
    every_mask(op.constant(_value(crops)[:2]), trial, config)
    return Weights(config, trial.arrays)


class _Trial(Layers):
    """Runs every layer at once on what it is given, and sets its weights by what comes out.

    Attributes:
        arrays: the weights so far, by name.
    """

    def __init__(self, config: MaskRcnnConfig, noise: np.random.Generator) -> None:
        self.arrays: dict[str, NDArray[Any]] = {}
        self._noise = noise
        self._kinds = {layer.scope: layer for layer in layers(config)}
        self._epsilon = config.batch_norm_epsilon

    def conv(self, x: ov.Output, scope: str, *, stride: int = 1, rate: int = 1) -> ov.Node:
        """See `Layers.conv`; gives a constant."""
        array = _value(x)
        weights = self._draw(scope)
        pad = rate * (weights.shape[0] - 1) // 2
        data, kernel = op.parameter(array.shape, np.float32), weights.transpose(3, 2, 0, 1)
        y = op.convolution(
            data, op.constant(kernel), [stride] * 2, [pad] * 2, [pad] * 2, [rate] * 2
        )
        compiled = ov.Core().compile_model(
            ov.Model([y], [data]), "CPU", {"INFERENCE_PRECISION_HINT": "f32"}
        )
        return op.constant(self._settle(scope, np.array(compiled([array])[0]), (0, 2, 3)))

    def dense(self, x: ov.Output, scope: str) -> ov.Node:
        """See `Layers.dense`; gives a constant."""
        return op.constant(self._settle(scope, _value(x) @ self._draw(scope), (0,)))

    def _draw(self, scope: str) -> NDArray[np.float32]:
        shape = dict(self._kinds[scope].shapes())[f"{scope}/weights"]
        deviation = np.sqrt(2 / np.prod(shape[:-1]))
        weights = self._noise.standard_normal(shape, np.float32) * np.float32(deviation)
        self.arrays[f"{scope}/weights"] = weights
        return weights

    def _settle(
        self, scope: str, y: NDArray[np.float32], axes: tuple[int, ...]
    ) -> NDArray[np.float32]:
        """Fit the layer to its output ``y``, whose channels are not in ``axes``."""
        if not self._kinds[scope].batch_norm:
            # Centred, or the same few classes would win everywhere.
            mean = y.mean(axes)
            spread = _SPREAD.get(scope, _SPREAD_OF_MASKS)
            y = y - mean.reshape(1, -1, *[1] * (y.ndim - 2))
            scale = np.float32(spread / max(float(y.std()), 1e-6))
            self.arrays[f"{scope}/weights"] *= scale
            self.arrays[f"{scope}/biases"] = -mean * scale
            return y * scale
        # What is added to the shortcut is kept small, or activations would double in every unit.
        middle = 0.4 if scope.endswith("conv3") else 1.0
        channels = y.shape[1]
        given = {
            "gamma": np.float32(middle * self._noise.uniform(0.7, 1.3, channels)),
            "beta": np.float32(self._noise.normal(0, 0.1, channels)),
            "moving_mean": y.mean(axes),
            "moving_variance": y.var(axes),
        }
        self.arrays |= {f"{scope}/BatchNorm/{name}": array for name, array in given.items()}
        gamma, beta, mean, variance = (
            array.reshape(1, -1, *[1] * (y.ndim - 2)) for array in given.values()
        )
        return np.asarray((y - mean) / np.sqrt(variance + self._epsilon) * gamma + beta)


def _value(x: ov.Output) -> NDArray[np.float32]:
    """What a graph of constants comes to."""
    graph = ov.Model([op.result(x)], [], "constants")
    manager = Manager()
    manager.register_pass(ConstantFolding())
    manager.run_passes(graph)
    return np.array(graph.get_results()[0].input_value(0).get_node().data, np.float32)


def _picture(side: int, noise: np.random.Generator) -> NDArray[np.uint8]:
    """A picture u8[1, side, side, 3] with structure at every scale, as photographs have."""
    picture = np.zeros((side, side, 3))
    for cells in (2, 4, 8, 16, 32, 64):
        steps = noise.normal(0, 60 / np.sqrt(cells / 2), (cells, cells, 3))
        across = np.arange(side) * cells // side
        picture += steps[across][:, across]
    return np.clip(picture + 120, 0, 255).astype(np.uint8)[None]


def _crops(
    features: NDArray[np.float32], config: MaskRcnnConfig, noise: np.random.Generator
) -> NDArray[np.float32]:
    """Squares of the feature map, f32[N, C, S, S], in place of regions of interest."""
    side = config.roi_size
    corners = noise.integers(0, _CELLS - side, (_CROPS, 2))
    return np.stack([features[0, :, y : y + side, x : x + side] for y, x in corners])
