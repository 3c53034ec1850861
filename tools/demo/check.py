"""How many of the clip's objects a model finds, and how often it loses one.

    streamer run demo -o found.jsonl
    python -m tools.demo.check found.jsonl [--truth assets/demo-truth.jsonl]

An object counts in the frames where it is large enough and half of it can be seen. It is found
where a result of its class has nearly its box, at an intersection over union of a half.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pycocotools import mask as coco
from rich.console import Console
from rich.table import Table

LEAST_AREA = 1500
"""Pixels of an object that must be found."""

LEAST_VISIBLE = 0.5
"""Share of it that must be in sight."""

WANTED = 0.95
"""Share of such frames in which it must be found."""

_IOU = 0.5


@dataclass(slots=True)
class Sighting:
    """What became of one object.

    Attributes:
        label: its class.
        frames: in which it counts.
        found: in how many of them it was found.
        overlap: of the masks, added up over those.
        lost: how many times it was found in one of them and not in the next.
    """

    label: str
    frames: int = 0
    found: int = 0
    overlap: float = 0.0
    lost: int = 0
    _last: bool = False

    @property
    def share(self) -> float:
        """Of its frames, those in which it was found."""
        return self.found / self.frames

    @property
    def mask_iou(self) -> float:
        """Mean overlap of the masks, where it was found."""
        return self.overlap / self.found if self.found else 0.0

    def count(self, overlap: float | None) -> None:
        """Count a frame; ``overlap`` of the masks, or None where it was not found."""
        is_found = overlap is not None
        self.frames += 1
        self.found += is_found
        self.overlap += overlap or 0.0
        self.lost += self._last and not is_found
        self._last = is_found


def sightings(
    truth: Iterable[dict[str, Any]], results: Iterable[dict[str, Any]]
) -> dict[int, Sighting]:
    """Objects by track id.

    Args:
        truth: lines that `tools.demo.clip` has written, perhaps not of every frame.
        results: lines that ``streamer run`` has written.
    """
    found = {line["seq"]: line["instances"] for line in results}
    seen: dict[int, Sighting] = {}
    for line in truth:
        instances = found.get(line["seq"], [])
        for thing in line["instances"]:
            area = float(coco.area(thing["segmentation"]))
            if area < LEAST_AREA or thing["visible"] < LEAST_VISIBLE:
                continue
            sighting = seen.setdefault(thing["track_id"], Sighting(thing["label"]))
            sighting.count(_overlap(thing, instances))
    return seen


def _overlap(thing: dict[str, Any], instances: list[dict[str, Any]]) -> float | None:
    """How far the mask of what was found there overlaps; None where nothing was."""
    same = [i for i in instances if i["category_id"] == thing["category_id"]]
    if not same:
        return None
    boxes = coco.iou([_xywh(i["box"]) for i in same], [_xywh(thing["box"])], [0])[:, 0]
    best = int(boxes.argmax())
    if boxes[best] < _IOU:
        return None
    masks = coco.iou([same[best]["segmentation"]], [thing["segmentation"]], [0])
    return float(masks[0, 0])


def _xywh(box: list[float]) -> list[float]:
    x1, y1, x2, y2 = box
    return [x1, y1, x2 - x1, y2 - y1]


def read(path: Path) -> list[dict[str, Any]]:
    """The lines of a file of results."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def main() -> int:
    """Print each object; gives 1 where one was found too rarely, else 0."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("results", type=Path)
    parser.add_argument("--truth", type=Path, default=Path("assets/demo-truth.jsonl"))
    options = parser.parse_args()
    seen = sightings(read(options.truth), read(options.results))
    table = Table(box=None)
    for column in ("object", "frames", "found", "lost", "mask IoU"):
        table.add_column(column, justify="left" if column == "object" else "right")
    for number, sighting in sorted(seen.items()):
        share = f"{sighting.share:.1%}" + ("" if sighting.share >= WANTED else " *")
        name = f"{sighting.label} {number}"
        figures = str(sighting.lost), f"{sighting.mask_iou:.3f}"
        table.add_row(name, str(sighting.frames), share, *figures)
    Console().print(table)
    rare = [s for s in seen.values() if s.share < WANTED]
    print(f"{len(seen) - len(rare)} of {len(seen)} objects found in {WANTED:.0%} of their frames")
    return 1 if rare else 0


if __name__ == "__main__":
    sys.exit(main())
