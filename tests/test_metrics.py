"""Figures that can be worked out by hand, or with numpy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.metrics import Histogram, Metrics


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


def test_wall_time_stands_still_after_the_end() -> None:
    metrics = Metrics()
    metrics.begin()
    metrics.end()
    assert metrics.snapshot().wall_s == metrics.snapshot().wall_s
