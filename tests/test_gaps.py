"""What the model misses for some frames of a file is filled from the frames around."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from streamer import stages
from streamer.frame import Frame
from streamer.gaps import filled
from streamer.instances import Instances
from streamer.overlap import mask_iou
from streamer.propagation.blend import between
from streamer.sinks.options import SinkOptions
from streamer.sinks.results import ResultsSink
from tests.propagation.scenes import Scene, Shape

WALKER = Shape((150, 180), speed=(6, 1), radii=(40, 90))
BALL = Shape((450, 100), speed=(-3, 2), radii=(20, 20), tint=(160, 100))
SCENE = Scene([WALKER, BALL])


def missed(number: int, *ids: int) -> Instances:
    """What there is in a frame but for some."""
    truth = SCENE.truth(number)
    rows = [row for row, known in enumerate(truth.track_ids.tolist()) if known not in ids]
    return truth.take(rows)


def nameless(number: int) -> Instances:
    """What there is in a frame, as the model's second opinions."""
    return replace(SCENE.truth(number), track_ids=np.full(2, -1, np.int32))


def row_of(result: Instances, number: int) -> int | None:
    ids = result.track_ids.tolist()
    return ids.index(number) if number in ids else None


def ids_of(results: Sequence[Instances]) -> list[list[int]]:
    return [sorted(result.track_ids.tolist()) for result in results]


def test_a_gap_is_filled_from_both_sides() -> None:
    results = [missed(n, 1) if 2 <= n <= 6 else SCENE.truth(n) for n in range(8)]
    answer = filled(SCENE.frames(8), results)
    for number, (before, after) in enumerate(zip(results, answer, strict=True)):
        if not 2 <= number <= 6:
            assert after is before
            continue
        assert after.inferred
        row = row_of(after, 1)
        assert row is not None
        assert after.filled[row]
        assert mask_iou(after, row, SCENE.truth(number), 0) > 0.9
        other = row_of(after, 2)
        assert other is not None
        assert not after.filled[other]
        assert after.masks[other] is before.masks[0]


def test_gaps_that_begin_apart_are_each_filled() -> None:
    results = [missed(n, *(i for i, gap in ((1, (2, 3)), (2, (3,))) if n in gap)) for n in range(5)]
    answer = filled(SCENE.frames(5), results)
    assert ids_of(answer) == [[1, 2]] * 5
    assert [result.filled.sum() for result in answer] == [0, 0, 1, 2, 0]


@pytest.mark.parametrize(
    "found",
    [
        [missed(n, 1) if n > 2 else SCENE.truth(n) for n in range(6)],
        [missed(n, 1) if n < 3 else SCENE.truth(n) for n in range(6)],
        [SCENE.truth(n) for n in range(6)],
        [nameless(n) for n in range(6)],
        [nameless(0), Instances.empty(), Instances.empty(), nameless(3)],
        [Instances.empty()] * 6,
        [SCENE.truth(0)],
        [SCENE.truth(0), SCENE.truth(1)],
    ],
    ids=["left", "came", "whole", "nameless", "nameless gap", "empty", "one", "two"],
)
def test_nothing_is_filled_where_there_is_no_gap(found: list[Instances]) -> None:
    answer = filled(SCENE.frames(len(found)), found)
    assert all(after is before for after, before in zip(answer, found, strict=True))


def test_what_another_is_found_to_cover_is_left_out() -> None:
    """It was found under another id, or is hidden."""
    other = replace(SCENE.truth(3).take([0]), track_ids=np.array([9], np.int32))
    results = [SCENE.truth(0), SCENE.truth(1), missed(2, 1), other, SCENE.truth(4)]
    answer = filled(SCENE.frames(5), results)
    assert ids_of(answer) == [[1, 2], [1, 2], [1, 2], [2, 9], [1, 2]]


@pytest.mark.parametrize(("covered", "fills"), [(0.4, True), (0.6, False)])
def test_what_others_leave_less_than_half_of_is_left_out(covered: float, fills: bool) -> None:
    truth = SCENE.truth(1).take([0])
    x1, y1, x2, y2 = truth.rects[0].tolist()
    height = round((y2 - y1) * covered)
    other = replace(
        truth,
        boxes=np.array([[x1, y1, x2, y1 + height]], np.float32),
        masks=(np.full((height, x2 - x1), 255, np.uint8),),
        track_ids=np.array([9], np.int32),
    )
    results = [SCENE.truth(0), other, SCENE.truth(2)]
    before = other.masks[0].copy()
    answer = filled(SCENE.frames(3), results)[1]
    assert (row_of(answer, 1) is not None) == fills
    np.testing.assert_array_equal(other.masks[0], before)


def test_thin_objects_are_filled_beside_others() -> None:
    """What is thin is a sliver only along what was taken away."""
    scene = Scene([Shape((200, 180), speed=(2, 0), radii=(2, 120), bar=True)])
    bar = [scene.truth(n) for n in range(3)]
    x1, y1, *_ = bar[1].rects[0].tolist()
    for touches in (False, True):
        mask = np.zeros((60, 80), np.uint8)
        mask[:, :30] = 255
        left = x1 - 28 if touches else x1 - 33
        other = replace(
            bar[1],
            boxes=np.array([[left, y1 - 40, left + 80, y1 + 20]], np.float32),
            masks=(mask,),
            track_ids=np.array([9], np.int32),
        )
        answer = filled(scene.frames(3), [bar[0], other, bar[2]])[1]
        row = row_of(answer, 1)
        assert row is not None
        assert mask_iou(answer, row, bar[1], 0) > 0.5


