"""Region proposal network: where there may be something."""

from __future__ import annotations

import openvino as ov
from openvino import opset13 as op

from streamer.network import boxes
from streamer.network.architecture import RPN, RPN_CONV
from streamer.network.config import MaskRcnnConfig
from streamer.network.constants import ints
from streamer.network.layers import Layers

_RELU6 = 6.0


def propose(
    features: ov.Output, size: ov.Output, layers: Layers, config: MaskRcnnConfig
) -> ov.Node:
    """The best proposals.

    As the original does it: anchors are clipped to the picture, then decoded; the decoded boxes are
    clipped, and all of them compete, without a first cut to the best few thousand. A config may ask
    for that cut.

    Args:
        features: f32[1, C, H, W].
        size: f32[2], height and width of the picture within the input, in pixels.
        layers: with the weights.
        config: of the network.

    Returns:
        f32[proposals, 4] in pixels, best first; zeros where fewer were found.
    """
    x = layers.conv(features, RPN_CONV, rate=config.rpn_rate)
    x = op.clamp(x, 0.0, _RELU6)
    codes = _by_anchor(layers.conv(x, f"{RPN}/BoxEncodingPredictor"), 4)
    logits = _by_anchor(layers.conv(x, f"{RPN}/ClassPredictor"), 2)
    anchors: ov.Output = op.constant(boxes.anchors(config)).output(0)
    outputs = codes, logits
    if config.rpn_candidates is not None:
        best = _best(logits, config.rpn_candidates)
        codes, logits, anchors = (op.gather(x, best, ints(0)) for x in (codes, logits, anchors))
    anchors = boxes.clip(anchors, size)
    candidates = boxes.clip(boxes.decode(codes, anchors, config), size)
    _, objectness = op.split(op.softmax(logits, 1), ints(1), 2).outputs()
    first = ints([0])
    _, chosen = boxes.suppress(
        op.unsqueeze(candidates, first),
        op.transpose(objectness, ints([1, 0])),
        iou=config.rpn_nms_iou,
        threshold=config.rpn_score_threshold,
        per_class=config.proposals,
        total=config.proposals,
    )
    return boxes.keep_f32(boxes.take(candidates, chosen), *outputs, size)


def _best(logits: ov.Output, count: int) -> ov.Output:
    """Indices i32[count] of the rows f32[N, 2] that stand out most from the background."""
    background, thing = op.split(logits, ints(1), 2).outputs()
    margin = op.squeeze(boxes.minus(thing, background), ints([1]))
    count = min(count, margin.shape[0])
    return op.topk(margin, ints(count), 0, "max", "value", index_element_type="i32").output(1)


def _by_anchor(x: ov.Output, values: int) -> ov.Node:
    """[1, A * values, H, W] to [H * W * A, values]."""
    y = op.transpose(x, ints([0, 2, 3, 1]))
    return op.reshape(y, ints([-1, values]), special_zero=False)
