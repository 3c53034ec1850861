"""From the picture to the feature map that everything else looks at."""

from __future__ import annotations

import numpy as np
import openvino as ov
from openvino import opset13 as op

from streamer.network.architecture import backbone_units, root_scope
from streamer.network.config import MaskRcnnConfig
from streamer.network.constants import floats, ints
from streamer.network.layers import Layers


def feature_map(image: ov.Output, layers: Layers, config: MaskRcnnConfig) -> ov.Output:
    """ResNet v1 up to its third block.

    Args:
        image: u8[1, H, W, 3] RGB.
        layers: with the weights.
        config: of the network.

    Returns:
        f32[1, C, H', W'] of `MaskRcnnConfig.feature_size`.
    """
    pixels = op.convert(image, np.float32)
    pixels = op.subtract(pixels, floats(config.means))
    x = op.transpose(pixels, ints([0, 3, 1, 2]))
    x = op.relu(layers.conv(x, root_scope(config), stride=2))
    # TensorFlow's "SAME": of an odd number of padded pixels, the last is right or below.
    pooled = op.max_pool(x, [2, 2], [1, 1], [0, 0], [0, 0], [3, 3], auto_pad="same_upper")
    return layers.units(pooled.output(0), backbone_units(config))
