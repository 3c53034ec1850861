"""omz: Mask R-CNN of the TensorFlow Object Detection API as Open Model Zoo converted it.

In:  ``image_tensor``, BGR 0..255, [1, H, W, 3] or [1, 3, H, W], the frame's aspect ratio kept with
     zeros to the right and below; and ``image_info`` f32[1, 3]: height and width of that input, not
     of the frame in it, and 1.
Out: ``reshape_do_2d`` [N, 7]: image_id, label, score, x1, y1, x2, y2, as shares of the input's
     sides, padding and all. Rows are sorted by class; those from the first image_id below 0 on are
     unused.
     ``masks`` [N, C, m, m]: probabilities for each of C classes in the box; that of the row's own
     class is plane label - 1.

Labels are COCO's category ids. Preprocessing, ``image_info`` and the way back of the boxes are
those with which Open Model Zoo measured the published accuracy (its definition of the data set
ms_coco_mask_rcnn_short_91_classes); its C++ demo stretches the frame instead.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import openvino as ov

from streamer.errors import ModelError
from streamer.models.base import Tensors
from streamer.models.detections import Detections, Detector
from streamer.models.inputs import Inputs, Preparation, Preprocessor, find_inputs, port_names
from streamer.models.labels import COCO, Classes, are_coco, without_background
from streamer.models.loading import Loaded

CONTRACT = "omz"
PORTS = (
    "image_tensor [1,H,W,3] or [1,3,H,W] and image_info [1,3] in, reshape_do_2d [N,7] and masks "
    "[N,classes,m,m] out"
)
"""What the contract asks of a model's ports, for error messages."""

DEFAULT_SIZE = (1365, 800)
"""(width, height) where a graph leaves them open: what the published models were measured with."""

_COLUMNS = 7


@dataclass(frozen=True, slots=True)
class Ports:
    """Which port is what.

    Attributes:
        inputs: the picture and its size.
        rows: index of the output [N, 7].
        masks: index of the output [N, C, m, m].
        planes: C; None where it is left open.
    """

    inputs: Inputs
    rows: int
    masks: int
    planes: int | None


class Omz(Detector):
    """A model under this contract; see `Detector`.

    Args:
        loaded: the model as read; its graph is changed.
        threshold: lowest score that is reported, 0..1.
        classes: names of the classes to report; all where empty.

    Raises:
        ModelError: it does not follow the contract.
        SettingsError: the model has no class of a given name.
    """

    contract = CONTRACT

    def __init__(
        self, loaded: Loaded, *, threshold: float = 0.5, classes: Collection[str] = ()
    ) -> None:
        ports = recognize(loaded)
        if ports is None:
            raise ModelError(f"{loaded.path} does not follow {CONTRACT}: {PORTS}")
        self._ports = ports
        inputs = Preprocessor(
            loaded.graph,
            ports.inputs,
            Preparation(channels="BGR"),
            loaded.image_size or DEFAULT_SIZE,
        )
        self._to_pixels = inputs.to_pixels
        known = _classes(without_background(loaded.names or ()), ports.planes)
        super().__init__(loaded.name, inputs, known, threshold, classes)

    def detections(self, outputs: Tensors) -> Detections:
        """Read the rows; planes only when they are asked for, as all of them are 39 MB."""
        rows, masks = outputs[self._ports.rows], outputs[self._ports.masks]
        unused = np.flatnonzero(rows[:, 0] < 0)
        used = rows[: unused[0]] if len(unused) else rows
        # Whatever is no class of the model has no plane either.
        numbers = np.rint(used[:, 1]).astype(np.int64)
        known = np.flatnonzero((numbers >= 1) & (numbers <= masks.shape[1])).tolist()
        numbers = numbers[known]
        return Detections(
            boxes=self._to_pixels(used[known, 3:]),
            scores=used[known, 2],
            numbers=numbers,
            plane=lambda row: masks[known[row], numbers[row] - 1],
        )


def recognize(loaded: Loaded) -> Ports | None:
    """The ports by name, else by rank; None if the model does not follow the contract."""
    graph = loaded.graph
    inputs = find_inputs(graph)
    if inputs is None or inputs.unbatched or len(graph.outputs) != 2:
        return None
    names = [port_names(port) for port in graph.outputs]
    shapes = [port.partial_shape for port in graph.outputs]
    if any(shape.rank.is_dynamic for shape in shapes):
        return None
    rows = 1 if "reshape_do_2d" in names[1] or "masks" in names[0] else 0
    if len(shapes[rows]) != 2:
        rows = 1 - rows
    if len(shapes[rows]) != 2 or len(shapes[1 - rows]) != 4:
        return None
    if not shapes[rows].compatible(ov.PartialShape([-1, _COLUMNS])):
        return None
    planes = shapes[1 - rows][1]
    return Ports(inputs, rows, 1 - rows, None if planes.is_dynamic else planes.get_length())


def _classes(names: tuple[str, ...], planes: int | None) -> Classes:
    """Numbers begin at 1; COCO's have gaps, so that 80 names go with 90 planes."""
    if not names:
        if planes is None or planes == max(COCO):
            return Classes.coco()
        return Classes.counted([f"class {number}" for number in range(1, planes + 1)], 1)
    return Classes.coco() if are_coco(names) and planes != len(names) else Classes.counted(names, 1)
