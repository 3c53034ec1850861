"""Masks between two results of a file, blended from both sides.

Nothing need be guessed where the frames up to the next result are there: each object is carried
forward from the result before and backward from the one after, and a frame shows both, the nearer
one more. What only one of them has is shown on its side, up to the middle.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from streamer.frame import Frame
from streamer.instances import Instances
from streamer.propagation.carry import refined
from streamer.propagation.flow import FlowEstimator, is_cut
from streamer.propagation.history import Step
from streamer.propagation.occlusion import stepped
from streamer.propagation.patch import mixed
from streamer.propagation.track import Track, Tracks, as_instances
from streamer.propagation.view import Grids, View, grids_of

_MIDDLE = 0.5


def between(frames: Sequence[Frame], first: Instances, last: Instances) -> list[Instances]:
    """The instances of a run of frames, of whose first and last the results are known.

    Args:
        frames: in order, all of one size.
        first: of the first frame; with track ids, which nothing else tells objects by.
        last: of the last frame; likewise.

    Returns:
        One for each frame; those of the first and last frame as given. What was carried has
        ``inferred`` false. Nothing is carried across a scene cut.
    """
    if len(frames) < 3:
        return [first, last][: len(frames)]
    size = frames[0].width, frames[0].height
    grids = grids_of(*size)
    views = [View.of(frame, grids) for frame in frames]
    start = _begun(first, views[0], grids, {})
    end = _begun(last, views[-1], grids, start)
    ahead, back = _carried(start, views), _carried(end, views[::-1])[::-1]
    # Across a cut nothing comes from the other side, so each side reaches as far as the cut.
    whole = any(reached is None for reached in ahead)
    middle = [
        as_instances(
            sorted(_blended(ahead[i] or {}, back[i] or {}, i / (len(frames) - 1), views[i], whole)),
            size,
        )
        for i in range(1, len(frames) - 1)
    ]
    return [first, *middle, last]


def _begun(found: Instances, view: View, grids: Grids, known: Tracks) -> Tracks:
    """The objects of a result by id."""
    tracks = {}
    for row, number in enumerate(found.track_ids.tolist()):
        track = Track.begin(found, row, view, grids, known.get(number))
        if track is not None:
            tracks[number] = track
    return tracks


def _carried(tracks: Tracks, views: Sequence[View]) -> list[Tracks | None]:
    """Objects of the first of some views in each of them; None from a cut on."""
    estimate = FlowEstimator()
    carried: list[Tracks | None] = [tracks]
    for before, now in pairwise(views):
        flow = estimate(now.luma, before.luma)
        if is_cut(now.luma, before.luma, flow):
            break
        tracks = stepped(tracks, Step(0, now, flow))
        carried.append(tracks)
    return carried + [None] * (len(views) - len(carried))


def _blended(
    ahead: Tracks, back: Tracks, at: float, view: View, whole: bool
) -> Iterator[tuple[int, Track]]:
    """The objects of a picture with their ids.

    Args:
        ahead: as they come from the result before.
        back: as they come from the one after.
        at: where the picture is between both, 0..1.
        view: of it.
        whole: show what comes from one side only in both halves.
    """
    for number in ahead.keys() | back.keys():
        before, after = ahead.get(number), back.get(number)
        if before is not None and after is not None:
            yield number, _mixed(before, after, at, view)
        elif before is not None and (whole or at <= _MIDDLE):
            yield number, before
        elif after is not None and (whole or at > _MIDDLE):
            yield number, after


def _mixed(before: Track, after: Track, at: float, view: View) -> Track:
    near, far, weight = (before, after, 1 - at) if at <= _MIDDLE else (after, before, at)
    patch = mixed(near.patch, far.patch, weight)
    # Half-way, what one side alone has is neither in nor out until the picture's colours say so.
    patch = refined(patch, near.appearance.evidence(view, patch))
    return replace(
        near,
        patch=patch,
        score=near.score * weight + far.score * (1 - weight),
        rim=(near.rim * weight + far.rim * (1 - weight)).astype(np.float32),
        fade=1.0,
    )
