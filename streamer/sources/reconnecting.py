"""Reconnecting: pictures of a live source, whatever becomes of its connections."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

from streamer.errors import ReadError, SourceError, StreamerError
from streamer.sources.base import Health
from streamer.sources.connection import Arrival, Connect, Connection, Reader
from streamer.sources.timing import Backoff

_NAP_S = 0.05
_MOST_STUCK = 3
"""Connections that hang for ever, in spite of their limits, may not pile up."""

_GOODBYE_S = 1.0
"""How long a connection may take to be given back before it is left alone with it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a live source is waited for, in seconds.

    Attributes:
        first: from the beginning of an attempt to its first picture.
        picture: from one picture to the next; beyond, the connection is given up.
        retry: from the loss of a connection to the attempt to make it anew, about.
        longest_retry: what later attempts, which wait twice as long each, wait at most.
    """

    first: float = 30.0
    picture: float = 10.0
    retry: float = 0.5
    longest_retry: float = 10.0


LIMITS = Limits()


class Reconnecting:
    """Pictures of one connection after another. Iterated once.

    A reader is left to itself when no picture has come for too long, when its time is over, or when
    the iteration is interrupted. When a connection is lost, the next reader is started.

    Ends where it is interrupted, where its time is over, or with a connection that has a duration.

    Attributes:
        connection: the one that the latest picture came from; None before the first.
    """

    def __init__(
        self,
        name: str,
        connect: Connect,
        health: Health,
        limits: Limits,
        *,
        reconnect: float | None,
        seconds: float | None,
    ) -> None:
        """Nothing is opened yet.

        Args:
            name: of the source, for errors.
            connect: opens a connection.
            health: where connections that were made anew are counted.
            limits: how long to wait for what.
            reconnect: seconds to go on trying; None for ever, 0 to give up at once.
            seconds: end so long after the first picture behind `begin`; None for never.
        """
        self.connection: Connection | None = None
        self._name, self._connect, self._health = name, connect, health
        self._limits, self._reconnect, self._seconds = limits, reconnect, seconds
        self._readers: list[Reader] = []  # those whose threads may still be at work
        self._backoff = Backoff(limits.retry, limits.longest_retry)
        # No Event: a signal's handler sets it, perhaps while it is being set.
        self._stopping = self._has_begun = False
        self._ends_at: float | None = None
        self._give_up_at: float | None = None
        self._loss: StreamerError | None = None  # how the latest connection that worked ended
        self._waits_until = 0.0

    def __iter__(self) -> Iterator[Arrival]:
        """The pictures as they arrive.

        Raises:
            SourceError: the first attempt failed, or gave no picture in time.
            ReadError: the connection was lost, and could not be made anew in the time allowed.
        """
        try:
            while not self._is_over():
                reader = Reader(self._connect, self._watch, is_wanted=self._has_begun)
                self._readers.append(reader)
                yield from self._welcomed(reader)
                if self._is_over() or reader.is_done:
                    return
                self._check(self._outcome(reader))
                self._wait_to_retry()
        finally:
            self._health.state = None

    def begin(self) -> None:
        """From now on all pictures are wanted, in time; until then only the first of all was.

        A stream must be read on meanwhile, or what comes later would be late for ever.
        """
        self._has_begun = True
        for reader in self._readers:
            reader.is_wanted = True

    def interrupt(self) -> None:
        """Let the iteration end within a moment, whatever it waits for. Takes no lock."""
        self._stopping = True

    def close(self) -> None:
        """Give back the connection; one that does not react ends by its own time limits."""
        self.interrupt()
        for reader in self._readers:
            reader.leave()
        if self._readers:
            self._readers[-1].join(_GOODBYE_S)

    def sleep(self, seconds: float) -> None:
        """Wait, but not beyond an interruption, the end or the time for attempts."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if self._is_left():
                return
            time.sleep(min(left, _NAP_S))

    def _welcomed(self, reader: Reader) -> Iterator[Arrival]:
        """The pictures of one reader, and what its first one changes."""
        for arrival in self._arrivals(reader):
            if arrival.connection is not self.connection:
                self._welcome(arrival.connection)
            if self._has_begun and self._ends_at is None and self._seconds is not None:
                self._ends_at = arrival.at + self._seconds
            yield arrival
            if self._stopping:
                return

    def _arrivals(self, reader: Reader) -> Iterator[Arrival]:
        self._waits_until = time.monotonic() + self._limits.first
        try:
            for arrival in reader.channel:
                yield arrival
                self._waits_until = time.monotonic() + self._limits.picture
        except _Left:
            return
        finally:
            reader.leave()

    def _watch(self) -> None:
        """Called now and then while no picture comes.

        Raises:
            _Left: the reader is to be left to itself.
        """
        if time.monotonic() >= self._waits_until or self._is_left():
            raise _Left

    def _is_left(self) -> bool:
        """Whether nothing is to be waited for any more."""
        return self._is_over() or self._has_given_up()

    def _is_over(self) -> bool:
        late = self._ends_at is not None and time.monotonic() >= self._ends_at
        return self._stopping or late

    def _welcome(self, connection: Connection) -> None:
        """A connection has given its first picture."""
        if self.connection is not None:
            self._health.reconnects += 1
            warning = f"{self._loss}; connected anew"
            if warning not in self._health.warnings:
                self._health.warnings.append(warning)
        self.connection = connection
        self._health.state = None
        self._loss = self._give_up_at = None
        self._backoff.reset()

    def _outcome(self, reader: Reader) -> StreamerError:
        """Why a reader gives no more pictures."""
        if isinstance(reader.error, StreamerError):
            return reader.error
        if reader.error is not None:
            raise reader.error  # nothing to be repaired by another attempt
        if self._loss is not None and self._has_given_up():
            return self._loss  # this attempt was cut short
        if not reader.has_ended:
            began = reader.connection is self.connection is not None
            limit = self._limits.picture if began else self._limits.first
            return ReadError(f"{self._name}: no picture came for {limit:g} s")
        return ReadError(f"{self._name}: the stream has ended")

    def _check(self, loss: StreamerError) -> None:
        """Whether to try again after a loss.

        Raises:
            StreamerError: not.
        """
        if self.connection is None:
            raise loss if isinstance(loss, SourceError) else SourceError(str(loss)) from loss
        # A recording would begin anew, which is not what was lost.
        if self._reconnect == 0 or self.connection.duration is not None:
            raise ReadError(str(loss)) from loss
        self._loss = self._loss or loss
        if self._give_up_at is None and self._reconnect is not None:
            self._give_up_at = time.monotonic() + self._reconnect
        if self._has_given_up():
            raise ReadError(f"{loss}; gave up after {self._reconnect:g} s") from loss

    def _wait_to_retry(self) -> None:
        until = time.monotonic() + self._backoff.next()
        while (left := until - time.monotonic()) > 0 and not self._is_left():
            self._health.state = f"source lost, trying again in {math.ceil(left)} s"
            self.sleep(min(left, 1))
        self._health.state = "source lost, trying again"
        while self._stuck() >= _MOST_STUCK and not self._is_left():
            time.sleep(_NAP_S)

    def _stuck(self) -> int:
        """How many threads are still at what they were left at."""
        self._readers = [reader for reader in self._readers if reader.is_alive]
        return len(self._readers)

    def _has_given_up(self) -> bool:
        return self._give_up_at is not None and time.monotonic() >= self._give_up_at


class _Left(Exception):  # noqa: N818 - not an error
    """A reader was left to itself."""
