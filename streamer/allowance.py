"""Allowance: how often something may be started, so that it takes a part of the time at most."""

from __future__ import annotations


class Allowance:
    """Knows no clock: whoever asks says what time it is, in seconds.

    Args:
        share: of the time, that what is started may take.
    """

    def __init__(self, share: float) -> None:
        self._share = share
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
        return now - self._started >= self._cost / self._share
