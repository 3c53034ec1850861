"""How training shows itself: a bar on a terminal, a line now and then in a log."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from tools.demo.training.loop import Training
from tools.demo.training.losses import NAMES

_MEMORY = 0.97
"""How much of a shown loss is the past."""

_LINES = 100
"""Steps between two lines of a log."""


class Display:
    """Shows losses and images a second.

    Args:
        training: to be watched.
        console: to write to.
    """

    def __init__(self, training: Training, console: Console) -> None:
        self._training, self._console = training, console
        self._first, self._began = training.progress.step, training.progress.seconds
        self._losses: list[float] = []
        self._bar = Progress(
            TextColumn("{task.percentage:>5.1f} %"),
            BarColumn(20),
            TimeElapsedColumn(),
            TextColumn("{task.description}"),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("", total=1.0)

    def step(self, losses: list[float]) -> None:
        """Show the losses of a step that is done."""
        self._losses = [
            _MEMORY * old + (1 - _MEMORY) * new
            for old, new in zip(self._losses or losses, losses, strict=True)
        ]
        self._bar.update(self._task, completed=self._training.done, description=self._line())
        if not self._console.is_terminal and self._training.progress.step % _LINES == 0:
            self._console.print(f"{self._training.done:6.1%}  {self._line()}", soft_wrap=True)

    def _line(self) -> str:
        progress = self._training.progress
        images = (progress.step - self._first) * self._training.plan.batch
        rate = images / max(progress.seconds - self._began, 1e-9)
        losses = "  ".join(
            f"{name} {loss:.3f}" for name, loss in zip(NAMES, self._losses, strict=True)
        )
        return f"step {progress.step}  {rate:.1f} images/s  {losses}"

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()
