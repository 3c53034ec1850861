"""Ctrl-C and SIGTERM: the first ends the source, the second drops what is under way."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from streamer.pipeline import Pipeline

_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]


class Interrupted(KeyboardInterrupt):
    """A signal came before there was a pipeline to stop.

    Attributes:
        exit_code: what shells give for a program that the signal has ended.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.exit_code = 128 + number


class Stopper:
    """What a signal stops.

    Attributes:
        pipeline: ended by the first signal, cancelled by the second; while there is none, a signal
            raises `Interrupted`.
        signal: number of the signal that came first; None while none has come.
    """

    def __init__(self) -> None:
        self.pipeline: Pipeline | None = None
        self.signal: int | None = None

    @property
    def exit_code(self) -> int:
        """130 for Ctrl-C, 143 for SIGTERM, if that has cut the source short; else 0."""
        cut = self.pipeline is not None and self.pipeline.stopped
        return 128 + self.signal if self.signal is not None and cut else 0


@contextmanager
def stopping() -> Iterator[Stopper]:
    """Handle signals meanwhile. The third does what it would have done before.

    Only the main thread may call this; signals are handled nowhere else.
    """
    stopper = Stopper()
    before = {number: signal.getsignal(number) for number in _SIGNALS}

    def handle(number: int, _: FrameType | None) -> None:
        first = stopper.signal is None
        stopper.signal = stopper.signal or number
        if stopper.pipeline is None:
            raise Interrupted(number)
        if first:
            stopper.pipeline.stop()
        else:
            stopper.pipeline.cancel()
            restore()

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    for number in before:
        signal.signal(number, handle)
    try:
        yield stopper
    finally:
        restore()
