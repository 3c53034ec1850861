"""Times of live pictures: what each is called, when it is due, when to try again."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.sources.timing import TIME_BASE, Backoff, LiveClock, Pacer

RATE = Fraction(30)
STEP = 1 / RATE


def clock() -> LiveClock:
    made = LiveClock()
    made.connect(RATE)
    return made


def times(pictures: Sequence[tuple[Fraction | None, float]]) -> list[float]:
    """Seconds that a clock gives to pictures of (stamp, arrival)."""
    made = clock()
    return [float(made.time_of(stamp, 1000 + at) * TIME_BASE) for stamp, at in pictures]


def steady(count: int, stamp: float = 0.0, arrival: float = 0.0) -> list[tuple[Fraction, float]]:
    """So many pictures at the nominal rate, from a stamp and an arrival on."""
    step = float(STEP)
    return [(Fraction(stamp) + n * STEP, arrival + n * step) for n in range(count)]


def steps(found: list[float]) -> list[float]:
    return [after - before for before, after in pairwise(found)]


def test_times_begin_at_0_whatever_the_stream_says() -> None:
    assert times(steady(3, stamp=50_000)) == pytest.approx([0, 1 / 30, 2 / 30], abs=1e-4)


def test_uneven_arrival_leaves_even_times() -> None:
    late = [0.0, 0.08, 0.01, 0.05, 0.0, 0.1, 0.02] * 20
    pictures = [(s, at + d) for (s, at), d in zip(steady(140), late, strict=True)]
    assert steps(times(pictures)) == pytest.approx([1 / 30] * 139, abs=2e-3)


def test_a_gap_in_the_stream_stays_a_gap() -> None:
    found = times([*steady(30), *steady(30, stamp=3, arrival=3)])
    assert found[30] - found[29] == pytest.approx(3 - 29 / 30, abs=0.01)


def test_a_gap_that_the_stream_leaves_out_is_told_by_arrival() -> None:
    found = times([*steady(30), *steady(30, stamp=1, arrival=8)])
    assert found[30] == pytest.approx(8, abs=0.01)


@pytest.mark.parametrize("stamp", [-5000.0, 0.0, 0.5, 9.0, 5000.0])
def test_a_reset_of_the_stream_goes_on_at_the_same_pace(stamp: float) -> None:
    found = times([*steady(60), *steady(60, stamp=stamp, arrival=2)])
    assert steps(found) == pytest.approx([1 / 30] * 119, abs=4e-3)
    assert found[-1] == pytest.approx(119 / 30, abs=0.05)


def test_another_connection_goes_on_where_its_pictures_arrive() -> None:
    made = clock()
    before = [made.time_of(stamp, 5 + at) for stamp, at in steady(10)]
    made.connect(RATE)
    after = [made.time_of(stamp, 5 + at) for stamp, at in steady(10, stamp=0.1, arrival=4)]
    assert before[-1] * TIME_BASE == pytest.approx(0.3, abs=0.01)
    assert after[0] * TIME_BASE == pytest.approx(4, abs=0.01)


def test_a_backlog_that_comes_all_at_once_keeps_the_times_it_was_taken_at() -> None:
    stalled = [(stamp, 4.0) for stamp, _ in steady(90, stamp=1)]
    found = times([*steady(30), *stalled, *steady(30, stamp=4, arrival=4)])
    assert found == pytest.approx([n / 30 for n in range(150)], abs=0.2)
    assert min(steps(found)) > 0.029


def test_times_that_run_ahead_of_the_pictures_fall_back_to_them() -> None:
    burst = [(stamp, 0.0) for stamp, _ in steady(60)]  # what a server had kept for us
    found = times([*burst, *steady(900, stamp=2, arrival=0)])
    assert found[-1] == pytest.approx(899 / 30, abs=0.05)
    assert min(steps(found)) > 0.029


def test_without_stamps_arrival_counts() -> None:
    arrivals = [0.0, 0.1, 0.25, 0.3, 7.0, 7.1]
    assert times([(None, at) for at in arrivals]) == pytest.approx(arrivals, abs=1e-4)


def test_a_single_picture_without_a_stamp_keeps_its_place() -> None:
    pictures: list[tuple[Fraction | None, float]] = list(steady(60))
    pictures[30] = None, pictures[30][1] + 0.3
    assert steps(times(pictures)) == pytest.approx([1 / 30] * 59, abs=2e-3)


def test_a_clock_that_drifts_is_followed() -> None:
    fast = [(stamp * Fraction(1001, 1000), at) for stamp, at in steady(6_000)]
    slow = [(stamp * Fraction(999, 1000), at) for stamp, at in steady(6_000)]
    for pictures in fast, slow:
        assert times(pictures)[-1] == pytest.approx(pictures[-1][1], abs=0.05)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.none() | st.fractions(-(10**6), 10**6, max_denominator=90_000),
            st.floats(0, 20, allow_subnormal=False),
        ),
        min_size=2,
        max_size=60,
    )
)
def test_times_strictly_increase_whatever_comes(pictures: list[tuple[Fraction, float]]) -> None:
    made, now, found = clock(), 0.0, []
    for stamp, wait in pictures:
        now += wait
        found.append(made.time_of(stamp, now))
    assert found[0] == 0
    assert all(before < after for before, after in pairwise(found))
    # Late by no more than what counts as late, ahead by no more than a step a picture.
    assert -5.01 < float(found[-1] * TIME_BASE) - (now - pictures[0][1]) < len(pictures) * 1.01


def test_a_pacer_holds_a_segment_back() -> None:
    pacer, now, shown = Pacer(), 50.0, []
    for stamp, _ in steady(60, stamp=7):  # all there at once
        now += pacer.wait(stamp, now)
        shown.append(now - 50)
    assert shown == pytest.approx([n / 30 for n in range(60)])


def test_a_pacer_waits_longer_after_a_segment_that_came_late() -> None:
    pacer = Pacer()
    assert pacer.wait(Fraction(0), 0.0) == 0
    assert pacer.wait(Fraction(1), 3.0) == 0
    assert pacer.wait(Fraction(2), 3.0) == pytest.approx(1)


@pytest.mark.parametrize("stamp", [None, Fraction(9000), Fraction(-9000)])
def test_a_pacer_does_not_wait_for_nonsense(stamp: Fraction | None) -> None:
    pacer = Pacer()
    pacer.wait(Fraction(0), 0.0)
    assert pacer.wait(stamp, 0.1) == 0


def test_waits_double_up_to_the_longest_and_begin_anew() -> None:
    backoff = Backoff(0.5, 10, chance=lambda: 0.0)
    assert [backoff.next() for _ in range(7)] == [0.5, 1, 2, 4, 8, 10, 10]
    backoff.reset()
    assert backoff.next() == 0.5


def test_waits_differ_from_camera_to_camera() -> None:
    assert Backoff(1, 10, chance=lambda: 1.0).next() == 0.75
    assert len({Backoff(1, 10).next() for _ in range(20)}) > 10
