from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from streamer.instances import Box, Instances
from streamer.overlap import mask_iou
from streamer.propagation.flow import Ways
from streamer.propagation.propagator import Propagator
from streamer.propagation.track import Track
from streamer.propagation.view import View, grids_of
from tests.propagation.matching import GivenIds
from tests.propagation.scenes import Scene, Shape

WALKER = Shape((150, 180), speed=(6, 1), radii=(40, 90))
TURNING = Shape((450, 180), speed=(-4, 0), radii=(60, 25), turn=2, bar=True, tint=(160, 100))
SMALL = Shape((100, 60), speed=(3, 2), radii=(9, 12), tint=(90, 110), luma=220)


def play(
    scene: Scene,
    propagator: Propagator,
    count: int,
    *,
    every: int = 8,
    late: int = 8,
    until: int = 1000,
    results: dict[int, Instances] | None = None,
) -> list[Instances]:
    """What is shown on each frame, with a result of every so many frames that comes so late.

    None comes of frames after ``until``.
    """
    shown = []
    for number in range(count):
        propagator.advance(scene.frame(number))
        if number % every == 0:
            propagator.expect(number)
        due = number - late
        if 0 <= due <= until and due % every == 0:
            propagator.update(due, (results or {}).get(due, scene.truth(due)))
        shown.append(propagator.current())
    return shown


def share(shown: Instances, truth: Instances, number: int) -> float:
    """IoU of an object's mask as it is shown and as it is; 0 where it is not shown."""
    found = np.flatnonzero(shown.track_ids == number)
    (row,) = np.flatnonzero(truth.track_ids == number)
    return mask_iou(shown, int(found[0]), truth, int(row)) if len(found) else 0.0


