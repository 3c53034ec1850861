"""What is shown of a download."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from streamer.models.meter import Meter, progress_line


def test_meter_on_a_terminal_and_without() -> None:
    for terminal in (True, False):
        out = io.StringIO()
        console = Console(file=out, width=100, force_terminal=terminal)
        with Meter(console, "tiny", 3_000_000) as meter:
            for done in (500_000, 1_000_000):
                meter.report(done)
            meter.begin_next(1_000_000)
            for done in (2_000_000, 0, 1_000_000):
                meter.report(done)
        assert ("2.0/3.0 MB" in out.getvalue()) == terminal
        assert out.getvalue() or not terminal


def test_a_line_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("streamer.models.meter.time.monotonic", lambda: now)
    out = io.StringIO()
    with Meter(Console(file=out, width=100), "tiny", 4_000_000) as meter:
        for done in range(1_000_000, 4_000_001, 100_000):
            meter.report(done)
            now += 1
    assert out.getvalue() == (
        "50%, 2.0 MB of 4.0 MB, 100.0 kB/s, 0:20 left\n"
        "75%, 3.0 MB of 4.0 MB, 100.0 kB/s, 0:10 left\n"
        "100%, 4.0 MB of 4.0 MB, 100.0 kB/s, 0:00 left\n"
    )


def test_progress_line() -> None:
    assert progress_line(1000, 500, 10, 0) == "50%, 500 bytes of 1.0 kB, 0 bytes/s, -:-- left"
    assert progress_line(450_000_000, 0, 1, 1_000_000).endswith("1.0 MB/s, 7:30 left")
