"""mask-rcnn: our own form of Mask R-CNN, two graphs that `streamer.network` builds.

First pass, ``NAME.xml``: image u8[1, H, W, 3] RGB and image_size f32[2] in; detections f32[D, 6]
and the feature map out. Second pass, ``NAME.masks.xml`` beside it: the feature map and some rows of
detections in, their masks out. It runs only for detections that are asked for, so a mask that
nobody looks at costs nothing. What the network is, its labels and its licence are in the first
graph's own metadata.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from streamer.errors import ModelError, last_line
from streamer.models import labels
from streamer.models.base import SecondPass, Tensors
from streamer.models.detections import Detections, Detector
from streamer.models.geometry import Geometry, Picture, fit_corner, lay_into, stretch
from streamer.models.loading import MASKS_SUFFIX, Loaded
from streamer.models.saving import save_graphs
from streamer.network.config import MaskRcnnConfig
from streamer.network.network import build_detector, build_mask_head
from streamer.network.weights import Weights

CONTRACT = "mask-rcnn"
PORTS = "image u8[1,H,W,3] and image_size f32[2] in, detections f32[N,6] and cells out"
"""What the contract asks of a model's ports, for error messages."""

BATCHES = (1, 2, 4, 8, 16)
"""How many detections a second pass takes: enough sizes that little is computed in vain."""

_SECTION = "streamer"


def save(
    config: MaskRcnnConfig,
    weights: Weights,
    folder: Path,
    name: str,
    notes: Mapping[str, str],
) -> Path:
    """Build both graphs and write them as OpenVINO IR.

    Args:
        config: of the network.
        weights: of the network.
        folder: made if it is missing.
        name: of the model, and so of its files.
        notes: what else the metadata should say, such as ``licence`` and ``origin``.

    Returns:
        The first pass's file, which stands for the model.

    Raises:
        ModelError: the files cannot be written.
    """
    detector = build_detector(config, weights)
    described = {"contract": CONTRACT, "config": json.dumps(dataclasses.asdict(config)), **notes}
    for key, value in described.items():
        detector.set_rt_info(value, [_SECTION, key])
    return write(detector, build_mask_head(config, weights, 1), folder, name)


def write(detector: ov.Model, masks: ov.Model, folder: Path, name: str) -> Path:
    """Write both passes as OpenVINO IR.

    Args:
        detector: the first pass, which carries the model's metadata.
        masks: the second.
        folder: made if it is missing.
        name: of the model, and so of its files.

    Returns:
        The first pass's file, which stands for the model.

    Raises:
        ModelError: the files cannot be written.
    """
    # The first pass comes last: where it is, all is there.
    save_graphs(folder, {f"{name}{MASKS_SUFFIX.removesuffix('.xml')}": masks, name: detector})
    return folder / f"{name}.xml"


def notes_of(graph: ov.Model) -> dict[str, str]:
    """What `save` has noted in a first pass; empty for any other graph."""
    if not graph.has_rt_info([_SECTION, "contract"]):
        return {}
    keys = graph.get_rt_info([_SECTION]).value
    return {key: graph.get_rt_info([_SECTION, key]).astype(str) for key in keys}


def config_of(notes: Mapping[str, str], path: Path) -> MaskRcnnConfig:
    """The network that the notes describe.

    Raises:
        ModelError: they do not.
    """
    try:
        fields: dict[str, Any] = json.loads(notes["config"])
        lists = {key: tuple(value) for key, value in fields.items() if isinstance(value, list)}
        return MaskRcnnConfig(**(fields | lists))
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{path} does not say which network it is: {error}") from error


def matches(loaded: Loaded) -> bool:
    """Whether a model is one that `save` has written."""
    return notes_of(loaded.graph).get("contract") == CONTRACT


class MaskRcnn(Detector):
    """A model under this contract; see `Detector`.

    Args:
        loaded: the model as read.
        threshold: lowest score that is reported, 0..1; only what reaches it gets a mask.
        classes: names of the classes to report; all where empty.

    Raises:
        ModelError: its second pass is missing or broken.
        SettingsError: the model has no class of a given name.
    """

    contract = CONTRACT
    second_pass: SecondPass

    def __init__(
        self, loaded: Loaded, *, threshold: float = 0.5, classes: Collection[str] = ()
    ) -> None:
        notes = notes_of(loaded.graph)
        self.config = config_of(notes, loaded.path)
        known = _classes(notes, self.config.classes)
        super().__init__(loaded.name, _Inputs(loaded.graph, self.config), known, threshold, classes)
        self.second_pass = SecondPass(_masks_of(loaded.path), BATCHES, self._select)

    def detections(self, outputs: Tensors) -> Detections:
        """Read the rows that `second_pass` chose."""
        detections, rows, masks = outputs
        chosen = detections[rows]
        return Detections(chosen[:, :4], chosen[:, 4], _numbers(chosen), masks.__getitem__)

    def _select(self, detections: NDArray[np.float32]) -> NDArray[np.int64]:
        """Rows that will be reported; padding has score 0."""
        scores = detections[:, 4]
        return np.flatnonzero(self._selection.passes(scores, _numbers(detections)) & (scores > 0))


class _Inputs:
    """Fills the first pass's inputs; a `Filler`."""

    def __init__(self, graph: ov.Model, config: MaskRcnnConfig) -> None:
        self.graph, self._config = graph, config

    def __call__(self, picture: Picture) -> tuple[Tensors, Geometry]:
        """The picture in u8[1, H, W, 3] RGB at the upper left, and its height and width there."""
        config = self._config
        lay = fit_corner if config.keep_aspect_ratio else stretch
        geometry = lay((picture.width, picture.height), (config.width, config.height))
        image = np.zeros((1, config.height, config.width, 3), np.uint8)
        lay_into(picture, geometry, image[0])
        return (image, np.array([geometry.height, geometry.width], np.float32)), geometry


def _numbers(detections: NDArray[np.float32]) -> NDArray[np.int64]:
    """Numbers of the classes in f32[N, 6]."""
    return detections[:, 5].astype(np.int64)


def _classes(notes: Mapping[str, str], count: int) -> labels.Classes:
    """What the network's numbers mean, from 1; COCO's where the model does not say."""
    if "labels" not in notes:
        if count == max(labels.COCO):
            return labels.Classes.coco()
        return labels.Classes.counted([f"class {number}" for number in range(1, count + 1)], 1)
    names = {int(key): str(name) for key, name in json.loads(notes["labels"]).items()}
    # COCO's ids and the network's own must not mix, so it takes a COCO name for every class.
    all_known = set(names.values()) <= set(labels.COCO.values())
    if all_known and names.keys() == set(range(1, count + 1)):
        ids = labels.category_ids(list(names.values()))
    else:
        ids = tuple(names)
    return labels.Classes(
        dict(zip(names, ids, strict=True)), dict(zip(ids, names.values(), strict=True))
    )


def _masks_of(path: Path) -> ov.Model:
    beside = path.with_name(path.stem + MASKS_SUFFIX)
    if not (beside.is_file() and beside.with_suffix(".bin").is_file()):
        raise ModelError(f"{path} has its masks in {beside.name} and its .bin, which is missing")
    try:
        return ov.Core().read_model(beside)
    except RuntimeError as error:
        raise ModelError(f"{beside} cannot be read: {last_line(error)}") from error
