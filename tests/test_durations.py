from __future__ import annotations

import pytest

from streamer.durations import clock, left


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0:00"), (59.4, "0:59"), (59.6, "1:00"), (3599, "59:59"), (3600, "1:00:00")],
)
def test_clock(seconds: float, words: str) -> None:
    assert clock(seconds) == words


def test_what_is_left() -> None:
    assert left(300, 2.0) == "2:30"
    assert left(300, 0.0) == "-:--"
