"""Window: which part of a source is wanted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeVar

from streamer.errors import SettingsError

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a source: ``--start``, ``--duration`` and ``--frames``.

    Attributes:
        start: seconds from the start of the source; frames that begin earlier are left out.
        duration: seconds from `start`; frames that begin then or later are left out.
        frames: at most so many frames.

    Raises:
        SettingsError: nothing could ever lie inside.
    """

    start: Fraction = Fraction(0)
    duration: Fraction | None = None
    frames: int | None = None

    def __post_init__(self) -> None:
        if self.start < 0:
            raise SettingsError(f"--start is {float(self.start):g}; give 0 or more seconds")
        if self.duration is not None and self.duration <= 0:
            raise SettingsError(f"--duration is {float(self.duration):g}; give more than 0 seconds")
        if self.frames is not None and self.frames < 1:
            raise SettingsError(f"--frames is {self.frames}; give 1 or more")

    @property
    def end(self) -> Fraction | None:
        """Seconds at which it ends, itself excluded; None where time does not end it."""
        return None if self.duration is None else self.start + self.duration

    def select(self, timed: Iterable[tuple[Fraction, Item]]) -> Iterator[Item]:
        """The items whose times lie inside.

        Nothing is taken from ``timed`` beyond what decides the matter.

        Args:
            timed: times in seconds, increasing, each with what belongs to it.
        """
        given = 0
        end = self.end
        for time, item in timed:
            if end is not None and time >= end:
                return
            if time < self.start:
                continue
            yield item
            given += 1
            if given == self.frames:
                return

    def expect(
        self, frames: int | None, seconds: Fraction | None, rate: Fraction
    ) -> tuple[int | None, Fraction | None]:
        """How many frames and seconds of a source are to come, as far as can be known.

        Args:
            frames: what the source has in all, None if unknown.
            seconds: how long the source is, None if unknown.
            rate: its frames a second.
        """
        if seconds is None and frames is not None:
            seconds = frames / rate
        if seconds is not None:
            seconds = max(seconds - self.start, Fraction(0))
        seconds = _least(seconds, self.duration)
        whole = self.start == 0 and self.duration is None
        if not (whole and frames is not None):
            frames = None if seconds is None else round(seconds * rate)
        frames = _least(frames, self.frames)
        if self.frames is not None and frames is not None:
            seconds = _least(seconds, frames / rate)
        return frames, seconds


Number = TypeVar("Number", int, Fraction)


def _least(a: Number | None, b: Number | None) -> Number | None:
    if a is None or b is None:
        return b if a is None else a
    return min(a, b)
