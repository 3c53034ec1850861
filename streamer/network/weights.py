"""Weights of a Mask R-CNN by the names and in the layout that TensorFlow gives them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamer.errors import ModelError
from streamer.network.architecture import Layer, layers
from streamer.network.config import MaskRcnnConfig

Array = NDArray[np.float32]


class Kernel(NamedTuple):
    """What a layer multiplies by and adds.

    Attributes:
        weights: f32[O, I, H, W] of a convolution, f32[I, O] of a fully connected layer.
        biases: f32[O].
    """

    weights: Array
    biases: Array


class Weights:
    """The weights of one network, complete and of the right shapes.

    Args:
        config: of the network.
        arrays: by variable name; TensorFlow's layout, H x W x in x out.

    Raises:
        ModelError: an array is missing, has another shape, holds what is no number, or belongs to
            no layer; names it.
    """

    def __init__(self, config: MaskRcnnConfig, arrays: Mapping[str, NDArray[Any]]) -> None:
        self._layers = {layer.scope: layer for layer in layers(config)}
        self._epsilon = np.float64(config.batch_norm_epsilon)
        self._arrays = arrays
        _check(self._layers.values(), arrays)

    def kernel(self, scope: str) -> Kernel:
        """Weights and biases of the layer ``scope``, with its batch norm folded into them."""
        layer = self._layers[scope]
        weights = self._arrays[f"{scope}/weights"]
        if not layer.batch_norm:
            biases = np.asarray(self._arrays[f"{scope}/biases"], np.float32)
            return Kernel(_for_openvino(weights), biases)
        # In double precision, so that folding adds no error of its own.
        gamma, beta, mean, variance = (
            np.asarray(self._arrays[f"{scope}/BatchNorm/{name}"], np.float64)
            for name in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        scale = gamma / np.sqrt(variance + self._epsilon)
        return Kernel(_for_openvino(weights * scale), np.asarray(beta - mean * scale, np.float32))


def _for_openvino(weights: NDArray[Any]) -> Array:
    """H x W x in x out to out x in x H x W; a matrix stays as it is."""
    axes = (3, 2, 0, 1) if weights.ndim == 4 else (0, 1)
    return np.ascontiguousarray(weights.transpose(axes), np.float32)


def _check(wanted: Iterable[Layer], arrays: Mapping[str, NDArray[Any]]) -> None:
    shapes = {name: shape for layer in wanted for name, shape in layer.shapes()}
    missing = [name for name in shapes if name not in arrays]
    if missing:
        raise ModelError(f"the weights lack {_some(missing)}")
    for name, shape in shapes.items():
        if arrays[name].shape != shape:
            raise ModelError(
                f"{name} has shape {_times(arrays[name].shape)}, not {_times(shape)} as the "
                "config says"
            )
        if not np.isfinite(arrays[name]).all():
            raise ModelError(f"{name} holds values that are not finite")
    unknown = [name for name in arrays if name not in shapes]
    if unknown:
        raise ModelError(f"the network has no place for {_some(unknown)}")


def _some(names: list[str]) -> str:
    """The first few of ``names``, and how many more there are."""
    shown = ", ".join(names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"


def _times(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "of a single number"
