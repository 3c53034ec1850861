"""Detector: runs a model beside the line of frames, always on the newest one.

A live view shows every frame at once, whether or not there is a result for it yet. So the frames do
not wait in line for the model: each is offered to it, a newer offer replaces one that was not
taken, and results come back when they are done, some frames later.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Self

from streamer.engine import Engine, Pending
from streamer.frame import Frame
from streamer.instances import Instances
from streamer.metrics import Metrics
from streamer.models.base import Model
from streamer.models.geometry import Geometry


def read_result(model: Model, pending: Pending, geometry: Geometry, metrics: Metrics) -> Instances:
    """Wait for an inference, read its result and give its request back, whatever comes of it.

    Measures both: waiting for the device is the device's work, not that of whoever reads.

    Raises:
        InferenceError: the device failed.
    """
    try:
        outputs = pending.result()
        began = time.perf_counter()
        instances = model.postprocess(outputs, geometry)
    finally:
        pending.release()
    metrics.observe("collect", time.perf_counter() - began)
    metrics.observe_span("infer", *pending.span)
    metrics.count("inferred")
    metrics.tick("inferred_fps")
    return instances


class _Run:
    """A frame that was taken, and what became of it."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.instances: Instances | None = None


class Detector:
    """Runs a model on the newest of the frames that are offered; a context manager.

    For one thread that offers and asks; the model runs on threads of the detector's own.

    Args:
        model: what to run.
        engine: that runs it.
        metrics: where it counts and measures: preprocess, infer and collect.
        workers: how many frames may be under way at once.
    """

    def __init__(self, model: Model, engine: Engine, metrics: Metrics, workers: int = 1) -> None:
        self._model, self._engine, self._metrics = model, engine, metrics
        self._condition = threading.Condition()
        self._offered: Frame | None = None
        self._runs: deque[_Run] = deque()
        self._error: BaseException | None = None
        self._closed = False
        self._threads = [
            threading.Thread(target=self._work, name=f"detector {number}", daemon=True)
            for number in range(workers)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def offer(self, frame: Frame) -> None:
        """Offer a frame, in place of one that was offered before and not taken."""
        with self._condition:
            self._offered = frame
            self._condition.notify()

    def withdraw(self) -> bool:
        """Take back what was offered. Returns False where the model has it already."""
        with self._condition:
            had = self._offered is not None
            self._offered = None
            return had

    def finished(self) -> list[tuple[int, Instances]]:
        """What was found since the last call, as (seq of the frame, instances), oldest first.

        Raises:
            InferenceError: the device failed; and whatever else the model raised.
        """
        with self._condition:
            if self._error is not None:
                raise self._error
            done = []
            # In the order of the frames, also where a later one is done before an earlier one.
            while self._runs and self._runs[0].instances is not None:
                run = self._runs.popleft()
                done.append((run.frame.seq, run.instances))
            return [(seq, found) for seq, found in done if found is not None]

    def close(self) -> None:
        """Wait for what is under way; its result is lost. Does nothing the second time."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        try:
            while (run := self._next()) is not None:
                instances = self._detect(run.frame)
                with self._condition:
                    run.instances = instances
        except BaseException as error:  # raised where somebody asks
            with self._condition:
                self._error = self._error or error

    def _next(self) -> _Run | None:
        with self._condition:
            self._condition.wait_for(lambda: self._closed or self._offered is not None)
            if self._closed or self._offered is None:
                return None
            run = _Run(self._offered)
            self._offered = None
            self._runs.append(run)
            return run

    def _detect(self, frame: Frame) -> Instances:
        began = time.perf_counter()
        tensors, geometry = self._model.preprocess(frame)
        self._metrics.observe("preprocess", time.perf_counter() - began)
        return read_result(self._model, self._engine.submit(tensors), geometry, self._metrics)
