"""Model: the graph that an engine runs, and what turns frames into its inputs and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, Protocol

import av
import numpy as np
import openvino as ov
from numpy.typing import NDArray

from streamer.frame import Frame
from streamer.instances import Instances
from streamer.models.geometry import Geometry

Tensors = Sequence[NDArray[Any]]
"""Arrays in the order of a graph's input or output ports."""


class Model(Protocol):
    """One trained network under one contract. Pure: it holds no state between frames.

    Attributes:
        name: what the user calls it.
        contract: the rules that its ports follow, such as ``"yolo-seg"``.
        graph: what the engine compiles; takes what `preprocess` gives.
        labels: class names by the ids that `Instances.class_ids` holds.
    """

    name: str
    contract: str
    graph: ov.Model
    labels: Mapping[int, str]

    def preprocess(self, frame: Frame) -> tuple[Tensors, Geometry]:
        """The graph's inputs for a frame, and how the frame was laid into them."""

    def postprocess(self, outputs: Tensors, geometry: Geometry) -> Instances:
        """What the graph found, in pixels of the frame.

        ``outputs`` are the engine's own buffers: whatever is kept must be copied.
        """


def sample_inputs(model: Model, width: int = 640, height: int = 480) -> Tensors:
    """Inputs made from a seeded picture of noise, to try a compiled graph with."""
    picture = av.VideoFrame(width, height, "yuv420p")
    frame = Frame(picture, 0, 0, Fraction(1))
    noise = np.random.default_rng(0)
    for plane in (frame.y, frame.u, frame.v):
        plane[:] = noise.integers(0, 256, plane.shape, np.uint8)
    return model.preprocess(frame)[0]
