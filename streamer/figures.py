"""Figures: the lines of the HUD, as often as an eye can follow them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from streamer.controls import Controls
from streamer.hud import hud_lines
from streamer.metrics import Snapshot
from streamer.sources.base import Health

_REFRESH_S = 0.5


class Figures:
    """Gives the lines of the HUD; none while viewers have it off.

    Args:
        snapshot: the figures of the run as they are now.
        health: of its source.
        controls: tell whether the HUD is on.
    """

    def __init__(
        self, snapshot: Callable[[], Snapshot], health: Health, controls: Controls
    ) -> None:
        self._snapshot, self._health, self._controls = snapshot, health, controls
        self._lines: Sequence[str] = ()
        self._due = 0.0

    def __call__(self) -> Sequence[str]:
        """The lines, made anew where they are half a second old."""
        if not self._controls.hud:
            return ()
        now = time.monotonic()
        if now >= self._due:
            self._lines = hud_lines(self._snapshot(), self._health)
            self._due = now + _REFRESH_S
        return self._lines
