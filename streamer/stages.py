"""The stages between source and sinks: generator functions that need no threads.

Each takes what the stage before it yields and passes on a frozen dataclass of its own, so that the
type's name says where an item is.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from fractions import Fraction

from streamer.allowance import Allowance
from streamer.detector import Detector, read_result
from streamer.engine import Engine, Pending
from streamer.frame import Frame
from streamer.gaps import filled
from streamer.haste import Haste
from streamer.hud import draw_hud
from streamer.instances import Instances
from streamer.metrics import Metrics
from streamer.models.base import Model, Tensors
from streamer.models.geometry import Geometry
from streamer.overlay import OverlayStyle, draw
from streamer.pipeline import Stage
from streamer.propagation.blend import between
from streamer.propagation.propagator import Propagator
from streamer.sinks.base import Sink
from streamer.sources.base import Source
from streamer.tracking import Tracker

Hud = Callable[[], Sequence[str]]
"""Gives the lines that are drawn in the picture's corner."""


_RESULTS = 0.25
"""Of the time of the line of shown frames, what the model's results may take."""

_LONGEST_PAUSE = 2.0
"""Seconds for which the model waits at most because a result has taken long."""

_MOST_HELD = 64
"""Frames that are held back at most, whatever their times say."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A frame and the model's inputs made from it."""

    frame: Frame
    tensors: Tensors
    geometry: Geometry


@dataclass(frozen=True, slots=True)
class Skipped:
    """A frame that the model does not see: its instances come from those around it."""

    frame: Frame


@dataclass(frozen=True, slots=True)
class Submitted:
    """A frame whose inference is under way."""

    frame: Frame
    pending: Pending
    geometry: Geometry


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


def preprocess(model: Model, every: int = 1) -> Stage[Frame, Prepared | Skipped]:
    """Make the model's inputs from every n-th frame and from the last."""

    def stage(frames: Iterable[Frame]) -> Iterator[Prepared | Skipped]:
        for number, (frame, is_last) in enumerate(_with_end(frames, ahead=every > 1)):
            if number % every == 0 or is_last:
                tensors, geometry = model.preprocess(frame)
                yield Prepared(frame, tensors, geometry)
            else:
                yield Skipped(frame)

    return stage


def _with_end(frames: Iterable[Frame], *, ahead: bool) -> Iterator[tuple[Frame, bool]]:
    """Each frame and whether it is the last; without looking ``ahead`` that is never known."""
    held: Frame | None = None
    for frame in frames:
        if not ahead:
            yield frame, False
            continue
        if held is not None:
            yield held, False
        held = frame
    if held is not None:
        yield held, True


def infer(engine: Engine) -> Stage[Prepared | Skipped, Submitted | Skipped]:
    """Start an inference for each frame; waits where all requests are in flight."""

    def stage(items: Iterable[Prepared | Skipped]) -> Iterator[Submitted | Skipped]:
        for item in items:
            if isinstance(item, Skipped):
                yield item
            else:
                yield Submitted(item.frame, engine.submit(item.tensors), item.geometry)

    return stage


def collect(model: Model, metrics: Metrics) -> Stage[Submitted | Skipped, Detected | Skipped]:
    """Wait for each inference in turn and read its result; so the order is that of the frames.

    Measures itself and the inference; see `read_result`.
    """

    def stage(items: Iterable[Submitted | Skipped]) -> Iterator[Detected | Skipped]:
        for item in items:
            if isinstance(item, Skipped):
                yield item
            else:
                instances = read_result(model, item.pending, item.geometry, metrics)
                yield Detected(item.frame, instances)

    return stage


def discard(item: Submitted | Skipped) -> None:
    """Give an infer request back without its result."""
    if isinstance(item, Submitted):
        item.pending.release()


def identify(tracker: Tracker) -> Stage[Detected | Skipped, Detected]:
    """Give the instances of each frame their track ids; for lines where no frame is skipped.

    Image files have nothing to do with each other, so nothing is tracked from one to the next.
    """

    def stage(items: Iterable[Detected | Skipped]) -> Iterator[Detected]:
        for item in items:
            assert isinstance(item, Detected)
            if item.frame.name is None:
                yield Detected(item.frame, tracker.identify(item.frame, item.instances))
            else:
                yield item

    return stage


