"""Which port of a boxes-labels-masks graph is what, and how its picture is to be given.

See `streamer.models.boxes_labels_masks`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import openvino as ov

from streamer.errors import ModelError
from streamer.models.geometry import fit_corner, letterbox, stretch
from streamer.models.inputs import Inputs, Preparation, find_inputs, port_names
from streamer.models.labels import COCO, Classes, are_coco, without_background
from streamer.models.loading import Loaded

_NAMES = {
    "boxes": {"boxes", "dets"},
    "labels": {"labels", "classes"},
    "scores": {"scores"},
    "masks": {"masks", "raw_masks"},
}
# Geti's models may also explain themselves.
_EXPLANATIONS = {"feature_vector", "saliency_map"}
_INTEGERS = (ov.Type.i64, ov.Type.i32)
_FLOATS = (ov.Type.f32, ov.Type.f16)

# What torchvision scales pictures to, (width, height), where an export leaves the size open.
_DEFAULT_SIZE = (1333, 800)
_RESIZE = {"standard": stretch, "fit_to_window": fit_corner, "fit_to_window_letterbox": letterbox}
# Of Open Model Zoo's models these were measured with the aspect ratio kept; the others stretched.
# The files themselves do not tell.
_KEEP_ASPECT = {
    f"instance-segmentation-security-{number}" for number in ("0002", "0010", "0083", "0091")
}


@dataclass(frozen=True, slots=True)
class Ports:
    """Which port is what.

    Attributes:
        inputs: the picture, and its size in models that ask for it.
        boxes: index of the output [N, 4] or [N, 5].
        labels: index of that output.
        masks: index of that output.
        scores: index of that output; None where scores are the fifth column of boxes.
        planes: how many masks an object has; None where one, or where it is left open.
    """

    inputs: Inputs
    boxes: int
    labels: int
    masks: int
    scores: int | None
    planes: int | None

    @property
    def first(self) -> int:
        """Number of the first class: 1 where models keep 0 for the background."""
        return 0 if self.scores is None else 1


def recognize(loaded: Loaded) -> Ports | None:
    """The ports by name, else by rank; None if the model does not follow the contract."""
    graph = loaded.graph
    inputs = find_inputs(graph)
    if inputs is None or any(port.partial_shape.rank.is_dynamic for port in graph.outputs):
        return None
    found = _by_name(graph) or _by_rank(graph)
    if found is None or not _fit(graph, found):
        return None
    masks = graph.outputs[found["masks"]].partial_shape
    batched = len(graph.outputs[found["boxes"]].partial_shape) == 3
    planes = None
    if len(masks) == 4 and not batched and masks[1].is_static and masks[1].get_length() > 1:
        planes = masks[1].get_length()
    return Ports(
        inputs, found["boxes"], found["labels"], found["masks"], found.get("scores"), planes
    )


def preparation(loaded: Loaded, ports: Ports) -> Preparation:
    """How the model wants its picture: as its metadata says, else as is usual for its kind.

    Raises:
        ModelError: the metadata asks for what is not known.
    """
    info = loaded.model_info
    if "model_type" in info:
        return _as_model_api(loaded, info)
    if ports.scores is not None and ports.inputs.info is None:
        kind = loaded.graph.inputs[ports.inputs.picture].element_type
        return Preparation(scale=() if kind == ov.Type.u8 else (255.0, 255.0, 255.0))
    return Preparation(
        channels="BGR",
        lay=fit_corner if loaded.name in _KEEP_ASPECT else stretch,
        info_of_picture=True,
    )


def size(loaded: Loaded) -> tuple[int, int]:
    """(width, height) to take where the graph leaves them open."""
    info = loaded.model_info
    try:
        sides = int(info.get("orig_width", 0)), int(info.get("orig_height", 0))
    except ValueError:
        sides = (0, 0)
    return sides if min(sides) > 0 else loaded.image_size or _DEFAULT_SIZE


def classes(loaded: Loaded, ports: Ports) -> Classes:
    """What the model's numbers mean.

    Numbers from 0 follow the names' order; those from 1 do too, but are COCO's category ids in
    models that know COCO, except where each class has a mask of its own.
    """
    names = without_background(loaded.names or ())
    by_order = ports.first == 0 or ports.planes is not None
    if not names and by_order:
        return Classes.counted(tuple(COCO.values()), ports.first)
    if not names or (are_coco(names) and not by_order):
        return Classes.coco()
    return Classes.counted(names, ports.first)


def _by_name(graph: ov.Model) -> dict[str, int] | None:
    found: dict[str, int] = {}
    for index, port in enumerate(graph.outputs):
        names = port_names(port)
        for role, known in _NAMES.items():
            if names & known:
                found[role] = index
    return found if found.keys() >= {"boxes", "labels", "masks"} else None


def _by_rank(graph: ov.Model) -> dict[str, int] | None:
    """Roles by rank, one for each; a batch axis before all of them does not matter."""
    ports = {
        index: port
        for index, port in enumerate(graph.outputs)
        if not port_names(port) & _EXPLANATIONS
    }
    if len(ports) not in (3, 4):
        return None
    ranks = {index: len(port.partial_shape) for index, port in ports.items()}
    least = min(ranks.values())
    found: dict[str, int] = {}
    for index, port in ports.items():
        if ranks[index] == least and len(ports) == 4:
            role = "labels" if port.element_type in _INTEGERS else "scores"
        else:
            role = {0: "labels", 1: "boxes", 2: "masks", 3: "masks"}.get(ranks[index] - least, "")
        found[role] = index
    roles = {"boxes", "labels", "masks"} | ({"scores"} if len(ports) == 4 else set())
    return found if found.keys() == roles else None


def _fit(graph: ov.Model, found: Mapping[str, int]) -> bool:
    """Whether ranks, types and columns are those of the roles."""
    ports = {role: graph.outputs[index] for role, index in found.items()}
    ranks = {role: len(port.partial_shape) for role, port in ports.items()}
    batch = ranks["boxes"] - 2
    masks = (3, 4) if batch == 0 else (4,)
    columns = ov.Dimension(5 if "scores" not in found else 4)
    return (
        batch in (0, 1)
        and all(ranks[role] == 1 + batch for role in ranks.keys() & {"labels", "scores"})
        and ranks["masks"] in masks
        and ports["boxes"].partial_shape[1 + batch].compatible(columns)
        and ports["masks"].element_type in _FLOATS
    )


def _as_model_api(loaded: Loaded, info: Mapping[str, str]) -> Preparation:
    resize = info.get("resize_type", "standard")
    if resize not in _RESIZE:
        raise ModelError(
            f"{loaded.path} wants its picture by resize_type {resize}; known are "
            + ", ".join(_RESIZE)
        )
    if _true(info, "embedded_processing"):
        # The graph then takes what OpenCV gives, and does the rest itself.
        return Preparation(channels="BGR", lay=_RESIZE[resize])
    return Preparation(
        channels="RGB" if _true(info, "reverse_input_channels") else "BGR",
        lay=_RESIZE[resize],
        padding=int(_numbers(loaded, info, "pad_value", (1,), (0.0,))[0]),
        mean=_numbers(loaded, info, "mean_values", (0, 1, 3), ()),
        scale=_numbers(loaded, info, "scale_values", (0, 1, 3), ()),
        info_of_picture=True,
    )


def _true(info: Mapping[str, str], key: str) -> bool:
    return info.get(key, "").casefold() in ("true", "yes", "1")


def _numbers(
    loaded: Loaded,
    info: Mapping[str, str],
    key: str,
    counts: tuple[int, ...],
    default: tuple[float, ...],
) -> tuple[float, ...]:
    if key not in info:
        return default
    words = info[key].strip("[]() ").replace(",", " ").split()
    try:
        numbers = tuple(float(word) for word in words)
    except ValueError:
        numbers = ()
    if len(words) not in counts or len(numbers) != len(words):
        raise ModelError(f"{loaded.path} says {key} is {info[key]!r}, which is no such value")
    return numbers
