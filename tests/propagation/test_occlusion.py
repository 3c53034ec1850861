from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from streamer.instances import Instances
from streamer.propagation.carry import is_compact, motion_of, shifted, without_crumbs
from streamer.propagation.patch import Patch, united, window
from streamer.propagation.propagator import Propagator
from streamer.propagation.view import COARSE, FINE, grids_of
from streamer.tracking import Tracker
from tests.propagation.matching import GivenIds
from tests.propagation.scenes import Scene, Shape
from tests.propagation.test_propagator import play, share

GRIDS = grids_of(640, 360)
BALL = Shape((120, 180), speed=(8, 0), radii=(30, 30), tint=(90, 110), luma=190)
POST = Shape((320, 180), radii=(50, 120), bar=True, tint=(150, 100), luma=90)
PASSING = Scene([BALL, POST])
"""The ball is behind the post, and wholly so in frames 23 to 27."""


def square(x: int, y: int, side: int, level: int = COARSE) -> Patch:
    return Patch(x, y, np.full((side, side), 255, np.uint8), GRIDS[level])


def after_one_result(scene: Scene, count: int) -> list[Instances]:
    return play(scene, Propagator(GivenIds()), count, every=100, late=1)


def test_what_passes_behind_another_is_found_where_it_comes_out() -> None:
    shown = after_one_result(PASSING, 40)
    for number in (16, 20, 35, 37, 39):
        assert share(shown[number], PASSING.truth(number), 1) > 0.65, number
    for number in range(1, 40):
        assert share(shown[number], PASSING.truth(number), 2) > 0.9, number


def test_what_is_wholly_hidden_is_not_shown() -> None:
    shown = after_one_result(PASSING, 28)
    assert [n for n in range(24, 27) if 1 in shown[n].track_ids] == []
    assert 1 in shown[16].track_ids


def test_what_is_wholly_hidden_outlives_results_that_cannot_have_it() -> None:
    shown = play(PASSING, Propagator(GivenIds()), 40, every=25, late=2)
    assert PASSING.truth(25).track_ids.tolist() == [2]
    assert 1 not in shown[27].track_ids
    assert share(shown[39], PASSING.truth(39), 1) > 0.7


def test_what_stays_hidden_is_forgotten() -> None:
    stopping = Shape((320, 180), radii=(30, 30), tint=(90, 110), luma=190)
    propagator = Propagator(GivenIds())
    propagator.advance(Scene([POST, stopping]).frame(0))
    propagator.expect(0)
    propagator.update(0, Scene([POST, stopping]).truth(0))
    behind = Scene([stopping, POST])
    for number in range(1, 60):
        propagator.advance(behind.frame(number))
    bare = Scene([stopping])
    for number in range(60, 66):
        propagator.advance(bare.frame(number))
        assert 2 not in propagator.current().track_ids


def test_a_result_tells_what_it_cannot_see_by_what_was_known() -> None:
    """The second result has a half of the ball; its other half comes out from behind the post."""
    shown = play(PASSING, Propagator(GivenIds()), 40, every=20, late=2)
    half = PASSING.truth(20)
    assert half.masks[0].any()
    assert np.count_nonzero(half.masks[0]) < 0.6 * np.count_nonzero(PASSING.truth(0).masks[0])
    assert share(shown[38], PASSING.truth(38), 1) > 0.7


def test_a_window_reads_masks_of_either_grid() -> None:
    coarse, fine = square(10, 10, 4), square(20, 20, 8, FINE)
    for patch in (coarse, fine):
        small = window(patch, (9, 9, 15, 15), GRIDS[COARSE])
        np.testing.assert_array_equal(small > 127, window(coarse, (9, 9, 15, 15), coarse.grid) > 0)
        large = window(patch, (19, 19, 29, 29), GRIDS[FINE])
        np.testing.assert_array_equal(large > 127, window(fine, (19, 19, 29, 29), fine.grid) > 0)
    assert not window(coarse, (30, 30, 40, 40), coarse.grid).any()


def test_masks_of_two_grids_unite_on_that_of_the_first() -> None:
    both = united(square(10, 10, 4), square(32, 20, 8, FINE))
    assert both.grid.level == COARSE
    assert both.bounds == (10, 10, 20, 14)
    assert both.area == pytest.approx(32)
    assert united(square(10, 10, 4), None).bounds == (10, 10, 14, 14)
    assert united(Patch.nowhere(GRIDS[COARSE]), square(32, 20, 8, FINE)).bounds == (16, 10, 20, 14)


