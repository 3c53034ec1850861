from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.errors import SettingsError
from streamer.sources.window import Window

TENTHS = [(Fraction(i, 10), i) for i in range(10)]


@pytest.mark.parametrize(
    ("window", "inside"),
    [
        (Window(), range(10)),
        (Window(start=Fraction(3, 10)), range(3, 10)),
        (Window(start=Fraction(3, 10) + Fraction(1, 10**9)), range(4, 10)),
        (Window(duration=Fraction(3, 10)), range(3)),
        (Window(duration=Fraction(3, 10) + Fraction(1, 10**9)), range(4)),
        (Window(frames=4), range(4)),
        (Window(start=Fraction(2, 10), duration=Fraction(3, 10)), range(2, 5)),
        (Window(start=Fraction(2, 10), duration=Fraction(3, 10), frames=2), range(2, 4)),
        (Window(start=Fraction(2, 10), duration=Fraction(3, 10), frames=9), range(2, 5)),
        (Window(start=Fraction(1)), range(0)),
    ],
)
def test_selects_what_begins_inside(window: Window, inside: range) -> None:
    assert list(window.select(TENTHS)) == list(inside)


@given(
    st.fractions(0, 3),
    st.none() | st.fractions(Fraction(1, 100), 3),
    st.none() | st.integers(1, 30),
    st.lists(st.fractions(-1, 4), unique=True).map(sorted),
)
def test_select_is_its_definition(
    start: Fraction, duration: Fraction | None, frames: int | None, times: list[Fraction]
) -> None:
    window = Window(start, duration, frames)
    end = start + (duration if duration is not None else 1000)
    expected = [t for t in times if start <= t < end][:frames]
    assert list(window.select((t, t) for t in times)) == expected


def test_takes_no_more_than_it_needs() -> None:
    taken = []

    def endless() -> Iterator[tuple[Fraction, int]]:
        index = 0
        while True:
            taken.append(index)
            yield Fraction(index), index
            index += 1

    assert list(Window(frames=3).select(endless())) == [0, 1, 2]
    assert taken == [0, 1, 2]


@pytest.mark.parametrize(
    ("settings", "option"),
    [
        ({"start": Fraction(-1)}, "--start"),
        ({"duration": Fraction(0)}, "--duration"),
        ({"duration": Fraction(-1)}, "--duration"),
        ({"frames": 0}, "--frames"),
    ],
)
def test_refuses_what_selects_nothing(settings: dict[str, Fraction], option: str) -> None:
    with pytest.raises(SettingsError, match=option):
        Window(**settings)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("window", "known", "expected"),
    [
        (Window(), (247, Fraction(10)), (247, Fraction(10))),
        (Window(), (None, Fraction(10)), (250, Fraction(10))),
        (Window(), (250, None), (250, Fraction(10))),
        (Window(), (None, None), (None, None)),
        (Window(start=Fraction(4)), (250, Fraction(10)), (150, Fraction(6))),
        (Window(start=Fraction(40)), (250, Fraction(10)), (0, Fraction(0))),
        (Window(start=Fraction(4), duration=Fraction(2)), (250, Fraction(10)), (50, Fraction(2))),
        (Window(duration=Fraction(2)), (None, None), (50, Fraction(2))),
        (Window(frames=5), (None, None), (5, Fraction(1, 5))),
        (Window(frames=500), (250, Fraction(10)), (250, Fraction(10))),
        (Window(frames=5), (250, Fraction(10)), (5, Fraction(1, 5))),
    ],
)
def test_expects(
    window: Window,
    known: tuple[int | None, Fraction | None],
    expected: tuple[int | None, Fraction | None],
) -> None:
    assert window.expect(*known, Fraction(25)) == expected
