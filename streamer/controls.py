"""Controls: what a viewer may change while a run goes on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path


class Controls:
    """Wishes of whoever watches, from a window's keys or a page's buttons.

    Plain attributes are switches: written by viewers, read by stages at every frame.

    Args:
        stop: ends the run.
        folder: where snapshots and recordings go.

    Attributes:
        boxes: draw boxes.
        labels: draw labels.
        masks: draw masks.
        hud: draw the figures of the run in the corner.
        paused: the view stands still; the run goes on.
        recording: what is shown is to be recorded.
        folder: where snapshots and recordings go.
        recorded: the file that is being recorded; None while there is none.
        said: the latest thing worth telling a viewer; None while there is none.
    """

    def __init__(self, stop: Callable[[], None], folder: Path = Path()) -> None:
        self.boxes = self.labels = self.masks = True
        self.hud = self.paused = self.recording = False
        self.folder = folder
        self.recorded: str | None = None
        self.said: str | None = None
        self._stop = stop
        self._snapshot = threading.Event()

    def stop(self) -> None:
        """End the run, as Ctrl-C would."""
        self._stop()

    def snapshot(self) -> None:
        """Ask for the next picture to be kept."""
        self._snapshot.set()

    def take_snapshot(self) -> bool:
        """Whether a picture was asked for since the last call."""
        asked = self._snapshot.is_set()
        self._snapshot.clear()
        return asked
