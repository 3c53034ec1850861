"""Presence: tells from the ids in each frame which objects have come and gone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from streamer.instances import Instances
from streamer.tracking.tracker import MEMORY_SECONDS

_SETTLED_SECONDS = 1
"""How long an object is seen until it has entered. An error of a single result is shown until the
next one, which takes up to a second on small machines."""

_ABSENT_SECONDS = MEMORY_SECONDS + 1
"""How long it is not seen until it has left. By then the tracker has given up its id, also where
results are shown up to a second late."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that has happened to an object.

    Attributes:
        event: what.
        track_id: its id.
        label: the class that it was seen as last.
        time: when, in seconds: of the frame that showed it first or last.
    """

    event: Literal["entered", "left"]
    track_id: int
    label: str
    time: Fraction


@dataclass(slots=True)
class _Stay:
    """An object's time in the picture, in seconds."""

    first: Fraction
    last: Fraction
    label: str
    seen: Fraction = Fraction()
    entered: bool = False


class Presence:
    """Watches the frames of one stream in order.

    An object enters once it was seen for a second, so that a model's short errors are no events;
    and leaves once it was not seen for longer than its id waits for it, so that short hiding is
    none. So every id enters at most once and leaves at most once. When the stream ends nobody
    leaves: what is in the last frame was still there.
    """

    def __init__(self) -> None:
        self._stays: dict[int, _Stay] = {}
        self._before = Fraction()

    def watch(self, time: Fraction, instances: Instances) -> list[Event]:
        """Take the next frame, ``time`` seconds into the stream, and tell what is known by it."""
        for track_id, label in zip(instances.track_ids.tolist(), instances.labels, strict=True):
            if track_id >= 0:
                self._see(track_id, label, time)
        self._before = time
        return [*self._left(time), *self._entered()]

    def _see(self, track_id: int, label: str, time: Fraction) -> None:
        stay = self._stays.setdefault(track_id, _Stay(time, time, label))
        # Time in which frames did not show it does not count.
        if stay.last == self._before:
            stay.seen += time - stay.last
        stay.last, stay.label = time, label

    def _left(self, time: Fraction) -> Sequence[Event]:
        gone = [n for n, stay in self._stays.items() if time - stay.last > _ABSENT_SECONDS]
        stays = [(number, self._stays.pop(number)) for number in gone]
        return [Event("left", n, stay.label, stay.last) for n, stay in stays if stay.entered]

    def _entered(self) -> Sequence[Event]:
        events = []
        for number, stay in self._stays.items():
            if not stay.entered and stay.seen >= _SETTLED_SECONDS:
                stay.entered = True
                events.append(Event("entered", number, stay.label, stay.first))
        return events
