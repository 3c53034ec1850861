"""When a line saves work on a frame."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction

import pytest

from streamer.haste import Haste
from tests.fakes import grey_frame


def hurried(times: Iterable[tuple[int, str]], age: float, work: float) -> list[bool]:
    """For frames of which number and time are known."""
    haste = Haste()
    frames = [
        replace(grey_frame(0), seq=seq, pts=1, time_base=Fraction(time)) for seq, time in times
    ]
    return [haste.hurries(frame, age, work) for frame in frames]


EVEN = [(n, f"{n}/25") for n in range(8)]


@pytest.mark.parametrize(
    ("age", "work", "expected"),
    [
        (0.1, 0.1, [False, True, False, True, False, True, False, True]),
        (0.019, 1.0, [False] * 8),
        (1.0, 0.019, [False] * 8),
    ],
    ids=["late", "in time", "not to blame"],
)
def test_only_what_is_late_by_its_own_work_is_hurried(
    age: float, work: float, expected: list[bool]
) -> None:
    assert hurried(EVEN, age, work) == expected


def test_frames_that_are_lost_do_not_make_the_others_seldom() -> None:
    lossy = [(4 * n, f"{4 * n}/25") for n in range(8)]
    assert hurried(lossy, 0.03, 0.03)[1:3] == [True, False]


def test_neither_a_gap_nor_a_jump_changes_how_often_frames_come() -> None:
    times = [*EVEN, (8, "60"), *((n, f"{1500 + n}/25") for n in range(9, 14))]
    assert not any(hurried(times, 0.019, 1.0))
    assert sum(hurried(times, 0.021, 1.0)) == 7


def test_frames_without_times_hurry_at_most_every_second_time() -> None:
    assert sum(hurried([(n, "0") for n in range(9)], 0.01, 0.01)) == 4
    assert not any(hurried([(0, "0")] * 9, 1.0, 1.0))
