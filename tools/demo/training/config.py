"""The demo's network, in numbers."""

from __future__ import annotations

import json

from streamer.network.config import MaskRcnnConfig
from tools.demo.classes import CATEGORY_IDS, CLASSES

NAME = "demo"
"""Of the model, and so of its files."""

CONFIG = MaskRcnnConfig(
    height=360,
    width=640,
    keep_aspect_ratio=True,
    classes=len(CLASSES),
    units=(2, 3, 3, 1),
    base_width=12,
    features_stride=8,
    rpn_depth=48,
    rpn_kernel=3,
    rpn_rate=2,
    anchor_base=(92.0, 92.0),
    anchor_scales=(0.2, 0.4, 0.9, 2.0),
    anchor_ratios=(0.4, 1.0, 2.2),
    anchor_stride=(8, 8),
    crop_size=14,
    pool=2,
    mask_size=28,
    mask_depth=64,
    mask_convs=3,
    proposals=32,
    score_threshold=0.05,
    nms_iou=0.5,
    max_per_class=20,
    max_detections=32,
)

CATEGORIES: list[int] = [CATEGORY_IDS[name] for name in CLASSES]
"""COCO's category ids in the order of the network's ids, which begin with 1."""

NOTES = {
    "labels": json.dumps({str(number): label for number, label in enumerate(CLASSES, 1)}),
    "origin": "trained from scratch on rendered scenes by tools/demo/train.py",
    "licence": "Apache-2.0",
}
"""What the model's metadata says."""
