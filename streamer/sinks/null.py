"""NullSink: takes everything and keeps nothing, to see how fast the rest is."""

from __future__ import annotations

from typing import Self

from streamer.frame import Frame
from streamer.instances import Instances


class NullSink:
    """Counts frames.

    Attributes:
        url: ``"null"``.
        draws: True, so that drawing is part of what is measured.
        frames: how many were taken.
    """

    url = "null"
    draws = True
    on_main_thread = False

    def __init__(self) -> None:
        self.frames = 0
        self.warnings: list[str] = []

    def write(self, frame: Frame, instances: Instances) -> None:  # noqa: ARG002
        """Take one frame."""
        self.frames += 1

    def close(self) -> None:
        """Nothing to make permanent."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