def fill(longest: Fraction) -> Stage[Detected, Detected]:
    """Fill the gaps of tracks; a frame is held back for as long as a gap that it is in may end.

    Args:
        longest: seconds from a result that has an object to the next that has it.
    """

    def stage(items: Iterable[Detected]) -> Iterator[Detected]:
        held: deque[Detected] = deque()
        for item in items:
            while held and (
                item.frame.time - held[0].frame.time > longest or len(held) == _MOST_HELD
            ):
                yield held.popleft()
            held.append(item)
            results = filled([h.frame for h in held], [h.instances for h in held])
            held = deque(replace(h, instances=r) for h, r in zip(held, results, strict=True))
        yield from held

    return stage


def blend(tracker: Tracker, metrics: Metrics) -> Stage[Detected | Skipped, Detected]:
    """Fill the frames between two results from both; the first and the last frame have one."""

    def stage(items: Iterable[Detected | Skipped]) -> Iterator[Detected]:
        frames: list[Frame] = []
        before = Instances.empty()
        for item in items:
            frames.append(item.frame)
            if isinstance(item, Skipped):
                continue
            found = tracker.update(Instances.empty(), item.instances, float(item.frame.time))
            # All but the first were shown with the result before.
            shown = [found] if len(frames) == 1 else between(frames, before, found)[1:]
            for frame, instances in zip(frames[-len(shown) :], shown, strict=True):
                metrics.count("propagated", int(not instances.inferred))
                yield Detected(frame, instances)
            frames, before = [item.frame], found

    return stage


def propagate(
    detector: Detector, propagator: Propagator, metrics: Metrics, every: int = 1
) -> Stage[Frame, Detected]:
    """Show every frame at once, with what is known carried onto it; the model runs beside.

    The model gets the newest of every n-th frames whenever it is free. Where n is 1, it gets no
    more than take a quarter of the line's time for their results: frames go first. A line that has
    fallen behind by its own work catches up by a frame on which all goes on as it went.
    """

    def stage(frames: Iterable[Frame]) -> Iterator[Detected]:
        allowance, haste = Allowance(_RESULTS, _LONGEST_PAUSE), Haste()
        with detector:
            last: Frame | None = None
            work = 0.0
            for number, frame in enumerate(frames):
                if last is not None and not detector.withdraw():
                    propagator.expect(last.seq)
                    allowance.start(time.perf_counter())
                began = time.perf_counter()
                if results := detector.finished():
                    _take(results, propagator, metrics)
                    allowance.spend((time.perf_counter() - began) / len(results))
                work += time.perf_counter() - began
                age = time.monotonic() - frame.captured_at
                # Of every n-th frame a result is wanted, so it is always looked at.
                due = number % every == 0
                hurried = haste.hurries(frame, age, work) and (every == 1 or not due)
                began = time.perf_counter()
                if hurried:
                    metrics.count("hurried")
                    propagator.skip(frame)
                else:
                    propagator.advance(frame)
                work = time.perf_counter() - began
                free = every > 1 or allowance.permits(time.perf_counter())
                last = frame if due and free and not hurried else None
                if last is not None:
                    detector.offer(last)
                metrics.count("propagated")
                yield Detected(frame, propagator.current())
            detector.finished()  # raises what has failed on the last frames

    return stage


def _take(
    results: Iterable[tuple[int, Instances]], propagator: Propagator, metrics: Metrics
) -> None:
    for seq, found in results:
        agreement = propagator.update(seq, found)
        if agreement is not None:
            metrics.observe_agreement(agreement)


def overlay(style: Callable[[], OverlayStyle], hud: Hud | None = None) -> Stage[Detected, Detected]:
    """Draw what was found on a copy of each frame.

    Args:
        style: asked for at every frame, since viewers may change it.
        hud: what gives the lines in the corner; None for none.
    """

    def stage(items: Iterable[Detected]) -> Iterator[Detected]:
        for item in items:
            drawn = draw(item.frame, item.instances, style())
            if hud is not None and (lines := hud()):
                drawn = item.frame.copy() if drawn is item.frame else drawn
                draw_hud(drawn, lines)
            yield Detected(drawn, item.instances)

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
                age = time.monotonic() - item.frame.captured_at
                metrics.observe_latency(age)
                metrics.gauge("age_ms", age * 1e3)
                metrics.tick("shown_fps")
                yield item.frame

    return stage
