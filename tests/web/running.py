"""A run without a pipeline: frames go to a sink as fast as a camera would give them."""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction

import av
import numpy as np

from streamer.controls import Controls
from streamer.frame import Frame
from streamer.instances import Instances
from streamer.metrics import Metrics
from streamer.sinks.options import SinkOptions
from streamer.sinks.web import WebSink
from streamer.sources.base import Health, StreamInfo
from tests.clips import picture_of

WIDTH, HEIGHT = 320, 180
INFO = StreamInfo("camera", WIDTH, HEIGHT, Fraction(50), Fraction(1, 50), live=True)

_INTERVAL_S = 0.02
_PICTURES = 50
_END_S = 10.0

Painter = Callable[[int], av.VideoFrame]


def flat(number: int) -> av.VideoFrame:
    """One grey, another one from picture to picture."""
    return picture_of(np.full((HEIGHT, WIDTH), 40 + 3 * number, np.uint8))


def noise(number: int) -> av.VideoFrame:
    """What takes as many bytes as a picture can, a third of a megabyte as a JPEG."""
    return picture_of(np.random.default_rng(number).integers(0, 256, (360, 640), np.uint8))


def frame_of(picture: av.VideoFrame, number: int = 0) -> Frame:
    """A frame that was captured now."""
    return Frame(picture, number, number, Fraction(1, 50), time.monotonic())


@dataclass
class Run:
    """What a page may watch and work.

    Attributes:
        stopped: somebody has stopped the run.
        write_s: how long each write took.
        error: what ended the writing.
    """

    sink: WebSink
    controls: Controls
    metrics: Metrics
    stopped: threading.Event
    write_s: list[float] = field(default_factory=list)
    error: BaseException | None = None


def open_run(port: int | None = 0, **options: object) -> Run:
    """A sink with all that a run gives it; ``options`` are those of `SinkOptions`."""
    stopped = threading.Event()
    controls, metrics = Controls(stopped.set), Metrics()
    metrics.add_stage("sink")
    given = {"controls": controls, "snapshot": metrics.snapshot, "health": Health(), **options}
    sink = WebSink(port, INFO, SinkOptions(**given))  # type: ignore[arg-type]
    return Run(sink, controls, metrics, stopped)


@contextlib.contextmanager
def running(paint: Painter = flat, **options: object) -> Iterator[Run]:
    """A run that goes on while the block does."""
    run, over = open_run(**options), threading.Event()  # type: ignore[arg-type]
    pictures = [paint(number) for number in range(_PICTURES)]

    def write() -> None:
        try:
            for number in itertools.count():
                began = time.perf_counter()
                run.sink.write(frame_of(pictures[number % len(pictures)]), Instances.empty())
                run.write_s.append(time.perf_counter() - began)
                run.metrics.observe("sink", run.write_s[-1])
                run.metrics.count("written")
                run.metrics.gauge("shown_fps", 30 + number % 7)
                if over.wait(_INTERVAL_S):
                    return
        except Exception as error:
            run.error = error

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield run
    finally:
        over.set()
        writer.join(_END_S)
        run.sink.close()
