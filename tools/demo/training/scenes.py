"""Rendered scenes as training wants them: decoded and scaled once, then kept in memory.

A picture is u8[H, W, 3] RGB at the network's input size. A mask is a small grid that tiles its
object's box, so that it takes the same room whatever the object's size and moves with the box when
the picture is flipped or cropped.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_masks

from streamer.models.geometry import fit_corner
from streamer.network.config import MaskRcnnConfig

GRID = 56
"""Rows and columns of a stored mask."""

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A picture and what is in it.

    Attributes:
        picture: u8[H, W, 3] RGB.
        boxes: f32[N, 4], y_min, x_min, y_max, x_max in pixels of ``picture``.
        classes: i64[N], the network's ids, from 1.
        masks: u8[N, GRID, GRID], 0 to 255: how much of each tile of the box is the object.
        ignored: bool[N]: neither right nor wrong to find.
    """

    picture: Bytes
    boxes: Floats
    classes: NDArray[np.int64]
    masks: Bytes
    ignored: NDArray[np.bool_]


class Scenes:
    """A folder of rendered scenes.

    Args:
        pictures: u8[N, H, W, 3].
        objects: ``boxes``, ``classes``, ``masks`` and ``ignored`` of all scenes, and ``starts``
            i64[N + 1], where those of each scene begin.
    """

    def __init__(self, pictures: Bytes, objects: dict[str, NDArray[Any]]) -> None:
        self._pictures = pictures
        self._objects = objects

    def __len__(self) -> int:
        return len(self._pictures)

    def pictures(self, count: int) -> Bytes:
        """The first pictures, u8[count, H, W, 3]."""
        return self._pictures[:count]

    def __getitem__(self, index: int) -> Scene:
        start, end = self._objects["starts"][index : index + 2]
        boxes, classes, masks, ignored = (
            self._objects[name][start:end] for name in ("boxes", "classes", "masks", "ignored")
        )
        return Scene(self._pictures[index], boxes, classes, masks, ignored)


def read(
    folders: Sequence[Path], cache: Path, config: MaskRcnnConfig, classes: list[int]
) -> Scenes:
    """The scenes of folders in COCO's format.

    Args:
        folders: with ``images/`` and ``instances.json`` each.
        cache: a folder where the decoded scenes are kept for the next time.
        config: of the network.
        classes: category ids in the order of the network's ids, which begin with 1.

    Raises:
        OSError: a file is missing or is no picture.
        KeyError: an annotation has another category.
    """
    sources = [folder / "instances.json" for folder in folders]
    stamps = [f"{source.resolve()} {source.stat().st_mtime_ns}" for source in sources]
    stamp = " ".join([*stamps, f"{config.height}x{config.width}", str(GRID)])
    pictures, objects = cache / "pictures.npy", cache / "objects.npz"
    noted = cache / "source.txt"
    if not noted.is_file() or noted.read_text("utf-8") != stamp:
        cache.mkdir(parents=True, exist_ok=True)
        noted.unlink(missing_ok=True)
        _decode(sources, pictures, objects, config, classes)
        noted.write_text(stamp, "utf-8")
    with np.load(objects) as arrays:
        return Scenes(np.load(pictures), dict(arrays))


def _decode(
    sources: Sequence[Path],
    pictures: Path,
    objects: Path,
    config: MaskRcnnConfig,
    classes: list[int],
) -> None:
    entries = [entry for source in sources for entry in _entries(source)]
    shape = (len(entries), config.height, config.width, 3)
    store = np.lib.format.open_memmap(pictures, "w+", np.uint8, shape)
    found: list[dict[str, Any]] = []
    starts = [0]
    for index, (path, annotated) in enumerate(entries):
        pixels = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if pixels is None:
            raise OSError(f"{path} is missing or is no picture")
        scale = _lay(np.asarray(pixels, np.uint8), store[index])
        found += _objects(annotated, scale, classes)
        starts.append(len(found))
    store.flush()
    columns: dict[str, Any] = {
        "starts": np.array(starts),
        "boxes": np.array([item["box"] for item in found], np.float32).reshape(-1, 4),
        "classes": np.array([item["class"] for item in found], np.int64),
        "masks": np.array([item["mask"] for item in found], np.uint8).reshape(-1, GRID, GRID),
        "ignored": np.array([item["ignored"] for item in found], bool),
    }
    np.savez(objects, **columns)


def _entries(source: Path) -> list[tuple[Path, list[Any]]]:
    """Each picture of an ``instances.json``, and what is in it."""
    content = json.loads(source.read_text("utf-8"))
    by_image: dict[int, list[Any]] = {image["id"]: [] for image in content["images"]}
    for annotation in content["annotations"]:
        by_image[annotation["image_id"]].append(annotation)
    folder = source.parent / "images"
    return [(folder / image["file_name"], by_image[image["id"]]) for image in content["images"]]


def _lay(pixels: Bytes, target: Bytes) -> tuple[float, float]:
    """Scale a BGR picture into ``target`` as the product does; gives the scale across and down."""
    height, width = target.shape[:2]
    geometry = fit_corner((pixels.shape[1], pixels.shape[0]), (width, height))
    scaled = cv2.resize(pixels, (geometry.width, geometry.height), interpolation=cv2.INTER_AREA)
    target[: geometry.height, : geometry.width] = scaled[:, :, ::-1]
    return geometry.scale


def _objects(
    annotations: list[Any], scale: tuple[float, float], classes: list[int]
) -> Iterator[dict[str, Any]]:
    across, down = scale
    for annotation in annotations:
        mask = coco_masks.decode(annotation["segmentation"])
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        if not len(rows):
            continue
        y1, y2, x1, x2 = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
        whole = mask[y1:y2, x1:x2] * np.uint8(255)
        # Both ways it is the mean over a tile where tiles are larger than pixels, else a bilinear
        # guess between them.
        yield {
            "box": (y1 * down, x1 * across, y2 * down, x2 * across),
            "class": classes.index(annotation["category_id"]) + 1,
            "mask": _tiles(whole),
            "ignored": bool(annotation["iscrowd"]),
        }


def _tiles(mask: Bytes) -> Bytes:
    """A mask u8[h, w] as u8[GRID, GRID] tiles of the same extent."""
    for axis in (0, 1):
        large = mask.shape[axis] > GRID
        size = [GRID if other == axis else mask.shape[other] for other in (1, 0)]
        how = cv2.INTER_AREA if large else cv2.INTER_LINEAR
        mask = np.asarray(cv2.resize(mask, size, interpolation=how), np.uint8)
    return mask
