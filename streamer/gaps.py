"""Gaps: what a model misses for some frames, filled from the frames before and after.

A model that sees every frame still loses an object now and then, which shows as flicker. Where an
id comes back within a short time, the frames between get the object as it is carried from both
sides, without what others have of it there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from streamer.frame import Frame, Plane
from streamer.instances import Instances
from streamer.propagation.blend import between
from streamer.propagation.patch import Rect, common

_LEFT = 0.5
"""Part of an object that others must leave of it, or what has become of it is not known."""

_SLIVER = np.ones((5, 5), np.uint8)
"""Two masks never fit exactly: what is left of one beside another and is thinner than this, in
pixels, is none of it."""


def filled(frames: Sequence[Frame], results: Sequence[Instances]) -> list[Instances]:
    """The results of frames, with what those between lack of what the last one has.

    Args:
        frames: in order, all of one size.
        results: of each; with track ids.
    """
    answer = list(results)
    for start, numbers in _gaps(results).items():
        first, last = (_of(result, numbers) for result in (results[start], results[-1]))
        for place, found in enumerate(between(frames[start:], first, last)[1:-1], start + 1):
            answer[place] = _joined(answer[place], found)
    return answer


def _gaps(results: Sequence[Instances]) -> Mapping[int, set[int]]:
    """Where objects of the last result, that the one before has not, were seen before: ids."""
    ids = [set(result.track_ids.tolist()) for result in results]
    gaps = defaultdict(set)
    for number in ids[-1] - {-1}:
        start = next((n for n in reversed(range(len(ids) - 1)) if number in ids[n]), None)
        if start is not None and start < len(ids) - 2:
            gaps[start].add(number)
    return gaps


def _of(result: Instances, numbers: set[int]) -> Instances:
    rows = [row for row, number in enumerate(result.track_ids.tolist()) if number in numbers]
    return result.take(rows)


def _joined(result: Instances, carried: Instances) -> Instances:
    """A result, and what was carried to it as far as others leave something of it."""
    masks, boxes, rows = [], [], []
    for row, whole in enumerate(carried.masks):
        mask = _uncovered(carried, row, result)
        area, before = cv2.countNonZero(mask), cv2.countNonZero(whole)
        if area > _LEFT * before:
            box = carried.boxes[row]
            if area < before:
                box, mask = _tight(carried.rects[row], mask)
            boxes.append(box)
            masks.append(mask)
            rows.append(row)
    if not rows:
        return result
    kept = replace(
        carried.take(rows),
        boxes=np.stack(boxes),
        masks=tuple(masks),
        filled=np.ones(len(rows), np.bool_),
    )
    return result.joined(kept)


def _uncovered(carried: Instances, row: int, result: Instances) -> Plane:
    """An object's mask without the pixels of a result, and without slivers along these."""
    mask = carried.masks[row].copy()
    taken = np.zeros_like(mask)
    rect = carried.rects[row].tolist()
    for other, place in zip(result.masks, result.rects.tolist(), strict=True):
        shared = common(rect, place)
        if shared is not None:
            here = _within(shared, rect)
            taken[here] |= mask[here] & other[_within(shared, place)]
    if not taken.any():
        return mask
    mask &= ~taken
    # Beyond an image's border OpenCV takes the object to go on, so it gets a rim.
    opened = cv2.morphologyEx(np.pad(mask, 2), cv2.MORPH_OPEN, _SLIVER)[2:-2, 2:-2]
    slivers = mask & ~np.asarray(opened, np.uint8)
    mask &= ~(slivers & np.asarray(cv2.dilate(taken, _SLIVER), np.uint8))
    return mask


def _within(part: Rect, rect: Rect) -> tuple[slice, slice]:
    """The rows and columns of a crop at ``rect`` that a part of it covers."""
    x1, y1, x2, y2 = part
    left, top, *_ = rect
    return np.s_[y1 - top : y2 - top, x1 - left : x2 - left]


def _tight(rect: NDArray[np.int32], mask: Plane) -> tuple[NDArray[np.float32], Plane]:
    """The box f32[4] around what a mask in ``rect`` has, and the mask within it."""
    x, y, width, height = cv2.boundingRect(mask)
    left, top = rect[0] + x, rect[1] + y
    box = np.array([left, top, left + width, top + height], np.float32)
    return box, mask[y : y + height, x : x + width]
