"""What becomes of a live source whose connections are refused, lost, or hang."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import islice, pairwise
from typing import Any

import av
import pytest

from streamer.errors import ReadError, SourceError
from streamer.frame import Frame
from streamer.sources.base import Health
from streamer.sources.live import Limits, LiveSource
from streamer.sources.options import SourceOptions
from streamer.sources.window import Window
from tests.clips import number_of
from tests.sources.scripts import (
    NAME,
    NEVER,
    QUICK,
    URL,
    Camera,
    Item,
    Live,
    Script,
    lost,
    pictures,
    take,
    void,
)


def eventually(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture
def hang() -> Iterator[Callable[[], None]]:
    """Blocks like a library that ignores its limits, until the test is over."""
    over = threading.Event()
    yield lambda: void(over.wait(60))
    over.set()


@pytest.mark.parametrize("kind", [SourceError, ReadError])
def test_a_first_connection_that_fails_is_not_tried_again(kind: type[Exception]) -> None:
    camera = Camera(kind(f"{NAME}: refused"), Script(pictures(3)))
    with pytest.raises(SourceError, match=r"\*\*\*@camera/1: refused") as caught:
        LiveSource(URL, camera, limits=QUICK)
    assert camera.attempts == 1
    assert "secret" not in str(caught.value)


def test_a_first_connection_without_a_picture_is_refused() -> None:
    script = Script([None, None, lost("nothing to see")])
    with pytest.raises(SourceError, match="nothing to see"):
        Live(script)
    assert script.closed.wait(5)


def test_a_first_picture_that_never_comes_is_not_waited_for(hang: Callable[[], None]) -> None:
    with pytest.raises(SourceError, match=r"no picture came for 0\.2 s"):
        Live(Script([hang]), limits=Limits(first=0.2))


def test_a_connection_that_is_lost_is_made_anew() -> None:
    first = Script([*pictures(3), lost()])
    source = Live(first, *[SourceError("off")] * 3, Script(pictures(3)), SourceError("off"))
    frames = list(islice(source, 6))
    source.close()
    assert [number_of(frame) for frame in frames] == [0, 1, 2, 0, 1, 2]
    assert [frame.seq for frame in frames] == list(range(6))
    assert all(a.pts < b.pts for a, b in pairwise(frames))
    assert source.health.reconnects == 1
    assert source.health.warnings == [f"{NAME}: gone; connected anew"]
    assert first.closed.is_set()


class Told(Health):
    """Remembers what was told."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "state":
            vars(self).setdefault("told", []).append(value)
        super().__setattr__(name, value)

    @property
    def states(self) -> list[str | None]:
        told: list[str | None] = vars(self)["told"]
        return told


def test_a_loss_is_told_until_pictures_come_again() -> None:
    health = Told()
    limits = Limits(first=5, picture=5, retry=1.4)  # of which up to a quarter is left out
    source = Live(Script([*pictures(2), lost()]), Script(pictures(2)), health=health, limits=limits)
    frames = iter(source)
    told = [(number_of(next(frames)), health.state) for _ in range(4)]
    assert told == [(0, None), (1, None), (0, None), (1, None)]
    source.close()
    assert [state for state in health.states if state] == [
        "source lost, trying again in 2 s",
        "source lost, trying again in 1 s",
        "source lost, trying again",
    ]


@pytest.mark.parametrize("ends", ["given up", "interrupted"])
def test_nothing_is_told_of_what_is_over(ends: str) -> None:
    health = Told()
    options = SourceOptions(reconnect=0.3 if ends == "given up" else None)
    limits = Limits(first=5, picture=5, retry=60)
    scripts = Script([*pictures(2), lost()]), SourceError("off")
    source = Live(*scripts, health=health, limits=limits, options=options)
    if ends == "interrupted":

        def interrupt() -> None:
            eventually(lambda: health.state is not None)
            source.interrupt()

        threading.Thread(target=interrupt).start()
    frames, error = take(source)
    assert (len(frames), error is None) == (2, ends == "interrupted")
    assert "secret" not in str(health.states)
    assert re.fullmatch(r"source lost, trying again in \d\d s", health.states[-3] or "")
    assert health.state is None


def test_a_stream_that_ends_is_lost_too() -> None:
    source = Live(Script(pictures(2)), Script(pictures(2)), Script(pictures(2)))
    assert len(list(islice(source, 6))) == 6
    source.close()
    assert source.health.reconnects == 2
    assert source.health.warnings == [f"{NAME}: the stream has ended; connected anew"]


def test_without_reconnecting_a_loss_ends_it() -> None:
    frames, error = take(Live(Script([*pictures(3), lost()]), options=NEVER))
    assert len(frames) == 3
    assert str(error) == f"{NAME}: gone"


