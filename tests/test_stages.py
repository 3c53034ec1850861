"""Each stage without threads, then the whole line with fakes at its ends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import cast

import pytest

from streamer import stages
from streamer.detector import Detector
from streamer.errors import InferenceError, StageError, WriteError
from streamer.frame import Frame
from streamer.instances import Instances
from streamer.metrics import Metrics
from streamer.overlay import OverlayStyle
from streamer.pipeline import Pipeline
from streamer.propagation.propagator import Propagator
from streamer.tracking import Tracker
from tests.fakes import FakeEngine, FakeModel, FakeSink, FakeSource, grey_frame, one_instance


def metrics() -> Metrics:
    made = Metrics()
    for name in ("infer", "collect"):
        made.add_stage(name)
    return made


def test_preprocess_keeps_the_frame_beside_its_tensors() -> None:
    prepared = list(stages.preprocess(FakeModel())([grey_frame(3), grey_frame(4)]))
    assert [item.frame.seq for item in prepared] == [3, 4]
    tensors = [item.tensors for item in prepared if isinstance(item, stages.Prepared)]
    assert [int(inputs[0][0]) for inputs in tensors] == [3, 4]


@pytest.mark.parametrize(
    ("frames", "every", "seen"),
    [
        (7, 3, [0, 3, 6]),
        (8, 3, [0, 3, 6, 7]),
        (1, 3, [0]),
        (0, 3, []),
        (3, 1, [0, 1, 2]),
    ],
)
def test_every_nth_frame_and_the_last_are_prepared(
    frames: int, every: int, seen: list[int]
) -> None:
    items = list(stages.preprocess(FakeModel(), every)(map(grey_frame, range(frames))))
    assert [item.frame.seq for item in items] == list(range(frames))
    assert [item.frame.seq for item in items if isinstance(item, stages.Prepared)] == seen


def test_frames_that_are_skipped_pass_in_order() -> None:
    engine, model, counted = FakeEngine(), FakeModel(), metrics()
    prepared = stages.preprocess(model, 4)(grey_frame(seq) for seq in range(9))
    items = list(stages.collect(model, counted)(stages.infer(engine)(prepared)))
    assert [item.frame.seq for item in items] == list(range(9))
    assert [isinstance(item, stages.Detected) for item in items] == [
        seq in (0, 4, 8) for seq in range(9)
    ]
    assert counted.snapshot().counts == {"inferred": 3}


def test_infer_and_collect_pair_each_frame_with_its_own_result() -> None:
    engine, model, seen = FakeEngine(), FakeModel(), metrics()
    prepared = stages.preprocess(model)(grey_frame(seq) for seq in range(5))
    collected = stages.collect(model, seen)(stages.infer(engine)(prepared))
    detected = [item for item in collected if isinstance(item, stages.Detected)]
    assert [int(item.instances.boxes[0, 0]) for item in detected] == [0, 1, 2, 3, 4]
    assert [item.frame.seq for item in detected] == [0, 1, 2, 3, 4]
    assert [pending.released for pending in engine.pendings] == [1] * 5
    assert seen.snapshot().counts == {"inferred": 5}


def test_collect_gives_a_request_back_also_where_it_failed() -> None:
    engine, model = FakeEngine(fail_at=1), FakeModel()
    prepared = stages.preprocess(model)(grey_frame(seq) for seq in range(3))
    submitted = stages.collect(model, metrics())(stages.infer(engine)(prepared))
    assert next(submitted).frame.seq == 0
    with pytest.raises(InferenceError, match="made to"):
        next(submitted)
    assert engine.pendings[1].released == 1


def test_overlay_draws_on_a_copy() -> None:
    frame = grey_frame(9, luma=60)
    before = frame.y.copy()
    drawn = next(stages.overlay(OverlayStyle)([stages.Detected(frame, one_instance(9))]))
    assert (frame.y == before).all()
    assert (drawn.frame.y != before).any()


def test_write_gives_every_sink_every_frame_and_closes_them() -> None:
    sinks = [FakeSink(), FakeSink()]
    seen = metrics()
    items = [stages.Detected(grey_frame(seq), one_instance(seq)) for seq in range(3)]
    assert len(list(stages.write(sinks, seen)(items))) == 3
    for sink in sinks:
        assert [seq for seq, _ in sink.written] == [0, 1, 2]
        assert sink.closed == 1
    assert seen.snapshot().counts["written"] == 3


def test_write_closes_every_sink_where_one_breaks() -> None:
    sinks = [FakeSink(), FakeSink(error=WriteError("disk full"))]
    items = [stages.Detected(grey_frame(seq), one_instance(seq)) for seq in range(9)]
    with pytest.raises(WriteError, match="disk full"):
        list(stages.write(sinks, metrics())(items))
    assert [sink.closed for sink in sinks] == [1, 1]


def line(source: FakeSource, engine: FakeEngine, sink: FakeSink) -> Pipeline:
    model, pipeline = FakeModel(), Pipeline()
    frames = pipeline.source("capture", stages.capture(source, pipeline.metrics))
    submitted = frames.then("preprocess", stages.preprocess(model)).then(
        "infer", stages.infer(engine), timed=False
    )
    detected = submitted.then(
        "collect",
        stages.collect(model, pipeline.metrics),
        discard=stages.discard,
        timed=False,
    )
    tracked = detected.then("track", stages.identify(Tracker()))
    tracked.then("sink", stages.write([sink], pipeline.metrics))
    return pipeline


def test_the_whole_line_keeps_every_frame_in_order() -> None:
    engine, sink = FakeEngine(), FakeSink()
    pipeline = line(FakeSource(100), engine, sink)
    pipeline.run()
    assert [(seq, int(found.boxes[0, 0])) for seq, found in sink.written] == [
        (seq, seq) for seq in range(100)
    ]
    counts = pipeline.snapshot().counts
    assert counts == {"captured": 100, "inferred": 100, "written": 100, "dropped": 0}


@pytest.mark.parametrize("fail_at", [0, 1, 50])
def test_a_failed_inference_ends_the_run_and_every_request_comes_back(fail_at: int) -> None:
    engine, sink = FakeEngine(fail_at), FakeSink()
    with pytest.raises(StageError, match="collect: the device failed"):
        line(FakeSource(100), engine, sink).run()
    assert [seq for seq, _ in sink.written] == list(range(fail_at))
    assert sink.closed == 1
    assert all(pending.released for pending in engine.pendings)


def test_blend_fills_the_frames_between_results() -> None:
    counted = metrics()
    items = [
        stages.Detected(grey_frame(seq), one_instance(seq))
        if seq in (0, 3, 4)
        else stages.Skipped(grey_frame(seq))
        for seq in range(5)
    ]
    shown = list(stages.blend(Tracker(), counted)(items))
    assert [item.frame.seq for item in shown] == list(range(5))
    assert [item.instances.inferred for item in shown] == [True, False, False, True, True]
    inferred = [item.instances for item in shown if item.instances.inferred]
    assert [int(instances.boxes[0, 0]) for instances in inferred] == [0, 3, 4]
    assert counted.snapshot().counts == {"propagated": 2}


class Clock:
    """Time that passes only when it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr("time.perf_counter", lambda: self.now)
        monkeypatch.setattr("time.monotonic", lambda: self.now)

    def camera(self, count: int, interval: str, delay: float = 0.0) -> Iterator[Frame]:
        """Frames as they come, some time after capture; what nobody takes at once waits."""
        began = self.now
        for seq in range(count):
            due = began + seq * float(interval)
            self.now = max(self.now, due + delay)
            yield replace(grey_frame(seq), time_base=Fraction(interval), captured_at=due)


