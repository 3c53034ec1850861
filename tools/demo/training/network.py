"""The network of `streamer.network` once more, in PyTorch, so that it can be trained.

It goes by the same list of layers, and its variables have the names that `Weights` wants, so that
handing them over is a transposition (see `tools.demo.training.export`). Boxes are y_min, x_min,
y_max, x_max in pixels of the input, as in `streamer.network.boxes`.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from streamer.network.architecture import (
    HEADS,
    RPN,
    RPN_CONV,
    Layer,
    Unit,
    backbone_units,
    layers,
    mask_scope,
    roi_units,
    root_scope,
)
from streamer.network.config import MaskRcnnConfig

_STATISTICS_MOMENTUM = 0.03
"""Share of a batch in batch norm's running statistics."""

_SMALL = 0.01
"""Standard deviation of what the predictors begin with, so that they begin undecided."""


class Trainable(nn.Module):
    """The variables of one layer.

    Attributes:
        weights: f32[O, I, K, K] of a convolution, f32[O, I] of a fully connected layer.
        biases: f32[O]; None where batch norm follows.
        gamma: f32[O], and with it ``beta``, ``moving_mean`` and ``moving_variance``; None where no
            batch norm follows.
    """

    weights: Tensor
    biases: Tensor | None
    gamma: Tensor | None
    beta: Tensor | None
    moving_mean: Tensor | None
    moving_variance: Tensor | None

    def __init__(self, layer: Layer, epsilon: float) -> None:
        super().__init__()
        window = (layer.kernel, layer.kernel) if layer.kernel else ()
        count, normed = layer.outputs, layer.batch_norm
        self.weights = nn.Parameter(torch.empty(count, layer.inputs, *window))
        self.biases = None if normed else nn.Parameter(torch.zeros(count))
        self.gamma = nn.Parameter(torch.ones(count)) if normed else None
        self.beta = nn.Parameter(torch.zeros(count)) if normed else None
        self.register_buffer("moving_mean", torch.zeros(count) if normed else None)
        self.register_buffer("moving_variance", torch.ones(count) if normed else None)
        self._epsilon = epsilon
        self._initialise(layer)

    def _initialise(self, layer: Layer) -> None:
        if layer.scope.endswith("Predictor"):
            nn.init.normal_(self.weights, std=_SMALL)
        else:
            nn.init.kaiming_normal_(self.weights, nonlinearity="relu")
        # A unit begins as its shortcut (Goyal et al., "Accurate, large minibatch SGD", 2017).
        if self.gamma is not None and layer.scope.endswith("conv3"):
            nn.init.zeros_(self.gamma)

    def conv(self, x: Tensor, stride: int, rate: int) -> Tensor:
        """Convolution, padded alike on all sides, and batch norm where the layer has it."""
        pad = rate * (self.weights.shape[-1] - 1) // 2
        y = functional.conv2d(x, self.weights, self.biases, stride, pad, rate)
        if self.gamma is None:
            return y
        return functional.batch_norm(
            y,
            self.moving_mean,
            self.moving_variance,
            self.gamma,
            self.beta,
            self.training,
            _STATISTICS_MOMENTUM,
            self._epsilon,
        )


