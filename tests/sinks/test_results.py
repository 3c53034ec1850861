"""Events in results: who has come and gone."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from streamer.instances import Instances
from streamer.sinks.results import ResultsSink
from tests.sinks.footage import OPTIONS, frame


def seen(*track_ids: int) -> Instances:
    count = len(track_ids)
    if not count:
        return Instances.empty()
    return Instances(
        boxes=np.tile(np.array([[2, 3, 8, 9]], np.float32), (count, 1)),
        scores=np.full(count, 0.9, np.float32),
        class_ids=np.ones(count, np.int32),
        labels=("person",) * count,
        masks=(np.full((6, 6), 255, np.uint8),) * count,
        track_ids=np.array(track_ids, np.int32),
    )


def test_lines_tell_who_has_come_and_gone(tmp_path: Path) -> None:
    with ResultsSink(tmp_path / "a.jsonl", OPTIONS) as sink:
        for index in range(170):
            there = (3,) if index >= 10 else ()
            sink.write(frame(index), seen(*there, *(() if index > 50 else (7,))))
    lines = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    told = {line["seq"]: line["events"] for line in lines if "events" in line}
    assert told == {
        25: [{"event": "entered", "track_id": 7, "label": "person", "pts_s": 0.0}],
        35: [{"event": "entered", "track_id": 3, "label": "person", "pts_s": 0.4}],
        151: [{"event": "left", "track_id": 7, "label": "person", "pts_s": 2.0}],
    }
    assert list(lines[0]) == ["seq", "pts_s", "inferred", "instances"]
    assert list(lines[25])[-1] == "events"


def test_each_file_watches_for_itself(tmp_path: Path) -> None:
    names = "a.jsonl", "b.jsonl"
    sinks = [ResultsSink(tmp_path / name, OPTIONS) for name in names]
    for index in range(30):
        for sink in sinks:
            sink.write(frame(index), replace(seen(1), inferred=False))
    for sink in sinks:
        sink.close()
    one, other = ((tmp_path / name).read_text() for name in names)
    assert one == other
    assert one.count('"entered"') == 1
