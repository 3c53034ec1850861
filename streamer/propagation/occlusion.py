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

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import reduce

import cv2
import numpy as np

from streamer.propagation.carry import Motion, motion_of, moved, refined, shifted, without_crumbs
from streamer.propagation.flow import Ways
from streamer.propagation.history import Step
from streamer.propagation.patch import (
    Patch,
    Rect,
    around,
    common,
    extent,
    from_fine,
    grown,
    on_fine,
    united,
    window,
)
from streamer.propagation.track import Track, Tracks
from streamer.propagation.view import FINE

_NEAR = 6
"""Fine cells between two objects, up to which one may hide the other in the next step."""

_NEW, _NEW_NEAR = 0.5, 0.1
"""Weight of the motion seen in a step, of objects that are alone and of those near another."""

_LEAST_LEAD = 0.1
"""Share of where two objects are expected by which one must have more of it to be in front."""

_CLEAR = 20
"""Fine cells from an object's hidden part up to which flow is not its own."""

_FAR = 1 << 20
"""Cells to the left of and above all pictures."""

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
    if not tracks:
        return {}
    ways, patches = Ways(step.flow), {}
    for number, track in tracks.items():
        patch = moved(track.patch, ways)
        patch = refined(patch, track.appearance.evidence(step.view, patch))
        patches[number] = without_crumbs(patch) if track.compact else patch
    near = _near({number: _extent(track) for number, track in tracks.items()})
    crowded = {n for n, track in tracks.items() if near[n] or track.hidden is not None}
    motions = {n: _motion(track, patches[n], n in crowded, step) for n, track in tracks.items()}
    expected = {
        n: _shifted(united(tracks[n].patch, tracks[n].hidden), motions[n], step) for n in crowded
    }
    in_front = _in_front(near, expected, patches)
    there = {}
    for number, track in tracks.items():
        patch, hidden = patches[number], None
        covers = [patches[other] for other in in_front[number]]
        if covers or track.hidden is not None:
            was = track.hidden and _shifted(track.hidden, motions[number], step)
            patch, hidden = _parted(patch, expected[number], covers, was, track.whole)
        track = track.stepped(patch, hidden, motions[number], ways, step.span)
        if not track.gone:
            there[number] = track
    return there


def remembered(found: Tracks, known: Tracks, missed: Tracks) -> Tracks:
    """Objects of a result, with what earlier results tell to be hidden and how they move.

    Args:
        found: by id; in a result, masks are of what is seen.
        known: the objects of earlier results, as they were carried to the same picture.
        missed: those of them that the result has not, and that are kept.
    """
    wholes = {n: united(known[n].patch, known[n].hidden) for n in found.keys() & known.keys()}
    covers = {number: track.patch for number, track in (missed | found).items()}
    near = _near({n: _around(patch, wholes.get(n)) for n, patch in covers.items()})
    result = dict(found)
    for number, whole in wholes.items():
        track, before = found[number], known[number]
        area, hidden = max(before.whole, track.area), None
        if whole.bounds is not None and whole.grid == track.patch.grid:
            others = [covers[other] for other in near[number]]
            _, hidden = _parted(track.patch, whole, others, None, area)
        result[number] = replace(
            track,
            hidden=hidden,
            motion=before.motion,
            whole=area if hidden is not None else track.area,
        )
    return result


def has_come_out(track: Track, fresh: Iterable[Track]) -> bool:
    """Whether one of some new objects is probably what was hidden: of its class, about there."""
    x1, y1, x2, y2 = _around(track.patch, track.hidden)
    width, height = x2 - x1, y2 - y1
    about = x1 - width // 2, y1 - height // 2, x2 + width // 2, y2 + height // 2
    return any(
        other.class_id == track.class_id and common(about, _around(other.patch)) for other in fresh
    )


