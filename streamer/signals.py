"""Ctrl-C and SIGTERM: the first ends the source, the second drops what is under way."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from streamer.pipeline import Pipeline


class Stopped:
    """Which signal has stopped a run.

    Attributes:
        signal: its number; None while none has come.
    """

    signal: int | None = None

    @property
    def exit_code(self) -> int:
        """What shells give for a program that a signal has ended: 130 for Ctrl-C."""
        return 128 + (self.signal or 0)


@contextmanager
def stopping(pipeline: Pipeline) -> Iterator[Stopped]:
    """Stop the pipeline on SIGINT and SIGTERM; a third signal does what it would have done before.

    Only the main thread may call this; signals are handled nowhere else.
    """
    stopped = Stopped()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def handle(number: int, _: FrameType | None) -> None:
        if stopped.signal is None:
            stopped.signal = number
            pipeline.stop()
        else:
            pipeline.cancel()
            restore()

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    for number in before:
        signal.signal(number, handle)
    try:
        yield stopped
    finally:
        restore()