@pytest.mark.parametrize(("level", "cells"), [(COARSE, 3), (FINE, 6)])
def test_a_mask_is_carried_as_a_whole(level: int, cells: int) -> None:
    there = shifted(square(40, 50, 10, level), (3, -3))
    assert there.bounds == (40 + cells, 50 - cells, 50 + cells, 60 - cells)
    assert shifted(there, (-400, 0)).bounds is None
    assert shifted(Patch.nowhere(GRIDS[level]), (1, 1)).bounds is None


@pytest.mark.parametrize("odd", [0, 1])
@pytest.mark.parametrize("level", [COARSE, FINE])
def test_motion_is_that_of_most_of_an_object(level: int, odd: int) -> None:
    flow = np.zeros((GRIDS[COARSE].height, GRIDS[COARSE].width, 2), np.float32)
    flow[:, :60] = (-2, 1)
    n = 1 + level
    assert motion_of(square(40 * n + odd, 50 * n + odd, 30 * n, level), flow) == (2, -1)
    assert motion_of(square(100 * n, 50 * n, 10 * n, level), flow) == (0, 0)
    assert motion_of(square(40, 50, 1), flow) is None
    assert motion_of(Patch.nowhere(GRIDS[level]), flow) is None


def test_a_compact_object_leaves_behind_what_it_touched() -> None:
    ball = square(40, 40, 20)
    assert is_compact(ball)
    touched = united(ball, square(70, 40, 10))
    assert not is_compact(touched)
    assert without_crumbs(touched).bounds == ball.bounds
    assert without_crumbs(ball) is ball


def test_a_compact_object_behind_a_pole_stays_whole() -> None:
    halves = united(square(40, 40, 20), square(64, 42, 17))
    assert without_crumbs(halves).bounds == (40, 40, 81, 60)


def test_masks_within_each_other_stay() -> None:
    """A person and the tie: nobody hides anybody, though one edge is always a little ahead."""
    person = Shape((200, 180), speed=(4, 0), radii=(60, 110), tint=(110, 160))
    tie = Shape((200, 160), speed=(4, 0), radii=(14, 30), tint=(160, 100), luma=90)
    scene, propagator = Scene([person, tie]), Propagator(GivenIds())
    for number in range(24):
        propagator.advance(scene.frame(number))
        if not number:
            propagator.expect(0)
            propagator.update(0, overlapping(scene))
        shown = propagator.current()
        assert share(shown, scene.truth(number), 2) > 0.8, number
        assert share(shown, scene.truth(number), 1) > 0.8, number


def overlapping(scene: Scene) -> Instances:
    """The truth of the first picture, but that the first shape's mask has no hole."""
    truth = scene.truth(0)
    whole = truth.masks[0].copy()
    for row in whole:
        (inside,) = np.nonzero(row)
        row[inside[0] : inside[-1] + 1] = 255
    return replace(truth, masks=(whole, *truth.masks[1:]))


@pytest.mark.parametrize(("every", "late"), [(3, 3), (9, 9)])
def test_the_tracker_knows_what_comes_out_again(every: int, late: int) -> None:
    propagator, seen = Propagator(Tracker()), []
    for number in range(50):
        propagator.advance(PASSING.frame(number))
        if number % every == 0:
            propagator.expect(number)
        due = number - late
        if due >= 0 and due % every == 0:
            propagator.update(due, PASSING.truth(due))
        seen.append(propagator.current().track_ids.tolist())
    assert sorted(seen[18]) == [1, 2]
    assert [ids for ids in seen[36:] if sorted(ids) != [1, 2]] == []


def test_a_mask_does_not_spread_over_ground_that_is_new_to_it() -> None:
    """A result has a sliver of the ball with the post beside it, and then none comes for long."""
    scene = Scene([replace(BALL, center=(150, 180), speed=(4, 0)), replace(POST, radii=(60, 120))])
    shown = play(scene, Propagator(GivenIds()), 80, every=30, late=1, until=30)
    assert share(shown[79], scene.truth(79), 1) > 0.9
