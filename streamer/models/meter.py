"""How far a download is: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from typing import Self

from rich.console import Console
from rich.filesize import decimal
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from streamer.durations import left

_LINE_EVERY_S = 10.0


class Meter:
    """Shows the progress of one or several files; a context manager."""

    def __init__(self, console: Console, name: str, total: int) -> None:
        """Prepare it.

        Args:
            console: where to show it.
            name: of what is downloaded.
            total: bytes of all files.
        """
        self._console, self._name, self._total = console, name, total
        self._bar: Progress | None = None
        if console.is_terminal:
            self._bar = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                DownloadColumn(),
                TransferSpeedColumn(),
                TimeRemainingColumn(),
                console=console,
            )
        self._before = 0
        self._began: tuple[float, int] | None = None
        self._said_s = 0.0

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, *exc: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def report(self, done: int) -> None:
        """Take the number of bytes that are there of the present file."""
        done += self._before
        now = time.monotonic()
        if self._began is None or done < self._began[1]:
            # What was there before must not count as fast.
            self._began, self._said_s = (now, done), now
            if self._bar is not None:
                for task in self._bar.task_ids:
                    self._bar.remove_task(task)
                self._bar.add_task(self._name, total=self._total, completed=done)
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=done)
        elif now - self._said_s >= _LINE_EVERY_S:
            self._said_s = now
            self._console.print(
                progress_line(self._total, done, now - self._began[0], done - self._began[1]),
                highlight=False,
            )

    def begin_next(self, size: int) -> None:
        """The present file, of ``size`` bytes, is complete."""
        self._before += size


def progress_line(total: int, done: int, passed_s: float, gained: int) -> str:
    """How far it is, how fast, and how long it will take.

    Args:
        total: bytes in all.
        done: bytes that are there.
        passed_s: seconds since it began.
        gained: bytes that came in this time.
    """
    rate = gained / passed_s
    rest = left(total - done, rate)
    speed = f"{decimal(round(rate))}/s"
    return f"{done / total:.0%}, {decimal(done)} of {decimal(total)}, {speed}, {rest} left"
