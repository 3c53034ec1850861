"""Haste: whether a line has fallen so far behind by its own work that it should save some."""

from __future__ import annotations

from collections import deque
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
        self._last: Frame | None = None
        self._hurried = False

    def hurries(self, frame: Frame, age: float, work: float) -> bool:
        """Whether to save work on a frame; never on two in a row.

        Args:
            frame: which it is.
            age: of it, in seconds.
            work: seconds that were spent here since the last frame's turn began. Where others are
                slow, frames are old as well, and to do less here would not help them.
        """
        if self._last is not None and frame.seq > self._last.seq:
            passed = float(frame.time - self._last.time)
            self._intervals.append(passed / (frame.seq - self._last.seq))
        self._last = frame
        late = bool(self._intervals) and min(age, work) > _LATE * median(self._intervals)
        self._hurried = late and not self._hurried
        return self._hurried
