"""Model: the graph that an engine runs, and what turns pictures into its inputs and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol

import av
import numpy as np
import openvino as ov
from numpy.typing import NDArray

from streamer.frame import Frame
from streamer.instances import Instances
from streamer.models.geometry import Geometry, Picture

Tensors = Sequence[NDArray[Any]]
"""Arrays in the order of a graph's input or output ports."""

Selector = Callable[[NDArray[np.float32]], NDArray[np.int64]]
"""From detections f32[D, 6] to the rows whose masks are wanted."""


@dataclass(frozen=True, slots=True)
class SecondPass:
    """The graph that makes masks of what the first graph has detected.

    Attributes:
        graph: takes ``cells``, the first graph's output of that name, and ``detections`` f32[n, 6];
            gives masks f32[n, M, M]. It can be reshaped to any n.
        batches: the sizes n to compile it for, ascending.
        select: which detections it should run for.
    """

    graph: ov.Model
    batches: tuple[int, ...]
    select: Selector


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

    @property
    def second_pass(self) -> SecondPass | None:
        """What makes the masks where `graph` does not; None where it does."""

    def preprocess(self, picture: Picture) -> tuple[Tensors, Geometry]:
        """The graph's inputs for a picture, and how it was laid into them."""

    def postprocess(self, outputs: Tensors, geometry: Geometry) -> Instances:
        """What the graph found, in pixels of the picture.

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
