"""Images of bright rectangles with their annotations, for models that find what is bright."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import openvino as ov

from tests.models.detectors import fake_omz

COLORS = {"person": (255, 255, 255), "bicycle": (0, 0, 255), "car": (255, 0, 0)}
"""BGR, by what the fakes take it for."""

CATEGORIES = [{"id": number, "name": name} for number, name in enumerate(COLORS, 1)]

Box = tuple[int, int, int, int]


class Drawn(NamedTuple):
    """A rectangle: its class, its box, and what of the box is annotated as its mask."""

    name: str
    box: Box
    mask: Box


def whole(name: str, box: Box) -> Drawn:
    """A rectangle that is its own mask."""
    return Drawn(name, box, box)


def upper_half(name: str, box: Box) -> Drawn:
    """A rectangle of which only the upper half is its mask, as the fake Mask R-CNNs have it."""
    x1, y1, x2, y2 = box
    return Drawn(name, box, (x1, y1, x2, (y1 + y2) // 2))


def write_scenes(
    folder: Path, scenes: Sequence[Sequence[Drawn]], size: tuple[int, int]
) -> tuple[Path, Path]:
    """Write images of (width, height) and their annotations; gives the file and the folder."""
    images = folder / "images"
    images.mkdir(parents=True)
    truth: dict[str, Any] = {"images": [], "annotations": [], "categories": CATEGORIES}
    for number, scene in enumerate(scenes):
        picture = np.zeros((size[1], size[0], 3), np.uint8)
        name = f"{number:06}.png"
        for drawn in scene:
            x1, y1, x2, y2 = drawn.box
            picture[y1:y2, x1:x2] = COLORS[drawn.name]
            truth["annotations"].append(
                annotation(number, list(COLORS).index(drawn.name) + 1, drawn.box, drawn.mask)
            )
        cv2.imwrite(str(images / name), picture)
        row = {"id": number, "file_name": name, "width": size[0], "height": size[1]}
        truth["images"].append(row)
    path = folder / "instances.json"
    path.write_text(json.dumps(truth))
    return path, images


def annotation(image: int, category: int, box: Box, mask: Box | None = None) -> dict[str, Any]:
    """An object in COCO's format whose mask is a rectangle."""
    x1, y1, x2, y2 = box
    left, top, right, bottom = mask or box
    return {
        # Tools that count from 0 are common, and pycocotools takes 0 for none.
        "id": 0,
        "image_id": image,
        "category_id": category,
        "bbox": [x1, y1, x2 - x1, y2 - y1],
        "area": (right - left) * (bottom - top),
        "segmentation": [[left, top, right, top, right, bottom, left, bottom]],
        "iscrowd": 0,
    }


def save_omz(path: Path) -> Path:
    """A fake under omz as a file."""
    ov.save_model(fake_omz(), path, compress_to_fp16=False)
    return path