def _near(extents: Mapping[int, Rect]) -> Pairs:
    """For each object the others whose extents overlap its own."""
    numbers = list(extents)
    if len(numbers) < 2:
        return {number: [] for number in numbers}
    rects = np.array(list(extents.values()))
    low = np.maximum(rects[:, None, :2], rects[None, :, :2])
    high = np.minimum(rects[:, None, 2:], rects[None, :, 2:])
    shared = (low < high).all(axis=2)
    np.fill_diagonal(shared, val=False)
    return {
        number: [numbers[i] for i in np.flatnonzero(row)]
        for number, row in zip(numbers, shared, strict=True)
    }


def _extent(track: Track) -> Rect:
    """The fine cells around an object and what is near it."""
    x1, y1, x2, y2 = _around(track.patch, track.hidden)
    return x1 - _NEAR, y1 - _NEAR, x2 + _NEAR, y2 + _NEAR


def _around(*patches: Patch | None) -> Rect:
    """The fine cells around some masks; none where there is nothing of them."""
    return extent(*patches) or (-_FAR, -_FAR, -_FAR, -_FAR)


def _motion(track: Track, patch: Patch, crowded: bool, step: Step) -> Motion:
    """An object's motion in a frame, of a step's to where its mask is ``patch``."""
    # Flow is smooth, so what passes behind something seems to stop at its edge.
    asked = patch if track.hidden is None else _clear(patch, track.hidden)
    now = motion_of(asked, step.flow)
    if now is None:
        return track.motion or (0.0, 0.0)
    x, y = now[0] / step.span, now[1] / step.span
    if track.motion is None:
        return x, y
    weight = _NEW_NEAR if crowded else _NEW
    before = track.motion
    return before[0] + weight * (x - before[0]), before[1] + weight * (y - before[1])


def _clear(patch: Patch, hidden: Patch) -> Patch:
    """What is seen of an object at some distance from its hidden part."""
    side = (_CLEAR if patch.grid.level == FINE else _CLEAR // 2) * 2 + 1
    touched = cv2.dilate(window(hidden, patch.rect, patch.grid), np.ones((side, side), np.uint8))
    soft = cv2.min(patch.soft, cv2.bitwise_not(touched))
    return Patch(patch.x, patch.y, np.asarray(soft, np.uint8), patch.grid)


def _shifted(patch: Patch, motion: Motion, step: Step) -> Patch:
    return shifted(patch, (motion[0] * step.span, motion[1] * step.span))


def _in_front(near: Pairs, expected: Mapping[int, Patch], patches: Mapping[int, Patch]) -> Pairs:
    """For each object those that are in front of it."""
    result: Pairs = {number: [] for number in near}
    for a, others in near.items():
        for b in others:
            if a < b and (lead := _lead(patches[a], expected[a], patches[b], expected[b])):
                behind, front = (b, a) if lead > 0 else (a, b)
                result[behind].append(front)
    return result


def _lead(a: Patch, whole_a: Patch, b: Patch, whole_b: Patch) -> float:
    """How much more of where both are expected ``a`` has than ``b``; 0 where that tells nothing.

    Of masks within each other, as a tie's in a person's, both have nearly all.
    """
    if whole_a.bounds is None or whole_b.bounds is None:
        return 0.0
    rect = common(on_fine(whole_a.bounds, whole_a.grid), on_fine(whole_b.bounds, whole_b.grid))
    if rect is None:
        return 0.0
    grid = a.grid
    rect = from_fine(rect, grid)
    both = cv2.min(window(whole_a, rect, grid), window(whole_b, rect, grid))
    ours, theirs = (cv2.sumElems(cv2.min(both, window(p, rect, grid)))[0] for p in (a, b))
    lead = float(ours - theirs)
    return lead if abs(lead) > _LEAST_LEAD * cv2.sumElems(both)[0] else 0.0


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
    rects = [rect for rect in (patch.bounds and patch.rect, whole.bounds) if rect is not None]
    if not rects:
        return Patch.nowhere(grid), None
    # With a rim of nothing: what touches the border of a patch is taken to go on beyond it.
    rect = grown(reduce(around, rects), 2, grid)
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
