"""Words and figures of a run, from snapshots made by hand."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from streamer.dashboard import progress_line, stage_table
from streamer.metrics import Snapshot, StageSnapshot, Timing
from streamer.report import as_it_was_seen, bottleneck
from streamer.sources.base import Health


def snapshot(written: int = 100, **busy: float) -> Snapshot:
    stages = tuple(
        StageSnapshot(name, Timing(written, 5.0), share, queued=1, queue_size=2)
        for name, share in busy.items()
    )
    return Snapshot(10.0, {"written": written}, stages, Timing())


@pytest.mark.parametrize(
    ("busy", "words"),
    [
        ({"capture": 0.1, "infer": 0.98, "sink": 0.4}, "Inference on CPU with 3 requests was the"),
        ({"capture": 0.95, "infer": 0.5, "sink": 0.4}, "Reading and decoding was the bottleneck"),
        ({"capture": 0.1, "infer": 0.5, "sink": 0.9}, "Encoding and writing was the bottleneck"),
        ({"capture": 0.1, "infer": 0.3, "sink": 0.2}, "No stage was busy all the time"),
    ],
)
def test_the_bottleneck_is_the_busiest_stage(busy: dict[str, float], words: str) -> None:
    assert bottleneck(snapshot(100, **busy), "CPU", 3).startswith(words)


def test_the_runner_up_is_named_too() -> None:
    words = bottleneck(snapshot(infer=0.98, sink=0.4, capture=0.1), "GPU", 4)
    assert words.endswith("busy 98% of the time; next is encoding and writing (40%)")


def test_nothing_written_has_no_bottleneck() -> None:
    assert bottleneck(snapshot(written=0, infer=0.9, sink=0.0), "CPU", 1) == "No frame was written"


def test_progress_tells_the_time_left() -> None:
    assert progress_line(snapshot(), 400) == "25%, 100 of 400 frames, 10.0 fps, 0:30 left"
    assert progress_line(snapshot(written=0), 400) == "0%, 0 of 400 frames, 0.0 fps, -:-- left"


@pytest.mark.parametrize("total", [None, 50])
def test_progress_without_a_believable_total(total: int | None) -> None:
    assert progress_line(snapshot(), total) == "100 frames, 10.0 fps, 0:10 gone"


def test_the_table_has_a_row_a_stage() -> None:
    console = Console(file=io.StringIO(), width=100)
    console.print(stage_table(snapshot(capture=0.1, infer=0.95), dropped=7))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    for word in ("capture", "infer", "95%", "10.0", "1 of 2", "7"):
        assert word in text


def test_a_live_run_says_what_became_of_its_frames() -> None:
    shown = snapshot(propagate=0.5)
    shown.counts.update(dropped=3, inferred=20)
    health = Health(reconnects=2)
    assert as_it_was_seen(shown, health).endswith("; 3 frames dropped, 2 reconnects")
    shown.counts.update(hurried=7)
    words = as_it_was_seen(shown, health)
    assert words.endswith("; 3 frames dropped, 7 with masks only moved on, 2 reconnects")