class PromptDetector:
    """Has the result of each frame by the next one, if it is to have any."""

    def __init__(self, *, results: bool) -> None:
        self.asked: list[int] = []
        self._results = results
        self._done: list[tuple[int, Instances]] = []

    def offer(self, frame: Frame) -> None:
        self.asked.append(frame.seq)
        self._done = [(frame.seq, Instances.empty())]

    def withdraw(self) -> bool:
        return False

    def finished(self) -> list[tuple[int, Instances]]:
        done, self._done = self._done, []
        return done if self._results else []

    def __enter__(self) -> PromptDetector:
        return self

    def __exit__(self, *exc: object) -> None: ...


class SlowPropagator:
    """Takes so many seconds for a frame and for a result; keeps nothing of it."""

    def __init__(self, clock: Clock, *, frame: float = 0.0, result: float = 0.0) -> None:
        self.looked_at: list[int] = []
        self._clock, self._frame, self._result = clock, frame, result

    def advance(self, frame: Frame) -> None:
        self.looked_at.append(frame.seq)
        self._clock.now += self._frame

    def skip(self, frame: Frame) -> None: ...

    def expect(self, seq: int) -> None:
        assert seq == self.looked_at[-1]

    def update(self, *_: object) -> None:
        self._clock.now += self._result

    def current(self) -> Instances:
        return Instances.empty()


