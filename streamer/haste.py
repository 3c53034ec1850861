"""Haste: whether a line has fallen so far behind by its own work that it should save some."""

from __future__ import annotations

from collections import deque
from fractions import Fraction
from statistics import median

from streamer.frame import Frame

_LATE = 0.5
"""Part of the time between two frames by which a line may be late."""

_ASKED = 15
"""Frames whose times tell how often they come; what a stream says of its rate is often wrong."""


class Haste:
    """Knows no clock: whoever asks says how old a frame is, and how long it has worked."""

    def __init__(self) -> None:
        self._intervals: deque[float] = deque(maxlen=_ASKED)
        self._last: tuple[int, Fraction] | None = None
        self._hurried = False

    def hurries(self, frame: Frame, age: float, work: float) -> bool:
        """Whether to save work on a frame; never on two in a row.

        Args:
            frame: which it is.
            age: of it, in seconds.
            work: seconds that were spent here since the last frame's turn began. Where others are
                slow, frames are old as well, and to do less here would not help them.
        """
        seq, time = frame.seq, frame.time
        if self._last is not None and seq > self._last[0]:
            self._intervals.append(float(time - self._last[1]) / (seq - self._last[0]))
        self._last = seq, time
        late = bool(self._intervals) and min(age, work) > _LATE * median(self._intervals)
        self._hurried = late and not self._hurried
        return self._hurried
