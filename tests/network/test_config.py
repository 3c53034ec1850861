from __future__ import annotations

from typing import Any

import pytest

from streamer.errors import ModelError
from streamer.network.config import MaskRcnnConfig


def test_release() -> None:
    config = MaskRcnnConfig()
    assert config.feature_size == (100, 171)
    assert config.feature_depth == 1024
    assert config.anchors_per_cell == 12
    assert config.roi_size == 7


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"height": 8}, "input size 8x1365 is too small"),
        ({"width": 0}, "width must be 1 or more"),
        ({"features_stride": 4}, "features_stride 4"),
        ({"features_stride": 16}, r"anchor_stride \(8, 8\)"),
        ({"units": (3, 0, 6, 3)}, "units must be 1 or more"),
        ({"rpn_kernel": 2}, "rpn_kernel must be odd"),
        ({"anchor_scales": ()}, "anchor_scales must not be empty"),
        ({"anchor_ratios": (1.0, -1.0)}, "anchor_ratios must be positive"),
        ({"nms_iou": 1.5}, "nms_iou must be between 0 and 1"),
        ({"crop_size": 1}, "crop_size 1"),
        ({"mask_convs": 1}, "mask_convs must be 2 or more"),
    ],
)
def test_what_cannot_be_built_is_named(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(ModelError, match=named) as error:
        MaskRcnnConfig(**fields)
    assert "\n" not in str(error.value)
