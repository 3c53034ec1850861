from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.propagation.carry import moved
from streamer.propagation.flow import FlowEstimator, Ways, compose, is_cut, sample
from streamer.propagation.history import History, Step
from streamer.propagation.patch import Patch, enlarge, mixed, reduce
from streamer.propagation.view import COARSE, COLORS, FINE, View, grids_of
from tests.propagation.scenes import Scene, Shape

BLANK = View(np.zeros((1, 1), np.uint8), (np.zeros((1, 1), np.uint16),) * 2)


@pytest.mark.parametrize(
    "size", [(1280, 720), (1920, 1080), (3840, 2160), (1080, 1920), (641, 479)]
)
def test_grids_are_of_one_fineness_whatever_the_picture(size: tuple[int, int]) -> None:
    coarse, fine = grids_of(*size)
    assert 180_000 < fine.width * fine.height < 400_000
    assert (fine.width, fine.height) == (2 * coarse.width, 2 * coarse.height)
    assert coarse.cell == 2 * fine.cell
    assert 0 <= size[0] - coarse.cell * coarse.width < coarse.cell


def test_a_view_tells_colours_apart() -> None:
    scene = Scene([Shape((200, 200), tint=(90, 160))])
    view = View.of(scene.frame(0), grids_of(*scene.size))
    for colors, grid in zip(view.colors, grids_of(*scene.size), strict=True):
        assert colors.shape == (grid.height, grid.width)
        assert int(colors.max()) < COLORS
        inside = colors[200 // grid.cell, 200 // grid.cell] & 255
        outside = colors[200 // grid.cell, 500 // grid.cell] & 255
        assert inside != outside


def test_flow_leads_back_to_where_things_were() -> None:
    scene = Scene([Shape((200, 180), speed=(8, 4), radii=(90, 90))])
    grids = grids_of(*scene.size)
    before, now = (View.of(scene.frame(n), grids).luma for n in (0, 1))
    flow = FlowEstimator()(now, before)
    middle = flow[184 // grids[0].cell, 208 // grids[0].cell] * grids[0].cell
    np.testing.assert_allclose(middle, (-8, -4), atol=1)
    np.testing.assert_allclose(flow[20, -20], 0, atol=0.3)


def test_pictures_too_small_for_flow_stand_still() -> None:
    assert not FlowEstimator()(np.zeros((4, 9), np.uint8), np.zeros((4, 9), np.uint8)).any()


def test_flows_add_up() -> None:
    right = np.full((6, 8, 2), (2, 0), np.float32)
    down = np.full((6, 8, 2), (0, 1), np.float32)
    np.testing.assert_array_equal(compose(right, down), np.full((6, 8, 2), (2, 1), np.float32))


def test_sampling_continues_the_border() -> None:
    image = np.arange(12, dtype=np.uint8).reshape(3, 4)
    left = np.full((3, 4, 2), (-1, 0), np.float32)
    np.testing.assert_array_equal(sample(image, left), image[:, [0, 0, 1, 2]])
    np.testing.assert_array_equal(sample(image, left[:1, :2], 2, 1), image[1:2, 1:3])


def test_a_doubled_flow_is_the_same_flow() -> None:
    flow = np.full((9, 7, 2), (1.5, -1), np.float32)
    coarse, fine = Ways(flow).levels
    assert coarse is flow
    np.testing.assert_allclose(fine, np.full((18, 14, 2), (3, -2)))


@given(st.integers(0, 30), st.integers(0, 30), st.integers(1, 10), st.integers(1, 10))
def test_extremes_are_those_of_a_region(x: int, y: int, width: int, height: int) -> None:
    flow = np.zeros((60, 60, 2), np.float32)
    flow[y : y + height + 8, x : x + width + 8] = (5, -3)
    flow[50:, 50:] = (90, 90)
    left, right, up, down = Ways(flow).extremes(x + 4, y + 4, x + 4 + width, y + 4 + height)
    assert (left, right, up, down) == (5, 5, -3, -3)


def test_cuts_are_told_from_motion() -> None:
    scene, other = Scene([Shape((200, 180), speed=(12, 0))]), Scene([Shape((400, 90))], seed=9)
    grids = grids_of(*scene.size)
    a, b, c = (View.of(f, grids).luma for f in (scene.frame(0), scene.frame(1), other.frame(0)))
    estimate = FlowEstimator()
    assert not is_cut(b, a, estimate(b, a))
    assert is_cut(c, b, estimate(c, b))
    flat = np.full_like(a, 16)
    assert not is_cut(flat, flat, estimate(flat, flat))


@pytest.mark.parametrize(("radii", "level"), [((100, 80), COARSE), ((12, 20), FINE)])
@pytest.mark.parametrize("center", [(320, 180), (0, 0), (639, 359)])
def test_a_mask_comes_back_from_its_grid(
    radii: tuple[float, float], level: int, center: tuple[float, float]
) -> None:
    scene = Scene([Shape(center, radii=radii)])
    truth = scene.truth(0)
    patch = reduce(truth.masks[0], truth.rects[0], grids_of(*scene.size))
    assert patch.grid.level == (level if center == (320, 180) else patch.grid.level)
    crop = enlarge(patch, scene.size)
    assert crop is not None
    left, top, mask = crop
    back, wanted = np.zeros((2, *scene.size[::-1]), np.uint8)
    back[top:, left:][: mask.shape[0], : mask.shape[1]] = mask
    x1, y1, x2, y2 = truth.rects[0]
    wanted[y1:y2, x1:x2] = truth.masks[0]
    assert np.count_nonzero(back != wanted) / np.count_nonzero(wanted) < 0.06
    assert all(edge.any() for edge in (mask[0], mask[-1], mask[:, 0], mask[:, -1]))


def test_the_last_cells_reach_the_border() -> None:
    size = (1001, 563)
    grids = grids_of(*size)
    whole = np.full((563, 1001), 255, np.uint8)
    patch = reduce(whole, np.array([0, 0, 1001, 563], np.int32), grids)
    assert (patch.grid.width * patch.grid.cell, patch.grid.height * patch.grid.cell) != size
    crop = enlarge(patch, size)
    assert crop is not None
    assert crop[:2] == (0, 0)
    np.testing.assert_array_equal(crop[2], whole)
    assert enlarge(Patch.nowhere(patch.grid), size) is None


def test_a_mask_moves_and_leaves() -> None:
    grid = grids_of(640, 360)[0]
    soft = np.zeros((20, 20), np.uint8)
    soft[8:12, 8:12] = 255
    patch = Patch(30, 40, soft, grid)
    flow = np.zeros((grid.height, grid.width, 2), np.float32)
    flow[...] = (-3, 2)
    there = moved(patch, Ways(flow))
    assert patch.bounds == (38, 48, 42, 52)
    assert there.bounds == (41, 46, 45, 50)
    flow[...] = (-30, 0)
    for _ in range(20):
        there = moved(there, Ways(flow))
    assert there.bounds is None
    assert moved(there, Ways(flow)).bounds is None


def test_mixed_masks_lie_between() -> None:
    grid = grids_of(640, 360)[0]
    a = Patch(0, 0, np.full((4, 4), 255, np.uint8), grid)
    b = Patch(2, 2, np.full((4, 4), 255, np.uint8), grid)
    soft = mixed(a, b, 0.75).soft
    assert soft[0, 0] == 191
    assert soft[3, 3] == 255
    far = Patch(20, 20, np.full((4, 4), 255, np.uint8), grid)
    assert mixed(a, far, 0.75) is a
    fine = Patch(0, 0, a.soft, grids_of(640, 360)[1])
    assert mixed(a, fine, 0.75) is a


def steps(history: History, count: int, needed: tuple[int, ...] = ()) -> None:
    for seq in range(1, count + 1):
        history.add(Step(seq, BLANK, np.full((2, 2, 2), 1, np.float32)), needed)


def test_history_is_bounded_and_keeps_what_is_awaited() -> None:
    history = History()
    steps(history, 200, needed=(0, 7, 100))
    assert len(history) <= 48
    kept = history.after(0, 1, ())
    assert {7, 100, 200} <= {step.seq for step in kept}
    assert sum(step.span for step in kept) == 200
    assert max(step.span for step in kept) <= 10
    assert all(step.flow[0, 0, 0] == step.span for step in kept)


def test_history_joins_steps_but_not_past_what_is_awaited() -> None:
    history = History()
    steps(history, 10)
    assert [s.seq for s in history.after(3, 3, ())] == [6, 9, 10]
    assert [s.seq for s in history.after(3, 3, (5,))] == [5, 8, 10]
    assert history.count(3) == 7
    history.forget(8)
    assert [s.seq for s in history.after(3, 1, ())] == [9, 10]
    history.clear()
    assert len(history) == 0
