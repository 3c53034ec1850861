"""Regions of interest in PyTorch, for training: many boxes of several feature maps at once.

TensorFlow's CropAndResize and max pooling, as in `streamer.network.crops`. Bilinear sampling is a
sparse matrix of four weights a row times the cells' channels, and its gradient is the transposed
matrix: a third of the time that ``grid_sample`` takes on a CPU, forth and back.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from streamer.network.config import MaskRcnnConfig


def crop(features: Tensor, boxes: Tensor, images: Tensor, config: MaskRcnnConfig) -> Tensor:
    """Cut boxes out of feature maps.

    Args:
        features: f32 or bf16[B, C, H, W].
        boxes: f32[N, 4] in pixels of the input.
        images: i64[N], which of the maps each box is of.
        config: of the network.

    Returns:
        f32 or bf16[N, C, S, S] where S is `MaskRcnnConfig.roi_size`, channels last in memory.
    """
    count, depth, height, width = features.shape
    cells = features.permute(0, 2, 3, 1).reshape(count * height * width, depth).float()
    taps, weights = _taps(boxes, images, config)
    # Back in bf16 where that was the type: the convolution that follows would round anyway.
    sampled = _mix(cells, taps, weights).to(features.dtype)
    side = config.crop_size
    x = sampled.reshape(len(boxes), side, side, depth).permute(0, 3, 1, 2)
    return functional.max_pool2d(x, config.pool, config.pool)


def _taps(boxes: Tensor, images: Tensor, config: MaskRcnnConfig) -> tuple[Tensor, Tensor]:
    """Cells i64[N * S * S, 4] that samples lie between, and their weights f32[N * S * S, 4]."""
    height, width = config.feature_size
    last = boxes.new_tensor([height - 1, width - 1])
    scale = last / boxes.new_tensor([config.height, config.width])
    low, high = boxes[:, :2] * scale, boxes[:, 2:] * scale
    steps = torch.linspace(0, 1, config.crop_size)
    places = low[:, :, None] + (high - low)[:, :, None] * steps
    # A box that ends with the picture must not lose its edge to rounding.
    places = places.minimum(last[:, None]).clamp(min=0)
    before = places.floor().minimum(last[:, None] - 1)
    part = places - before
    first = before.long()
    taps, weights = [], []
    for down in (0, 1):
        for across in (0, 1):
            rows, columns = first[:, 0] + down, first[:, 1] + across
            taps.append((images[:, None] * height + rows)[:, :, None] * width + columns[:, None])
            weight_y, weight_x = (
                part[:, axis] if far else 1 - part[:, axis]
                for axis, far in ((0, down), (1, across))
            )
            weights.append(weight_y[:, :, None] * weight_x[:, None])
    return torch.stack(taps, -1).reshape(-1, 4), torch.stack(weights, -1).reshape(-1, 4)


class _Mix(torch.autograd.Function):
    """Weighted sums of rows: f32[R, C], taps i64[N, 4] and weights f32[N, 4] to f32[N, C]."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, taps: Tensor, weights: Tensor) -> Tensor:
        ctx.save_for_backward(taps, weights)
        ctx.count = len(rows)
        starts = torch.arange(0, taps.numel() + 1, 4)
        return _product(starts, taps.ravel(), weights.ravel(), rows)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        taps, weights = ctx.saved_tensors
        flat = taps.ravel()
        order = torch.argsort(flat)
        starts = torch.zeros(ctx.count + 1, dtype=torch.int64)
        starts[1:] = torch.bincount(flat, minlength=ctx.count).cumsum(0)
        samples = torch.div(order, 4, rounding_mode="floor")
        mixed = _product(starts, samples, weights.ravel()[order], gradients[0].contiguous())
        return mixed, None, None


_mix: Callable[[Tensor, Tensor, Tensor], Tensor] = _Mix.apply


def _product(starts: Tensor, columns: Tensor, values: Tensor, dense: Tensor) -> Tensor:
    """A sparse matrix, by rows, times f32[M, C]."""
    size = (len(starts) - 1, len(dense))
    with warnings.catch_warnings():
        # PyTorch calls the format beta, once in each process; products of it have long been MKL's.
        warnings.filterwarnings("ignore", "Sparse CSR tensor support")
        matrix = torch.sparse_csr_tensor(starts, columns, values, size, check_invariants=False)
    return matrix @ dense
