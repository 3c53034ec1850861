"""Sink: where frames and results go."""

from __future__ import annotations

from typing import Protocol, Self

from streamer.frame import Frame
from streamer.instances import Instances


class Sink(Protocol):
    """Takes frames with what was found in them, in order of presentation.

    Attributes:
        url: where it writes, as the user gave it, without passwords.
        draws: wants the picture with the overlay on it. Where no sink does, nothing is drawn.
        on_main_thread: must be opened, written and closed by the program's main thread, as windows
            must.
        warnings: what is less than perfect about the result, one line each, once it is closed.
    """

    url: str
    draws: bool
    on_main_thread: bool
    warnings: list[str]

    def write(self, frame: Frame, instances: Instances) -> None:
        """Take one frame. The picture must not be changed, nor kept unless copied.

        Raises:
            WriteError: the output broke. Nothing more is written; `close` is still called.
        """

    def close(self) -> None:
        """Make what was written permanent. Called also after an error anywhere.

        Does nothing the second time.

        Raises:
            WriteError: it could not be made permanent.
        """

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc: object) -> None: ...
