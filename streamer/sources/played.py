"""PlayedSource: a recording at its own pace, as if it were a camera or for those who watch it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Self

from streamer.frame import Frame
from streamer.sources.base import Health, Source, StreamInfo
from streamer.sources.window import Window

_LONGEST_SLEEP_S = 0.1


class PlayedSource:
    """A recording at its own pace. See `Source`.

    Args:
        open_again: opens the recording at its beginning.
        window: the part to give; applied to what is played, not to each turn of it.
        repeat: begin anew at the end, for ever. There is no sound then.
        live: whoever is not ready for a frame loses it; otherwise none is lost, and those that are
            late catch up.

    Raises:
        SourceError: it cannot be opened.
    """

    info: StreamInfo
    health: Health

    def __init__(
        self,
        open_again: Callable[[], Source],
        window: Window,
        *,
        repeat: bool = False,
        live: bool = True,
    ) -> None:
        self._open_again, self._window, self._repeat = open_again, window, repeat
        self._source = open_again()
        self._interrupted = False
        info, self.health = self._source.info, self._source.health
        self.info = replace(info, live=live)
        if repeat:
            frames, seconds = window.expect(None, None, info.rate)
            duration = None if seconds is None else float(seconds)
            self.info = replace(
                self.info, frames=frames, duration=duration, start=window.start, open_audio=None
            )

    def __iter__(self) -> Iterator[Frame]:
        """The frames, each when it is due; times go on from turn to turn."""
        began: float | None = None
        for frame in self._window.select((frame.time, frame) for frame in self._turns()):
            now = time.monotonic()
            if began is None:
                began = now - float(frame.time)
            self._sleep_until(began + float(frame.time))
            if self._interrupted:
                return
            yield replace(frame, captured_at=time.monotonic())

    def interrupt(self) -> None:
        """End the iteration soon. See `Source.interrupt`."""
        self._interrupted = True

    def close(self) -> None:
        """Give back the recording."""
        self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _sleep_until(self, due: float) -> None:
        while not self._interrupted and (rest := due - time.monotonic()) > 0:
            time.sleep(min(rest, _LONGEST_SLEEP_S))

    def _turns(self) -> Iterator[Frame]:
        seq = shift = 0
        while True:
            end = Fraction(0)
            for frame in self._source:
                end = frame.pts + 1 / (self.info.rate * frame.time_base)
                yield replace(frame, seq=seq, pts=frame.pts + shift)
                seq += 1
            if not self._repeat:
                return
            shift += round(end)
            self._source.close()
            self._source = self._open_again()
