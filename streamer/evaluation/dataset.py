"""Annotated images in COCO's format: found, checked as a whole before anything runs, and read."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from streamer.errors import SettingsError, SourceError
from streamer.models.geometry import Image

Record = Mapping[str, Any]

COCO_VAL2017 = "coco-val2017"

_KINDS = ("images", "categories", "annotations")


@dataclass(frozen=True, slots=True)
class Sample:
    """An image to be looked at.

    Attributes:
        id: by which the annotations name it.
        path: its file.
        size: (width, height) that the annotations rest on.
    """

    id: int
    path: Path
    size: tuple[int, int]

    def read(self) -> Image:
        """Its pixels.

        Raises:
            SourceError: it cannot be read, or has another size than the annotations say.
        """
        pixels = cv2.imread(str(self.path), cv2.IMREAD_COLOR)
        if pixels is None:
            raise SourceError(f"{self.path} cannot be read as an image; get it again")
        image = Image(np.asarray(pixels, np.uint8))
        if (image.width, image.height) != self.size:
            raise SourceError(
                f"{self.path} has {image.width}x{image.height} pixels, but its annotations are for "
                f"{self.size[0]}x{self.size[1]}; they do not belong together"
            )
        return image


@dataclass(frozen=True, slots=True)
class Dataset:
    """Images and the objects in them.

    Attributes:
        samples: the images, by ascending id.
        categories: names by id.
        annotations: of these images, in COCO's format; their ids count from 1.
    """

    samples: tuple[Sample, ...]
    categories: Mapping[int, str]
    annotations: tuple[Record, ...]

    def of_categories(self, wanted: Iterable[int]) -> Dataset:
        """The same images with the objects of some categories only."""
        kept = set(wanted)
        return replace(
            self,
            categories={number: name for number, name in self.categories.items() if number in kept},
            annotations=tuple(row for row in self.annotations if row["category_id"] in kept),
        )


def load_dataset(annotations: Path, images: Path, limit: int | None = None) -> Dataset:
    """Read annotations and find their images.

    Args:
        annotations: a file of instances in COCO's format.
        images: the folder that its file names start from.
        limit: take so many images only, those with the lowest ids.

    Raises:
        SettingsError: the file cannot be read or is none of that kind, or the limit is below 1.
        SourceError: images are missing.
    """
    if limit is not None and limit < 1:
        raise SettingsError(f"--limit {limit} leaves no image to look at; give 1 or more")
    read = _read(annotations)
    _check_references(annotations, read)
    samples = sorted(
        (
            Sample(row["id"], images / row["file_name"], (row["width"], row["height"]))
            for row in read["images"]
        ),
        key=lambda sample: sample.id,
    )[:limit]
    _check_files(annotations, images, samples)
    shown = {sample.id for sample in samples}
    # pycocotools takes an object whose id is 0 for none, and needs iscrowd where COCO has it.
    kept = [row for row in read["annotations"] if row["image_id"] in shown]
    return Dataset(
        samples=tuple(samples),
        categories={row["id"]: row["name"] for row in read["categories"]},
        annotations=tuple(
            {"iscrowd": 0, **row, "id": number} for number, row in enumerate(kept, 1)
        ),
    )


def locate(
    annotations: Path | None, images: Path | None, dataset: Sequence[str] | None
) -> tuple[Path, Path]:
    """The file of annotations and the folder of images that options name.

    Args:
        annotations: ``--annotations``.
        images: ``--images``.
        dataset: ``--dataset``: the name of a known one and the folder that holds it.

    Raises:
        SettingsError: options are missing or contradict each other, or the data set is not known
            or not there.
    """
    if dataset is None and annotations is not None and images is not None:
        return annotations, images
    if dataset is None or annotations is not None or images is not None:
        raise SettingsError(
            "name what to measure on: --annotations FILE and --images DIR, "
            f"or --dataset {COCO_VAL2017} DIR"
        )
    name, folder = dataset
    if name != COCO_VAL2017:
        raise SettingsError(
            f"no data set {name} is known, only {COCO_VAL2017}; give --annotations and --images"
        )
    return _coco_val2017(Path(folder))


def _coco_val2017(folder: Path) -> tuple[Path, Path]:
    """In a folder as people usually lay it out."""
    files = ("annotations/instances_val2017.json", "instances_val2017.json")
    folders = ("val2017", "images/val2017", "images")
    annotations = next((folder / name for name in files if (folder / name).is_file()), None)
    images = next((folder / name for name in folders if (folder / name).is_dir()), None)
    if annotations is None or images is None:
        missing = files[0] if annotations is None else folders[0]
        raise SettingsError(
            f"{folder} does not hold {missing}; unpack annotations_trainval2017.zip and "
            "val2017.zip of cocodataset.org there"
        )
    return annotations, images


def _read(path: Path) -> dict[str, list[Record]]:
    """The file's three lists, whose records have what is read of them."""
    try:
        read = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"{path} is no JSON file ({error}); give COCO's instances") from error
    for kind in _KINDS:
        rows = read.get(kind) if isinstance(read, dict) else None
        if not isinstance(rows, list):
            raise SettingsError(f"{path} has no list of {kind}; give a file of COCO's instances")
        if not rows:
            raise SettingsError(f"{path} lists no {kind}, so there is nothing to measure")
        for place, row in enumerate(rows):
            wrong = _wrong_field(kind, row if isinstance(row, dict) else {})
            if wrong is not None:
                raise SettingsError(
                    f"{path} has no proper {wrong} in {kind}[{place}]; "
                    "give a file of COCO's instances"
                )
    return {kind: read[kind] for kind in _KINDS}


