"""Shows a model a coloured rectangle, and asks what it saw."""

from __future__ import annotations

from fractions import Fraction

import av

from streamer.engine import OpenVinoEngine
from streamer.frame import Frame
from streamer.instances import Instances
from streamer.models.base import Model

WHITE, RED, BLUE = (235, 128, 128), (81, 90, 240), (41, 240, 110)
"""Y, Cb, Cr, limited range."""


def picture(color: tuple[int, int, int], box: tuple[int, int, int, int]) -> Frame:
    """A black frame of 128x96 with a rectangle on it."""
    frame = Frame(av.VideoFrame(128, 96, "yuv420p"), 0, 0, Fraction(1))
    x1, y1, x2, y2 = box
    for plane, black, value, step in zip(
        (frame.y, frame.u, frame.v), (16, 128, 128), color, (1, 2, 2), strict=True
    ):
        plane[:] = black
        plane[y1 // step : y2 // step, x1 // step : x2 // step] = value
    return frame


def run(model: Model, frame: Frame) -> Instances:
    """What the model finds on the CPU, in f32."""
    with OpenVinoEngine(model.graph, "CPU", "f32", requests=1) as engine:
        tensors, geometry = model.preprocess(frame)
        pending = engine.submit(tensors)
        try:
            return model.postprocess(pending.result(), geometry)
        finally:
            pending.release()
