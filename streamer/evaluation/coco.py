"""Average precision by pycocotools, which is an optional dependency."""

from __future__ import annotations

import contextlib
import io
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamer.errors import SettingsError
from streamer.evaluation.dataset import Dataset, Record
from streamer.rle import RLE

Kind = Literal["bbox", "segm"]
"""What is compared: boxes or masks."""

SIZES = ("small", "medium", "large")
"""Of objects: below 32x32 pixels, below 96x96, and above."""


class Found(NamedTuple):
    """An object that a model has found.

    Attributes:
        image_id: of the image that it is in.
        category_id: as the annotations number them.
        score: 0..1.
        bbox: x, y, width and height in pixels.
        segmentation: its mask.
    """

    image_id: int
    category_id: int
    score: float
    bbox: tuple[float, float, float, float]
    segmentation: RLE


@dataclass(frozen=True, slots=True)
class Matches:
    """What became of one image at IoU .50.

    Attributes:
        right: places of what was found and is there, in the list that was scored.
        wrong: places of what was found and is not there, or was found already.
        missed: ids of annotations that nothing was found for.
    """

    right: tuple[int, ...]
    wrong: tuple[int, ...]
    missed: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Score:
    """Average precision, 0..1.

    Attributes:
        ap: over IoU .50 to .95 and the categories that the images show.
        ap50: at IoU .50.
        ap75: at IoU .75.
        by_size: ``ap`` of small, medium and large objects by COCO's areas; -1 where there are none.
        by_category: ``ap`` of each such category by its id.
        matches: by the images' ids.
    """

    ap: float
    ap50: float
    ap75: float
    by_size: Mapping[str, float]
    by_category: Mapping[int, float]
    matches: Mapping[int, Matches]


def require_pycocotools() -> None:
    """Fail early rather than after hours of inference.

    Raises:
        SettingsError: pycocotools is not installed.
    """
    try:
        import pycocotools.cocoeval  # noqa: F401
    except ImportError as error:
        raise SettingsError(
            "evaluation needs pycocotools, which is not installed; pip install 'streamer[evaluate]'"
        ) from error


def score(dataset: Dataset, found: Sequence[Found], kind: Kind, least: float = 0.5) -> Score:
    """Score what was found: IoU .50 to .95 in steps of .05, all areas, 100 objects an image.

    Args:
        dataset: with only those categories that are to count.
        found: in any order.
        kind: what is compared.
        least: score from which on something counts in `Matches`, which `ap` knows nothing of.

    Raises:
        SettingsError: pycocotools is not installed.
    """
    require_pycocotools()
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    # pycocotools prints at every step, and writes into what it is given.
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = _as_coco(dataset)
        truth.createIndex()
        # Without any row it does not know what the rows would have been.
        results = truth.loadRes(_rows(found, kind)) if found else COCO()
        scorer = COCOeval(truth, results, kind)
        scorer.params.imgIds = sorted(sample.id for sample in dataset.samples)
        scorer.params.catIds = sorted(dataset.categories)
        scorer.evaluate()
        scorer.accumulate()
        scorer.summarize()
    # By IoU, recall, category, area (all first), and most objects (100 last); -1 where unknown.
    precision = scorer.eval["precision"][:, :, :, 0, -1]
    shown = {row["category_id"] for row in dataset.annotations if not row["iscrowd"]}
    return Score(
        ap=float(scorer.stats[0]),
        ap50=float(scorer.stats[1]),
        ap75=float(scorer.stats[2]),
        by_size=dict(zip(SIZES, map(float, scorer.stats[3:6]), strict=True)),
        by_category={
            category: _mean(precision[:, :, place])
            for place, category in enumerate(scorer.params.catIds)
            if category in shown
        },
        matches=_matches(scorer.evalImgs, scorer.params.areaRng[0], least),
    )


def _as_coco(dataset: Dataset) -> dict[str, Any]:
    return {
        "images": [
            {"id": sample.id, "width": sample.size[0], "height": sample.size[1]}
            for sample in dataset.samples
        ],
        "categories": [{"id": number, "name": name} for number, name in dataset.categories.items()],
        "annotations": [dict(row) for row in dataset.annotations],
    }


def _rows(found: Iterable[Found], kind: Kind) -> list[dict[str, Any]]:
    """In COCO's format; without boxes where masks are compared, or areas would be theirs."""
    key = "bbox" if kind == "bbox" else "segmentation"
    return [
        {
            "image_id": one.image_id,
            "category_id": one.category_id,
            "score": one.score,
            key: list(one.bbox) if kind == "bbox" else dict(one.segmentation),
        }
        for one in found
    ]


def _mean(values: NDArray[np.float64]) -> float:
    known = values[values > -1]
    return float(known.mean()) if known.size else 0.0


def _matches(
    evaluated: Iterable[Mapping[str, Any] | None], area: Sequence[float], least: float
) -> dict[int, Matches]:
    """Read from pycocotools' own record for each image and category; the first IoU is .50."""
    right, wrong, missed = (defaultdict[int, list[int]](list) for _ in range(3))
    for one in evaluated:
        if one is None or one["aRng"] != area:
            continue
        image = one["image_id"]
        counted = np.array(one["dtScores"]) >= least
        # Results are numbered from 1 in the order in which they were given.
        places = np.array(one["dtIds"], np.int64) - 1
        matched = one["dtMatches"][0] > 0
        ignored = one["dtIgnore"][0].astype(bool)
        right[image] += places[counted & matched & ~ignored].tolist()
        wrong[image] += places[counted & ~matched & ~ignored].tolist()
        by_whom = np.isin(one["gtMatches"][0], places[counted] + 1)
        left = ~by_whom & ~np.array(one["gtIgnore"], bool)
        missed[image] += np.array(one["gtIds"], np.int64)[left].tolist()
    return {
        image: Matches(tuple(right[image]), tuple(wrong[image]), tuple(missed[image]))
        for image in right.keys() | wrong.keys() | missed.keys()
    }


def decode(mask: RLE) -> NDArray[np.uint8]:
    """A mask's pixels u8[height, width], 0 or 1."""
    from pycocotools import mask as masks

    return np.asarray(masks.decode(mask), np.uint8)


def mask_of(annotation: Record, size: tuple[int, int]) -> NDArray[np.uint8]:
    """An annotated object's pixels u8[height, width], 0 or 1.

    Args:
        annotation: in COCO's format.
        size: (width, height) of its image.
    """
    from pycocotools import mask as masks

    outline = annotation["segmentation"]
    if isinstance(outline, list):
        outline = masks.merge(masks.frPyObjects(outline, size[1], size[0]))
    elif isinstance(outline["counts"], list):
        outline = masks.frPyObjects(outline, size[1], size[0])
    return decode(outline)
