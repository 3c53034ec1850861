"""Layers with weights, as OpenVINO's operations."""

from __future__ import annotations

from collections.abc import Iterable

import openvino as ov
from openvino import opset13 as op

from streamer.network.architecture import Unit
from streamer.network.weights import Kernel, Weights


class Layers:
    """Makes the layers of one graph. Two uses of a layer share its constants.

    Args:
        weights: of the network.
        part: put before the scopes to name operations, so that both uses can be told apart.
    """

    def __init__(self, weights: Weights, part: str = "") -> None:
        self._weights = weights
        self._part = part
        self._constants: dict[str, tuple[ov.Node, ov.Node]] = {}

    def named(self, part: str) -> Layers:
        """The same layers and constants under other names."""
        other = Layers(self._weights, part)
        other._constants = self._constants
        return other

    def conv(self, x: ov.Output, scope: str, *, stride: int = 1, rate: int = 1) -> ov.Node:
        """Convolution with biases, padded as TF-Slim's ``conv2d_same`` does: alike on all sides."""
        weights, biases = self._constant(scope)
        pad = rate * (weights.shape[-1] - 1) // 2
        pads, strides, rates = [pad, pad], [stride, stride], [rate, rate]
        y = op.convolution(x, weights, strides, pads, pads, rates)
        y.set_friendly_name(f"{self._part}{scope}")
        return op.add(y, biases)

    def dense(self, x: ov.Output, scope: str) -> ov.Node:
        """Fully connected layer on f32[N, I]."""
        weights, biases = self._constant(scope)
        y = op.matmul(x, weights, transpose_a=False, transpose_b=False)
        y.set_friendly_name(f"{self._part}{scope}")
        return op.add(y, biases)

    def units(self, x: ov.Output, units: Iterable[Unit]) -> ov.Output:
        """Bottleneck units (He et al., Deep Residual Learning, 2015), one after the other."""
        for unit in units:
            x = self._unit(x, unit)
        return x

    def _unit(self, x: ov.Output, unit: Unit) -> ov.Node:
        if unit.projects:
            shortcut = self.conv(x, f"{unit.scope}/shortcut", stride=unit.stride)
        elif unit.stride > 1:
            shortcut = op.max_pool(x, [unit.stride] * 2, [1, 1], [0, 0], [0, 0], [1, 1]).output(0)
        else:
            shortcut = x
        y = op.relu(self.conv(x, f"{unit.scope}/conv1"))
        y = op.relu(self.conv(y, f"{unit.scope}/conv2", stride=unit.stride, rate=unit.rate))
        y = self.conv(y, f"{unit.scope}/conv3")
        return op.relu(op.add(shortcut, y))

    def kernel(self, scope: str) -> Kernel:
        """Weights and biases of a layer that is computed in a way of its own."""
        return self._weights.kernel(scope)

    def _constant(self, scope: str) -> tuple[ov.Node, ov.Node]:
        if scope not in self._constants:
            weights, biases = self._weights.kernel(scope)
            if weights.ndim == 4:
                biases = biases.reshape(1, -1, 1, 1)
            self._constants[scope] = (op.constant(weights), op.constant(biases))
        return self._constants[scope]
