"""The stages between source and sinks: generator functions that need no threads.

Each takes what the stage before it yields and passes on a frozen dataclass of its own, so that the
type's name says where an item is.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

from streamer.engine import Engine, Pending
from streamer.frame import Frame
from streamer.instances import Instances
from streamer.metrics import Metrics
from streamer.models.base import Model, Tensors
from streamer.models.geometry import Geometry
from streamer.overlay import OverlayStyle, draw
from streamer.pipeline import Stage
from streamer.sinks.base import Sink
from streamer.sources.base import Source


@dataclass(frozen=True, slots=True)
class Prepared:
    """A frame and the model's inputs made from it."""

    frame: Frame
    tensors: Tensors
    geometry: Geometry


@dataclass(frozen=True, slots=True)
class Submitted:
    """A frame whose inference is under way."""

    frame: Frame
    pending: Pending
    geometry: Geometry

    def discard(self) -> None:
        """Give the infer request back without its result."""
        self.pending.release()


@dataclass(frozen=True, slots=True)
class Detected:
    """A frame and what was found in it."""

    frame: Frame
    instances: Instances


def capture(source: Source, metrics: Metrics) -> Iterator[Frame]:
    """Count the frames of a source."""
    for frame in source:
        metrics.count("captured")
        # A file's first frame is decoded when it is opened; how long it lay says nothing.
        yield frame if source.info.live else replace(frame, captured_at=time.monotonic())


def preprocess(model: Model) -> Stage[Frame, Prepared]:
    """Make the model's inputs from each frame."""

    def stage(frames: Iterable[Frame]) -> Iterator[Prepared]:
        for frame in frames:
            tensors, geometry = model.preprocess(frame)
            yield Prepared(frame, tensors, geometry)

    return stage


def infer(engine: Engine) -> Stage[Prepared, Submitted]:
    """Start an inference for each frame; waits where all requests are in flight."""

    def stage(items: Iterable[Prepared]) -> Iterator[Submitted]:
        for item in items:
            yield Submitted(item.frame, engine.submit(item.tensors), item.geometry)

    return stage


def collect(model: Model, metrics: Metrics) -> Stage[Submitted, Detected]:
    """Wait for each inference in turn and read its result; so the order is that of the frames.

    Measures itself and the inference: waiting for the device is not this stage's work.
    """

    def stage(items: Iterable[Submitted]) -> Iterator[Detected]:
        for item in items:
            try:
                outputs = item.pending.result()
                began = time.perf_counter()
                instances = model.postprocess(outputs, item.geometry)
            finally:
                item.pending.release()
            metrics.observe("collect", time.perf_counter() - began)
            metrics.observe_span("infer", *item.pending.span)
            metrics.count("inferred")
            yield Detected(item.frame, instances)

    return stage


def overlay(style: OverlayStyle) -> Stage[Detected, Detected]:
    """Draw what was found on a copy of each frame."""

    def stage(items: Iterable[Detected]) -> Iterator[Detected]:
        for item in items:
            yield Detected(draw(item.frame, item.instances, style), item.instances)

    return stage


def write(sinks: Sequence[Sink], metrics: Metrics) -> Stage[Detected, Frame]:
    """Give each frame to every sink, and close them all in the end, whatever that end is."""

    def stage(items: Iterable[Detected]) -> Iterator[Frame]:
        with ExitStack() as closing:
            for sink in sinks:
                closing.callback(sink.close)
            for item in items:
                for sink in sinks:
                    sink.write(item.frame, item.instances)
                metrics.count("written")
                metrics.observe_latency(time.monotonic() - item.frame.captured_at)
                yield item.frame

    return stage
