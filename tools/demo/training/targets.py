"""What the network should have said: targets of the RPN and of regions of interest.

As in Faster R-CNN (Ren et al., 2015) and Mask R-CNN (He et al., 2017), with approximate joint
training. Objects to be ignored are no targets, and what lies on them is no background either.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from streamer.network.config import MaskRcnnConfig
from tools.demo.training.boxes import areas, clip, encode, overlaps, shared_areas
from tools.demo.training.scenes import Scene

_ANCHOR_IS_OBJECT = 0.5
_ANCHOR_IS_BACKGROUND = 0.3
_ANCHORS = 256
"""How many anchors of a picture count, at most half of them objects."""

_REGION_IS_OBJECT = 0.5
_JITTERED, _JITTER = 2, 0.1
"""Copies of each true box among the proposals, and the part of its size by which its sides move."""

_MASKS, _MASK_JITTER = 10, 0.06
"""Objects of a picture whose masks count, and how far the sides of their boxes move. Detections fit
about so well, and a run computes masks in these, not in proposals."""

_ON_IGNORED = 0.5
"""A box of which more lies on an ignored object is ignored itself."""

_LEAST_OVERLAP = 0.2
"""An object's best anchor is its anchor if they overlap by more."""


@dataclass(frozen=True, slots=True)
class Truth:
    """The objects of one picture, as tensors.

    Attributes:
        boxes: f32[N, 4] in pixels of the input.
        classes: i64[N] from 1.
        masks: u8[N, GRID, GRID].
        ignored: f32[M, 4], boxes of objects that are neither right nor wrong.
    """

    boxes: Tensor
    classes: Tensor
    masks: Tensor
    ignored: Tensor

    @classmethod
    def of(cls, scene: Scene) -> Truth:
        """The objects of ``scene``."""
        boxes = torch.from_numpy(scene.boxes)
        ignored = torch.from_numpy(scene.ignored)
        return cls(
            boxes[~ignored],
            torch.from_numpy(scene.classes)[~ignored],
            torch.from_numpy(scene.masks.copy())[~ignored],
            boxes[ignored],
        )


@dataclass(frozen=True, slots=True)
class AnchorTargets:
    """Which anchors of one picture count, and what they should say.

    Attributes:
        objects: i64[P], anchors that stand for an object.
        codes: f32[P, 4] of these.
        background: i64[Q], anchors that stand for none.
    """

    objects: Tensor
    codes: Tensor
    background: Tensor


@dataclass(frozen=True, slots=True)
class Regions:
    """Regions of one picture or of several, and what they are.

    Attributes:
        boxes: f32[R, 4] in pixels.
        images: i64[R], which picture each is of.
        classes: i64[R], 0 for background. Objects come first within a picture.
        wanted: what is wanted of each: of a box codes f32[R, 4] from it to its object, zeros for
            background; of a mask shares f32[R, M, M], 0 to 1.
    """

    boxes: Tensor
    images: Tensor
    classes: Tensor
    wanted: Tensor

    @classmethod
    def joined(cls, parts: list[Regions]) -> Regions:
        """The regions of several pictures as one."""
        return cls(
            torch.cat([part.boxes for part in parts]),
            torch.cat([part.images for part in parts]),
            torch.cat([part.classes for part in parts]),
            torch.cat([part.wanted for part in parts]),
        )


