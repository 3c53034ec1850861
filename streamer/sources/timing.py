"""Times of live pictures: when each was captured, when it is due, when to try again. All pure."""

from __future__ import annotations

import random
from collections.abc import Callable
from fractions import Fraction

TIME_BASE = Fraction(1, 90_000)
"""Seconds of one unit of a live source's times, whatever its connections count in."""

_LATEST = 5.0
"""Seconds by which a picture may come late; beyond, the stream has left a gap out of its times."""

_LONGEST_STEP = 1.0
"""Seconds from one picture to the next that the stream alone may claim; more must have passed."""

_CATCH_UP = 0.1
"""Share of a step by which it is shortened while the times run ahead of the pictures."""

_FALL_BACK = 0.001
"""Share of its lateness that each late picture adds: what makes up for clocks that drift."""


class LiveClock:
    """Capture times from 0 on, strictly increasing, of pictures that come when they come.

    The stream's own times are even and arrival is not, so each picture lies as far behind the one
    before as the stream says. That is believed as long as it agrees with arrival: where the stream
    jumps, starts anew or leaves out a gap, arrival counts. No picture can come before it was taken,
    so times that run ahead of arrival, as after pictures that came late all at once, are shortened
    until they do not.
    """

    def __init__(self) -> None:
        self._step = 0.0
        self._began: float | None = None
        self._time = 0.0  # of the latest picture, in seconds
        self._stamp: float | None = None
        self._last = -1  # the same as it was given, in units

    def connect(self, rate: Fraction) -> None:
        """The next pictures come from a new connection, whose times mean something else.

        Args:
            rate: its nominal pictures a second.
        """
        self._step = float(1 / rate)
        self._stamp = None

    def time_of(self, stamp: Fraction | None, arrived: float) -> int:
        """When a picture was captured, in units of `TIME_BASE`.

        Args:
            stamp: seconds by the stream's own clock; None where it has none.
            arrived: ``time.monotonic()`` when it came.
        """
        if self._began is None:
            self._began, self._time = arrived, -self._step  # so that this one lies at 0
        elapsed = arrived - self._began
        told = self._told(stamp)
        if told is not None and self._stamp is not None and self._agrees(told, elapsed):
            self._follow(told - self._stamp, elapsed)
        else:
            told = None if stamp is None else float(stamp)
            self._time = max(elapsed, self._time + self._step * (1 - _CATCH_UP))
        self._stamp = told
        self._last = max(round(self._time / float(TIME_BASE)), self._last + 1)
        return self._last

    def _told(self, stamp: Fraction | None) -> float | None:
        """A stamp, or where a stream has left out only this one, what it would have been."""
        if stamp is not None:
            return float(stamp)
        return None if self._stamp is None else self._stamp + self._step

    def _agrees(self, told: float, elapsed: float) -> bool:
        assert self._stamp is not None
        step = told - self._stamp
        late = elapsed - (self._time + step)
        return step > 0 and late < _LATEST and (step < _LONGEST_STEP or late > -_LONGEST_STEP)

    def _follow(self, step: float, elapsed: float) -> None:
        late = elapsed - (self._time + step)
        self._time += step + (late * _FALL_BACK if late > 0 else max(late, -step * _CATCH_UP))


class Pacer:
    """Holds pictures back that come before they are due, such as those of a segment of HLS."""

    def __init__(self) -> None:
        self._shift: float | None = None

    def wait(self, stamp: Fraction | None, now: float) -> float:
        """Seconds to wait before a picture is passed on.

        Args:
            stamp: of the picture, in seconds by the stream's own clock.
            now: ``time.monotonic()``.
        """
        if stamp is None:
            return 0.0
        due = None if self._shift is None else float(stamp) + self._shift
        if due is None or not now < due < now + _LATEST:  # begun, late, or a jump
            self._shift = now - float(stamp)
            return 0.0
        return due - now


class Backoff:
    """How long to wait between attempts: longer each time, and never the same for all cameras."""

    def __init__(
        self,
        first: float = 0.5,
        most: float = 10.0,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """Start with the shortest wait.

        Args:
            first: seconds, about, before the first attempt.
            most: seconds that no wait exceeds.
            chance: gives numbers in 0..1.
        """
        self._first, self._most, self._chance = first, most, chance
        self._next = first

    def reset(self) -> None:
        """An attempt has succeeded."""
        self._next = self._first

    def next(self) -> float:
        """Seconds to wait before the next attempt: the current wait less up to a quarter."""
        wait, self._next = self._next, min(self._next * 2, self._most)
        return wait * (1 - self._chance() / 4)