def test_attempts_end_when_their_time_is_over() -> None:
    options = SourceOptions(reconnect=0.2)
    began = time.monotonic()
    frames, error = take(
        Live(Script([*pictures(3), lost()]), *[SourceError("off")] * 1000, options=options)
    )
    assert len(frames) == 3
    assert time.monotonic() - began >= 0.2
    assert str(error).endswith("; gave up after 0.2 s")


def test_an_attempt_that_hangs_ends_with_the_time_for_attempts(hang: Callable[[], None]) -> None:
    options = SourceOptions(reconnect=0.2)
    frames, error = take(Live(Script([*pictures(3), lost()]), Script([hang]), options=options))
    assert len(frames) == 3
    assert str(error) == f"{NAME}: gone; gave up after 0.2 s"


@pytest.mark.parametrize("trickle", [False, True])
def test_a_connection_that_gives_no_more_pictures_is_left(
    trickle: bool, hang: Callable[[], None]
) -> None:
    left = threading.Event()

    def alive() -> Iterator[Item]:
        while not left.is_set():  # bytes without pictures, for ever
            yield lambda: void(left.wait(0.01))
            yield None

    class Trickle(Script):
        def __iter__(self) -> Iterator[av.VideoFrame | None]:
            yield from super().__iter__()
            self.items = alive()  # type: ignore[assignment]
            yield from super().__iter__()

    stalled = Trickle(pictures(2)) if trickle else Script([*pictures(2), hang])
    source = Live(stalled, Script(pictures(2)), limits=Limits(first=5, picture=0.2, retry=0.01))
    assert len(list(islice(source, 4))) == 4
    if trickle:
        assert stalled.closed.wait(5)
    source.close()
    left.set()
    assert source.health.reconnects == 1
    assert source.health.warnings == [f"{NAME}: no picture came for 0.2 s; connected anew"]


def test_connections_that_hang_do_not_pile_up(hang: Callable[[], None]) -> None:
    limits = Limits(first=0.5, picture=5, retry=0.01, longest_retry=0.01)
    source = Live(Script(pictures(1)), *[Script([hang]) for _ in range(50)], limits=limits)
    thread = threading.Thread(target=lambda: list(source))
    thread.start()
    until = time.monotonic() + 30
    while source.camera.attempts < 4:
        assert time.monotonic() < until
        time.sleep(0.01)
    time.sleep(1.5)  # enough for some more
    source.interrupt()
    thread.join(5)
    assert not thread.is_alive()
    assert source.camera.attempts == 4


@pytest.mark.parametrize("where", ["picture", "backoff", "connecting"])
def test_it_can_be_interrupted_wherever_it_waits(where: str, hang: Callable[[], None]) -> None:
    after: list[Script | Exception] = []
    if where == "backoff":
        after = [SourceError("off")] * 9
    elif where == "connecting":
        after = [Script([hang])]
    first = Script([*pictures(2), hang if where == "picture" else lost()])
    wait = 60 if where == "backoff" else 0.01
    source = Live(first, *after, limits=Limits(first=60, picture=60, retry=wait))
    frames: list[Frame] = []
    thread = threading.Thread(target=lambda: frames.extend(source))
    thread.start()
    while not (first.closed.is_set() or where == "picture"):
        time.sleep(0.01)
    time.sleep(0.1)
    began = time.monotonic()
    source.interrupt()
    thread.join(10)
    assert not thread.is_alive()
    assert time.monotonic() - began < 1
    source.close()
    assert len(frames) == 2


def test_a_duration_ends_also_while_no_picture_comes(hang: Callable[[], None]) -> None:
    window = Window(duration=Fraction(1, 2))
    began = time.monotonic()
    frames, error = take(Live(Script([*pictures(3), hang]), window=window))
    assert error is None
    assert len(frames) == 3
    assert 0.4 < time.monotonic() - began < 4


def test_a_recording_ends_and_does_not_begin_anew() -> None:
    source = Live(Script(pictures(4), duration=Fraction(4, 30), paced=True))
    assert source.info.duration == pytest.approx(4 / 30)
    frames, error = take(source)
    assert (len(frames), error, source.camera.attempts) == (4, None, 1)


def test_a_recording_that_is_lost_does_not_begin_anew() -> None:
    script = Script([*pictures(4), lost()], duration=Fraction(1))
    frames, error = take(Live(script, Script(pictures(4))))
    assert len(frames) == 4
    assert str(error) == f"{NAME}: gone"


def test_what_no_attempt_can_mend_is_raised_as_it_is() -> None:
    source = Live(Script([*pictures(2), RuntimeError("a bug")]))
    with source, pytest.raises(RuntimeError, match="a bug"):
        list(source)
