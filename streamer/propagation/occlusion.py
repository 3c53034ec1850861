"""Objects on their way together, and what they hide of each other.

Flow shows only what is in front: an object that passes behind another would lose what is covered
for good. So each keeps the part that it should have, by its own motion, where another is seen, and
gets it back where the other has gone:

    expected ── its mask and its hidden part, moved as most of its visible cells have moved
    in front ── of two objects, the one that has more of where both are expected
    hidden   ── what of the expected those in front of it have; its mask has none of that
    revealed ── what was hidden and no other has any more; colours tell its edge from then on
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import reduce
from itertools import combinations

import cv2
import numpy as np

from streamer.propagation.carry import Motion, motion_of, moved, refined, shifted, without_crumbs
from streamer.propagation.history import Step
from streamer.propagation.patch import (
    Patch,
    Rect,
    around,
    common,
    from_fine,
    on_fine,
    united,
    window,
)
from streamer.propagation.track import Track, Tracks

_NEAR = 6
"""Fine cells between two objects, up to which one may hide the other in the next step."""

_NEW, _NEW_NEAR = 0.5, 0.1
"""Weight of the motion seen in a step, of objects that are alone and of those near another."""

_SLIVER = np.ones((3, 3), np.uint8)
"""What is less wide than this many cells is not hidden: two masks never fit exactly."""

Pairs = dict[int, list[int]]
"""For each object, by id, some others."""


def stepped(tracks: Tracks, step: Step) -> Tracks:
    """Objects in a later picture; without those of which nothing is left.

    Args:
        tracks: by id.
        step: to that picture.
    """
    patches = {}
    for number, track in tracks.items():
        patch = moved(track.patch, step.flow)
        patch = refined(patch, track.appearance.evidence(step.view, patch))
        patches[number] = without_crumbs(patch) if track.compact else patch
    crowded = _crowded(tracks)
    motions = {n: _motion(track, patches[n], n in crowded, step) for n, track in tracks.items()}
    expected = {
        n: _shifted(united(tracks[n].patch, tracks[n].hidden), motions[n], step) for n in crowded
    }
    in_front = _in_front(expected, patches)
    there = {}
    for number, track in tracks.items():
        patch, hidden = patches[number], None
        covers = [patches[other] for other in in_front.get(number, ())]
        if covers or track.hidden is not None:
            was = track.hidden and _shifted(track.hidden, motions[number], step)
            patch, hidden = _parted(patch, expected[number], covers, was, track.whole)
        track = track.stepped(patch, hidden, motions[number], step.flow, step.span)
        if not track.gone:
            there[number] = track
    return there


def remembered(found: Tracks, known: Tracks) -> Tracks:
    """Objects of a result, with what earlier results tell to be hidden and how they move.

    Args:
        found: by id; in a result, masks are of what is seen.
        known: the objects of earlier results, as they were carried to the same picture.
    """
    result = dict(found)
    for number in found.keys() & known.keys():
        track, before = found[number], known[number]
        whole = united(before.patch, before.hidden)
        hidden = None
        if whole.bounds is not None and whole.grid == track.patch.grid:
            covers = [found[other].patch for other in found if other != number]
            _, hidden = _parted(track.patch, whole, covers, None, max(before.whole, track.area))
        result[number] = replace(
            track,
            hidden=hidden,
            motion=before.motion,
            whole=track.area + (hidden.area if hidden is not None else 0),
        )
    return result


def _crowded(tracks: Tracks) -> set[int]:
    """The ids of objects that have others near, or hidden parts."""
    extents = {n: _extent(track) for n, track in tracks.items()}
    crowded = {n for n, track in tracks.items() if track.hidden is not None}
    for a, b in combinations(extents, 2):
        if common(extents[a], extents[b]):
            crowded |= {a, b}
    return crowded


def _extent(track: Track) -> Rect:
    """The fine cells around an object and what is near it; none are for what is nowhere."""
    rects = [
        on_fine(patch.bounds, patch.grid)
        for patch in (track.patch, track.hidden)
        if patch is not None and patch.bounds is not None
    ]
    if not rects:
        return 0, 0, 0, 0
    x1, y1, x2, y2 = reduce(around, rects)
    return x1 - _NEAR, y1 - _NEAR, x2 + _NEAR, y2 + _NEAR


def _motion(track: Track, patch: Patch, crowded: bool, step: Step) -> Motion:
    """An object's motion in a frame, of a step's to where its mask is ``patch``."""
    # Flow is smooth, so what is hidden seems to stop at the edge of what hides it.
    if track.motion is not None and track.hidden is not None:
        return track.motion
    now = motion_of(patch, step.flow)
    if now is None:
        return track.motion or (0.0, 0.0)
    x, y = now[0] / step.span, now[1] / step.span
    if track.motion is None:
        return x, y
    weight = _NEW_NEAR if crowded else _NEW
    before = track.motion
    return before[0] + weight * (x - before[0]), before[1] + weight * (y - before[1])


def _shifted(patch: Patch, motion: Motion, step: Step) -> Patch:
    return shifted(patch, (motion[0] * step.span, motion[1] * step.span))


def _in_front(expected: Mapping[int, Patch], patches: Mapping[int, Patch]) -> Pairs:
    """For each object those that are in front of it."""
    result: Pairs = {number: [] for number in expected}
    for a, b in combinations(expected, 2):
        lead = _lead(patches[a], expected[a], patches[b], expected[b])
        if lead < 0:
            result[a].append(b)
        elif lead > 0:
            result[b].append(a)
    return result


def _lead(a: Patch, whole_a: Patch, b: Patch, whole_b: Patch) -> float:
    """How much more of where both are expected ``a`` has than ``b``."""
    if whole_a.bounds is None or whole_b.bounds is None:
        return 0.0
    rect = common(on_fine(whole_a.bounds, whole_a.grid), on_fine(whole_b.bounds, whole_b.grid))
    if rect is None:
        return 0.0
    grid = a.grid
    rect = from_fine(rect, grid)
    both = cv2.min(window(whole_a, rect, grid), window(whole_b, rect, grid))
    ours, theirs = (cv2.sumElems(cv2.min(both, window(p, rect, grid)))[0] for p in (a, b))
    return ours - theirs


def _parted(
    patch: Patch, whole: Patch, covers: Sequence[Patch], was_hidden: Patch | None, area: float
) -> tuple[Patch, Patch | None]:
    """What of an object is seen, and what is hidden, None where nothing is.

    Args:
        patch: what seems to be seen.
        whole: all of it, as it is expected.
        covers: masks of what is in front of it.
        was_hidden: what of it was hidden before, as it is expected.
        area: of all of it, in cells.
    """
    grid = patch.grid
    rect = around(patch.rect, whole.bounds) if whole.bounds is not None else patch.rect
    cover = np.zeros((rect[3] - rect[1], rect[2] - rect[0]), np.uint8)
    for other in covers:
        cv2.max(cover, window(other, rect, grid), dst=cover)
    free = cv2.bitwise_not(cover)
    soft = cv2.min(window(patch, rect, grid), free)
    if was_hidden is not None:
        soft = cv2.max(soft, cv2.min(window(was_hidden, rect, grid), free))
    rest = cv2.min(cv2.min(window(whole, rect, grid), cover), cv2.bitwise_not(soft))
    rest = cv2.morphologyEx(rest, cv2.MORPH_OPEN, _SLIVER)
    # What turns up as seen elsewhere is not hidden, so too much of it wears away.
    if cv2.sumElems(rest)[0] + cv2.sumElems(soft)[0] > 255 * area:
        rest = cv2.erode(rest, _SLIVER)
    hidden = Patch(rect[0], rect[1], np.asarray(rest, np.uint8), grid)
    seen = Patch(rect[0], rect[1], np.asarray(soft, np.uint8), grid)
    return seen, hidden if hidden.bounds is not None else None
