"""boxes-labels-masks: what most other Mask R-CNNs and their kin are exported as.

In:  one picture [1, 3, H, W], [1, H, W, 3] or [3, H, W]; in some, f32[1, 3] beside it: height and
     width of the scaled frame in it, and 1.
Out: boxes [N, 5]: x1, y1, x2, y2 in pixels of the input, and the score; or [N, 4], the scores [N]
     apart; labels [N]; and masks, probabilities
       [N, m, m] in the box,
       [N, C, m, m] in the box, a plane for each class, or
       [N, 1, H, W] or [N, H, W], drawn into the whole input.
     All may have an axis of length 1 before; N changes from frame to frame.

Who exported it decides on the rest:
- Open Model Zoo's instance-segmentation-*: BGR 0..255, stretched or in the top left corner by the
  name of the model; labels from 0, COCO's 80 in order. Those until 2021, with ``im_info`` and
  ``raw_masks``, have scores apart and labels from 1, as 0 is the background.
- torchvision: scores apart, no size asked for; RGB 0..1, in the top left corner; labels from 1,
  COCO's category ids unless the metadata names other classes.
- Geti and whatever else is made for Model API: as ``model_info`` in the file says; labels from 0.

Sources: the accuracy-check.yml of each model and Model API's MaskRCNN wrapper, in the repositories
open_model_zoo and model_api of openvinotoolkit; torchvision's models.detection.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from streamer.errors import ModelError
from streamer.models import boxes_ports
from streamer.models.base import Tensors
from streamer.models.detections import Detections, Detector, Floats
from streamer.models.inputs import Preprocessor
from streamer.models.loading import Loaded

CONTRACT = "boxes-labels-masks"
PORTS = (
    "one picture [1,3,H,W] or [1,H,W,3] and perhaps its size [1,3] in, boxes [N,5] (or [N,4] and "
    "scores [N]), labels [N] and masks [N,m,m], [N,classes,m,m] or [N,1,H,W] out"
)
"""What the contract asks of a model's ports, for error messages."""


class BoxesLabelsMasks(Detector):
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
        ports = boxes_ports.recognize(loaded)
        if ports is None:
            raise ModelError(f"{loaded.path} does not follow {CONTRACT}: {PORTS}")
        self._ports = ports
        inputs = Preprocessor(
            loaded.graph,
            ports.inputs,
            boxes_ports.preparation(loaded, ports),
            boxes_ports.size(loaded),
        )
        self._size = inputs.size
        known = boxes_ports.classes(loaded, ports)
        super().__init__(loaded.name, inputs, known, threshold, classes)

    def detections(self, outputs: Tensors) -> Detections:
        """Read the rows."""
        ports = self._ports
        boxes, masks = outputs[ports.boxes], outputs[ports.masks]
        if boxes.ndim == 3:
            boxes, masks = boxes[0], masks[0]
        scores = boxes[:, 4] if ports.scores is None else outputs[ports.scores].reshape(-1)
        numbers = outputs[ports.labels].reshape(-1).astype(np.int64)
        planes = masks.shape[1] if masks.ndim == 4 else 1
        # Below the first are background and unused rows; beyond the last class there is no mask.
        last = planes - 1 if planes > 1 else np.iinfo(np.int64).max
        known = np.flatnonzero((numbers >= ports.first) & (numbers <= last)).tolist()
        numbers = numbers[known]

        def plane(row: int) -> Floats:
            own: Floats = masks[known[row]]
            if own.ndim == 3:
                own = own[numbers[row] if planes > 1 else 0]
            return own

        width, height = self._size
        return Detections(
            boxes=boxes[known, :4],
            scores=scores[known],
            numbers=numbers,
            plane=plane,
            input_size=(width, height) if masks.shape[-2:] == (height, width) else None,
        )
