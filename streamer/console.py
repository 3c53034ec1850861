"""A terminal that may go away: what cannot be said is dropped, and the work goes on."""

from __future__ import annotations

import os
import sys
from typing import IO, TextIO


class Lenient(TextIO):
    """A text stream whose reader may leave, or whose disk may be full.

    From the first failure on it writes to nowhere, so that the interpreter's own last flush does
    not fail either.
    """

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    @classmethod
    def stderr(cls) -> Lenient:
        """The standard error of this moment."""
        return cls(sys.stderr)

    def write(self, text: str) -> int:
        """Write, or drop it."""
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):
            self._give_up()
        return len(text)

    def flush(self) -> None:
        """Nothing is held back."""

    def isatty(self) -> bool:
        """Whether a person reads it."""
        return self._stream.isatty()

    def fileno(self) -> int:
        """The file descriptor beneath."""
        return self._stream.fileno()

    @property
    def encoding(self) -> str:
        """Of the stream beneath."""
        return str(getattr(self._stream, "encoding", None) or "utf-8")

    def _give_up(self) -> None:
        try:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)
        except (OSError, ValueError):
            pass  # a stream without a descriptor fails again, and is dropped again
