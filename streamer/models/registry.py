"""All contracts, and how a model finds the one it follows."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import openvino as ov

from streamer.errors import ModelError
from streamer.models import (
    boxes_labels_masks,
    boxes_ports,
    mask_rcnn,
    omz,
    tf_od_api,
    yolo_ports,
    yolo_seg,
)
from streamer.models.base import Model
from streamer.models.loading import Loaded, load


class Builder(Protocol):
    """Makes a Model of what was read."""

    def __call__(self, loaded: Loaded, *, threshold: float, classes: Collection[str]) -> Model:
        """Prepare it; see `open_model`."""


@dataclass(frozen=True, slots=True)
class Contract:
    """Rules that a model's ports follow.

    Attributes:
        matches: whether a model follows them.
        build: prepares a model that does.
        ports: the rules in words, for the message to somebody whose model follows none.
    """

    matches: Callable[[Loaded], bool]
    build: Builder
    ports: str


CONTRACTS: dict[str, Contract] = {
    mask_rcnn.CONTRACT: Contract(mask_rcnn.matches, mask_rcnn.MaskRcnn, mask_rcnn.PORTS),
    yolo_seg.CONTRACT: Contract(
        lambda loaded: yolo_ports.recognize(loaded) is not None, yolo_seg.YoloSeg, yolo_seg.PORTS
    ),
    omz.CONTRACT: Contract(lambda loaded: omz.recognize(loaded) is not None, omz.Omz, omz.PORTS),
    tf_od_api.CONTRACT: Contract(
        lambda loaded: tf_od_api.recognize(loaded) is not None, tf_od_api.TfOdApi, tf_od_api.PORTS
    ),
    boxes_labels_masks.CONTRACT: Contract(
        lambda loaded: boxes_ports.recognize(loaded) is not None,
        boxes_labels_masks.BoxesLabelsMasks,
        boxes_labels_masks.PORTS,
    ),
}


def open_model(spec: str | Path, *, threshold: float = 0.5, classes: Collection[str] = ()) -> Model:
    """Read a model and prepare it under the contract that its ports follow.

    Args:
        spec: a .xml, .onnx or .tflite file, or a folder that holds one.
        threshold: lowest score that is reported, 0..1.
        classes: names of the classes to report; all where empty.

    Raises:
        ModelError: the model cannot be read, or follows no contract.
        SettingsError: the model has no class of a given name.
    """
    return build(load(spec), threshold=threshold, classes=classes)


def build(loaded: Loaded, *, threshold: float = 0.5, classes: Collection[str] = ()) -> Model:
    """Prepare a model that was read; its graph is changed. See `open_model`."""
    name = contract_of(loaded)
    if name is not None:
        return CONTRACTS[name].build(loaded, threshold=threshold, classes=classes)
    supported = "; ".join(f"{name}: {contract.ports}" for name, contract in CONTRACTS.items())
    raise ModelError(
        f"{loaded.path} follows no known contract: it takes {_describe(loaded.graph.inputs)} and "
        f"gives {_describe(loaded.graph.outputs)}; supported is {supported}"
    )


def contract_of(loaded: Loaded) -> str | None:
    """The name of the contract that a model follows; None where it follows none."""
    return next((name for name, c in CONTRACTS.items() if c.matches(loaded)), None)


def _describe(ports: list[ov.Output]) -> str:
    return ", ".join(
        f"{port.any_name if port.names else 'unnamed'} {port.element_type.to_string()}"
        f"{port.partial_shape.to_string()}"
        for port in ports
    )
