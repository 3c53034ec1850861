"""The five losses of Mask R-CNN for one batch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from streamer.network.boxes import anchors
from streamer.network.config import MaskRcnnConfig
from tools.demo.training.boxes import areas, clip, decode, suppress
from tools.demo.training.crops import crop
from tools.demo.training.network import Network
from tools.demo.training.targets import Regions, Truth, anchor_targets, mask_regions, regions

NAMES = ("rpn class", "rpn box", "class", "box", "mask")
"""Of the losses, in the order in which they are given."""

_WEIGHTS = (2.0, 2.0, 1.0, 2.0, 2.0)
_CONSIDERED = 800
"""Proposals that enter non-maximum suppression in training."""

_PROPOSALS = 100
"""Proposals that regions are sampled from."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Pictures of one step.

    Attributes:
        images: u8[B, H, W, 3] RGB.
        truths: what is in each.
    """

    images: Tensor
    truths: list[Truth]


class Losses:
    """Computes the losses of a network.

    Args:
        network: to be trained.
        rois: regions of interest that are sampled from a picture.
    """

    def __init__(self, network: Network, rois: int) -> None:
        self._network, self._rois = network, rois
        self._config = network.config
        self._size = torch.tensor([self._config.height, self._config.width]).float()
        self._anchors = clipped_anchors(self._config, self._size)

    def __call__(self, batch: Batch, noise: torch.Generator) -> tuple[Tensor, Tensor]:
        """The loss to descend, and f32[5] of its parts, `NAMES`, which are detached."""
        network = self._network
        with torch.autocast("cpu", torch.bfloat16):
            features = network.features(batch.images)
            codes, logits = network.rpn(features)
        sampled = self._sampled(batch, codes.detach(), logits.detach(), noise)
        masked = Regions.joined(
            [mask_regions(truth, i, self._config, noise) for i, truth in enumerate(batch.truths)]
        )
        boxes = torch.cat([sampled.boxes, masked.boxes])
        images = torch.cat([sampled.images, masked.images])
        crops = crop(features, boxes, images, self._config)
        with torch.autocast("cpu", torch.bfloat16):
            inside = network.regions(crops)
            box_codes, class_logits = network.boxes(inside[: len(sampled.boxes)])
            mask_logits = network.masks(inside[len(sampled.boxes) :])
        parts = torch.stack(
            [
                *self._rpn(batch, codes, logits, noise),
                *_heads(sampled, box_codes, class_logits),
                _masks(masked, mask_logits),
            ]
        )
        return (parts * parts.new_tensor(_WEIGHTS)).sum(), parts.detach()

    def _rpn(
        self, batch: Batch, codes: Tensor, logits: Tensor, noise: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        chosen_logits, chosen_codes, classes, wanted = [], [], [], []
        for image, truth in enumerate(batch.truths):
            target = anchor_targets(self._anchors, truth, self._config, noise)
            places = torch.cat([target.objects, target.background])
            chosen_logits.append(logits[image, places])
            classes.append((torch.arange(len(places)) < len(target.objects)).long())
            chosen_codes.append(codes[image, target.objects])
            wanted.append(target.codes)
        labels = torch.cat(classes)
        class_loss = functional.cross_entropy(torch.cat(chosen_logits), labels)
        box_loss = functional.smooth_l1_loss(
            torch.cat(chosen_codes), torch.cat(wanted), reduction="sum"
        )
        return class_loss, box_loss / max(len(labels), 1)

    @torch.no_grad()
    def _sampled(
        self, batch: Batch, codes: Tensor, logits: Tensor, noise: torch.Generator
    ) -> Regions:
        scores = logits[..., 1] - logits[..., 0]
        best = scores.topk(min(_CONSIDERED, scores.shape[1]), dim=1)
        parts = []
        for image, truth in enumerate(batch.truths):
            places = best.indices[image]
            decoded = decode(codes[image, places], self._anchors[places], self._config)
            decoded = clip(decoded, self._size)
            kept = suppress(
                decoded,
                best.values[image],
                iou=self._config.rpn_nms_iou,
                limit=_PROPOSALS,
                consider=_CONSIDERED,
            )
            proposals = decoded[kept]
            proposals = proposals[areas(proposals) > 1]
            parts.append(regions(proposals, truth, image, self._rois, self._config, noise))
        return Regions.joined(parts)


def clipped_anchors(config: MaskRcnnConfig, size: Tensor) -> Tensor:
    """All anchors f32[A, 4], clipped to a picture of ``size`` f32[2]."""
    return clip(torch.from_numpy(np.array(anchors(config))), size)


def _heads(sampled: Regions, codes: Tensor, logits: Tensor) -> tuple[Tensor, Tensor]:
    class_loss = functional.cross_entropy(logits, sampled.classes)
    objects = sampled.classes.nonzero()[:, 0]
    chosen = codes[objects, sampled.classes[objects] - 1]
    box_loss = functional.smooth_l1_loss(chosen, sampled.wanted[objects], reduction="sum")
    return class_loss, box_loss / max(len(sampled.classes), 1)


def _masks(masked: Regions, logits: Tensor) -> Tensor:
    """Cross-entropy, and the Dice loss (Milletari et al., "V-Net", 2016).

    Legs and frames are few pixels of their boxes: to cross-entropy alone they are hardly worth it.
    """
    classes, wanted = masked.classes, masked.wanted
    if not len(classes):
        return logits.sum() * 0
    chosen = logits[torch.arange(len(classes)), classes - 1].float()
    entropy = functional.binary_cross_entropy_with_logits(chosen, wanted)
    found = chosen.sigmoid()
    shared = (found * wanted).sum((1, 2))
    whole = found.square().sum((1, 2)) + wanted.square().sum((1, 2))
    return entropy + (1 - (2 * shared + 1) / (whole + 1)).mean()
