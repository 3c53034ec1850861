"""tf-od-api: Mask R-CNN as the TensorFlow Object Detection API exports it.

In:  ``image_tensor``, RGB bytes [1, H, W, 3].
Out: ``detection_boxes`` [1, N, 4]: y1, x1, y2, x2 as shares of the input's sides;
     ``detection_scores`` and ``detection_classes`` [1, N]; ``num_detections`` [1], how many rows of
     the N are used; ``detection_masks`` [1, N, m, m]: the probabilities for the row's class in the
     box. Other outputs, which newer exports have, are not looked at.

Such graphs scale the picture themselves and leave its size open; here it is fixed at what they
scale to, so that this is done once, straight from the frame's planes. Classes are COCO's category
ids unless the model's metadata names others, which then are numbered from 1.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from streamer.errors import ModelError
from streamer.models.base import Tensors
from streamer.models.detections import Detections, Detector
from streamer.models.geometry import fit_corner, stretch
from streamer.models.inputs import Inputs, Preparation, Preprocessor, find_inputs, port_names
from streamer.models.labels import Classes, are_coco, without_background
from streamer.models.loading import Loaded

CONTRACT = "tf-od-api"
PORTS = (
    "one picture [1,H,W,3] in, detection_boxes [1,N,4], detection_scores, detection_classes, "
    "num_detections and detection_masks [1,N,m,m] out"
)
"""What the contract asks of a model's ports, for error messages."""

_DEFAULT_SIZE = (1365, 800)
_RANKS = {
    "detection_boxes": (3,),
    "detection_scores": (2,),
    "detection_classes": (2,),
    "detection_masks": (4,),
    "num_detections": (0, 1),
}


@dataclass(frozen=True, slots=True)
class Ports:
    """Which port is what.

    Attributes:
        inputs: the picture.
        outputs: index of each output by its name.
    """

    inputs: Inputs
    outputs: Mapping[str, int]


class TfOdApi(Detector):
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
        self._outputs = ports.outputs
        # What `streamer.models.convert` notes of a fixed_shape_resizer.
        stretches = loaded.model_info.get("resize_type") == "standard"
        preparation = Preparation(lay=stretch if stretches else fit_corner)
        inputs = Preprocessor(
            loaded.graph, ports.inputs, preparation, loaded.image_size or _DEFAULT_SIZE
        )
        self._to_pixels = inputs.to_pixels
        names = without_background(loaded.names or ())
        known = Classes.counted(names, 1) if names and not are_coco(names) else Classes.coco()
        super().__init__(loaded.name, inputs, known, threshold, classes)

    def detections(self, outputs: Tensors) -> Detections:
        """Read the rows that are used."""
        ports = self._outputs
        used = int(outputs[ports["num_detections"]].reshape(-1)[0])
        boxes = outputs[ports["detection_boxes"]][0, :used]
        masks = outputs[ports["detection_masks"]][0]
        return Detections(
            boxes=self._to_pixels(boxes[:, [1, 0, 3, 2]]),
            scores=outputs[ports["detection_scores"]][0, :used],
            numbers=np.rint(outputs[ports["detection_classes"]][0, :used]).astype(np.int64),
            plane=lambda row: masks[row],
        )


def recognize(loaded: Loaded) -> Ports | None:
    """The ports by name; None if the model does not follow the contract.

    Scores and classes have the same shape and type, so that without names they cannot be told
    apart.
    """
    graph = loaded.graph
    inputs = find_inputs(graph)
    if inputs is None or inputs.info is not None or inputs.unbatched:
        return None
    found = {
        name: index
        for index, port in enumerate(graph.outputs)
        if port.partial_shape.rank.is_static
        for name in port_names(port) & _RANKS.keys()
        if len(port.partial_shape) in _RANKS[name]
    }
    return Ports(inputs, found) if found.keys() == _RANKS.keys() else None
