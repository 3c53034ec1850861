"""The figures in the picture's corner."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from streamer.hud import draw_hud, hud_lines
from streamer.metrics import Metrics, Snapshot
from streamer.sources.base import Health
from tests.fakes import grey_frame

LINES = ["29.8 fps shown, 4.1 inferred", "age 62 ms"]


def snapshot(gauges: dict[str, float], **counts: int) -> Snapshot:
    metrics = Metrics()
    for name, value in gauges.items():
        metrics.gauge(name, value)
    for name, number in counts.items():
        metrics.count(name, number)
    return metrics.snapshot()


def test_all_figures_have_their_lines() -> None:
    gauges = {"shown_fps": 29.84, "inferred_fps": 4.06, "age_ms": 61.7, "agreement": 0.874}
    health = Health(reconnects=1, corrupt_packets=2)
    assert hud_lines(snapshot(gauges, dropped=3), health) == [
        "29.8 fps shown, 4.1 inferred",
        "age 62 ms",
        "dropped 3, reconnects 1, corrupt packets 2",
        "agreement 0.87",
    ]


def test_what_is_not_known_is_left_out() -> None:
    assert hud_lines(snapshot({}), Health()) == ["dropped 0, reconnects 0"]
    assert hud_lines(snapshot({"inferred_fps": 5}), Health())[0] == "5.0 inferred"


@pytest.mark.parametrize("centred", [False, True])
def test_text_is_white_on_a_dark_box_that_shows_what_is_behind(centred: bool) -> None:
    canvas = grey_frame(0, (640, 360), luma=200)
    canvas.u[:] = 60
    draw_hud(canvas, LINES, centred=centred)
    changed = np.argwhere(canvas.y != 200)
    (top, left), (bottom, right) = changed.min(0), changed.max(0) + 1
    box = canvas.y[top:bottom, left:right]
    assert (top, bottom - top) == ((168, 24) if centred else (6, 24))
    assert abs(left - (640 - (right - left)) // 2) <= 1 if centred else left == 6
    paper = int(np.median(box))
    assert 80 < paper < 100  # black covers six tenths
    assert box.max() == 235
    chroma = canvas.u[top // 2 : bottom // 2, left // 2 : right // 2]
    assert abs(int(np.median(chroma)) - 101) <= 2
    assert canvas.u.min() == 60


def test_a_full_range_picture_gets_full_white() -> None:
    canvas = grey_frame(0, (640, 360), luma=100)
    canvas.picture.color_range = 2
    draw_hud(canvas, LINES)
    assert canvas.y.max() == 255


@pytest.mark.parametrize("size", [(1, 1), (7, 5), (33, 21), (101, 3), (640, 12)])
@pytest.mark.parametrize("centred", [False, True])
def test_small_and_odd_pictures_hold_what_they_can(size: tuple[int, int], centred: bool) -> None:
    canvas = grey_frame(0, size, luma=200)
    draw_hud(canvas, LINES, centred=centred)
    assert canvas.y.shape == size[::-1]
    if centred:
        assert canvas.y.min() < 200


def test_without_lines_nothing_is_drawn() -> None:
    canvas = grey_frame(0, luma=200)
    draw_hud(canvas, [])
    assert np.unique(canvas.y).tolist() == [200]


def test_the_box_is_kept_while_its_text_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    canvas = grey_frame(0, (640, 360))
    draw_hud(canvas, LINES)

    def render(*_: Any) -> None:
        pytest.fail("the text was rendered again")

    monkeypatch.setattr("streamer.lettering.render", render)
    draw_hud(canvas, list(LINES))
    with pytest.raises(pytest.fail.Exception):
        draw_hud(canvas, ["another text"])
