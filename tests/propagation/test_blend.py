from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from streamer.propagation.blend import between
from tests.propagation.scenes import Scene, Shape
from tests.propagation.test_propagator import SMALL, TURNING, WALKER, share


@pytest.mark.parametrize("shape", [WALKER, TURNING, SMALL], ids=["walker", "turning", "small"])
def test_frames_between_two_results_show_where_things_are(shape: Shape) -> None:
    scene = Scene([shape])
    blended = between(scene.frames(9), scene.truth(0), scene.truth(8))
    shares = [share(blended[n], scene.truth(n), 1) for n in range(1, 8)]
    assert np.mean(shares) > 0.88
    assert [instances.inferred for instances in blended] == [True, *[False] * 7, True]


def test_both_ends_are_as_given() -> None:
    scene = Scene([WALKER])
    first, last = scene.truth(0), scene.truth(4)
    blended = between(scene.frames(5), first, last)
    assert blended[0] is first
    assert blended[-1] is last


@pytest.mark.parametrize("count", [1, 2])
def test_runs_without_a_frame_between(count: int) -> None:
    scene = Scene([WALKER])
    first, last = scene.truth(0), scene.truth(count - 1)
    assert between(scene.frames(count), first, last) == [first, last][:count]


def test_scores_go_from_one_to_the_other() -> None:
    scene = Scene([WALKER])
    low = replace(scene.truth(8), scores=np.array([0.5], np.float32))
    blended = between(scene.frames(9), scene.truth(0), low)
    scores = [float(instances.scores[0]) for instances in blended]
    np.testing.assert_allclose(scores, np.linspace(1, 0.5, 9), atol=1e-5)


def test_what_one_end_alone_has_is_shown_on_its_side() -> None:
    scene = Scene([WALKER, TURNING])
    blended = between(scene.frames(9), scene.truth(0).take([0]), scene.truth(8).take([1]))
    ids = [instances.track_ids.tolist() for instances in blended]
    assert ids == [[1]] * 5 + [[2]] * 4


def test_nothing_is_carried_across_a_cut() -> None:
    before, after = Scene([WALKER], seed=1), Scene([replace(TURNING, center=(200, 90))], seed=2)
    frames = [*before.frames(3), *after.frames(6)]
    last = after.truth(5)
    blended = between(frames, before.truth(0), replace(last, track_ids=last.track_ids + 1))
    ids = [instances.track_ids.tolist() for instances in blended]
    assert ids == [[1]] * 3 + [[2]] * 6