def ages(
    clock: Clock,
    detector: PromptDetector,
    propagator: SlowPropagator,
    every: int = 1,
    *,
    delay: float = 0.0,
    behind: float = 0.0,
) -> list[float]:
    """How old each of 40 frames of a camera with 20 a second is when it is passed on.

    Frames come with a delay, and what is behind the stage takes so long for each.
    """
    stage = stages.propagate(
        cast(Detector, detector), cast(Propagator, propagator), Metrics(), every
    )
    result = []
    for item in stage(clock.camera(40, "0.05", delay)):
        result.append(clock.now - item.frame.captured_at)
        clock.now += behind
    return result


def test_results_that_take_long_are_asked_for_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    for every, most in ((1, 0.3 / 0.1), (2, 40)):
        clock, detector = Clock(monkeypatch), PromptDetector(results=True)
        assert len(ages(clock, detector, SlowPropagator(clock, result=0.1), every)) == 40
        assert 2 < len(detector.asked) <= most * clock.now + 1
    assert detector.asked == list(range(0, 40, 2)), "a number that was asked for is kept to"


def test_a_line_that_falls_behind_catches_up(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, detector = Clock(monkeypatch), PromptDetector(results=False)
    # A frame takes 1.4 times as long as there is for one.
    propagator = SlowPropagator(clock, frame=0.07)
    assert max(ages(clock, detector, propagator)) < 0.12
    skipped = sorted(set(range(40)) - set(propagator.looked_at))
    assert 10 <= len(skipped) < 20
    assert set(detector.asked) <= set(propagator.looked_at)


def test_of_two_frames_one_is_looked_at_however_late(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, detector = Clock(monkeypatch), PromptDetector(results=False)
    propagator = SlowPropagator(clock, frame=0.2)
    ages(clock, detector, propagator)
    assert max(b - a for a, b in pairwise(propagator.looked_at)) == 2


def test_a_line_that_keeps_up_looks_at_every_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, detector = Clock(monkeypatch), PromptDetector(results=False)
    propagator = SlowPropagator(clock, frame=0.045)
    ages(clock, detector, propagator)
    assert propagator.looked_at == list(range(40))


@pytest.mark.parametrize(("delay", "behind"), [(0.04, 0.0), (0.0, 0.09)], ids=["delay", "behind"])
def test_a_line_whose_frames_are_late_for_others_looks_at_every_one(
    monkeypatch: pytest.MonkeyPatch, delay: float, behind: float
) -> None:
    """To do less here would not bring them any sooner."""
    clock, detector = Clock(monkeypatch), PromptDetector(results=False)
    propagator = SlowPropagator(clock, frame=0.02)
    ages(clock, detector, propagator, delay=delay, behind=behind)
    assert propagator.looked_at == list(range(40))


def test_a_result_is_taken_before_its_frame_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else both would come together, and the frames behind would wait for both."""
    clock, detector = Clock(monkeypatch), PromptDetector(results=True)
    propagator = SlowPropagator(clock, frame=0.02, result=0.04)
    assert max(ages(clock, detector, propagator)) < 0.055


def test_a_frame_whose_turn_it_is_is_looked_at_however_late(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, detector = Clock(monkeypatch), PromptDetector(results=False)
    propagator = SlowPropagator(clock, frame=0.08)
    ages(clock, detector, propagator, every=3)
    assert detector.asked == list(range(0, 40, 3))
    assert len(propagator.looked_at) < 40
