"""The pipeline's promises: order, end, errors, stopping; and no thread left behind."""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.errors import SourceError, StageError, WriteError
from streamer.metrics import Metrics
from streamer.pipeline import Pipeline, Stage

NAMES = ["first", "second", "third", "fourth", "last"]

LIMIT = 5.0  # seconds after which a wait that should have ended has failed


def passing(items: Iterable[int]) -> Iterator[int]:
    yield from items


def breaking(at: int, error: Exception | None = None) -> Stage[int, int]:
    def stage(items: Iterable[int]) -> Iterator[int]:
        for item in items:
            if item == at:
                raise error or ValueError(f"item {at}")
            yield item

    return stage


def collecting(into: list[int]) -> Stage[int, int]:
    def stage(items: Iterable[int]) -> Iterator[int]:
        for item in items:
            into.append(item)
            yield item

    return stage


def run_within(pipeline: Pipeline, seconds: float = 10.0) -> BaseException | None:
    """Run in a thread of its own, so that a pipeline that hangs fails the test."""
    outcome: list[BaseException | None] = []

    def work() -> None:
        try:
            pipeline.run()
        except BaseException as error:
            outcome.append(error)
        else:
            outcome.append(None)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(seconds)
    assert outcome, "the pipeline hangs"
    leftover = [t.name for t in threading.enumerate() if t.name in NAMES]
    assert leftover == []
    return outcome[0]


def test_every_item_arrives_in_order() -> None:
    got: list[int] = []
    pipeline = Pipeline()
    link = pipeline.source("first", range(1000)).then("second", passing, size=3)
    link.then("last", collecting(got))
    assert run_within(pipeline) is None
    assert got == list(range(1000))


def test_order_holds_under_random_delays() -> None:
    noise = random.Random(0)

    def late(items: Iterable[int]) -> Iterator[int]:
        for item in items:
            time.sleep(noise.random() * 0.002)
            yield item

    got: list[int] = []
    pipeline = Pipeline()
    link = pipeline.source("first", range(200)).then("second", late).then("third", late)
    link.then("last", collecting(got))
    assert run_within(pipeline) is None
    assert got == list(range(200))


@pytest.mark.parametrize("broken", NAMES)
@pytest.mark.parametrize("at", [0, 7])
def test_an_error_in_each_stage_comes_out_with_its_name(broken: str, at: int) -> None:
    def stage(name: str) -> Stage[int, int]:
        return breaking(at) if name == broken else passing

    pipeline = Pipeline()
    endless = itertools.count()
    link = pipeline.source("first", stage("first")(endless))
    for name in NAMES[1:]:
        link = link.then(name, stage(name), size=1)
    error = run_within(pipeline)
    assert isinstance(error, StageError)
    assert error.stage == broken
    assert str(error) == f"{broken}: ValueError: item {at}"
    assert isinstance(error.__cause__, ValueError)


def test_downstream_of_an_error_drains() -> None:
    got: list[int] = []
    pipeline = Pipeline()
    link = pipeline.source("first", itertools.count()).then("second", breaking(5))
    link.then("third", passing).then("last", collecting(got))
    assert isinstance(run_within(pipeline), StageError)
    assert got == [0, 1, 2, 3, 4]


def test_the_first_error_wins() -> None:
    def fails_at_the_end(items: Iterable[int]) -> Iterator[int]:
        yield from items
        raise RuntimeError("consequence")

    pipeline = Pipeline()
    link = pipeline.source("first", itertools.count()).then("second", breaking(3))
    link.then("last", fails_at_the_end)
    error = run_within(pipeline)
    assert isinstance(error, StageError)
    assert error.stage == "second"


@pytest.mark.parametrize(("cause", "code"), [(WriteError("full"), 1), (SourceError("gone"), 2)])
def test_an_error_keeps_its_exit_code_and_its_words(cause: Exception, code: int) -> None:
    pipeline = Pipeline()
    pipeline.source("first", range(9)).then("last", breaking(2, cause))
    error = run_within(pipeline)
    assert isinstance(error, StageError)
    assert (error.exit_code, str(error)) == (code, f"last: {cause}")


def test_a_stage_that_ends_early_ends_the_rest() -> None:
    def first_three(items: Iterable[int]) -> Iterator[int]:
        yield from itertools.islice(items, 3)

    got: list[int] = []
    pipeline = Pipeline()
    link = pipeline.source("first", itertools.count()).then("second", first_three)
    link.then("last", collecting(got))
    assert run_within(pipeline) is None
    assert got == [0, 1, 2]


def test_stop_ends_the_source_and_loses_nothing_under_way() -> None:
    got: list[int] = []
    sent: list[int] = []
    pipeline = Pipeline()

    def counting() -> Iterator[int]:
        for item in itertools.count():
            sent.append(item)
            if item == 20:
                pipeline.stop()
            yield item

    link = pipeline.source("first", counting()).then("second", passing)
    link.then("last", collecting(got))
    assert run_within(pipeline) is None
    assert got == sent == list(range(21))


