"""LiveSource: frames of cameras and network streams, whatever opens their connections."""

from __future__ import annotations

import time
from collections.abc import Iterator
from fractions import Fraction
from itertools import chain
from typing import Self

import av

from streamer.errors import ReadError, SourceError
from streamer.frame import Frame
from streamer.sources.base import Health, StreamInfo
from streamer.sources.connection import Arrival, Connect, Connection
from streamer.sources.container import reason
from streamer.sources.fitting import Fitter
from streamer.sources.options import SourceOptions
from streamer.sources.reconnecting import LIMITS, Limits, Reconnecting
from streamer.sources.timing import TIME_BASE, LiveClock, Pacer
from streamer.sources.window import Window
from streamer.urls import redact

__all__ = ["Connect", "Connection", "Limits", "LiveSource"]

_WHOLE = Window()
_OPTIONS = SourceOptions()


class LiveSource:
    """Frames of what is live. See `Source`.

    Connects, and takes a picture, at once. What comes until iteration begins is dropped, so that a
    model can be loaded meanwhile and the first frame is no older than the others. A connection that
    is lost is made anew. All frames have the size and the colours of the first; what differs is
    fitted to them.
    """

    info: StreamInfo
    health: Health

    def __init__(
        self,
        url: str,
        connect: Connect,
        window: Window = _WHOLE,
        options: SourceOptions = _OPTIONS,
        *,
        health: Health | None = None,
        limits: Limits = LIMITS,
    ) -> None:
        """Connect.

        Args:
            url: what the user gave; its passwords are never shown.
            connect: opens a connection; called on a thread of its own, again after each loss.
            window: the part to give; its times count from the first frame.
            options: `SourceOptions.reconnect` is heeded here, the others by ``connect``.
            health: where ``connect`` counts too; a new one by default.
            limits: how long to wait for what.

        Raises:
            SourceError: the first attempt failed, or gave no picture in time.
        """
        self.health = Health() if health is None else health
        self._name = redact(url)
        self._window = window
        self._pictures = Reconnecting(
            self._name,
            connect,
            self.health,
            limits,
            reconnect=options.reconnect,
            seconds=None if window.end is None else float(window.end),
        )
        self._fitter = Fitter()
        self._has_changed = False
        arrivals = iter(self._pictures)
        try:
            first = self._first_of(arrivals)
            self.info = self._describe(self._fit(first), first.connection)
        except BaseException:
            self.close()
            raise
        if first.connection.paced:  # what waits is not dropped
            arrivals = chain([first], arrivals)
        self._frames = window.select(self._all_frames(arrivals))

    def __iter__(self) -> Iterator[Frame]:
        """The frames of the window, as they come.

        Raises:
            ReadError: the connection was lost, and could not be made anew in the time allowed.
        """
        self._pictures.begin()
        return self._frames

    def interrupt(self) -> None:
        """End the iteration soon, also one that waits for a picture. Takes no lock."""
        self._pictures.interrupt()

    def close(self) -> None:
        """Give back the connection; one that does not react ends by its own time limits."""
        self._pictures.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _first_of(self, arrivals: Iterator[Arrival]) -> Arrival:
        first = next(arrivals, None)
        if first is None:
            raise SourceError(f"{self._name}: holds no picture that can be decoded")
        return first

    def _describe(self, picture: av.VideoFrame, connection: Connection) -> StreamInfo:
        frames, seconds = self._window.expect(None, connection.duration, connection.rate)
        return StreamInfo(
            url=self._name,
            width=picture.width,
            height=picture.height,
            rate=connection.rate,
            time_base=TIME_BASE,
            live=True,
            frames=frames,
            duration=None if seconds is None else float(seconds),
            start=self._window.start,
            pixel_aspect=connection.pixel_aspect,
        )

    def _all_frames(self, arrivals: Iterator[Arrival]) -> Iterator[tuple[Fraction, Frame]]:
        """Every picture as a frame, each with its time in seconds."""
        connection: Connection | None = None
        clock, pacer = LiveClock(), Pacer()
        for seq, arrival in enumerate(arrivals):
            if arrival.connection is not connection:
                connection, pacer = arrival.connection, Pacer()
                clock.connect(connection.rate)
            pts, captured = arrival.picture.pts, arrival.at
            stamp = None if pts is None else pts * connection.time_base
            if connection.paced:
                self._pictures.sleep(pacer.wait(stamp, time.monotonic()))
                captured = time.monotonic()
            picture = self._fit(arrival)
            picture.pts, picture.time_base = clock.time_of(stamp, captured), TIME_BASE
            yield picture.pts * TIME_BASE, Frame(picture, seq, picture.pts, TIME_BASE, captured)

    def _fit(self, arrival: Arrival) -> av.VideoFrame:
        picture = arrival.picture
        try:
            fitted = self._fitter.fit(picture, arrival.connection.pixel_aspect)
        except av.FFmpegError as error:
            raise ReadError(f"{self._name}: cannot fit its pictures: {reason(error)}") from error
        if fitted is not picture and not self._has_changed:
            self._has_changed = True
            before, after = (f"{each.width}x{each.height}" for each in (fitted, picture))
            change = "in colour" if before == after else f"from {before} to {after}"
            self.health.warnings.append(
                f"{self._name}: its pictures changed {change}; they are fitted to the first"
            )
        return fitted
