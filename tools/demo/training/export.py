"""From PyTorch to the product: weights by TensorFlow's names, and proof that both agree."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import torch
from numpy.typing import NDArray

from streamer.models import mask_rcnn
from streamer.network.architecture import layers
from streamer.network.config import MaskRcnnConfig
from streamer.network.network import build_detector, build_mask_head
from streamer.network.weights import Weights
from tools.demo.training.config import NAME, NOTES
from tools.demo.training.network import Network
from tools.demo.training.predict import Prediction, predict

Arrays = dict[str, NDArray[np.float32]]

_TOLERANCE = 1e-3


class DisagreementError(Exception):
    """PyTorch and OpenVINO compute different things from the same weights."""


def arrays_of(network: Network) -> Arrays:
    """The variables by TensorFlow's names and in its layout, H x W x in x out."""
    arrays: Arrays = {}
    state = network.state_dict()
    for layer in layers(network.config):
        for name, _ in layer.shapes():
            variable = name.removeprefix(f"{layer.scope}/").removeprefix("BatchNorm/")
            array = state[f"layers.{layer.scope}.{variable}"].float().numpy()
            if variable == "weights":
                array = array.transpose((2, 3, 1, 0) if array.ndim == 4 else (1, 0))
            arrays[name] = np.ascontiguousarray(array)
    return arrays


def load_arrays(network: Network, arrays: Arrays) -> None:
    """The way back: take over what `arrays_of` gave."""
    state = network.state_dict()
    for layer in layers(network.config):
        for name, _ in layer.shapes():
            variable = name.removeprefix(f"{layer.scope}/").removeprefix("BatchNorm/")
            array = arrays[name]
            if variable == "weights":
                array = array.transpose((3, 2, 0, 1) if array.ndim == 4 else (1, 0))
            state[f"layers.{layer.scope}.{variable}"] = torch.from_numpy(array.copy())
    network.load_state_dict(state)


def save_weights(arrays: Arrays, path: Path) -> None:
    """Write weights as .npz; the old file stays until the new one is whole."""
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def save_model(config: MaskRcnnConfig, arrays: Arrays, folder: Path) -> Path:
    """Write the model for the product. See `mask_rcnn.save`."""
    return mask_rcnn.save(config, Weights(config, arrays), folder, NAME, NOTES)


def check(network: Network, images: NDArray[np.uint8]) -> float:
    """Compare PyTorch with OpenVINO on ``images`` u8[N, H, W, 3].

    The feature map, the detections' boxes (as shares of the input), scores and classes, and the
    masks must agree to 1e-3, relative to the largest value where that is above 1.

    Returns:
        The largest difference.

    Raises:
        DisagreementError: they do not agree; says in what.
    """
    config = network.config
    weights = Weights(config, arrays_of(network))
    detector = _compiled(build_detector(config, weights))
    head = _compiled(build_mask_head(config, weights, config.max_detections))
    size = np.array([config.height, config.width], np.float32)
    worst = 0.0
    for image in images:
        answers = detector([image[None], size])
        detections, cells = (np.array(answers[name]) for name in ("detections", "cells"))
        masks = np.array(head([cells, detections])["masks"])
        other = Prediction(cells, detections, masks)
        worst = max(worst, _compare(predict(network, image), other, config))
    return worst


def _compare(ours: Prediction, theirs: Prediction, config: MaskRcnnConfig) -> float:
    scale = np.array([config.width, config.height] * 2 + [1, 1], np.float32)
    used = int((theirs.detections[:, 4] > 0).sum())
    if not used:
        raise DisagreementError("nothing was found, so that nothing could be compared")
    pairs = {
        "feature map": (ours.cells, theirs.cells),
        "detections": (ours.detections / scale, theirs.detections / scale),
        "masks": (ours.masks[:used], theirs.masks[:used]),
    }
    worst = 0.0
    for name, (a, b) in pairs.items():
        difference = float(np.abs(a - b).max() / max(1.0, float(np.abs(b).max())))
        if not difference <= _TOLERANCE:
            raise DisagreementError(f"the {name} differ by {difference:.2g}, not {_TOLERANCE:g}")
        worst = max(worst, difference)
    return worst


def _compiled(graph: ov.Model) -> Any:
    return ov.Core().compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
