"""What a detector takes for what: detections and true objects, matched by their masks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_masks

from streamer.evaluation.coco import Found
from streamer.evaluation.dataset import Dataset, Record

_SCORE = 0.5
"""Detections below it are not shown by default, so they do not count here either."""

_IOU = 0.5


def confusion(
    truth: Dataset, found: Sequence[Found], categories: Sequence[int]
) -> NDArray[np.int64]:
    """Count matches of objects and detections, whatever their classes.

    In each image the pair that overlaps most is matched first, then the next, down to IoU .50.
    Detections that lie on objects to be ignored are left out unless they match another.

    Args:
        truth: what there is; its masks are run lengths.
        found: what a model has found.
        categories: ids in the order of rows and columns.

    Returns:
        i64[K + 1, K + 1]: rows are what there was, columns what was found; the last row is for
        detections where nothing was, the last column for objects that were missed.
    """
    places = {category: index for index, category in enumerate(categories)}
    nothing = len(categories)
    counts = np.zeros((nothing + 1, nothing + 1), np.int64)
    objects, results = defaultdict(list), defaultdict(list)
    for annotation in truth.annotations:
        objects[annotation["image_id"]].append(annotation)
    for result in found:
        if result.score >= _SCORE:
            results[result.image_id].append(result)
    for sample in truth.samples:
        real = [a for a in objects[sample.id] if not a["iscrowd"]]
        ignored = [a for a in objects[sample.id] if a["iscrowd"]]
        seen = results[sample.id]
        pairs = _pairs(_overlaps(seen, real, crowd=False))
        for row, column in pairs:
            counts[places[real[column]["category_id"]], places[seen[row].category_id]] += 1
        missed = set(range(len(real))) - {column for _, column in pairs}
        for column in missed:
            counts[places[real[column]["category_id"]], nothing] += 1
        excused = _overlaps(seen, ignored, crowd=True).max(1, initial=0) > _IOU
        for row in set(range(len(seen))) - {row for row, _ in pairs}:
            if not excused[row]:
                counts[nothing, places[seen[row].category_id]] += 1
    return counts


def _overlaps(seen: Sequence[Found], real: Sequence[Record], *, crowd: bool) -> NDArray[np.float64]:
    """IoU of masks f64[N, M]; for crowds, the share of a detection that lies on each."""
    if not seen or not real:
        return np.zeros((len(seen), len(real)))
    ours, theirs = [one.segmentation for one in seen], [row["segmentation"] for row in real]
    return np.asarray(coco_masks.iou(ours, theirs, [crowd] * len(real)), np.float64)


def _pairs(overlaps: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Rows and columns matched with each other, best first."""
    left = overlaps.copy()
    pairs: list[tuple[int, int]] = []
    while left.size and left.max() >= _IOU:
        row, column = (int(place) for place in np.unravel_index(left.argmax(), left.shape))
        pairs.append((row, column))
        left[row], left[:, column] = 0, 0
    return pairs
