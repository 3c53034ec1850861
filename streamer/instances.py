"""Instances: what a model found in one frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

Box = NDArray[np.float64]
"""f64[4]: x1 y1 x2 y2 in pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class Instances:
    """Objects of one frame, best score first.

    Masks are crops, never full-size: 28 objects at 1080p take 0.24 MB instead of 55 MB.

    Attributes:
        boxes: f32[N, 4], x1 y1 x2 y2 in pixels of the frame, inside the frame.
        scores: f32[N], 0..1.
        class_ids: i32[N], COCO category ids (1 to 90) where the model knows COCO, else its own.
        labels: N class names.
        masks: N crops u8[h, w], 0 or 255. Crop i covers the pixels of ``rects[i]``.
        track_ids: i32[N]; -1 where an object is not tracked, the default.
        inferred: the model ran on this very frame.
        filled: bool[N]; the model has missed the object there, and the frames around it tell of it.

    Raises:
        ValueError: the arrays do not belong together.
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    class_ids: NDArray[np.int32]
    labels: tuple[str, ...]
    masks: tuple[NDArray[np.uint8], ...]
    track_ids: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    inferred: bool = True
    filled: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))

    def __post_init__(self) -> None:
        n = len(self.boxes)
        if not len(self.track_ids):
            object.__setattr__(self, "track_ids", np.full(n, -1, np.int32))
        if not len(self.filled):
            object.__setattr__(self, "filled", np.zeros(n, np.bool_))
        shapes = {
            "boxes": (self.boxes.shape, (n, 4)),
            "scores": (self.scores.shape, (n,)),
            "class_ids": (self.class_ids.shape, (n,)),
            "labels": ((len(self.labels),), (n,)),
            "masks": ((len(self.masks),), (n,)),
            "track_ids": (self.track_ids.shape, (n,)),
            "filled": (self.filled.shape, (n,)),
        }
        for name, (got, want) in shapes.items():
            if got != want:
                raise ValueError(f"{name} has shape {got}, not {want}")
        for index, (mask, (x1, y1, x2, y2)) in enumerate(zip(self.masks, self.rects, strict=True)):
            if mask.shape != (y2 - y1, x2 - x1):
                raise ValueError(
                    f"mask {index} has shape {mask.shape}, its box covers {(y2 - y1, x2 - x1)}"
                )

    def __len__(self) -> int:
        return len(self.boxes)

    @property
    def rects(self) -> NDArray[np.int32]:
        """i32[N, 4]: the smallest whole-pixel rectangle around each box, x2 and y2 excluded."""
        return covering_rects(self.boxes)

    def take(self, rows: Sequence[int]) -> Instances:
        """Some of the objects, in the order of ``rows``."""
        chosen = np.asarray(rows, np.intp)
        return replace(
            self,
            boxes=self.boxes[chosen],
            scores=self.scores[chosen],
            class_ids=self.class_ids[chosen],
            labels=tuple(self.labels[row] for row in rows),
            masks=tuple(self.masks[row] for row in rows),
            track_ids=self.track_ids[chosen],
            filled=self.filled[chosen],
        )

    def joined(self, others: Instances) -> Instances:
        """These and others, best score first; `inferred` as these are."""
        both = replace(
            self,
            boxes=np.concatenate([self.boxes, others.boxes]),
            scores=np.concatenate([self.scores, others.scores]),
            class_ids=np.concatenate([self.class_ids, others.class_ids]),
            labels=self.labels + others.labels,
            masks=self.masks + others.masks,
            track_ids=np.concatenate([self.track_ids, others.track_ids]),
            filled=np.concatenate([self.filled, others.filled]),
        )
        return both.take(np.argsort(-both.scores, kind="stable").tolist())

    def moved(self, by: NDArray[np.int32], size: tuple[int, int]) -> Instances:
        """The objects elsewhere in the frame, as far as their masks are still in it.

        Args:
            by: i32[N, 2], whole pixels to the right and down.
            size: columns and rows of the frame.
        """
        shift = np.concatenate([by, by], axis=1)
        limits = np.array([*size, *size])
        boxes = np.clip(self.boxes + shift, 0, limits).astype(np.float32)
        # Rounding moves no edge past a whole pixel, so each new rectangle lies within the old one.
        places, origins = covering_rects(boxes).tolist(), (self.rects + shift).tolist()
        rows, masks = [], []
        for row, whole in enumerate(self.masks):
            (x1, y1, x2, y2), (left, top, *_) = places[row], origins[row]
            mask = whole[y1 - top : y2 - top, x1 - left : x2 - left]
            if mask.any():
                rows.append(row)
                masks.append(mask)
        return replace(self.take(rows), boxes=boxes[rows], masks=tuple(masks))

    @classmethod
    def empty(cls) -> Instances:
        """No objects."""
        return cls(
            boxes=np.zeros((0, 4), np.float32),
            scores=np.zeros(0, np.float32),
            class_ids=np.zeros(0, np.int32),
            labels=(),
            masks=(),
        )


def covering_rects(boxes: NDArray[np.float32]) -> NDArray[np.int32]:
    """The smallest whole-pixel rectangles i32[N, 4] around boxes f32[N, 4], x2 and y2 excluded."""
    return np.concatenate([np.floor(boxes[:, :2]), np.ceil(boxes[:, 2:])], axis=1).astype(np.int32)
