"""Track ids: which of one frame is which of another, and who has come and gone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from streamer.frame import Frame
from streamer.instances import Instances, covering_rects
from streamer.tracking import Event, Presence, Tracker
from streamer.tracking.association import best_pairs
from streamer.tracking.sight import Sight, sights

WIDTH, HEIGHT = 640, 360
CLASSES = {"person": 1, "frisbee": 34, "sports ball": 37}

Thing = tuple[float, float, float, float, str, float]
"""Centre, width and height, label and score of an ellipse."""


def person(x: float, y: float = 180, score: float = 0.9) -> Thing:
    return (x, y, 40, 120, "person", score)


def ball(x: float, y: float, label: str = "sports ball", score: float = 0.8) -> Thing:
    return (x, y, 24, 24, label, score)


def found(*things: Thing) -> Instances:
    """Ellipses, cut by the frame."""
    boxes = np.array(
        [
            (max(x - w / 2, 0), max(y - h / 2, 0), min(x + w / 2, WIDTH), min(y + h / 2, HEIGHT))
            for x, y, w, h, *_ in things
        ],
        np.float32,
    ).reshape(-1, 4)
    masks = []
    for (x, y, w, h, *_), (x1, y1, x2, y2) in zip(
        things, covering_rects(boxes).tolist(), strict=True
    ):
        rows, columns = np.mgrid[y1:y2, x1:x2] + 0.5
        inside = ((columns - x) / w) ** 2 + ((rows - y) / h) ** 2 <= 0.25
        masks.append(np.where(inside, 255, 0).astype(np.uint8))
    return Instances(
        boxes=boxes,
        scores=np.array([thing[5] for thing in things], np.float32),
        class_ids=np.array([CLASSES[thing[4]] for thing in things], np.int32),
        labels=tuple(thing[4] for thing in things),
        masks=tuple(masks),
    )


def frame(seconds: float) -> Frame:
    time = Fraction(seconds).limit_denominator(1000)
    return Frame(av.VideoFrame(16, 16, "yuv420p"), 0, time.numerator, Fraction(1, time.denominator))


def identify(tracker: Tracker, seconds: float, *things: Thing) -> list[int]:
    ids: list[int] = tracker.identify(frame(seconds), found(*things)).track_ids.tolist()
    return ids


def carried(ids: Sequence[int], *things: Thing) -> Instances:
    return replace(found(*things), track_ids=np.array(ids, np.int32), inferred=False)


def test_identify_changes_nothing_but_ids() -> None:
    tracker = Tracker()
    given = found(person(100), person(300), ball(400, 100))
    got = tracker.identify(frame(0), given)
    assert got.track_ids.tolist() == [1, 2, 3]
    assert got.masks is given.masks
    assert got.boxes is given.boxes
    assert got.scores is given.scores
    assert got.class_ids is given.class_ids
    assert (got.labels, got.inferred) == (given.labels, True)


def test_ids_follow_objects_whatever_their_order() -> None:
    tracker = Tracker()
    assert identify(tracker, 0, person(100), person(300)) == [1, 2]
    assert identify(tracker, 0.04, person(296), person(104), person(500)) == [2, 1, 3]


def test_missed_detections_keep_the_id() -> None:
    tracker = Tracker()
    for number in range(100):
        if number not in {10, 11, 30, 31, 32, 33, 60}:
            assert identify(tracker, number / 25, person(100 + 3 * number)) == [1]


def test_noise_of_boxes_is_not_taken_for_motion() -> None:
    tracker = Tracker()
    noise = np.random.default_rng(3)
    for number in range(50):
        ids = identify(tracker, number / 25, person(200 + noise.normal(0, 4)), person(280))
        assert ids == [1, 2]
    assert identify(tracker, 4.5, person(200), person(280)) == [1, 2], (
        "after two and a half seconds"
    )


def test_what_comes_back_soon_has_its_old_id_and_later_a_new_one() -> None:
    tracker = Tracker()
    for number in range(25):
        assert identify(tracker, number / 25, person(100), person(400)) == [1, 2]
    for number in range(25, 25 + 60):
        assert identify(tracker, number / 25, person(100)) == [1]
    assert identify(tracker, 3.5, person(100), person(400)) == [1, 2]
    for number in range(90, 90 + 85):
        assert identify(tracker, number / 25, person(100)) == [1]
    assert identify(tracker, 7.2, person(100), person(400)) == [1, 3]


@pytest.mark.parametrize("rate", [5, 25, 60])
@pytest.mark.parametrize("turned", [False, True])
def test_people_who_cross_keep_their_ids(rate: int, turned: bool) -> None:
    """Two walk through each other; while they cover each other only the front one is found."""
    tracker, noise = Tracker(), np.random.default_rng(2)
    for number in range(5 * rate):
        now = number / rate
        front, behind = person(120 + 80 * now, 190), person(520 - 80 * now, 180, score=0.7)
        front, behind = (
            (x + a, y + b, *rest)
            for (x, y, *rest), (a, b) in zip(
                (front, behind), noise.normal(0, 2, (2, 2)), strict=True
            )
        )
        if abs(front[0] - behind[0]) < 30:
            assert identify(tracker, now, front) == [1]
        elif turned and now > 2.5:
            assert identify(tracker, now, behind, front) == [2, 1]
        else:
            assert identify(tracker, now, front, behind) == [1, 2]


def test_people_who_cross_keep_their_ids_though_flow_follows_the_front_one() -> None:
    """Live: a result every 0.3 s; what is hidden is carried along by what hides it."""
    tracker, known = Tracker(), Instances.empty()
    seen: list[list[int]] = []
    for number in range(17):
        now = 0.3 * number
        front, behind = person(120 + 80 * now, 190), person(520 - 80 * now, 180, score=0.7)
        places = {1: front, 2: front if abs(front[0] - behind[0]) < 50 else behind}
        ids = known.track_ids.tolist()
        is_hidden = abs(front[0] - behind[0]) < 50
        result = found(front) if is_hidden else found(front, behind)
        known = tracker.update(carried(ids, *(places[n] for n in ids)), result, now)
        seen.append(known.track_ids.tolist())
        for row, track_id in enumerate(known.track_ids.tolist()):
            x = float(known.boxes[row, [0, 2]].mean())
            assert x == pytest.approx({1: front, 2: behind}[track_id][0], abs=1)
    assert [1] in seen, "the hidden one is not shown on top of the other"
    assert seen[0] == seen[-1] == [1, 2]


def test_a_ball_that_flies_farther_than_its_size_keeps_its_id() -> None:
    tracker = Tracker()
    for number in range(40):
        now = number / 24
        up = 300 - 600 * (now % 0.8) + 750 * (now % 0.8) ** 2
        assert identify(tracker, now, person(300), ball(320, up)) == [1, 2]


def test_what_jumps_several_of_its_sizes_keeps_its_id_if_it_was_there_just_now() -> None:
    tracker = Tracker()
    assert identify(tracker, 0, ball(100, 90)) == [1]
    assert identify(tracker, 0.3, ball(135, 90)) == [1]
    assert identify(tracker, 0.6, ball(130, 55)) == [1]
    assert identify(tracker, 0.9) == []
    assert identify(tracker, 1.2, ball(95, 55)) == [2], "as far, but it was hidden"


def test_what_moved_by_its_size_while_it_was_missed_keeps_its_id() -> None:
    tracker = Tracker()
    for number in range(5):
        assert identify(tracker, number / 25, ball(100, 90)) == [1]
    assert identify(tracker, 0.2) == []
    assert identify(tracker, 0.24, ball(125, 90)) == [1]


def test_who_comes_back_where_he_went_out_of_sight_has_his_old_id() -> None:
    """He walked, and stood still behind what hid him."""
    tracker = Tracker()
    for number in range(25):
        assert identify(tracker, number / 25, person(100 + 4 * number)) == [1]
    for number in range(25, 60):
        assert identify(tracker, number / 25) == []
    assert identify(tracker, 2.4, person(200)) == [1]


def test_masks_tell_apart_what_boxes_do_not() -> None:
    """Two bars crossed like the strokes of an X."""

    def bars(x: float, *, turned: bool) -> Instances:
        masks = [np.zeros((100, 100), np.uint8) for _ in range(2)]
        cv2.line(masks[0], (0, 0), (99, 99), 255, 14)
        cv2.line(masks[1], (0, 99), (99, 0), 255, 14)
        one = np.array([x, 50, x + 100, 150], np.float32)
        two = found(person(100), person(300))
        return replace(two, boxes=np.stack([one, one]), masks=tuple(masks[:: -1 if turned else 1]))

    tracker = Tracker()
    assert tracker.identify(frame(0), bars(100, turned=False)).track_ids.tolist() == [1, 2]
    assert tracker.identify(frame(0.04), bars(102, turned=True)).track_ids.tolist() == [2, 1]


def test_doubt_about_the_class_keeps_the_id() -> None:
    tracker = Tracker()
    for number in range(20):
        label = "frisbee" if number % 3 else "sports ball"
        got = tracker.identify(frame(number / 25), found(ball(100 + 5 * number, 90, label)))
        assert got.track_ids.tolist() == [1]
        assert got.labels == (label,), "what is written is what the model found"


def test_the_class_decides_where_places_do_not() -> None:
    tracker = Tracker()
    assert identify(tracker, 0, ball(100, 90), ball(106, 90, "frisbee")) == [1, 2]
    assert identify(tracker, 0.04, ball(103, 90, "frisbee")) == [2]


def test_another_class_near_where_one_went_out_of_sight_is_another_object() -> None:
    tracker = Tracker()
    for number in range(5):
        assert identify(tracker, number / 25, ball(100, 90)) == [1]
    for number in range(5, 30):
        assert identify(tracker, number / 25) == []
    assert identify(tracker, 1.2, ball(112, 90, "frisbee")) == [2]
    assert identify(tracker, 1.24, ball(112, 90, "frisbee"), ball(100, 90)) == [2, 1]


def test_classes_shown_live_are_those_of_most_results() -> None:
    tracker, known = Tracker(), Instances.empty()
    shown = []
    for number, label in enumerate(["frisbee"] * 4 + ["sports ball"] + ["frisbee"] * 2):
        known = tracker.update(known, found(ball(100, 90, label)), 0.3 * number)
        shown.append((known.labels, known.class_ids.tolist()))
    assert shown == [(("frisbee",), [34])] * 7
    for number in range(7, 14):
        known = tracker.update(known, found(ball(100, 90)), 0.3 * number)
    assert (known.labels, known.track_ids.tolist()) == (("sports ball",), [1])


def test_a_second_opinion_is_no_object() -> None:
    tracker = Tracker()
    doubted = ball(100, 90, "frisbee", 0.9), ball(101, 90, "sports ball", 0.5)
    assert identify(tracker, 0, *doubted) == [1, -1]
    assert identify(tracker, 0.04, doubted[1]) == [1]
    assert identify(tracker, 0.08, *reversed(doubted)) == [-1, 1]


def test_a_second_opinion_is_not_shown_live() -> None:
    got = Tracker().update(
        Instances.empty(), found(ball(100, 90, "frisbee", 0.9), ball(101, 90), person(300)), 0
    )
    assert got.labels == ("frisbee", "person")
    assert got.track_ids.tolist() == [1, 2]


def test_objects_go_where_flow_has_carried_them() -> None:
    tracker = Tracker()
    known = tracker.update(Instances.empty(), found(ball(100, 90), ball(200, 90)), 0)
    # Both fly on so far that the first is where the second was.
    there = carried([1, 2], ball(200, 90), ball(300, 90))
    known = tracker.update(there, found(ball(300, 90), ball(200, 90)), 0.3)
    assert known.track_ids.tolist() == [2, 1]


def missed(tracker: Tracker, interval: float, results: int) -> list[list[int]]:
    """Ids shown while one of two is missed; results come in intervals."""
    both = person(100), person(400)
    known = Instances.empty()
    for number in range(3):
        known = tracker.update(known, found(*both), number * interval)
    shown = []
    for number in range(3, 3 + results):
        known = tracker.update(known, found(both[0]), number * interval)
        shown.append(known.track_ids.tolist())
    return shown


def test_what_is_missed_is_shown_for_three_results() -> None:
    assert missed(Tracker(), 0.3, 5) == [[1, 2], [1, 2], [1, 2], [1], [1]]


def test_what_is_missed_is_shown_for_a_second_where_results_are_rare() -> None:
    assert missed(Tracker(), 0.8, 3) == [[1, 2], [1], [1]]


def test_what_is_missed_is_shown_as_it_was_carried() -> None:
    tracker = Tracker()
    for number in range(2):
        known = tracker.update(Instances.empty(), found(person(100), person(400)), number / 5)
    there = carried([1, 2], person(104), person(404))
    known = tracker.update(there, found(person(104)), 0.4)
    assert known.track_ids.tolist() == [1, 2]
    assert known.masks[1] is there.masks[1]
    np.testing.assert_array_equal(known.boxes[1], there.boxes[1])
    assert known.inferred, "the model ran on this frame"


def test_what_one_result_alone_has_had_is_not_shown_any_longer() -> None:
    tracker = Tracker()
    known = tracker.update(Instances.empty(), found(person(100), person(400)), 0)
    assert tracker.update(known, found(person(100)), 0.3).track_ids.tolist() == [1]


def test_what_flow_has_lost_is_not_shown_but_remembered() -> None:
    tracker = Tracker()
    for number in range(3):
        known = tracker.update(Instances.empty(), found(person(100), person(400)), number / 3)
    known = tracker.update(known.take([0]), found(person(100)), 1)
    assert known.track_ids.tolist() == [1]
    known = tracker.update(known, found(person(100), person(400)), 1.4)
    assert known.track_ids.tolist() == [1, 2]


def test_the_best_score_comes_first() -> None:
    tracker = Tracker()
    both = found(person(100, score=0.6), person(400, score=0.9))
    for number in range(2):
        known = tracker.update(Instances.empty(), both, number / 3)
        assert known.scores.tolist() == pytest.approx([0.9, 0.6])
    there = carried([2], person(400, score=0.8))
    known = tracker.update(there, found(person(100, score=0.6)), 1)
    assert known.track_ids.tolist() == [2, 1]


def test_nothing_is_remembered_after_a_reset() -> None:
    tracker = Tracker()
    assert identify(tracker, 0, person(100)) == [1]
    tracker.reset()
    assert identify(tracker, 0.04, person(100)) == [2]


def test_a_clock_that_stands_still_is_survived() -> None:
    tracker = Tracker()
    for _ in range(3):
        assert identify(tracker, 1, person(100)) == [1]
    assert identify(tracker, 1.04, person(103)) == [1]


def test_two_runs_give_the_same() -> None:
    noise = np.random.default_rng(5)
    scenes = [[person(x) for x in noise.uniform(0, WIDTH, noise.integers(0, 8))] for _ in range(40)]
    runs = [[identify(t, n / 25, *s) for n, s in enumerate(scenes)] for t in (Tracker(), Tracker())]
    assert runs[0] == runs[1]


things = st.lists(
    st.tuples(
        st.floats(0, WIDTH), st.floats(0, HEIGHT), st.floats(2, 200), st.floats(2, 200),
        st.sampled_from(sorted(CLASSES)), st.floats(0, 1),
    ),
    max_size=6,
)  # fmt: skip


@settings(deadline=None, max_examples=40)
@given(scenes=st.lists(things, max_size=6))
def test_whatever_is_found_is_given_back_and_no_id_twice(scenes: list[list[Thing]]) -> None:
    tracker, live, known = Tracker(), Tracker(), Instances.empty()
    for number, scene in enumerate(scenes):
        result = found(*scene)
        got = tracker.identify(frame(number / 3), result)
        ids = [n for n in got.track_ids.tolist() if n != -1]
        assert len(got) == len(scene)
        assert min(ids, default=1) > 0
        assert len(ids) == len(set(ids))
        assert bool(ids) == bool(scene)
        known = live.update(known, result, number / 3)
        numbers = known.track_ids.tolist()
        assert min(numbers, default=1) > 0
        assert len(numbers) == len(set(numbers))


@settings(deadline=None, max_examples=40)
@given(things.filter(lambda some: len(some) >= 2), st.floats(-80, 80), st.floats(-80, 80))
def test_shared_pixels_are_those_of_whole_masks(some: list[Thing], x: float, y: float) -> None:
    instances = found(*some)
    one, other = sights(instances)[:2]

    def whole(row: int, shift: tuple[int, int]) -> NDArray[np.uint8]:
        picture = np.zeros((HEIGHT + 400, WIDTH + 400), np.uint8)
        x1, y1, x2, y2 = instances.rects[row] + 200 + np.array(shift * 2)
        picture[y1:y2, x1:x2] = instances.masks[row]
        return picture

    shifted = whole(0, (round(x), round(y)))
    want = cv2.countNonZero(cv2.bitwise_and(shifted, whole(1, (0, 0))))
    assert one.moved(x, y).shared(other) == want
    assert other.shared(one.moved(x, y)) == want


def test_empty_masks_agree_with_nothing() -> None:
    empty = Sight(np.array([0.0, 0, 4, 4]), 0, 0, np.zeros((4, 4), np.uint8), 0)
    assert empty.mask_iou(empty) == 0


def test_the_best_pair_comes_first() -> None:
    likely = np.array([[0.9, 0.8], [0.8, 0.1], [0.0, 0.3]])
    assert best_pairs(likely, 0.2) == [(0, 0), (2, 1)]
    assert best_pairs(np.zeros((0, 3)), 0.2) == best_pairs(np.zeros((3, 0)), 0.2) == []


def watch(
    presence: Presence, ids: Sequence[Sequence[int]], rate: int = 10, first: int = 0
) -> list[tuple[int, Event]]:
    """The events by the number of the frame that told them."""
    events = []
    for number, present in enumerate(ids, first):
        instances = carried(list(present), *(person(50 * n + 50) for n in range(len(present))))
        events += [(number, event) for event in presence.watch(Fraction(number, rate), instances)]
    return events


def test_an_object_has_entered_once_it_was_seen_for_a_second() -> None:
    events = watch(Presence(), [[]] * 5 + [[7]] * 30)
    assert events == [(15, Event("entered", 7, "person", Fraction(1, 2)))]


def test_short_errors_are_no_events() -> None:
    assert watch(Presence(), [[1], [], [2], [2], [], [3], [-1]] * 10, rate=25) == []


def test_time_in_which_it_was_not_seen_does_not_count() -> None:
    shown = [[4] if number % 3 == 0 else [] for number in range(90)]
    assert watch(Presence(), shown) == []


def test_an_object_has_left_once_its_id_is_given_up() -> None:
    presence = Presence()
    events = watch(presence, [[1, 2]] * 21 + [[1]] * 45)
    assert [(n, e.event, e.track_id) for n, e in events] == [
        (10, "entered", 1), (10, "entered", 2), (61, "left", 2),
    ]  # fmt: skip
    assert events[-1][1].time == 2.0
    assert watch(presence, [[1]] * 50, first=66) == []


def test_short_hiding_is_no_event() -> None:
    events = watch(Presence(), [[1]] * 20 + [[]] * 39 + [[1]] * 20)
    assert [event.event for _, event in events] == ["entered"]


def test_an_id_that_has_left_does_not_come_back() -> None:
    """The tracker forgets an id no later than it is said to have left."""
    tracker, presence = Tracker(), Presence()
    told = []
    for number in range(200):
        things = [] if 40 <= number < 82 else [person(100)]
        got = tracker.identify(frame(number / 10), found(*things))
        told += [(e.event, e.track_id) for e in presence.watch(Fraction(number, 10), got)]
    assert told == [("entered", 1), ("left", 1), ("entered", 2)]


def test_a_person_who_walks_through_enters_and_leaves_once_in_spite_of_misses() -> None:
    tracker, presence = Tracker(), Presence()
    noise = np.random.default_rng(1)
    told = []
    for number in range(300):
        walker = [person(4 * number - 50)] if 0 < 4 * number - 50 < WIDTH else []
        things = [] if noise.random() < 0.2 else walker
        got = tracker.identify(frame(number / 25), found(*things))
        told += [(e.event, e.track_id) for e in presence.watch(Fraction(number, 25), got)]
    assert told == [("entered", 1), ("left", 1)]


def test_slow_results_keep_ids_however_far_apart_they_are() -> None:
    tracker = Tracker()
    assert [identify(tracker, 5.0 * number, person(100)) for number in range(4)] == [[1]] * 4
    assert identify(tracker, 20.0) == []
    assert identify(tracker, 25.0, person(100)) == [2], "missed, and longer ago than is remembered"
