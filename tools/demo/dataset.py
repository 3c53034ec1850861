"""Renders pictures to learn from, with COCO annotations.

    python -m tools.demo.dataset --split train --count 6000 -o data/train

writes ``images/000000.jpg`` and so on, and ``instances.json``. Each picture's annotations also lie
beside it in ``labels/``, so that a run that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from rich.progress import track

from streamer import rle
from tools.demo.classes import CATEGORY_IDS, CLASSES
from tools.demo.scenes.director import random_scene
from tools.demo.scenes.scene import Picture, SceneObject

WIDTH, HEIGHT = 896, 504

FIRST_SEEDS = {"train": 0, "crowds": 500_000, "val": 1_000_000}
"""Seed of the first picture of each split; from 2,000,000 on they belong to the clip. Crowds are to
learn from as well."""

_MOST = 500_000
"""Pictures of a split."""

LEAST_VISIBLE = 0.25
"""Objects of which less can be seen are neither right nor wrong to find."""

LEAST_AREA = 150
"""Nor are those of fewer visible pixels, at 896x504."""

_QUALITY = 95


def main(arguments: Sequence[str] | None = None) -> None:
    """Render a split of the data set."""
    parser = argparse.ArgumentParser(prog="python -m tools.demo.dataset", description=__doc__)
    parser.add_argument("--split", choices=sorted(FIRST_SEEDS), required=True)
    parser.add_argument("--count", type=int, required=True, help="pictures in all")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR")
    parser.add_argument("--jobs", type=int, default=1, help="processes (default 1)")
    options = parser.parse_args(arguments)
    render(options.output, options.split, options.count, options.jobs)


def render(folder: Path, split: str, count: int, jobs: int = 1) -> None:
    """Render the first pictures of a split; those that are there already are kept.

    Raises:
        ValueError: more pictures than the split has seeds.
        OSError: the folder cannot be written to.
    """
    if not 0 < count <= _MOST:
        raise ValueError(f"{count} pictures; must be 1 to {_MOST:,}")
    for name in ("images", "labels"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    missing = [
        number
        for number in range(count)
        if not (_image(folder, number).exists() and _label(folder, number).exists())
    ]
    for _ in track(_rendered(folder, split, missing, jobs), split, len(missing)):
        pass
    _join(folder, count)


def annotate(picture: Picture, image_id: int) -> list[dict[str, Any]]:
    """A picture's objects as COCO annotations, but for their ids.

    What can hardly be seen is marked as a crowd, which COCO's evaluation passes over.
    """
    size = picture.image.shape[:2]
    return [_annotation(seen, image_id, size) for seen in picture.objects if seen.area]


def _annotation(seen: SceneObject, image_id: int, size: tuple[int, int]) -> dict[str, Any]:
    x1, y1, x2, y2 = seen.box
    least = LEAST_AREA * size[0] * size[1] / (WIDTH * HEIGHT)
    return {
        "image_id": image_id,
        "category_id": CATEGORY_IDS[seen.label],
        "segmentation": rle.encode(seen.crop, seen.box, size),
        "bbox": [x1, y1, x2 - x1, y2 - y1],
        "area": seen.area,
        "iscrowd": int(seen.visible < LEAST_VISIBLE or seen.area < least),
        "track_id": seen.track_id,
        "visible": round(seen.visible, 4),
    }


def _rendered(folder: Path, split: str, numbers: list[int], jobs: int) -> Iterator[int]:
    """Render pictures and give the number of each that is done."""
    if jobs == 1:
        _one_thread()
        for number in numbers:
            yield _render_one(folder, split, number)
        return
    with ProcessPoolExecutor(jobs, initializer=_one_thread) as pool:
        count = len(numbers)
        parts = [folder] * count, [split] * count, numbers
        yield from pool.map(_render_one, *parts, chunksize=8)


def _one_thread() -> None:
    # Pictures are rendered side by side; threads inside OpenCV would only be in each other's way.
    cv2.setNumThreads(1)


def _render_one(folder: Path, split: str, number: int) -> int:
    seed = FIRST_SEEDS[split] + number
    time = np.random.default_rng([4, seed]).uniform(0, 0.6)
    scene = random_scene(seed, crowded=split == "crowds")
    picture = scene.render(time, WIDTH, HEIGHT)
    quality = [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
    done, data = cv2.imencode(".jpg", picture.image, quality)
    if not done:
        raise OSError(f"picture {number} cannot be encoded")
    _write(_image(folder, number), data.tobytes())
    _write(_label(folder, number), json.dumps(annotate(picture, number)).encode())
    return number


def _write(path: Path, data: bytes) -> None:
    """Write a file that is there as a whole or not at all."""
    part = path.with_name(f"{path.name}.part")
    part.write_bytes(data)
    part.replace(path)


def _join(folder: Path, count: int) -> None:
    """Write ``instances.json`` from all labels."""
    images, joined = [], []
    for number in range(count):
        name = _image(folder, number).name
        images.append({"id": number, "file_name": name, "width": WIDTH, "height": HEIGHT})
        joined += json.loads(_label(folder, number).read_text("utf-8"))
    for number, annotation in enumerate(joined, 1):
        annotation["id"] = number
    categories = [{"id": CATEGORY_IDS[name], "name": name} for name in CLASSES]
    everything = {"images": images, "annotations": joined, "categories": categories}
    _write(folder / "instances.json", json.dumps(everything).encode())


def _image(folder: Path, number: int) -> Path:
    return folder / "images" / f"{number:06}.jpg"


def _label(folder: Path, number: int) -> Path:
    return folder / "labels" / f"{number:06}.json"


if __name__ == "__main__":
    main()
