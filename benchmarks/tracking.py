"""How steady track ids are, beside plain matching of boxes; and what they cost.

Run as ``python -m benchmarks.tracking [--truth FILE.jsonl] [--found FILE.jsonl]``. The truth of the
demo clip, of which a fifth is left out and the rest made noisy, is given to the trackers without
ids: as it comes, and carried from result to result by optical flow. ``tools.demo.clip`` writes the
truth of every frame (``--truth-every 1``); the one in ``assets/`` has every tenth.

``--found`` counts the ids by class in results of ``streamer run --every 1``, for clips without a
truth.

IDF1 is the share of instances whose id is the one that stands for their object, where ids and
objects are paired so that most do (E. Ristani et al., 2016), counted over what was found.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco

from benchmarks.overlay import scene, seconds
from streamer.assets import asset
from streamer.frame import Frame
from streamer.instances import Instances, covering_rects
from streamer.overlap import box_iou
from streamer.tracking import Tracker
from streamer.tracking.association import best_pairs

SEEDS = 3
LEAST_AREA = 150
MISSED, NOISE, OTHER_CLASS, FALSE = 0.2, 0.03, 0.1, 0.5
"""Share left out; noise of edges in box sizes; share of wrong classes; false ones a frame."""
CLASSES = ((1, "person"), (3, "car"), (37, "sports ball"), (34, "frisbee"), (15, "bench"))
TARGET_MS = 0.5
SIZE = 1280, 720

Field = NDArray[np.float32]


@dataclass(frozen=True)
class Labelled:
    """A result and whose each instance is: the object's number, -1 for none's."""

    time: Fraction
    instances: Instances
    objects: list[int]


class Plain:
    """The usual minimum: a box of the class that overlaps most keeps the id for three results."""

    def __init__(self) -> None:
        self._next = 1
        self._misses: dict[int, int] = {}

    def update(self, carried: Instances, found: Instances, _: float) -> Instances:
        """As `Tracker.update`."""
        likely = box_iou(carried.boxes.astype(np.float64), found.boxes.astype(np.float64))
        likely[carried.class_ids[:, None] != found.class_ids[None]] = 0
        ids = np.full(len(found), -1, np.int32)
        for row, column in best_pairs(likely, 0.3):
            ids[column] = carried.track_ids[row]
        for column in np.flatnonzero(ids < 0).tolist():
            ids[column] = self._next
            self._next += 1
        missing = set(carried.track_ids.tolist()) - set(ids.tolist())
        self._misses = {n: self._misses.get(n, 0) + 1 for n in missing}
        kept = [r for r, n in enumerate(carried.track_ids.tolist()) if self._misses.get(n, 9) <= 3]
        return joined([(replace(found, track_ids=ids), r) for r in range(len(found))]
                      + [(carried, row) for row in kept])  # fmt: skip


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def labelled(line: dict[str, Any]) -> Labelled:
    """What is in a line of results or of the truth, all but specks."""
    rows = [i for i in line["instances"] if coco.area(i["segmentation"]) >= LEAST_AREA]
    boxes = np.array([row["box"] for row in rows], np.float32).reshape(-1, 4)
    masks = []
    for row, (x1, y1, x2, y2) in zip(rows, covering_rects(boxes).tolist(), strict=True):
        masks.append(np.ascontiguousarray(255 * coco.decode(row["segmentation"])[y1:y2, x1:x2]))
    instances = Instances(
        boxes=boxes,
        scores=np.array([row["score"] for row in rows], np.float32),
        class_ids=np.array([row["category_id"] for row in rows], np.int32),
        labels=tuple(row["label"] for row in rows),
        masks=tuple(masks),
    )
    time_ = Fraction(line["pts_s"]).limit_denominator(10**6)
    return Labelled(time_, instances, [row["track_id"] for row in rows])


def noisy(truth: Labelled, noise: np.random.Generator) -> Labelled:
    """What a poor model would make of it."""
    width, height = SIZE
    found: list[tuple[Instances, int]] = []
    objects = []
    for row, number in enumerate(truth.objects):
        if noise.random() < MISSED:
            continue
        box = truth.instances.boxes[row].astype(np.float64)
        box += noise.normal(0, NOISE, 4) * np.tile(box[2:] - box[:2], 2)
        box = np.clip(box, 0, [width, height, width, height])
        if (box[2:] - box[:2] < 2).any():
            continue
        kind = int(truth.instances.class_ids[row]), truth.instances.labels[row]
        if noise.random() < OTHER_CLASS:
            kind = CLASSES[int(noise.integers(len(CLASSES)))]
        found.append((one(box, kind, truth.instances.masks[row], noise.uniform(0.5, 1)), 0))
        objects.append(number)
    for _ in range(noise.poisson(FALSE)):
        size = noise.uniform(20, 200, 2)
        corner = noise.uniform(0, np.array(SIZE) - size)
        kind = CLASSES[int(noise.integers(len(CLASSES)))]
        found.append((one(np.concatenate([corner, corner + size]), kind, None, 0.5), 0))
        objects.append(-1)
    return Labelled(truth.time, joined(found), objects)


def one(
    box: NDArray[np.float64], kind: tuple[int, str], mask: NDArray[np.uint8] | None, score: float
) -> Instances:
    """An instance whose mask is stretched to the box; all of it without one."""
    boxes = box[None].astype(np.float32)
    x1, y1, x2, y2 = covering_rects(boxes)[0].tolist()
    full = np.full((y2 - y1, x2 - x1), 255, np.uint8)
    if mask is not None:
        stretched = cv2.resize(mask, (x2 - x1, y2 - y1), interpolation=cv2.INTER_NEAREST)
        full = np.asarray(stretched, np.uint8)
    ids = np.array([kind[0]], np.int32)
    return Instances(boxes, np.array([score], np.float32), ids, (kind[1],), (full,))


def joined(rows: Sequence[tuple[Instances, int]]) -> Instances:
    """Rows of several together."""
    if not rows:
        return Instances.empty()
    return Instances(
        boxes=np.stack([i.boxes[row] for i, row in rows]),
        scores=np.stack([i.scores[row] for i, row in rows]),
        class_ids=np.stack([i.class_ids[row] for i, row in rows]),
        labels=tuple(i.labels[row] for i, row in rows),
        masks=tuple(i.masks[row] for i, row in rows),
        track_ids=np.stack([i.track_ids[row] for i, row in rows]),
    )


def flow_of_clip(steps: int) -> list[Field]:
    """Flow at 480x270 from each frame of the demo clip to the next, in pixels of the clip."""
    estimator = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    fields: list[Field] = []
    before: NDArray[np.uint8] | None = None
    with av.open(str(asset("demo.mp4"))) as container:
        for picture in container.decode(video=0):
            small = picture.reformat(width=480, height=270, format="gray")
            luma = np.asarray(small.to_ndarray(), np.uint8)
            if before is not None:
                field = estimator.calc(before, luma, np.zeros((270, 480, 2), np.float32))
                fields.append(np.asarray(field * (SIZE[0] / 480), np.float32)[::2, ::2])
            before = luma
            if len(fields) == steps:
                break
    return fields


def carry(instances: Instances, fields: Sequence[Field]) -> Instances:
    """Move each instance by the median of the flow in its box; what leaves the picture is gone."""
    cell = SIZE[0] / 240
    rows = []
    for row in range(len(instances)):
        box = instances.boxes[row].astype(np.float64)
        for field in fields:
            x1, y1 = np.clip((box[:2] / cell).astype(int), 0, (239, 134))
            x2, y2 = np.maximum((box[2:] / cell).astype(int), (x1 + 1, y1 + 1))
            inside = cv2.resize(instances.masks[row], (int(x2 - x1), int(y2 - y1))) > 127
            part = field[y1:y2, x1:x2]
            inside = inside[: part.shape[0], : part.shape[1]]
            shift = np.median(part[inside] if inside.any() else part.reshape(-1, 2), axis=0)
            box += np.tile(shift, 2)
        box = np.clip(box, 0, [*SIZE, *SIZE])
        if (box[2:] - box[:2] >= 2).all():
            kind = int(instances.class_ids[row]), instances.labels[row]
            moved = one(box, kind, instances.masks[row], float(instances.scores[row]))
            rows.append((replace(moved, track_ids=instances.track_ids[row : row + 1]), 0))
    return joined(rows)


@dataclass(frozen=True)
class Score:
    """How steady ids were."""

    idf1: float
    switches: int
    ids: int


def score(pairs: Sequence[Sequence[tuple[int, int]]]) -> Score:
    """Of pairs of object and id, frame by frame; -1 for none. What is of no object is left out."""
    seen = [(o, n) for frame in pairs for o, n in frame if o >= 0]
    together = Counter(pair for pair in seen if pair[1] >= 0)
    objects = Counter(o for o, _ in seen)
    ids = Counter(n for _, n in seen if n >= 0)
    table = np.zeros((len(objects), len(ids)))
    rows, columns = list(objects), list(ids)
    for (o, n), count in together.items():
        table[rows.index(o), columns.index(n)] = count
    right = sum(table[pair] for pair in best_pairs(table, 1))
    switches = 0
    last: dict[int, int] = {}
    for o, n in (pair for pair in seen if pair[1] >= 0):
        switches += last.get(o, n) != n
        last[o] = n
    return Score(2 * right / (objects.total() + ids.total()), switches, len(ids))


def carried_run(
    tracker: Tracker | Plain, results: Sequence[Labelled], fields: Sequence[Field]
) -> Score:
    """Results some frames apart, carried between by flow."""
    pairs, known, last = [], Instances.empty(), 0
    for result in results:
        now = round(result.time * 30)
        carried = carry(known, fields[last:now])
        known, last = tracker.update(carried, result.instances, float(result.time)), now
        ids = {id(m): n for m, n in zip(known.masks, known.track_ids.tolist(), strict=True)}
        numbers = [ids.get(id(mask), -1) for mask in result.instances.masks]
        pairs.append(list(zip(result.objects, numbers, strict=True)))
    return score(pairs)


def steady_run(tracker: Tracker | Plain, results: Sequence[Labelled]) -> Score:
    """Results of every frame there is."""
    pairs, known = [], Instances.empty()
    for result in results:
        if isinstance(tracker, Tracker):
            numbers = tracker.identify(_frame(result.time), result.instances).track_ids.tolist()
        else:
            known = tracker.update(known, result.instances, float(result.time))
            numbers = known.track_ids.tolist()[: len(result.objects)]
        pairs.append(list(zip(result.objects, numbers, strict=True)))
    return score(pairs)


def _frame(at: Fraction) -> Frame:
    return Frame(av.VideoFrame(16, 16, "yuv420p"), 0, at.numerator, Fraction(1, at.denominator))


def compare(name: str, runs: Sequence[tuple[Score, Score]]) -> None:
    """A line of means: plain and ours."""
    for way, scores in zip(("plain", "tracker"), zip(*runs, strict=True), strict=True):
        mean = [
            float(np.mean([getattr(s, f) for s in scores])) for f in ("idf1", "switches", "ids")
        ]
        print(f"{name:28} {way:8} IDF1 {mean[0]:.3f}  switches {mean[1]:5.1f}  ids {mean[2]:5.1f}")


def count_ids(results: Sequence[Labelled]) -> None:
    """How many ids the objects of each class get, without a truth to compare with."""
    tracker = Tracker()
    classes: dict[int, Counter[str]] = defaultdict(Counter)
    for result in results:
        got = tracker.identify(_frame(result.time), result.instances)
        for number, label in zip(got.track_ids.tolist(), got.labels, strict=True):
            classes[number][label] += 1
    doubles = classes.pop(-1, Counter())
    print(f"{len(results)} frames, {doubles.total()} second opinions without an id")
    for number, labels in sorted(classes.items(), key=lambda item: -item[1].total()):
        print(f"  id {number}: {', '.join(f'{n} {label}' for label, n in labels.most_common())}")


def cost() -> float:
    """Milliseconds for 10 moving instances at 1080p, the least of many."""
    frame, instances = scene()
    tracker, times = Tracker(), []
    for number in range(300):
        now = replace(frame, pts=number)
        there = replace(instances, boxes=instances.boxes + np.float32(4 * (number % 50)))
        times.append(seconds(partial(tracker.identify, now, there)))
    return 1000 * min(times)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--truth", type=Path, default=asset("demo-truth.jsonl"))
    parser.add_argument("--found", type=Path)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    if options.found:
        count_ids([labelled(line) for line in read(options.found)])
        return
    began = time.perf_counter()
    truth = [labelled(line) for line in read(options.truth)]
    print(f"{len({n for t in truth for n in t.objects})} objects in {len(truth)} frames")
    sets = [[noisy(t, np.random.default_rng([s, k])) for k, t in enumerate(truth)]
            for s in range(SEEDS)]  # fmt: skip
    compare("no flow", [(steady_run(Plain(), truth), steady_run(Tracker(), truth))])
    compare("no flow, noisy", [(steady_run(Plain(), s), steady_run(Tracker(), s)) for s in sets])
    fields = flow_of_clip(round(truth[-1].time * 30))
    few = [[r for r in s if round(r.time * 30) % 10 == 0] for s in (truth, *sets)]
    pairs = [(carried_run(Plain(), s, fields), carried_run(Tracker(), s, fields)) for s in few]
    compare("3 a second, flow", pairs[:1])
    compare("3 a second, flow, noisy", pairs[1:])
    spent = cost()
    met = "met" if spent <= TARGET_MS else "MISSED"
    print(f"10 instances at 1080p: {spent:.2f} ms; target {TARGET_MS} ms {met}")
    print(f"{time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