def test_cancel_ends_a_stage_that_waits_for_room() -> None:
    entered, go_on = threading.Event(), threading.Event()

    def stuck(items: Iterable[int]) -> Iterator[int]:
        for item in items:
            entered.set()
            go_on.wait(10)
            yield item

    pipeline = Pipeline()
    pipeline.source("first", itertools.count()).then("second", passing).then("last", stuck)

    def cancel() -> None:
        entered.wait(10)
        pipeline.cancel()
        go_on.set()

    canceller = threading.Thread(target=cancel)
    canceller.start()
    assert run_within(pipeline) is None
    canceller.join()


def test_a_stage_left_in_the_middle_is_closed() -> None:
    closed = threading.Event()

    def holds_something(items: Iterable[int]) -> Iterator[int]:
        try:
            yield from items
        finally:
            closed.set()

    pipeline = Pipeline()
    link = pipeline.source("first", itertools.count()).then("second", holds_something)
    link.then("last", breaking(4))
    run_within(pipeline)
    assert closed.is_set()


def test_discard_sees_every_item_that_never_arrives() -> None:
    lost: list[int] = []
    arrived: list[int] = []

    def until_five(items: Iterable[int]) -> Iterator[int]:
        for item in items:
            if item == 5:
                lost.append(item)
                raise ValueError
            arrived.append(item)
            yield item

    made: list[int] = []
    pipeline = Pipeline()
    link = pipeline.source("first", collecting(made)(itertools.count()))
    link.then("last", until_five, size=3, discard=lost.append)
    run_within(pipeline)
    assert sorted(arrived + lost) == made


def test_busy_is_work_without_waiting() -> None:
    def slow(items: Iterable[int]) -> Iterator[int]:
        for item in items:
            time.sleep(0.02)
            yield item

    metrics = Metrics()
    pipeline = Pipeline(metrics)
    link = pipeline.source("first", range(20)).then("second", slow, size=1)
    link.then("last", passing, size=1)
    run_within(pipeline)
    stages = {stage.name: stage for stage in pipeline.snapshot().stages}
    assert [stage.timing.count for stage in stages.values()] == [20, 20, 20]
    # "first" waits for room and "last" for items: only "second" works.
    assert stages["second"].busy > 3 * max(stages["first"].busy, stages["last"].busy)


@settings(deadline=None, max_examples=30)
@given(
    sizes=st.lists(st.integers(1, 4), min_size=1, max_size=5),
    items=st.lists(st.integers(), max_size=50),
)
def test_any_line_passes_everything_on(sizes: list[int], items: list[int]) -> None:
    got: list[int] = []
    pipeline = Pipeline()
    link = pipeline.source("source", items)
    for number, size in enumerate(sizes):
        link = link.then(f"stage {number}", passing, size=size)
    link.then("sink", collecting(got))
    pipeline.run()
    assert got == items


def test_the_last_stage_runs_on_the_callers_thread_where_asked() -> None:
    threads: list[threading.Thread] = []

    def noting(items: Iterable[int]) -> Iterator[int]:
        for item in items:
            threads.append(threading.current_thread())
            yield item

    pipeline = Pipeline()
    pipeline.source("source", range(3)).then("sink", noting)
    pipeline.run(last_here=True)
    assert threads == [threading.current_thread()] * 3


def test_stop_interrupts_a_source_that_waits() -> None:
    interrupted = threading.Event()
    pipeline = Pipeline()

    def waiting() -> Iterator[int]:
        yield 1
        assert interrupted.wait(LIMIT)

    got: list[int] = []
    link = pipeline.source("source", waiting(), interrupt=interrupted.set)
    link.then("sink", collecting(got))
    stopper = threading.Timer(0.05, pipeline.stop)
    stopper.start()
    run_within(pipeline)
    assert got == [1]
    assert pipeline.stopped


def test_a_stage_that_fails_ends_a_source_that_waits() -> None:
    interrupted = threading.Event()
    pipeline = Pipeline()

    def waiting() -> Iterator[int]:
        yield 1
        assert interrupted.wait(LIMIT)

    def failing(items: Iterable[int]) -> Iterator[int]:
        for _ in items:
            raise ValueError("disk full")
        yield 0

    pipeline.source("source", waiting(), interrupt=interrupted.set).then("sink", failing)
    with pytest.raises(StageError, match="sink: ValueError: disk full"):
        pipeline.run()
    assert not pipeline.stopped


def test_a_third_ctrl_c_on_the_callers_thread_is_no_error_of_a_stage() -> None:
    def interrupted(items: Iterable[int]) -> Iterator[int]:
        for _ in items:
            raise KeyboardInterrupt
        yield 0

    pipeline = Pipeline()
    pipeline.source("source", range(9)).then("sink", interrupted)
    with pytest.raises(KeyboardInterrupt):
        pipeline.run(last_here=True)
