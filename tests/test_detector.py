"""The model beside the line: newest frame first, results in order, errors where somebody asks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from streamer.detector import Detector
from streamer.errors import InferenceError
from streamer.instances import Instances
from streamer.metrics import Metrics
from streamer.models.base import Tensors
from tests.fakes import FakeEngine, FakeModel, FakePending, grey_frame

LIMIT = 20


class GatedEngine(FakeEngine):
    """Starts each inference only when its gate is opened."""

    def __init__(self, fail_at: int | None = None) -> None:
        super().__init__(fail_at)
        self.gates = [threading.Event() for _ in range(8)]

    def submit(self, tensors: Tensors) -> FakePending:
        gate = self.gates[int(tensors[0][0])]
        assert gate.wait(LIMIT)
        return super().submit(tensors)


def eventually(condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.002)
    return False


def made(engine: FakeEngine, workers: int = 1) -> Detector:
    metrics = Metrics()
    for name in ("preprocess", "infer", "collect"):
        metrics.add_stage(name)
    return Detector(FakeModel(), engine, metrics, workers)


def taken(detector: Detector) -> bool:
    return detector._offered is None


def seqs(results: list[tuple[int, Instances]]) -> list[int]:
    for seq, found in results:
        assert int(found.boxes[0, 0]) == seq
    return [seq for seq, _ in results]


def results_of(detector: Detector, count: int) -> list[int]:
    got: list[int] = []

    def enough() -> bool:
        got.extend(seqs(detector.finished()))
        return len(got) >= count

    assert eventually(enough)
    return got


def test_a_newer_offer_replaces_one_that_was_not_taken() -> None:
    engine = GatedEngine()
    with made(engine) as detector:
        detector.offer(grey_frame(0))
        assert eventually(lambda: taken(detector))
        detector.offer(grey_frame(1))
        detector.offer(grey_frame(2))
        for gate in engine.gates:
            gate.set()
        assert results_of(detector, 2) == [0, 2]


def test_what_is_withdrawn_was_not_taken_and_gives_no_result() -> None:
    detector = made(FakeEngine())  # not entered: nobody takes anything
    detector.offer(grey_frame(1))
    detector.offer(grey_frame(2))
    assert detector.withdraw()
    assert not detector.withdraw()
    assert detector.finished() == []


def test_results_come_in_the_order_of_the_frames() -> None:
    engine = GatedEngine()
    with made(engine, workers=2) as detector:
        for seq in (0, 1):
            detector.offer(grey_frame(seq))
            assert eventually(lambda: taken(detector))
        engine.gates[1].set()
        assert eventually(lambda: len(engine.pendings) == 1)
        assert seqs(detector.finished()) == []
        engine.gates[0].set()
        assert results_of(detector, 2) == [0, 1]


def test_a_failed_inference_is_raised_where_results_are_asked_for() -> None:
    with made(FakeEngine(fail_at=0)) as detector:
        detector.offer(grey_frame(0))

        def raises() -> bool:
            try:
                detector.finished()
            except InferenceError:
                return True
            return False

        assert eventually(raises)
        with pytest.raises(InferenceError, match="made to"):
            detector.finished()


def test_close_ends_the_workers() -> None:
    before = threading.active_count()
    with made(FakeEngine(), workers=3) as detector:
        detector.offer(grey_frame(1))
    assert threading.active_count() == before
    detector.close()
