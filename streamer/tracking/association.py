"""Association: which track is seen in which instance.

    nearby  ── tracks and instances that overlap, where a track is expected in one of three ways:
               as carried by optical flow, as its speed has it, where it was last
    farther ── what is left: a track that the last result had, and so moves fast, takes an instance
               of its class and size within reach

Both take the best pair first. The best sum over all pairs (the Hungarian method) gave the same
figures in `benchmarks/tracking.py`, up or down by less than another seed of the noise.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from streamer.instances import Box
from streamer.tracking.sight import Sight, agreement, contained
from streamer.tracking.track import Class, Track

_LEAST_NEARBY = 0.15
"""Agreement from which a track and an instance may be the same."""

_OTHER_CLASS = 0.7
"""What agreement is worth where no late result took the track for the instance's class: models
often doubt what they see, seldom where it is."""

_HIDDEN = 0.9
"""What agreement is worth for a track that the last result has missed: of two that cross, the one
that is seen is the one that was seen."""

_HIDDEN_OTHER_CLASS = 0.3
"""The same where, besides, no late result took the track for the instance's class: what comes into
sight where a car went out of sight is perhaps a bus."""

_COMING_OUT = 0.6
"""What it is worth that all of an instance lies about where a track is hidden: at first little
comes out, which agrees with nothing."""

_REACH = 2.0
"""Sizes of an object that it may be away from where it is expected."""

_LEAST_FARTHER = 0.2
"""Closeness from which a track and an instance farther away may be the same."""


def pairs(
    tracks: Sequence[Track],
    carried: Mapping[int, Sight],
    hidden: Mapping[int, Box],
    seen: Mapping[int, tuple[Sight, Class]],
    at: float,
) -> list[tuple[Track, int]]:
    """Tracks and the keys of the instances that they are seen in.

    Args:
        tracks: what is known.
        carried: where optical flow has taken tracks, by their ids.
        hidden: of those that others hide, the boxes that would be seen without them.
        seen: where instances are and what the model takes them for.
        at: when that is, in seconds.
    """
    result: list[tuple[Track, int]] = []
    lost, left = list(tracks), dict(seen)
    for likely_of, least in (
        (partial(_nearby, carried, hidden), _LEAST_NEARBY),
        (_farther, _LEAST_FARTHER),
    ):
        keys = list(left)
        likely = likely_of(lost, list(left.values()), at)
        matched = [(lost[i], keys[j]) for i, j in best_pairs(likely, least)]
        result += matched
        for track, key in matched:
            lost.remove(track)
            del left[key]
    return result


def _nearby(
    carried: Mapping[int, Sight],
    hidden: Mapping[int, Box],
    tracks: Sequence[Track],
    seen: Sequence[tuple[Sight, Class]],
    at: float,
) -> NDArray[np.float64]:
    """How likely each track is what each instance shows, f64[N, M], by where they are."""
    expected: list[Sight] = []
    owners: list[int] = []
    for owner, track in enumerate(tracks):
        # Of what is hidden, flow shows where that went which hides it; speed is a guess; and much
        # comes back where it went out of sight. Whichever is right agrees best.
        places = [track.sight]
        if (ahead := track.expected(at)) is not track.sight:
            places.append(ahead)
        if track.number in carried:
            places.append(carried[track.number])
        expected += places
        owners += [owner] * len(places)
    likely = np.zeros((len(tracks), len(seen)))
    np.maximum.at(likely, owners, agreement(expected, [sight for sight, _ in seen]))
    ids = [class_id for _, (class_id, _) in seen]
    for owner, track in enumerate(tracks):
        alike = np.array([track.may_be(class_id) for class_id in ids])
        same, other = (_HIDDEN, _HIDDEN_OTHER_CLASS) if track.misses else (1.0, _OTHER_CLASS)
        if seen and (whole := hidden.get(track.number)) is not None:
            inside = contained([sight for sight, _ in seen], whole)
            likely[owner] = np.maximum(likely[owner], _COMING_OUT * inside * alike)
        likely[owner] *= np.where(alike, same, other)
    return likely


def _farther(
    tracks: Sequence[Track],
    seen: Sequence[tuple[Sight, Class]],
    at: float,
) -> NDArray[np.float64]:
    """How likely each track is what each instance shows, f64[N, M], by distance, class and size."""
    likely = np.zeros((len(tracks), len(seen)))
    for row, track in enumerate(tracks):
        places = track.sight, track.expected(at)
        for column, (sight, (class_id, _)) in enumerate(seen):
            if not track.misses and track.may_be(class_id):
                likely[row, column] = max(_closeness(place, sight) for place in places)
    return likely


def _closeness(one: Sight, other: Sight) -> float:
    """How near two sights are in place and size, 0..1."""
    (w1, h1), (w2, h2) = one.size, other.size
    width, height = max(w1, w2), max(h1, h2)
    size = math.sqrt(min(w1, w2) / width * min(h1, h2) / height)
    away = math.dist(one.center, other.center) / (_REACH * math.sqrt(width * height))
    return max(1 - away, 0.0) * size


def best_pairs(likely: NDArray[np.float64], least: float) -> list[tuple[int, int]]:
    """Rows and columns of f64[N, M], each at most once; the best value over ``least`` first."""
    left = likely.copy()
    pairs = []
    while left.size:
        row, column = divmod(int(left.argmax()), left.shape[1])
        if left[row, column] < least:
            break
        pairs.append((row, column))
        left[row], left[:, column] = -1, -1
    return pairs