def _wrong_field(kind: str, row: Record) -> str | None:
    """The first field that is missing or of another form than COCO's; None if all are right."""
    proper: dict[str, bool]
    if kind == "images":
        proper = {
            "id": isinstance(row.get("id"), int),
            "file_name": isinstance(row.get("file_name"), str) and bool(row["file_name"]),
            "width": isinstance(row.get("width"), int),
            "height": isinstance(row.get("height"), int),
        }
    elif kind == "categories":
        proper = {
            "id": isinstance(row.get("id"), int),
            "name": isinstance(row.get("name"), str),
        }
    else:
        proper = {
            "image_id": isinstance(row.get("image_id"), int),
            "category_id": isinstance(row.get("category_id"), int),
            "bbox": _are_numbers(row.get("bbox"), 4),
            "area": isinstance(row.get("area"), int | float),
            "segmentation": _is_mask(row.get("segmentation")),
        }
    return next((name for name, right in proper.items() if not right), None)


def _is_mask(value: Any) -> bool:
    """Whether it is a list of polygons, or run lengths."""
    if isinstance(value, dict):
        return isinstance(value.get("counts"), str | list) and _are_numbers(value.get("size"), 2)
    return isinstance(value, list) and bool(value) and all(_are_numbers(part, 6) for part in value)


def _are_numbers(value: Any, least: int) -> bool:
    return (
        isinstance(value, list)
        and len(value) >= least
        and all(isinstance(number, int | float) for number in value)
    )


def _check_references(path: Path, read: Mapping[str, list[Record]]) -> None:
    """Refuse annotations of what the file does not list, which would silently count as nothing."""
    for kind, key in (("images", "image_id"), ("categories", "category_id")):
        number, times = Counter(row["id"] for row in read[kind]).most_common(1)[0]
        if times > 1:
            raise SettingsError(f"{path} has {times} {kind} with the id {number}")
        known = {row["id"] for row in read[kind]}
        strange = next((row[key] for row in read["annotations"] if row[key] not in known), None)
        if strange is not None:
            raise SettingsError(
                f"{path} has an annotation with {key} {strange}, which is none of its {kind}"
            )


def _check_files(annotations: Path, images: Path, samples: list[Sample]) -> None:
    if not images.is_dir():
        raise SourceError(f"{images} is no folder; give the one that holds the images")
    missing = [sample.path for sample in samples if not sample.path.is_file()]
    if missing:
        raise SourceError(
            f"{len(missing)} of {len(samples)} images that {annotations} lists are not in "
            f"{images}, such as {missing[0].relative_to(images)}; give the folder that holds them"
        )
