"""Tracker: gives each object one id for as long as it can be told that it is the same.

doubles ── an instance with nearly the mask of a better one is a second opinion, no object
pairs   ── tracks find themselves among the other instances; see `association`
begun   ── instances that are left begin tracks
missed  ── tracks that are left are shown for some results, and remembered for longer
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from streamer.frame import Frame
from streamer.instances import Box, Instances
from streamer.overlap import box_iou
from streamer.tracking.association import pairs
from streamer.tracking.sight import Sight, sights
from streamer.tracking.track import Class, Track

MEMORY_SECONDS = 3.0
"""How long an id waits for its object to come back."""

_DOUBLE = 0.7
"""IoU of two masks from which they are taken for one object. Two people rarely reach a half."""

_MISSES = 3
"""Results in a row that may miss an object before it is no longer shown ..."""

_PATIENCE_SECONDS = 1.0
"""... unless that takes longer; one may always miss it."""

_HIDDEN = 0.5
"""Share of an object that was missed which others cover, from which it is not shown."""

_NONE: Mapping[int, Box] = {}


class Tracker:
    """Gives objects ids: 1, 2, 3 ... and none twice. Knows no clock and has no threads."""

    def __init__(self) -> None:
        self._next = 1
        self._tracks: list[Track] = []

    def identify(self, frame: Frame, found: Instances) -> Instances:
        """The result of a frame with ids and otherwise as it is, for lines where none is skipped.

        An instance that nearly covers a better one of the frame, which is the model's second
        opinion on the same object, gets none: its ``track_id`` is -1.
        """
        tracks = self._associate({}, {}, found, sights(found), float(frame.time))
        return replace(found, track_ids=_ids(tracks))

    def update(
        self, carried: Instances, found: Instances, at: float, hidden: Mapping[int, Box] = _NONE
    ) -> Instances:
        """The objects of a frame.

        Args:
            carried: what this gave for earlier frames, carried to this one; with ids.
            found: the model's result of this frame.
            at: the frame's time in seconds.
            hidden: of what this gave for earlier frames and is behind something, in part or wholly,
                the boxes that would be seen without that, by id. It may come out there, and is not
                given back.

        Returns:
            What was found, without second opinions, with ids and with the classes that the latest
            results agree on; and what was carried, was not found and may still be there, as it was
            carried: three results in a row may miss an object that two have had, or those of a
            second. Best score first.
        """
        seen = sights(found)
        places = dict(zip(carried.track_ids.tolist(), sights(carried), strict=True))
        tracks = self._associate(places, hidden, found, seen, at)
        rows = [row for row, track in enumerate(tracks) if track is not None]
        classes = [track.best for track in tracks if track is not None]
        named = replace(
            replace(found, track_ids=_ids(tracks)).take(rows),
            class_ids=np.array([class_id for class_id, _ in classes], np.int32),
            labels=tuple(label for _, label in classes),
        )
        return named.joined(carried.take(self._missed(carried, places, seen, at)))

    def reset(self) -> None:
        """Forget all objects, as after a cut. Their ids are not given again."""
        self._tracks.clear()

    def _associate(
        self,
        carried: Mapping[int, Sight],
        hidden: Mapping[int, Box],
        found: Instances,
        seen: Sequence[Sight],
        at: float,
    ) -> list[Track | None]:
        """The track of each instance found, None for doubles; all tracks are brought up to date."""
        # What the latest result had is remembered, however long ago that was.
        self._tracks = [t for t in self._tracks if not t.misses or at - t.seen_at <= MEMORY_SECONDS]
        classes: list[Class] = list(zip(found.class_ids.tolist(), found.labels, strict=True))
        scores = found.scores.tolist()
        doubles = _doubles(seen, scores)
        singles = {r: (seen[r], classes[r]) for r in range(len(seen)) if r not in doubles}
        result: list[Track | None] = [None] * len(seen)
        for track, row in pairs(self._tracks, carried, hidden, singles, at):
            track.observe(seen[row], classes[row], scores[row], at)
            result[row] = track
        known = {id(track) for track in result if track is not None}
        for track in self._tracks:
            track.misses += id(track) not in known
        # What one result alone has had is taken for an error.
        self._tracks = [t for t in self._tracks if not t.misses or t.results > 1]
        for row in singles:
            if result[row] is None:
                result[row] = self._begun(seen[row], classes[row], scores[row], at)
        for row, better in doubles.items():
            same = result[better]
            assert same is not None
            same.vote(classes[row], scores[row])
        return result

    def _begun(self, sight: Sight, seen: Class, score: float, at: float) -> Track:
        track = Track(self._next, sight, seen, score, at)
        self._next += 1
        self._tracks.append(track)
        return track

    def _missed(
        self, carried: Instances, places: Mapping[int, Sight], seen: Sequence[Sight], at: float
    ) -> list[int]:
        """The rows of what was carried, not found, and is still to be shown."""
        missed = {track.number: track for track in self._tracks if track.misses}
        rows = []
        for row, number in enumerate(carried.track_ids.tolist()):
            track = missed.get(number)
            if track is None:
                continue
            late = track.misses > 1 and at - track.seen_at > _PATIENCE_SECONDS
            place = places[number]
            covered = max((place.shared(other) for other in seen), default=0)
            if track.misses <= _MISSES and not late and covered <= _HIDDEN * place.area:
                rows.append(row)
        return rows


def _doubles(seen: Sequence[Sight], scores: Sequence[float]) -> dict[int, int]:
    """The rows that nearly cover a row of a better score, and that row."""
    doubles: dict[int, int] = {}
    if len(seen) < 2:
        return doubles
    boxes = np.stack([sight.box for sight in seen])
    # Masks fill the boxes they are in to different degrees, so boxes of doubles may differ more.
    near = box_iou(boxes, boxes) > _DOUBLE / 2
    order = sorted(range(len(seen)), key=lambda row: -scores[row])
    for place, row in enumerate(order):
        for better in order[:place]:
            if better in doubles or not near[better, row]:
                continue
            if seen[better].mask_iou(seen[row]) >= _DOUBLE:
                doubles[row] = better
                break
    return doubles


def _ids(tracks: Sequence[Track | None]) -> NDArray[np.int32]:
    return np.array([-1 if track is None else track.number for track in tracks], np.int32)
