"""The live view of a run, on a terminal and without one."""

from __future__ import annotations

import io
import time
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from streamer import dashboard
from streamer.dashboard import Dashboard
from streamer.pipeline import Pipeline
from tests.fakes import FakeSource

LOST = "source lost, trying again in 3 s"


def shown(*, terminal: bool, state: str | None, live: bool = True) -> str:
    """What a job shows whose source is in that state."""
    source = FakeSource(5, live=live)
    source.health.state = state
    job: Any = SimpleNamespace(source=source, pipeline=Pipeline())
    console = Console(file=io.StringIO(), width=100, force_terminal=terminal)
    file: Any = console.file
    end = time.monotonic() + 30
    with Dashboard(job, console):
        while "of 5 frames" not in file.getvalue():
            assert time.monotonic() < end
            time.sleep(0.01)
    return str(file.getvalue())


@pytest.mark.parametrize("terminal", [False, True])
def test_a_source_that_is_lost_is_told(terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dashboard, "_LINE_EVERY_S", 0.01)
    assert LOST in shown(terminal=terminal, state=LOST)
    assert "source" not in shown(terminal=terminal, state=None)


@pytest.mark.parametrize("live", [False, True])
def test_a_live_source_has_figures_of_its_own(live: bool) -> None:
    assert ("reconnects 0" in shown(terminal=True, state=None, live=live)) == live
