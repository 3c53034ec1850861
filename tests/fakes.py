"""Stand-ins for what is slow or outside, with the same few methods."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import Self

import av
import numpy as np
import openvino as ov

from streamer.errors import InferenceError
from streamer.frame import Frame
from streamer.instances import Instances
from streamer.models.base import Tensors
from streamer.models.geometry import Geometry, Picture
from streamer.sources.base import Health, StreamInfo


def grey_frame(seq: int, size: tuple[int, int] = (64, 48), luma: int | None = None) -> Frame:
    """A flat picture whose luma tells its number, 25 frames a second."""
    picture = av.VideoFrame(*size, "yuv420p")
    frame = Frame(picture, seq, seq, Fraction(1, 25))
    frame.y[:] = seq % 256 if luma is None else luma
    frame.u[:] = frame.v[:] = 128
    return frame


def one_instance(seq: int) -> Instances:
    """One instance whose box tells a frame's number."""
    return Instances(
        boxes=np.array([[seq, 0, seq + 4, 4]], np.float32),
        scores=np.array([0.9], np.float32),
        class_ids=np.array([1], np.int32),
        labels=("person",),
        masks=(np.full((4, 4), 255, np.uint8),),
    )


class FakeSource:
    """Gives so many grey frames."""

    def __init__(self, frames: int, live: bool = False) -> None:
        self.info = StreamInfo(
            "fake", 64, 48, Fraction(25), Fraction(1, 25), live=live, frames=frames
        )
        self.health = Health()
        self._frames = frames
        self.closed = False

    def __iter__(self) -> Iterator[Frame]:
        for seq in range(self._frames):
            yield grey_frame(seq)

    def interrupt(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class FakeModel:
    """Reads the frame's number off its first pixel and finds one instance there."""

    name = "fake"
    contract = "fake"
    labels: Mapping[int, str] = MappingProxyType({1: "person"})
    graph: ov.Model = None
    second_pass = None

    def preprocess(self, picture: Picture) -> tuple[Tensors, Geometry]:
        assert isinstance(picture, Frame)
        geometry = Geometry(picture.width, picture.height, picture.width, picture.height)
        return [np.array([picture.y[0, 0]])], geometry

    def postprocess(self, outputs: Tensors, geometry: Geometry) -> Instances:  # noqa: ARG002
        return one_instance(int(outputs[0][0]))


class FakePending:
    """An inference that is done at once, or fails."""

    def __init__(self, tensors: Tensors, fails: bool) -> None:
        self.tensors = tensors
        self.fails = fails
        self.released = 0
        self.span = (0.0, 0.001)

    def result(self) -> Tensors:
        if self.fails:
            raise InferenceError("the device failed: made to")
        return self.tensors

    def release(self) -> None:
        self.released += 1


class FakeEngine:
    """Gives back its inputs; fails on the n-th submit where asked to."""

    device = "FAKE"
    precision = "f32"
    requests = 2

    def __init__(self, fail_at: int | None = None) -> None:
        self.fail_at = fail_at
        self.pendings: list[FakePending] = []

    def check(self, tensors: Tensors) -> None:
        self.submit(tensors).result()

    def close(self) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def submit(self, tensors: Tensors) -> FakePending:
        pending = FakePending(tensors, len(self.pendings) == self.fail_at)
        self.pendings.append(pending)
        return pending


class FakeSink:
    """Remembers what it was given."""

    url = "fake"
    on_main_thread = False

    def __init__(self, draws: bool = True, error: Exception | None = None) -> None:
        self.draws = draws
        self.warnings: list[str] = []
        self.error = error
        self.written: list[tuple[int, Instances]] = []
        self.closed = 0

    def write(self, frame: Frame, instances: Instances) -> None:
        if self.error is not None and len(self.written) == 2:
            raise self.error
        self.written.append((frame.seq, instances))

    def close(self) -> None:
        self.closed += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
