"""Mask R-CNN in plain numpy, from the definitions in TensorFlow's documentation. Slow and simple.

Layout is TensorFlow's: images are [N, H, W, C], kernels [H, W, in, out], boxes y, x, y, x.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamer.network.config import MaskRcnnConfig

F32 = NDArray[np.float32]
Arrays = Mapping[str, NDArray[Any]]


def pad(x: F32, kernel: int, stride: int, rate: int, fill: float) -> F32:
    """Padding of TensorFlow's "SAME"."""
    widths = [(0, 0)]
    for size in x.shape[1:3]:
        total = max((-(-size // stride) - 1) * stride + rate * (kernel - 1) + 1 - size, 0)
        widths.append((total // 2, total - total // 2))
    return np.pad(x, [*widths, (0, 0)], constant_values=fill)


def conv2d(x: F32, kernel: F32, stride: int = 1, rate: int = 1) -> F32:
    """TF-Slim's conv2d_same: explicit padding where there is a stride, else "SAME"."""
    size = kernel.shape[0]
    total = rate * (size - 1)
    widths = (total // 2, total - total // 2)
    x = np.pad(x, [(0, 0), widths, widths, (0, 0)])
    rows, columns = ((n - total - 1) // stride + 1 for n in x.shape[1:3])
    y = np.zeros((len(x), rows, columns, kernel.shape[3]), np.float64)
    for i in range(size):
        for j in range(size):
            ys = slice(i * rate, i * rate + (rows - 1) * stride + 1, stride)
            xs = slice(j * rate, j * rate + (columns - 1) * stride + 1, stride)
            y += x[:, ys, xs] @ kernel[i, j].astype(np.float64)
    return y.astype(np.float32)


def max_pool(x: F32, size: int, stride: int, same: bool) -> F32:
    if same:
        x = pad(x, size, stride, 1, -np.inf)
    rows, columns = ((n - size) // stride + 1 for n in x.shape[1:3])
    parts = [
        x[:, i : i + (rows - 1) * stride + 1 : stride, j : j + (columns - 1) * stride + 1 : stride]
        for i in range(size)
        for j in range(size)
    ]
    return np.asarray(np.max(parts, axis=0), np.float32)


def batch_norm(x: F32, arrays: Arrays, scope: str, epsilon: float) -> F32:
    gamma, beta, mean, variance = (
        arrays[f"{scope}/BatchNorm/{name}"]
        for name in ("gamma", "beta", "moving_mean", "moving_variance")
    )
    return np.asarray((x - mean) / np.sqrt(variance + epsilon) * gamma + beta, np.float32)


def relu(x: F32) -> F32:
    return np.maximum(x, np.float32(0))


def softmax(x: F32) -> F32:
    e = np.exp(x - x.max(-1, keepdims=True))
    return np.asarray(e / e.sum(-1, keepdims=True), np.float32)


def block(
    x: F32, arrays: Arrays, scope: str, units: int, stride: int, rate: int, epsilon: float
) -> F32:
    """Bottleneck units, the last with the stride."""
    for number in range(1, units + 1):
        unit = f"{scope}/unit_{number}/bottleneck_v1"
        step = stride if number == units else 1

        def layer(x: F32, name: str, unit: str = unit, **how: int) -> F32:
            y = conv2d(x, arrays[f"{unit}/{name}/weights"], **how)
            return batch_norm(y, arrays, f"{unit}/{name}", epsilon)

        projects = f"{unit}/shortcut/weights" in arrays
        shortcut = layer(x, "shortcut", stride=step) if projects else x[:, ::step, ::step]
        y = relu(layer(x, "conv1"))
        y = relu(layer(y, "conv2", stride=step, rate=rate))
        x = relu(shortcut + layer(y, "conv3"))
    return x


def feature_map(image: NDArray[np.uint8], arrays: Arrays, config: MaskRcnnConfig) -> F32:
    root = f"FirstStageFeatureExtractor/{config.backbone}"
    epsilon = config.batch_norm_epsilon
    x = image.astype(np.float32) - np.asarray(config.means, np.float32)
    x = conv2d(x, arrays[f"{root}/conv1/weights"], stride=2)
    x = max_pool(relu(batch_norm(x, arrays, f"{root}/conv1", epsilon)), 3, 2, same=True)
    # Strides and rates of the three blocks, written out for either stride of the feature map.
    plan = {8: ((2, 1), (1, 1), (1, 2)), 16: ((2, 1), (2, 1), (1, 1))}[config.features_stride]
    for number, (stride, rate) in enumerate(plan, 1):
        units = config.units[number - 1]
        x = block(x, arrays, f"{root}/block{number}", units, stride, rate, epsilon)
    return x


def anchors(config: MaskRcnnConfig) -> F32:
    boxes = []
    for row in range(config.feature_size[0]):
        for column in range(config.feature_size[1]):
            y = row * config.anchor_stride[0] + config.anchor_offset[0]
            x = column * config.anchor_stride[1] + config.anchor_offset[1]
            for ratio in config.anchor_ratios:
                for scale in config.anchor_scales:
                    height = scale / ratio**0.5 * config.anchor_base[0]
                    width = scale * ratio**0.5 * config.anchor_base[1]
                    boxes.append((y - height / 2, x - width / 2, y + height / 2, x + width / 2))
    return np.array(boxes, np.float32)


def decode(codes: F32, boxes: F32, config: MaskRcnnConfig) -> F32:
    ty, tx, th, tw = np.moveaxis(codes / np.asarray(config.box_scales, np.float32), -1, 0)
    y0, x0, y1, x1 = np.moveaxis(boxes, -1, 0)
    height, width = y1 - y0, x1 - x0
    y, x = ty * height + (y0 + height / 2), tx * width + (x0 + width / 2)
    height, width = np.exp(th) * height, np.exp(tw) * width
    return np.stack([y - height / 2, x - width / 2, y + height / 2, x + width / 2], axis=-1)


def clip(boxes: F32, size: F32) -> F32:
    return np.clip(boxes, 0, np.concatenate([size, size]))


def overlap(a: F32, b: F32) -> float:
    """Intersection over union."""
    sides = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    shared = float(np.prod(np.maximum(sides, 0)))
    areas = float(np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]))
    return shared / (areas - shared) if shared else 0.0


def suppress(boxes: F32, scores: F32, iou: float, threshold: float, limit: int) -> list[int]:
    """Indices of what is kept of one class, best first, of equals the first."""
    kept: list[int] = []
    for index in np.argsort(-scores, kind="stable"):
        flat = np.prod(boxes[index, 2:] - boxes[index, :2]) <= 0
        if len(kept) == limit or scores[index] <= threshold or flat:
            continue
        if all(overlap(boxes[index], boxes[other]) <= iou for other in kept):
            kept.append(int(index))
    return kept


def crop_and_resize(features: F32, boxes: F32, size: int) -> F32:
    """TensorFlow's CropAndResize, bilinear, extrapolation value 0."""
    _, height, width, depth = features.shape
    result = np.zeros((len(boxes), size, size, depth), np.float32)
    one = np.float32(1)
    for number, (y0, x0, y1, x1) in enumerate(boxes.astype(np.float32)):
        step_y = (y1 - y0) * np.float32(height - 1) / np.float32(size - 1)
        step_x = (x1 - x0) * np.float32(width - 1) / np.float32(size - 1)
        for i in range(size):
            y = y0 * np.float32(height - 1) + np.float32(i) * step_y
            if not 0 <= y <= height - 1:
                continue
            for j in range(size):
                x = x0 * np.float32(width - 1) + np.float32(j) * step_x
                if not 0 <= x <= width - 1:
                    continue
                top, left = int(np.floor(y)), int(np.floor(x))
                bottom, right = int(np.ceil(y)), int(np.ceil(x))
                part_y, part_x = np.float32(y - top), np.float32(x - left)
                upper = features[0, top, left] * (one - part_x) + features[0, top, right] * part_x
                lower = (
                    features[0, bottom, left] * (one - part_x) + features[0, bottom, right] * part_x
                )
                result[number, i, j] = upper * (one - part_y) + lower * part_y
    return result


def resize_corners(x: F32, size: int) -> F32:
    """TensorFlow's resize_bilinear with align_corners."""
    before = x.shape[1]
    result = np.zeros((len(x), size, size, x.shape[3]), np.float32)
    for i in range(size):
        for j in range(size):
            y, at = i * (before - 1) / (size - 1), j * (before - 1) / (size - 1)
            top, left = min(int(y), before - 2), min(int(at), before - 2)
            v, u = y - top, at - left
            result[:, i, j] = (
                x[:, top, left] * (1 - v) * (1 - u)
                + x[:, top, left + 1] * (1 - v) * u
                + x[:, top + 1, left] * v * (1 - u)
                + x[:, top + 1, left + 1] * v * u
            )
    return result


def biased(x: F32, arrays: Arrays, scope: str, rate: int = 1) -> F32:
    return conv2d(x, arrays[f"{scope}/weights"], rate=rate) + arrays[f"{scope}/biases"]


def propose(features: F32, size: F32, arrays: Arrays, config: MaskRcnnConfig) -> F32:
    x = np.clip(biased(features, arrays, "Conv", rate=config.rpn_rate), 0, 6)
    codes = biased(x, arrays, "FirstStageBoxPredictor/BoxEncodingPredictor").reshape(-1, 4)
    logits = biased(x, arrays, "FirstStageBoxPredictor/ClassPredictor").reshape(-1, 2)
    boxes = clip(decode(codes, clip(anchors(config), size), config), size)
    if config.rpn_candidates is not None:
        best = np.argsort(logits[:, 0] - logits[:, 1], kind="stable")[: config.rpn_candidates]
        boxes, logits = boxes[best], logits[best]
    kept = suppress(
        boxes, softmax(logits)[:, 1], config.rpn_nms_iou, config.rpn_score_threshold,
        config.proposals,
    )  # fmt: skip
    result = np.zeros((config.proposals, 4), np.float32)
    result[: len(kept)] = boxes[kept]
    return result


def crops(features: F32, boxes: F32, config: MaskRcnnConfig) -> F32:
    scale = np.float32(1) / np.array([config.height, config.width] * 2, np.float32)
    sampled = crop_and_resize(features, boxes * scale, config.crop_size)
    return max_pool(sampled, config.pool, config.pool, same=False)


def roi_features(x: F32, arrays: Arrays, config: MaskRcnnConfig) -> F32:
    scope = f"SecondStageFeatureExtractor/{config.backbone}/block4"
    return block(x, arrays, scope, config.units[3], 1, 1, config.batch_norm_epsilon)


def detect(regions: F32, proposals: F32, size: F32, arrays: Arrays, config: MaskRcnnConfig) -> F32:
    """Rows of y, x, y, x, score, class from 1; best first, of equals the lower class first."""
    x = roi_features(regions, arrays, config).mean((1, 2))
    head = "SecondStageBoxPredictor"
    codes, logits = (
        x @ arrays[f"{head}/{name}/weights"] + arrays[f"{head}/{name}/biases"]
        for name in ("BoxEncodingPredictor", "ClassPredictor")
    )
    codes = codes.reshape(-1, config.classes, 4)
    boxes = clip(decode(codes, proposals[:, None], config), size)
    scores = softmax(logits)[:, 1:]
    rows = [
        (*boxes[index, number], scores[index, number], number + 1)
        for number in range(config.classes)
        for index in suppress(
            boxes[:, number], scores[:, number], config.nms_iou, config.score_threshold,
            config.max_per_class,
        )
    ]  # fmt: skip
    rows.sort(key=lambda row: -row[4])
    result = np.zeros((config.max_detections, 6), np.float32)
    result[: len(rows)] = np.reshape(rows[: config.max_detections], (-1, 6))
    return result


def masks(regions: F32, classes: NDArray[np.int32], arrays: Arrays, config: MaskRcnnConfig) -> F32:
    """Probabilities of each region's own class."""
    x = resize_corners(roi_features(regions, arrays, config), config.mask_size)
    for number in range(config.mask_convs):
        x = relu(x) if number else x
        x = biased(x, arrays, "SecondStageBoxPredictor/Conv" + (f"_{number}" if number else ""))
    chosen = x[np.arange(len(x)), :, :, np.maximum(classes - 1, 0)]
    return np.asarray(1 / (1 + np.exp(-chosen)), np.float32)
