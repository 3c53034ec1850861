"""The live view of a run: a bar and a table of stages, or plain lines without a terminal."""

from __future__ import annotations

import threading
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from streamer.app import Job
from streamer.durations import clock, left
from streamer.hud import hud_lines
from streamer.metrics import Snapshot

_LINE_EVERY_S = 10.0


class Dashboard:
    """Shows a job while it runs; a context manager."""

    def __init__(self, job: Job, console: Console) -> None:
        self._job = job
        self._console = console
        self._over = threading.Event()
        self._live: Live | None = None
        self._lines: threading.Thread | None = None

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live = Live(
                console=self._console,
                get_renderable=self._picture,
                refresh_per_second=4,
                transient=True,
            )
            self._live.start()
        else:
            self._lines = threading.Thread(target=self._print_lines, name="dashboard", daemon=True)
            self._lines.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._over.set()
        if self._live is not None:
            self._live.stop()
        if self._lines is not None:
            self._lines.join()

    def _picture(self) -> RenderableType:
        snapshot = self._job.pipeline.snapshot()
        total = self._job.source.info.frames
        written = snapshot.counts.get("written", 0)
        bar = ProgressBar(total=total, completed=min(written, total or written), width=40)
        line = Table.grid(padding=(0, 1))
        line.add_row(bar, progress_line(snapshot, total))
        table = stage_table(snapshot, self._job.pipeline.dropped)
        if not self._job.source.info.live:
            return Group(line, table)
        health = self._job.source.health
        state = [Text(health.state, style="bold red")] if health.state else []
        return Group(line, *state, Text("; ".join(hud_lines(snapshot, health))), table)

    def _print_lines(self) -> None:
        while not self._over.wait(_LINE_EVERY_S):
            line = progress_line(self._job.pipeline.snapshot(), self._job.source.info.frames)
            state = self._job.source.health.state
            self._console.print(f"{line}; {state}" if state else line, highlight=False)


def progress_line(snapshot: Snapshot, total: int | None) -> str:
    """How far it is, how fast, and how long it will take; ``total`` is the frames to come."""
    written = snapshot.counts.get("written", 0)
    fps = written / snapshot.wall_s
    if total is None or total < written:
        return f"{written} frames, {fps:.1f} fps, {clock(snapshot.wall_s)} gone"
    rest = left(total - written, fps)
    return f"{written / total:.0%}, {written} of {total} frames, {fps:.1f} fps, {rest} left"


def stage_table(snapshot: Snapshot, dropped: int) -> Table:
    """What each stage does."""
    table = Table(box=None, header_style="dim", pad_edge=False)
    table.add_column("stage")
    for column in ("frames/s", "ms a frame", "busy", "queue", "dropped"):
        table.add_column(column, justify="right")
    for stage in snapshot.stages:
        queue = f"{stage.queued} of {stage.queue_size}" if stage.queue_size else ""
        table.add_row(
            stage.name,
            f"{stage.timing.count / snapshot.wall_s:.1f}",
            f"{stage.timing.mean_ms:.1f}",
            Text(f"{stage.busy:.0%}", style="bold" if stage.busy > 0.8 else ""),
            queue,
            str(dropped) if stage.name == "capture" else "",
        )
    return table