def test_only_the_frames_of_a_gap_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    lengths: list[int] = []

    def counting(frames: Sequence[Frame], first: Instances, last: Instances) -> list[Instances]:
        lengths.append(len(frames))
        return between(frames, first, last)

    monkeypatch.setattr("streamer.gaps.between", counting)
    filled(SCENE.frames(7), [missed(n, 1) if n == 5 else SCENE.truth(n) for n in range(7)])
    filled(SCENE.frames(7), [SCENE.truth(n) for n in range(7)])
    assert lengths == [3]


def test_pixels_of_others_are_left_to_them() -> None:
    truth = SCENE.truth(2).take([0])
    x1, y1, x2, _ = truth.rects[0].tolist()
    upper = replace(
        truth,
        boxes=np.array([[x1, y1, x2, y1 + 60]], np.float32),
        masks=(truth.masks[0][:60],),
        track_ids=np.array([9], np.int32),
    )
    answer = filled(SCENE.frames(4), [SCENE.truth(0), SCENE.truth(1), upper, SCENE.truth(3)])[2]
    row, over = row_of(answer, 1), row_of(answer, 9)
    assert row is not None
    assert over is not None
    assert mask_iou(answer, row, answer, over) == 0
    assert answer.boxes[row, 1] >= y1 + 55, "its box is that of what is left"


def line(numbers: range, gap: range, longest: Fraction) -> list[Instances]:
    """What leaves the stage where the walker is missed in ``gap``, at 30 frames a second."""
    items = [
        stages.Detected(SCENE.frame(n), missed(n, 1) if n in gap else SCENE.truth(n))
        for n in numbers
    ]
    shown = list(stages.fill(longest)(items))
    assert [item.frame.seq for item in shown] == list(numbers)
    return [item.instances for item in shown]


@pytest.mark.parametrize(
    ("gap", "fills"), [(range(4, 8), True), (range(4, 9), False)], ids=["short", "long"]
)
def test_gaps_up_to_a_length_are_filled(gap: range, fills: bool) -> None:
    shown = line(range(14), gap, Fraction(5, 30))
    assert [row_of(shown[n], 1) is not None for n in gap] == [fills] * len(gap)


def test_frames_are_held_back_no_longer_than_a_gap_may_last() -> None:
    seen: list[int] = []

    def items() -> Iterator[stages.Detected]:
        for n in range(20):
            seen.append(n)
            yield stages.Detected(SCENE.frame(n), SCENE.truth(n))

    for item in stages.fill(Fraction(5, 30))(items()):
        assert len(seen) - item.frame.seq <= 7


def test_frames_without_times_are_held_back_no_longer_than_some() -> None:
    frozen = [replace(SCENE.frame(0), seq=n) for n in range(140)]
    taken: list[int] = []

    def items() -> Iterator[stages.Detected]:
        for frame in frozen:
            taken.append(frame.seq)
            yield stages.Detected(frame, Instances.empty())

    held = [len(taken) - item.frame.seq for item in stages.fill(Fraction(1))(items())]
    assert max(held) == 65


def test_a_second_at_sixty_frames_can_be_filled() -> None:
    frames = [
        replace(SCENE.frame(n % 2), seq=n, pts=n, time_base=Fraction(1, 60)) for n in range(62)
    ]
    still = SCENE.truth(0)
    items = [
        stages.Detected(frame, still.take([1]) if 0 < frame.seq < 60 else still) for frame in frames
    ]
    shown = list(stages.fill(Fraction(1))(items))
    assert all(len(item.instances) == 2 for item in shown)


@pytest.mark.parametrize("times", [("0", "0.1", "5"), ("0", "0.2", "0.4")], ids=["cut", "slow"])
def test_what_comes_back_too_late_is_not_filled(times: Sequence[str]) -> None:
    frames = [
        replace(SCENE.frame(n), pts=1, time_base=Fraction(time)) for n, time in enumerate(times)
    ]
    results = [SCENE.truth(0), missed(1, 1), SCENE.truth(2)]
    items = [stages.Detected(f, r) for f, r in zip(frames, results, strict=True)]
    shown = list(stages.fill(Fraction(3, 10))(items))
    assert all(item.instances is r for item, r in zip(shown, results, strict=True))


def test_results_say_what_was_filled(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    results = [missed(n, 1) if n == 1 else SCENE.truth(n) for n in range(3)]
    with ResultsSink(path, SinkOptions()) as sink:
        for frame, result in zip(SCENE.frames(3), filled(SCENE.frames(3), results), strict=True):
            sink.write(frame, result)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    told = [{i["track_id"]: i.get("filled") for i in line["instances"]} for line in lines]
    assert told == [{1: None, 2: None}, {1: True, 2: None}, {1: None, 2: None}]
    assert all(line["inferred"] for line in lines)
