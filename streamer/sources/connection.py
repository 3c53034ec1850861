"""Connection: one opened stream of pictures, and the thread that reads it.

A library that reads from the outside may hang, whatever time limits it was given. So a thread,
`Reader`, opens a connection, takes its pictures and gives it back, and whoever wants the pictures
waits at a `Channel`, free to leave.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

import av

from streamer.channel import Channel

_QUEUED = 2


class Connection(Protocol):
    """One opened stream of pictures. Only the thread that has opened it uses it.

    Attributes:
        time_base: seconds of one unit of its pictures' ``pts``.
        rate: nominal pictures a second.
        pixel_aspect: width of a pixel over its height, of the pictures as they are given.
        duration: seconds that it lasts; None for what ends only by being lost.
        paced: its pictures come before they are due, so they have to wait.
    """

    time_base: Fraction
    rate: Fraction
    pixel_aspect: Fraction = Fraction(1)
    duration: Fraction | None = None
    paced: bool = False

    def __iter__(self) -> Iterator[av.VideoFrame | None]:
        """Pictures as `Normalizer` gives them: upright planar YUV 4:2:0. Their size may change.

        A picture without a ``pts`` counts as captured when it comes. None says that the stream is
        alive but has no picture yet, which is a chance to leave it.

        Raises:
            ReadError: it is lost; begins with the source's name.
        """

    def close(self) -> None:
        """Give it back."""


Connect = Callable[[], Connection]
"""Opens a connection; raises SourceError, which begins with the source's name, if it cannot."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A picture, the connection that it came by, and ``time.monotonic()`` when it came."""

    picture: av.VideoFrame
    connection: Connection
    at: float


class Reader:
    """One connection and its thread.

    Attributes:
        channel: the pictures.
        connection: set before the first picture; None as long as it is not open.
        error: why there are no more pictures; None where it has ended or is still at work.
        has_ended: the connection gave all that it had.
        is_wanted: whether pictures behind the first are passed on, or taken and dropped.
    """

    def __init__(
        self, connect: Connect, idle: Callable[[], None], *, is_wanted: bool = True
    ) -> None:
        """Start the thread.

        Args:
            connect: opens the connection.
            idle: see `Channel`.
            is_wanted: see above; one that is paced just waits as long as it is not.
        """
        self.channel = Channel[Arrival](_QUEUED, idle=idle)
        self.connection: Connection | None = None
        self.error: Exception | None = None
        self.has_ended = False
        self.is_wanted = is_wanted
        self._connect = connect
        self._left = False
        self._thread = threading.Thread(target=self._work, name="connection", daemon=True)
        self._thread.start()

    @property
    def is_done(self) -> bool:
        """Whether it has come to an end that was to be expected."""
        endless = self.connection is None or self.connection.duration is None
        return self.has_ended and not endless

    def leave(self) -> None:
        """Take no more of its pictures."""
        self._left = True
        self.channel.cancel()

    @property
    def is_alive(self) -> bool:
        """Whether its thread is still at work."""
        return self._thread.is_alive()

    def join(self, seconds: float) -> None:
        """Wait so long for the connection to be given back."""
        self._thread.join(seconds)

    def _work(self) -> None:
        try:
            with closing(self._connect()) as connection:
                self.connection = connection
                is_known = False
                for picture in connection:
                    arrived = time.monotonic()
                    if self._left:
                        return
                    if picture is None or (is_known and not self.is_wanted):
                        continue
                    if not self.channel.send(Arrival(picture, connection, arrived)):
                        return
                    is_known = not connection.paced
                self.has_ended = True
        except Exception as error:
            self.error = error
        finally:
            self.channel.close()
