from __future__ import annotations

import json
import threading
from fractions import Fraction

import pytest

from streamer.controls import Controls
from streamer.metrics import Metrics
from streamer.sources.base import Health, StreamInfo
from streamer.web.figures import apply, figures, introduction


def test_all_figures_are_plain_values() -> None:
    metrics = Metrics()
    metrics.add_stage("infer")
    metrics.observe("infer", 0.25)
    metrics.observe_latency(0.05)
    metrics.count("written", 7)
    for name, value in (("age_ms", 41.23456), ("agreement", 0.9), ("shown_fps", 30.0)):
        metrics.gauge(name, value)
    controls = Controls(lambda: None)
    controls.recording, controls.recorded = True, "a.mp4"
    health = Health(3, 4, state="source lost")
    got = figures(metrics.snapshot({"infer": (1, 2)}), health, controls)
    assert json.loads(json.dumps(got, allow_nan=False)) == got
    assert (got["age_ms"]["now"], got["agreement"], got["shown_fps"]) == (41.235, 0.9, 30.0)
    assert got["age_ms"]["p95"] == pytest.approx(50, rel=0.03)
    assert got["state"] == "source lost"
    assert (got["counts"], got["corrupt_packets"], got["reconnects"]) == ({"written": 7}, 3, 4)
    [stage] = got["stages"]
    assert (stage["name"], stage["queued"], stage["queue_size"]) == ("infer", 1, 2)
    assert stage["p50_ms"] == pytest.approx(250, rel=0.03)
    assert got["controls"]["recording"] is True
    assert got["controls"]["recorded"] == "a.mp4"


def test_what_is_not_known_is_null() -> None:
    got = figures(None, None, None)
    assert got["age_ms"] == {"now": None, "p50": None, "p95": None}
    assert got["controls"] is got["shown_fps"] is got["reconnects"] is got["state"] is None
    metrics = Metrics()
    metrics.gauge("agreement", float("nan"))
    assert figures(metrics.snapshot(), None, None)["agreement"] is None


def test_the_introduction_says_what_is_shown() -> None:
    got = introduction(StreamInfo("cam", 640, 480, Fraction(30000, 1001), Fraction(1), live=True))
    assert got == {
        "kind": "introduction",
        "source": "cam",
        "width": 640,
        "height": 480,
        "rate": 29.97,
        "live": True,
    }


def test_wishes_work_the_controls() -> None:
    stopped = threading.Event()
    controls = Controls(stopped.set)
    for name in ("boxes", "labels", "masks", "hud", "recording"):
        for on in (False, True, False):
            apply({"do": "switch", "name": name, "on": on}, controls)
            assert getattr(controls, name) is on
    assert not controls.take_snapshot()
    apply({"do": "snapshot"}, controls)
    assert controls.take_snapshot()
    assert not stopped.is_set()
    apply({"do": "stop"}, controls)
    assert stopped.is_set()


@pytest.mark.parametrize(
    "wish",
    [
        None,
        [],
        "stop",
        {},
        {"do": "fly"},
        {"do": "switch", "name": "folder", "on": True},
        {"do": "switch", "name": "_stop", "on": True},
        {"do": "switch", "name": "boxes", "on": 0},
        {"do": "switch", "name": "boxes"},
    ],
)
def test_anything_else_is_refused(wish: object) -> None:
    controls = Controls(lambda: pytest.fail("stopped"))
    before = vars(controls).copy()
    with pytest.raises(ValueError, match="no such wish"):
        apply(wish, controls)
    assert vars(controls) == before