def anchor_targets(
    anchors: Tensor, truth: Truth, config: MaskRcnnConfig, noise: torch.Generator
) -> AnchorTargets:
    """Sample anchors f32[A, 4], clipped, of one picture; each object as often as the others."""
    if not len(truth.boxes):
        background = torch.ones(len(anchors), dtype=torch.bool)
        matched = torch.zeros(0, dtype=torch.int64)
        objects = torch.zeros(0, dtype=torch.int64)
    else:
        shared = overlaps(truth.boxes, anchors)
        best, matched = shared.max(0)
        of_object = shared.max(1).values
        # All anchors that share an object's best overlap are its anchors, however small that is.
        forced = (shared == of_object[:, None]) & (of_object[:, None] > _LEAST_OVERLAP)
        numbers, places = forced.nonzero(as_tuple=True)
        matched[places] = numbers
        best[places] = 1
        objects = (best >= _ANCHOR_IS_OBJECT).nonzero()[:, 0]
        background = best < _ANCHOR_IS_BACKGROUND
    background &= ~_on_ignored(anchors, truth)
    objects = _sample_evenly(objects, matched[objects], _ANCHORS // 2, noise)
    others = _sample(background.nonzero()[:, 0], _ANCHORS - len(objects), noise)
    codes = encode(truth.boxes[matched[objects]], anchors[objects], config)
    return AnchorTargets(objects, codes, others)


def regions(
    proposals: Tensor,
    truth: Truth,
    image: int,
    count: int,
    config: MaskRcnnConfig,
    noise: torch.Generator,
) -> Regions:
    """Sample at most ``count`` regions of picture number ``image``, a quarter of them objects.

    Args:
        proposals: f32[P, 4] in pixels, clipped, each with an area.
        truth: what is in the picture.
        image: number of the picture within the batch.
        count: of regions.
        config: of the network.
        noise: what chance is drawn from.
    """
    copies, _ = _jittered(truth.boxes.repeat(_JITTERED, 1), _JITTER, config, noise)
    boxes = torch.cat([proposals, copies])
    if not len(truth.boxes):
        best, matched = torch.zeros(len(boxes)), torch.zeros(len(boxes), dtype=torch.int64)
    else:
        best, matched = overlaps(boxes, truth.boxes).max(1)
    is_object = best >= _REGION_IS_OBJECT
    fitting = is_object.nonzero()[:, 0]
    objects = _sample_evenly(fitting, matched[fitting], count // 4, noise)
    free = (~is_object & ~_on_ignored(boxes, truth)).nonzero()[:, 0]
    background = _sample(free, count - len(objects), noise)
    chosen, numbers = boxes[objects], matched[objects]
    every = torch.cat([chosen, boxes[background]])
    classes = torch.zeros(len(every), dtype=torch.int64)
    codes = torch.zeros(len(every), 4)
    classes[: len(objects)] = truth.classes[numbers]
    codes[: len(objects)] = encode(truth.boxes[numbers], chosen, config)
    return Regions(every, torch.full((len(every),), image), classes, codes)


def mask_regions(
    truth: Truth, image: int, config: MaskRcnnConfig, noise: torch.Generator
) -> Regions:
    """Objects of picture number ``image`` in boxes as they will be found, and their masks."""
    chosen = _sample(torch.arange(len(truth.boxes)), _MASKS, noise)
    boxes, kept = _jittered(truth.boxes[chosen], _MASK_JITTER, config, noise)
    chosen = chosen[kept]
    masks = mask_targets(boxes, truth.boxes[chosen], truth.masks[chosen], config.mask_size)
    return Regions(boxes, torch.full((len(boxes),), image), truth.classes[chosen], masks)


def mask_targets(boxes: Tensor, objects: Tensor, masks: Tensor, size: int) -> Tensor:
    """Masks of objects as seen in other boxes.

    Args:
        boxes: f32[N, 4], where to look.
        objects: f32[N, 4], the objects' own boxes, which ``masks`` u8[N, G, G] tile.
        masks: 0 to 255.
        size: M, rows and columns to give.

    Returns:
        f32[N, M, M]: shares, 0 to 1, at the middles of M x M tiles of ``boxes``.
    """
    if not len(boxes):
        return torch.zeros(0, size, size)
    middles = (torch.arange(size) + 0.5) / size
    low, extent = objects[:, :2], objects[:, 2:] - objects[:, :2]
    start = (boxes[:, :2] - low) / extent
    step = (boxes[:, 2:] - boxes[:, :2]) / extent
    places = 2 * (start[:, :, None] + step[:, :, None] * middles) - 1
    grid = torch.stack(
        [
            places[:, 1, None, :].expand(-1, size, -1),
            places[:, 0, :, None].expand(-1, -1, size),
        ],
        -1,
    )
    looked = functional.grid_sample(masks[:, None] / 255, grid, align_corners=False)
    return looked[:, 0]


def _jittered(
    boxes: Tensor, by: float, config: MaskRcnnConfig, noise: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Boxes with their sides moved by up to that part of their size, and which still have area."""
    size = (boxes[:, 2:] - boxes[:, :2]).repeat(1, 2)
    share = (torch.rand(boxes.shape, generator=noise) * 2 - 1) * by
    moved = clip(boxes + share * size, torch.tensor([config.height, config.width]).float())
    kept = areas(moved) > 1
    return moved[kept], kept


def _on_ignored(boxes: Tensor, truth: Truth) -> Tensor:
    if not len(truth.ignored):
        return torch.zeros(len(boxes), dtype=torch.bool)
    shared = shared_areas(boxes, truth.ignored).amax(1)
    return shared > _ON_IGNORED * areas(boxes)


def _sample_evenly(
    candidates: Tensor, owners: Tensor, count: int, noise: torch.Generator
) -> Tensor:
    """Sample where no owner i64[N] is preferred for having more of the candidates.

    A bus has hundreds of anchors, and who is half hidden behind it has three.
    """
    if len(candidates) <= count:
        return candidates
    chances = 1 / torch.bincount(owners)[owners]
    return candidates[torch.multinomial(chances, count, generator=noise)]


def _sample(candidates: Tensor, count: int, noise: torch.Generator) -> Tensor:
    if len(candidates) <= count:
        return candidates
    return candidates[torch.randperm(len(candidates), generator=noise)[:count]]
