"""Inference in PyTorch, as slow and plain as may be: what the OpenVINO graph is checked against."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from streamer.network.config import MaskRcnnConfig
from tools.demo.training.boxes import clip, decode, suppress
from tools.demo.training.crops import crop
from tools.demo.training.losses import clipped_anchors
from tools.demo.training.network import Network

_CONSIDERED = 3000
"""Proposals that enter non-maximum suppression: enough that those beyond are never kept."""


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """What a network says of one picture, in the form of `streamer.network.network`.

    Attributes:
        cells: f32[H' * W', C], the feature map.
        detections: f32[D, 6], x_min, y_min, x_max, y_max, score, class; unused rows hold zeros.
        masks: f32[D, M, M].
    """

    cells: NDArray[np.float32]
    detections: NDArray[np.float32]
    masks: NDArray[np.float32]


@torch.no_grad()
def predict(network: Network, image: NDArray[np.uint8]) -> Prediction:
    """What ``network``, which must be in evaluation mode, says of an image u8[H, W, 3] RGB."""
    config = network.config
    size = torch.tensor([config.height, config.width]).float()
    features = network.features(torch.from_numpy(image)[None])
    proposals = _proposals(network, features, size)
    regions = network.regions(_crops(features, proposals, config))
    rows = _detections(*network.boxes(regions), proposals, size, config)
    corners = rows[:, [1, 0, 3, 2]]
    logits = network.masks(network.regions(_crops(features, corners, config)))
    planes = (rows[:, 5].long() - 1).clamp(min=0)
    masks = logits[torch.arange(len(rows)), planes].sigmoid()
    cells = features[0].permute(1, 2, 0).reshape(-1, config.feature_depth)
    return Prediction(cells.numpy(), rows.numpy(), masks.numpy())


def _proposals(network: Network, features: Tensor, size: Tensor) -> Tensor:
    config = network.config
    codes, logits = network.rpn(features)
    candidates = clip(decode(codes[0], clipped_anchors(config, size), config), size)
    kept = suppress(
        candidates,
        logits[0].softmax(1)[:, 1],
        iou=config.rpn_nms_iou,
        limit=config.proposals,
        consider=_CONSIDERED,
    )
    proposals = torch.zeros(config.proposals, 4)
    proposals[: len(kept)] = candidates[kept]
    return proposals


def _detections(
    codes: Tensor, logits: Tensor, proposals: Tensor, size: Tensor, config: MaskRcnnConfig
) -> Tensor:
    """Rows f32[max_detections, 6], best first."""
    candidates = clip(decode(codes, proposals[:, None], config), size)
    scores = logits.softmax(1)[:, 1:]
    found = []
    for number in range(config.classes):
        passed = (scores[:, number] > config.score_threshold).nonzero()[:, 0]
        boxes, values = candidates[passed, number], scores[passed, number]
        kept = suppress(
            boxes, values, iou=config.nms_iou, limit=config.max_per_class, consider=len(values)
        )
        classes = torch.full((len(kept), 1), number + 1.0)
        columns = [boxes[kept][:, [1, 0, 3, 2]], values[kept, None], classes]
        found.append(torch.cat(columns, 1))
    every = torch.cat(found)
    best = torch.argsort(every[:, 4], descending=True, stable=True)[: config.max_detections]
    rows = torch.zeros(config.max_detections, 6)
    rows[: len(best)] = every[best]
    return rows


def _crops(features: Tensor, boxes: Tensor, config: MaskRcnnConfig) -> Tensor:
    return crop(features, boxes, torch.zeros(len(boxes), dtype=torch.int64), config)
