"""Allowance: how often something may be started, so that it takes a part of the time at most."""

from __future__ import annotations


class Allowance:
    """Knows no clock: whoever asks says what time it is, in seconds.

    Args:
        share: of the time, that what is started may take.
        longest: seconds after which it may be started in any case.
    """

    def __init__(self, share: float, longest: float) -> None:
        self._share, self._longest = share, longest
        self._started = float("-inf")
        self._cost = 0.0

    def start(self, now: float) -> None:
        """It is started."""
        self._started = now

    def spend(self, seconds: float) -> None:
        """It has taken so long, which is what it is expected to take the next time."""
        self._cost = seconds

    def permits(self, now: float) -> bool:
        """Whether it may be started again."""
        return now - self._started >= min(self._cost / self._share, self._longest)
