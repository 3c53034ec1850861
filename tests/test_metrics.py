"""Figures that can be worked out by hand, or with numpy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.metrics import Histogram, Metrics, Rate


@given(st.lists(st.floats(1e-6, 1e3), min_size=1, max_size=200), st.sampled_from([1, 50, 95, 99]))
def test_percentiles_are_within_two_percent(values: list[float], percent: int) -> None:
    histogram = Histogram()
    for value in values:
        histogram.add(value)
    exact = float(np.percentile(values, percent, method="inverted_cdf"))
    assert histogram.percentile(percent) == pytest.approx(exact, rel=0.021)
    assert histogram.mean == pytest.approx(np.mean(values))


def test_an_empty_histogram_has_no_figures() -> None:
    assert Histogram().percentile(50) == Histogram().mean == 0.0


@pytest.mark.parametrize("value", [0.0, 1e-9, 1e9])
def test_durations_off_the_scale_are_counted(value: float) -> None:
    histogram = Histogram()
    histogram.add(value)
    assert histogram.count == 1


def test_overlapping_spans_are_busy_once() -> None:
    metrics = Metrics()
    metrics.add_stage("infer")
    for start, end in [(0.0, 2.0), (1.0, 3.0), (1.5, 2.5), (5.0, 6.0)]:
        metrics.observe_span("infer", start, end)
    assert metrics._busy["infer"] == pytest.approx(4.0)
    stage = metrics.snapshot().stages[0]
    assert stage.timing.count == 4
    assert stage.timing.mean_ms == pytest.approx(1500)


def test_snapshot_has_every_stage_in_order_and_its_queue() -> None:
    metrics = Metrics()
    for name in ("capture", "sink"):
        metrics.add_stage(name)
    metrics.count("captured", 3)
    metrics.observe("sink", 0.01)
    snapshot = metrics.snapshot({"sink": (1, 2)})
    assert [stage.name for stage in snapshot.stages] == ["capture", "sink"]
    assert (snapshot.stages[1].queued, snapshot.stages[1].queue_size) == (1, 2)
    assert snapshot.counts == {"captured": 3}
    assert (snapshot.gauges, snapshot.agreement) == ({}, None)


def test_gauges_and_agreement() -> None:
    metrics = Metrics()
    metrics.gauge("age_ms", 80.0)
    metrics.gauge("age_ms", 60.0)
    for agreement in (0.5, 1.0):
        metrics.observe_agreement(agreement)
    snapshot = metrics.snapshot()
    assert snapshot.gauges["age_ms"] == 60
    assert snapshot.agreement == pytest.approx(0.75)
    assert 0.5 < snapshot.gauges["agreement"] < 1


def test_a_rate_follows_what_happens_and_falls_when_nothing_does() -> None:
    rate = Rate()
    assert rate.at(0.0) == 0
    for number in range(100):
        rate.tick(number / 30)
    assert rate.at(99 / 30) == pytest.approx(30)
    for number in range(200):
        rate.tick(3.3 + number / 10)
    assert rate.at(3.3 + 19.9) == pytest.approx(10, rel=0.01)
    assert rate.at(3.3 + 19.9 + 8) < 1


def test_a_rate_counts_what_comes_in_bursts() -> None:
    rate = Rate()
    for second in range(20):
        for number in range(22):
            rate.tick(second + number / 1000)
    # Just after a burst it is somewhat higher, just before the next somewhat lower.
    assert 15 < rate.at(19.99) < 22 < rate.at(19.022) < 30


def test_wall_time_stands_still_after_the_end() -> None:
    metrics = Metrics()
    metrics.begin()
    metrics.end()
    assert metrics.snapshot().wall_s == metrics.snapshot().wall_s