class Network(nn.Module):
    """Backbone, RPN, box head and mask head.

    Args:
        config: of the network.
    """

    means: Tensor
    spread: Tensor

    def __init__(self, config: MaskRcnnConfig) -> None:
        super().__init__()
        self.config = config
        epsilon = config.batch_norm_epsilon
        self.layers = nn.ModuleDict(
            {layer.scope: Trainable(layer, epsilon) for layer in layers(config)}
        )
        means = torch.tensor(config.means).reshape(1, -1, 1, 1)
        self.register_buffer("means", means, persistent=False)
        spread = _resize_and_shift(config.roi_size, config.mask_size)
        self.register_buffer("spread", torch.from_numpy(spread), persistent=False)

    def features(self, images: Tensor) -> Tensor:
        """The feature map f32[B, C, H', W'] of images u8[B, H, W, 3] RGB."""
        x = images.permute(0, 3, 1, 2).float() - self.means
        x = functional.relu(self._conv(x, root_scope(self.config), stride=2))
        # TensorFlow's "SAME". What is padded never wins: nothing here is below 0.
        pads = [pad for side in (x.shape[3], x.shape[2]) for pad in ((side % 2), 1)]
        x = functional.max_pool2d(functional.pad(x, pads), 3, 2)
        return self._units(x, backbone_units(self.config))

    def rpn(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Codes f32[B, A, 4] and logits f32[B, A, 2] of all anchors, in the order of `anchors`."""
        x = functional.relu6(self._conv(features, RPN_CONV, rate=self.config.rpn_rate))
        codes = self._conv(x, f"{RPN}/BoxEncodingPredictor").permute(0, 2, 3, 1)
        logits = self._conv(x, f"{RPN}/ClassPredictor").permute(0, 2, 3, 1)
        count = len(features)
        return codes.reshape(count, -1, 4).float(), logits.reshape(count, -1, 2).float()

    def regions(self, crops: Tensor) -> Tensor:
        """Block 4 on crops f32[N, C, S, S]: f32[N, D, S, S]."""
        return self._units(crops, roi_units(self.config))

    def boxes(self, regions: Tensor) -> tuple[Tensor, Tensor]:
        """Codes f32[N, classes, 4] and logits f32[N, classes + 1] of what `regions` gave."""
        # In f32 whatever the rest is in: it costs nothing, and scores are told apart by it.
        with torch.autocast("cpu", enabled=False):
            x = functional.adaptive_avg_pool2d(regions, 1)[:, :, 0, 0].float()
            codes, logits = (
                functional.linear(x, layer.weights, layer.biases)
                for layer in (
                    self._layer(f"{HEADS}/BoxEncodingPredictor"),
                    self._layer(f"{HEADS}/ClassPredictor"),
                )
            )
        return codes.reshape(len(x), self.config.classes, 4), logits

    def masks(self, regions: Tensor) -> Tensor:
        """Logits f32[N, classes, M, M] of what `regions` gave.

        Resized after the channels have been mixed, for each of the first convolution's taps by
        itself: see `streamer.network.roi_heads.every_mask_factored`.
        """
        first, side = self._layer(mask_scope(0)), regions.shape[-1]
        depth, inputs, taps, _ = first.weights.shape
        mixing = first.weights.permute(2, 3, 0, 1).reshape(-1, inputs, 1, 1)
        grid = functional.conv2d(regions, mixing).reshape(-1, taps, taps, depth, side, side)
        grid = grid.permute(0, 3, 1, 4, 2, 5).reshape(-1, depth, taps * side, taps * side)
        assert first.biases is not None
        x = self.spread @ (grid @ self.spread.T) + first.biases.reshape(-1, 1, 1)
        for number in range(1, self.config.mask_convs):
            x = self._conv(functional.relu(x), mask_scope(number))
        return x.float()

    def _units(self, x: Tensor, units: Iterable[Unit]) -> Tensor:
        for unit in units:
            x = self._unit(x, unit)
        return x

    def _unit(self, x: Tensor, unit: Unit) -> Tensor:
        if unit.projects:
            shortcut = self._conv(x, f"{unit.scope}/shortcut", stride=unit.stride)
        else:
            shortcut = x[:, :, :: unit.stride, :: unit.stride]
        y = functional.relu(self._conv(x, f"{unit.scope}/conv1"))
        y = functional.relu(
            self._conv(y, f"{unit.scope}/conv2", stride=unit.stride, rate=unit.rate)
        )
        return functional.relu(shortcut + self._conv(y, f"{unit.scope}/conv3"))

    def _conv(self, x: Tensor, scope: str, *, stride: int = 1, rate: int = 1) -> Tensor:
        return self._layer(scope).conv(x, stride, rate)

    def _layer(self, scope: str) -> Trainable:
        layer = self.layers[scope]
        assert isinstance(layer, Trainable)
        return layer


def _resize_and_shift(before: int, after: int, taps: int = 3) -> np.ndarray:
    """f32[after, taps * before]: along one axis, from values by tap to their sum after resizing.

    Corners stay corners; a tap that looks past the edge sees 0.
    """
    places = np.arange(after) * (before - 1) / (after - 1)
    resize = np.maximum(0, 1 - np.abs(places[:, None] - np.arange(before)))
    padded = np.pad(resize, ((taps // 2, taps // 2), (0, 0)))
    shifted = [padded[tap : tap + after] for tap in range(taps)]
    return np.concatenate(shifted, axis=1).astype(np.float32)
