"""Propagator: carries results from the pictures they belong to onto the picture at hand.

    advance(frame) ── a picture: flow from the one before; each object moves along
    skip(frame) ── a picture that there is no time to look at: each object goes on as it went
    expect(seq)    ── an inference was started on this picture: its view and objects are kept
    update(seq, found) ── its result is here, some pictures later:
        objects as they were carried to that picture ──┐
        found in it ───────────────────────────────────┴─ tracker ─> ids
        each found object learns its colours there, and takes all steps from there to here
    current()      ── boxes, masks, ids and scores in the picture at hand

It has no threads and knows no clock, so the same calls give the same instances.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from streamer.frame import Frame
from streamer.instances import Box, Instances
from streamer.overlap import mask_iou
from streamer.propagation.carry import Motion
from streamer.propagation.flow import FlowEstimator, is_cut
from streamer.propagation.history import History, Step
from streamer.propagation.occlusion import has_come_out, remembered, stepped
from streamer.propagation.track import Track, Tracks, as_instances
from streamer.propagation.view import COARSE, Grids, View, grids_of

_REPLAYED = 400_000
"""Cells, about, through which a result may go while it catches up, some 5 ms; where that is too
few, steps are joined to longer ones."""

_OVERHEAD = 4000
"""Cells that cost as much as what a step costs for an object of any size."""

_MISSED = 0.6
"""Part of its score that an object keeps with each result that misses it."""


class Associator(Protocol):
    """Gives objects their ids."""

    def update(
        self, carried: Instances, found: Instances, at: float, hidden: Mapping[int, Box]
    ) -> Instances:
        """The objects of a picture.

        Args:
            carried: what was known before, carried to that picture; with ids.
            found: the model's result of that picture.
            at: the picture's time in seconds.
            hidden: of what was known before and is behind something, in part or wholly, the boxes
                that would be seen without that, by id. It is not to be shown.

        Returns:
            What was found, its boxes and masks unchanged, with ids, and what was carried, not found
            and is kept.
        """

    def reset(self) -> None:
        """Forget all objects, as after a cut."""


@dataclass(slots=True)
class _Awaited:
    """A picture whose result is to come.

    Attributes:
        at: its time in seconds.
        view: of it.
        tracks: the objects that were carried to it, by id.
        shown: the same as instances, while they are known.
    """

    at: float
    view: View
    tracks: Tracks
    shown: Instances | None


class Propagator:
    """See the module. All frames must be of one size."""

    def __init__(self, tracker: Associator) -> None:
        self._tracker = tracker
        self._estimate = FlowEstimator()
        self._grids: Grids | None = None
        self._size = (0, 0)
        self._view: View | None = None
        self._seq, self._time = -1, 0.0
        self._history = History()
        self._awaited: dict[int, _Awaited] = {}
        self._tracks: Tracks = {}
        self._exact: Instances | None = None
        self._carried: Instances | None = None
        self._ahead = 0

    def advance(self, frame: Frame) -> None:
        """Go on to the next picture, of those that are shown, and look at it."""
        before, span = self._view, max(frame.seq - self._seq, 1)
        if self._grids is None or self._size != (frame.width, frame.height):
            self._size = (frame.width, frame.height)
            self._grids = grids_of(*self._size)
            before = None
        self._view = View.of(frame, self._grids)
        self._seq, self._time = frame.seq, float(frame.time)
        self._exact = self._carried = None
        self._ahead = 0
        if before is None:
            self._begin()
            return
        flow = self._estimate(self._view.luma, before.luma)
        if is_cut(self._view.luma, before.luma, flow):
            self._begin()
            return
        step = Step(frame.seq, self._view, flow, span)
        if self._awaited:
            self._history.add(step, self._awaited)
        self._tracks = stepped(self._tracks, step)

    def skip(self, frame: Frame) -> None:
        """Go on to the next picture without looking at it; a cut is seen at the one after."""
        self._ahead = max(frame.seq - self._seq, 0)

    def expect(self, seq: int) -> None:
        """Be ready for the result of the picture that was looked at last.

        Raises:
            ValueError: ``seq`` is not that picture's.
        """
        if self._view is None or seq != self._seq:
            raise ValueError(f"frame {seq} is not the one looked at last, {self._seq}")
        self._awaited[seq] = _Awaited(self._time, self._view, dict(self._tracks), self._carried)

    def forget(self, seq: int) -> None:
        """Do not wait for a result any longer."""
        self._awaited.pop(seq, None)
        self._trim()

    def update(self, seq: int, found: Instances) -> float | None:
        """Take a result. Results come in the order of their pictures.

        Args:
            seq: of the picture that the result is of.
            found: the result.

        Returns:
            How well it agrees with what had been carried to that picture: the mean IoU of the
            masks of objects in both, 0..1. None where there are none, or the picture is of a scene
            that is over.
        """
        awaited = self._awaited.pop(seq, None)
        if awaited is None or self._grids is None:
            self._trim()
            return None
        carried = awaited.shown
        if carried is None:
            carried = as_instances(list(awaited.tracks.items()), self._size)
        hidden = {
            number: box
            for number, track in awaited.tracks.items()
            if track.hidden and (box := track.uncovered()) is not None
        }
        merged = self._tracker.update(carried, found, awaited.at, hidden)
        new, missed = self._sorted(merged, found, awaited)
        self._catch_up(seq, new, missed)
        self._trim()
        if seq == self._seq:
            self._exact = merged
        return agreement(carried, merged)

    def current(self) -> Instances:
        """What is to be shown on the picture at hand."""
        known = self._known()
        if not self._ahead or self._grids is None:
            return known
        pixels = self._ahead * self._grids[COARSE].cell
        ways = [self._motion(number) for number in known.track_ids.tolist()]
        by = np.rint(pixels * np.array(ways).reshape(-1, 2)).astype(np.int32)
        return replace(known.moved(by, self._size), inferred=False)

    def _motion(self, number: int) -> Motion:
        """How an object goes on."""
        track = self._tracks.get(number)
        return (track.motion if track is not None else None) or (0.0, 0.0)

    def _known(self) -> Instances:
        """What is to be shown on the picture that was looked at last."""
        if self._exact is not None:
            return self._exact
        if self._grids is None:
            return replace(Instances.empty(), inferred=False)
        if self._carried is None:
            self._carried = as_instances(list(self._tracks.items()), self._size)
        return self._carried

    def _begin(self) -> None:
        """Forget what was before a cut."""
        self._tracker.reset()
        self._tracks.clear()
        self._awaited.clear()
        self._history.clear()

    def _trim(self) -> None:
        if self._awaited:
            self._history.forget(min(self._awaited))
        else:
            self._history.clear()

    def _sorted(
        self, merged: Instances, found: Instances, awaited: _Awaited
    ) -> tuple[Tracks, Tracks]:
        """The tracks that a result begins anew, by id, and those that it missed and that stay."""
        assert self._grids is not None
        new, kept = {}, set()
        for row, number in enumerate(merged.track_ids.tolist()):
            if (found.boxes == merged.boxes[row]).all(axis=1).any():
                known = awaited.tracks.get(number)
                track = Track.begin(merged, row, awaited.view, self._grids, known)
                if track is not None:
                    new[number] = track
            else:
                kept.add(number)
        # What is wholly hidden stays, as no result can have it, until it comes out as a new one.
        fresh = [track for number, track in new.items() if number not in awaited.tracks]
        kept |= {
            number
            for number, track in awaited.tracks.items()
            if not track.is_seen and number not in new and not has_come_out(track, fresh)
        }
        missed = {n: track for n, track in awaited.tracks.items() if n in kept}
        return remembered(new, awaited.tracks, missed), missed

    def _catch_up(self, seq: int, new: Tracks, missed: Tracks) -> None:
        """Take new tracks from picture ``seq`` to the one at hand, through those awaited.

        Those that were missed go along, for they may hide others; where they are, they are already.
        """
        cost = sum(track.patch.soft.size + _OVERHEAD for track in (missed | new).values())
        stride = max(-(-cost * self._history.count(seq) // _REPLAYED), 1)
        going = missed | new
        for step in self._history.after(seq, stride, self._awaited):
            going = stepped(going, step)
            if step.seq in self._awaited:
                awaited = self._awaited[step.seq]
                awaited.tracks = _replaced(awaited.tracks, _of(going, new), missed)
                awaited.shown = None
        settling = {
            number: track.settle(self._tracks[number]) if number in self._tracks else track
            for number, track in _of(going, new).items()
        }
        self._tracks = _replaced(self._tracks, settling, missed)
        self._carried = None


def _of(tracks: Tracks, new: Tracks) -> Tracks:
    return {number: track for number, track in tracks.items() if number in new}


def _replaced(tracks: Tracks, new: Tracks, missed: Tracks) -> Tracks:
    """New tracks, and of the others those that were missed and stay, which fade."""
    others = {
        # No result can have what was out of sight.
        number: replace(track, trust=track.trust * _MISSED) if missed[number].is_seen else track
        for number, track in tracks.items()
        if number in missed
    }
    return {n: track for n, track in (others | new).items() if not track.gone}


def agreement(carried: Instances, merged: Instances) -> float | None:
    """Mean IoU of the masks of objects that both have, by id; None where there are none."""
    rows = {number: row for row, number in enumerate(merged.track_ids.tolist())}
    shares = [
        mask_iou(carried, row, merged, rows[number])
        for row, number in enumerate(carried.track_ids.tolist())
        if number in rows and carried.masks[row] is not merged.masks[rows[number]]
    ]
    return float(np.mean(shares)) if shares else None
