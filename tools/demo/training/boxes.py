"""Boxes in PyTorch: the box coder, overlaps, non-maximum suppression.

Boxes are f32[..., 4] as y_min, x_min, y_max, x_max in pixels of the input, as in
`streamer.network.boxes`, whose results these functions repeat.
"""

from __future__ import annotations

import torch
from torch import Tensor

from streamer.network.config import MaskRcnnConfig

_MOST_GROWTH = 4.0
"""Bound on the logarithm of a box's growth over its anchor, beyond any trained value."""


def decode(codes: Tensor, boxes: Tensor, config: MaskRcnnConfig) -> Tensor:
    """Boxes that ``codes`` f32[..., 4] (ty, tx, th, tw) stand for, relative to ``boxes``."""
    scaled = codes / codes.new_tensor(config.box_scales)
    low, high = boxes[..., :2], boxes[..., 2:]
    size = high - low
    centre = scaled[..., :2] * size + (low + 0.5 * size)
    half = scaled[..., 2:].clamp(max=_MOST_GROWTH).exp() * size * 0.5
    return torch.cat([centre - half, centre + half], -1)


def encode(wanted: Tensor, boxes: Tensor, config: MaskRcnnConfig) -> Tensor:
    """Codes f32[..., 4] by which `decode` gets ``wanted`` from ``boxes``; both have areas."""
    low, size = boxes[..., :2], boxes[..., 2:] - boxes[..., :2]
    wanted_low, wanted_size = wanted[..., :2], wanted[..., 2:] - wanted[..., :2]
    shift = (wanted_low + 0.5 * wanted_size - low - 0.5 * size) / size
    codes = torch.cat([shift, (wanted_size / size).log()], -1)
    return codes * codes.new_tensor(config.box_scales)


def clip(boxes: Tensor, size: Tensor) -> Tensor:
    """Boxes cut off at 0 and at ``size`` f32[2], height and width."""
    return boxes.minimum(size.repeat(2)).clamp(min=0)


def areas(boxes: Tensor) -> Tensor:
    """Areas f32[...] of boxes f32[..., 4]."""
    return (boxes[..., 2:] - boxes[..., :2]).clamp(min=0).prod(-1)


def shared_areas(a: Tensor, b: Tensor) -> Tensor:
    """What boxes f32[..., N, 4] and f32[..., M, 4] have in common, f32[..., N, M]."""
    spans = []
    for low, high in ((0, 2), (1, 3)):
        end = a[..., :, None, high].minimum(b[..., None, :, high])
        spans.append(end.sub_(a[..., :, None, low].maximum(b[..., None, :, low])).clamp_(min=0))
    return spans[0].mul_(spans[1])


def overlaps(a: Tensor, b: Tensor) -> Tensor:
    """Intersections over unions f32[..., N, M] of boxes f32[..., N, 4] and f32[..., M, 4]."""
    shared = shared_areas(a, b)
    union = (areas(a)[..., :, None] + areas(b)[..., None, :]).sub_(shared)
    return shared.div_(union.clamp_(min=1e-6))


def suppress(boxes: Tensor, scores: Tensor, *, iou: float, limit: int, consider: int) -> Tensor:
    """Greedy non-maximum suppression in one class.

    Args:
        boxes: f32[N, 4], clipped; those without an area are left out.
        scores: f32[N].
        iou: a box that overlaps a better one by more is dropped.
        limit: at most so many are kept.
        consider: only so many of the best compete.

    Returns:
        Indices i64[K] of what is kept, best first, of equals the first.
    """
    there = areas(boxes).gt(0).nonzero()[:, 0]
    order = there[torch.argsort(scores[there], descending=True, stable=True)[:consider]]
    rivals = (overlaps(boxes[order], boxes[order]) > iou).numpy()
    alive = torch.ones(len(order), dtype=torch.bool).numpy()
    kept: list[int] = []
    for index in range(len(order)):
        if len(kept) == limit:
            break
        if alive[index]:
            kept.append(index)
            alive &= ~rivals[index]
    return order[kept]