@pytest.mark.parametrize(
    ("shape", "least"),
    [(WALKER, 0.9), (TURNING, 0.85), (SMALL, 0.8)],
    ids=["walker", "turning", "small"],
)
def test_masks_and_boxes_go_with_what_moves(shape: Shape, least: float) -> None:
    scene = Scene([shape])
    shown = play(scene, Propagator(GivenIds()), 40)
    shares, stale = [], []
    for number in range(8, 40):
        truth = scene.truth(number)
        old = scene.truth((number - 8) // 8 * 8)
        shares.append(share(shown[number], truth, 1))
        stale.append(mask_iou(old, 0, truth, 0))
        assert not shown[number].inferred
        assert np.abs(shown[number].boxes[0] - truth.boxes[0]).max() <= 12
    assert np.mean(shares) > least
    assert np.mean(stale) < least - 0.25


def test_nothing_is_shown_before_the_first_result() -> None:
    propagator = Propagator(GivenIds())
    assert len(propagator.current()) == 0
    shown = play(Scene([WALKER]), propagator, 9)
    assert [len(instances) for instances in shown] == [0] * 8 + [1]


def test_a_result_of_the_frame_at_hand_is_shown_as_it_is() -> None:
    scene, propagator = Scene([WALKER]), Propagator(GivenIds())
    propagator.advance(scene.frame(0))
    propagator.expect(0)
    assert propagator.update(0, scene.truth(0)) is None
    exact = propagator.current()
    assert exact.inferred
    np.testing.assert_array_equal(exact.masks[0], scene.truth(0).masks[0])
    propagator.advance(scene.frame(1))
    assert not propagator.current().inferred


def test_agreement_is_that_of_the_masks_carried_to_the_results_frame() -> None:
    scene, propagator = Scene([WALKER]), Propagator(GivenIds())
    play(scene, propagator, 16)
    propagator.advance(scene.frame(16))
    propagator.expect(16)
    carried = propagator.current()
    for number in range(17, 22):
        propagator.advance(scene.frame(number))
    agreed = propagator.update(16, scene.truth(16))
    assert agreed == pytest.approx(mask_iou(carried, 0, scene.truth(16), 0), abs=1e-6)


def test_several_results_on_their_way_each_go_on_from_the_one_before() -> None:
    scene, tracker = Scene([WALKER, TURNING]), GivenIds()
    shown = play(scene, Propagator(tracker), 30, every=3, late=9)
    for number in range(9, 30):
        assert shown[number].track_ids.tolist() == [1, 2]
        assert share(shown[number], scene.truth(number), 1) > 0.88
    assert tracker.times == [pytest.approx(n / 30) for n in range(0, 21, 3)]


def test_masks_do_not_jump_when_a_result_comes() -> None:
    scene = Scene([WALKER])
    grown = scene.truth(8)
    mask = np.pad(grown.masks[0], 8, mode="edge")
    mask = np.maximum(mask, np.roll(mask, 8, axis=1))
    box = grown.boxes + np.array([-8, -8, 8, 8], np.float32)
    wrong = replace(grown, boxes=box, masks=(mask,))
    shown = play(scene, Propagator(GivenIds()), 24, results={8: wrong})
    widths = [float(np.ptp(instances.boxes[0, [0, 2]])) for instances in shown[8:]]
    assert np.abs(np.diff(widths)).max() <= 10


def test_an_object_that_leaves_the_picture_is_gone() -> None:
    scene = Scene([Shape((560, 180), speed=(9, 0)), Shape((100, 180), tint=(160, 100))])
    shown = play(scene, Propagator(GivenIds()), 30, every=100)
    assert shown[9].track_ids.tolist() == [1, 2]
    assert shown[29].track_ids.tolist() == [2]
    for instances in shown:
        assert (instances.boxes >= 0).all()
        assert (instances.boxes <= (640, 360, 640, 360)).all()


def test_what_results_miss_fades_and_is_dropped() -> None:
    scene = Scene([WALKER, TURNING])
    only = {n: scene.truth(n).take([1]) for n in (8, 16, 24)}
    shown = play(scene, Propagator(GivenIds(grace=2)), 40, results=only)
    scores = [float(i.scores[i.track_ids == 1][0]) if 1 in i.track_ids else 0.0 for i in shown[8:]]
    assert scores[0] == pytest.approx(1)
    assert scores[8] == pytest.approx(0.6)
    assert scores[16] == pytest.approx(0.36)
    assert scores[24:] == [0.0] * 8
    assert all(2 in instances.track_ids for instances in shown[8:])


def test_what_is_hidden_loses_its_support() -> None:
    wall = Shape((330, 180), radii=(120, 170), bar=True, tint=(100, 100), luma=90)
    scene = Scene([Shape((90, 180), speed=(9, 0), radii=(30, 50)), wall])
    shown = play(scene, Propagator(GivenIds()), 30, every=100)
    assert 1 in shown[8].track_ids
    assert share(shown[12], scene.truth(12), 1) > 0.7
    assert 1 not in shown[29].track_ids
    assert 2 in shown[29].track_ids


def test_a_scene_cut_drops_everything_and_results_of_before() -> None:
    first, second = Scene([WALKER], seed=1), Scene([TURNING], seed=2)
    tracker = GivenIds()
    propagator = Propagator(tracker)
    play(first, propagator, 20)
    resets = tracker.resets
    propagator.expect(19)
    propagator.advance(replace(second.frame(0), seq=20))
    assert len(propagator.current()) == 0
    assert tracker.resets == resets + 1
    assert propagator.update(19, first.truth(19)) is None
    assert len(propagator.current()) == 0


def test_a_flash_of_light_is_no_cut() -> None:
    scene, tracker = Scene([WALKER]), GivenIds()
    propagator = Propagator(tracker)
    play(scene, propagator, 10)
    flash = scene.frame(10)
    flash.y[:] = np.minimum(flash.y.astype(int) + 40, 255).astype(np.uint8)
    propagator.advance(flash)
    assert tracker.resets == 1
    assert len(propagator.current()) == 1


def test_another_picture_size_begins_anew() -> None:
    propagator = Propagator(GivenIds())
    play(Scene([WALKER]), propagator, 10)
    propagator.advance(replace(Scene([WALKER], (320, 240)).frame(0), seq=10))
    assert len(propagator.current()) == 0


def test_a_result_may_be_forgotten() -> None:
    scene, propagator = Scene([WALKER]), Propagator(GivenIds())
    propagator.advance(scene.frame(0))
    propagator.expect(0)
    propagator.forget(0)
    propagator.advance(scene.frame(1))
    assert propagator.update(0, scene.truth(0)) is None
    assert len(propagator.current()) == 0


@pytest.mark.parametrize("stride", [1, 3], ids=["every frame", "with drops"])
def test_what_is_not_looked_at_goes_on_as_it_went(stride: int) -> None:
    scene, propagator = Scene([WALKER]), Propagator(GivenIds())
    propagator.advance(scene.frame(0))
    propagator.expect(0)
    propagator.update(0, scene.truth(0))
    for number in range(stride, 13, stride):
        propagator.advance(scene.frame(number))
    seen = propagator.current()
    for ahead in (1, 3):
        propagator.skip(scene.frame(12 + ahead))
        shown = propagator.current()
        moved = shown.boxes[0] - seen.boxes[0]
        np.testing.assert_allclose(moved, ahead * np.array([6, 1, 6, 1]), atol=0.3 * ahead + 0.4)
        np.testing.assert_array_equal(shown.masks[0], seen.masks[0])
        assert share(shown, scene.truth(12 + ahead), 1) > 0.95
    propagator.advance(scene.frame(16))
    assert share(propagator.current(), scene.truth(16), 1) > 0.95


def test_a_result_may_come_while_a_frame_is_not_looked_at() -> None:
    scene, propagator = Scene([WALKER]), Propagator(GivenIds())
    play(scene, propagator, 20)
    propagator.advance(scene.frame(20))
    propagator.expect(20)
    propagator.skip(scene.frame(21))
    propagator.update(20, scene.truth(20))
    shown = propagator.current()
    assert not shown.inferred
    assert share(shown, scene.truth(21), 1) > 0.95


def test_masks_stay_right_where_every_second_frame_is_looked_at() -> None:
    scene, propagator = Scene([WALKER]), Propagator(GivenIds())
    shares = []
    for number in range(41):
        if number % 2:
            propagator.skip(scene.frame(number))
        else:
            propagator.advance(scene.frame(number))
        if number % 8 == 0:
            if number > 8:
                propagator.update(number - 8, scene.truth(number - 8))
            propagator.expect(number)
        if number > 16:
            shares.append(share(propagator.current(), scene.truth(number), 1))
    assert min(shares) > 0.97


def test_only_the_frame_looked_at_last_can_be_expected() -> None:
    scene, propagator = Scene([WALKER]), Propagator(GivenIds())
    with pytest.raises(ValueError, match="frame 0 is not the one looked at last"):
        propagator.expect(0)
    propagator.advance(scene.frame(0))
    with pytest.raises(ValueError, match="frame 1 is not the one looked at last, 0"):
        propagator.expect(1)


def test_a_result_that_comes_very_late_still_finds_its_way() -> None:
    slow = Shape((100, 180), speed=(4, 0), radii=(40, 90))
    scene, propagator = Scene([slow]), Propagator(GivenIds())
    shown = play(scene, propagator, 76, every=100, late=70)
    assert share(shown[75], scene.truth(75), 1) > 0.75


def test_the_same_calls_give_the_same_instances() -> None:
    scene = Scene([WALKER, SMALL])
    for a, b in zip(*(play(scene, Propagator(GivenIds()), 20) for _ in range(2)), strict=True):
        np.testing.assert_array_equal(a.boxes, b.boxes)
        for one, other in zip(a.masks, b.masks, strict=True):
            np.testing.assert_array_equal(one, other)


def test_empty_results_and_empty_masks_do_no_harm() -> None:
    scene, propagator = Scene([WALKER]), Propagator(GivenIds())
    hollow = replace(scene.truth(0), masks=(np.zeros_like(scene.truth(0).masks[0]),))
    shown = play(scene, propagator, 20, results={0: hollow, 8: Instances.empty()})
    assert all(len(instances) == 0 for instances in shown)


@pytest.mark.parametrize("size", [(16, 16), (8, 200), (333, 207), (1920, 1080)])
def test_pictures_of_any_size_are_carried(size: tuple[int, int]) -> None:
    width, height = size
    shape = Shape((width / 2, height / 2), speed=(0.5, 0), radii=(width / 4, height / 4))
    shown = play(Scene([shape], size), Propagator(GivenIds()), 6, every=2, late=2)
    assert share(shown[5], Scene([shape], size).truth(5), 1) > 0.6


def test_a_result_is_shown_at_once_and_later_ones_are_compared_with_it() -> None:
    class Recording(GivenIds):
        def update(
            self, carried: Instances, found: Instances, at: float, hidden: Mapping[int, Box]
        ) -> Instances:
            self.carried = carried
            return super().update(carried, found, at, hidden)

    scene, tracker = Scene([WALKER]), Recording()
    propagator = Propagator(tracker)
    for number in range(3):
        propagator.advance(scene.frame(number))
        assert len(propagator.current()) == 0
        propagator.expect(number)
    propagator.update(0, scene.truth(0))
    assert propagator.current().track_ids.tolist() == [1]
    propagator.update(1, scene.truth(1))
    assert tracker.carried.track_ids.tolist() == [1]


@pytest.mark.parametrize(
    ("gap", "settles"), [(3, False), (5, False), (9, True), (12, True), (40, True)]
)
def test_a_mask_changes_over_a_part_of_the_time_between_results(gap: int, settles: bool) -> None:
    small = Scene([Shape((300, 180), radii=(40, 40))])
    large = Scene([Shape((300, 180), radii=(60, 60))])
    grids = grids_of(*small.size)
    view = View.of(small.frame(0), grids)
    before, after = (Track.begin(s.truth(0), 0, view, grids, None) for s in (small, large))
    assert before is not None
    assert after is not None
    track = after.settle(replace(before, age=gap))
    still = Ways(np.zeros((grids[0].height, grids[0].width, 2), np.float32))
    areas = []
    for _ in range(5):
        outline = track.outline(small.size)
        assert outline is not None
        areas.append(np.count_nonzero(outline[1]))
        track = track.stepped(track.patch, None, None, still)
    full = areas[-1]
    assert areas == sorted(areas)
    assert (areas[0] < 0.9 * full) == settles
    assert areas[3] == full
    assert track.shown is None
