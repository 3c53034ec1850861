"""TwoPassEngine: a detector on every frame, and a mask head on the detections that are wanted.

The first pass gives detections and the feature map; the second makes masks of some detections from
that map. The map never leaves OpenVINO: the second pass reads the first one's output tensor where
it lies. The second pass runs when a result is asked for, so beside the first passes of the frames
that follow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino import opset13 as op

from streamer.devices import is_quantized
from streamer.engine import Engine, OpenVinoEngine, OpenVinoPending
from streamer.models.base import Model, Selector, Tensors
from streamer.network.network import hand_over_as


class TwoPassEngine:
    """Runs both passes of a model; an `Engine`.

    Args:
        first: runs the detector. Its outputs are ``detections`` f32[D, 6] and ``cells``.
        heads: run the mask head, by how many detections each takes.
        select: which rows of ``detections`` need a mask.
    """

    def __init__(
        self, first: OpenVinoEngine, heads: Mapping[int, OpenVinoEngine], select: Selector
    ) -> None:
        self.device, self.precision, self.requests = first.device, first.precision, first.requests
        self._first, self._heads, self._select = first, heads, select

    def submit(self, tensors: Tensors) -> TwoPassPending:
        """Start the first pass, waiting for a free request if need be. See `Engine.submit`."""
        return TwoPassPending(self._first.submit(tensors), self._heads, self._select)

    def check(self, tensors: Tensors) -> None:
        """Try the first pass's requests; of each head there is only one. See `Engine.check`."""
        self._first.check(tensors)

    def close(self) -> None:
        """Wait for what is in flight."""
        for engine in (self._first, *self._heads.values()):
            engine.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class TwoPassPending:
    """Both passes under way; gives detections f32[D, 6], rows i64[N] and masks f32[N, M, M]."""

    def __init__(
        self,
        first: OpenVinoPending,
        heads: Mapping[int, OpenVinoEngine],
        select: Selector,
    ) -> None:
        self._first, self._heads, self._select = first, heads, select
        self.span = (0.0, 0.0)

    def result(self) -> Tensors:
        """Wait for the first pass, then run the second. See `Pending.result`."""
        detections_port, cells = self._first.tensors()
        detections = np.array(detections_port.data)
        rows = self._select(detections)
        masks, end = self._masks(detections[rows], cells)
        self.span = (self._first.span[0], max(end, self._first.span[1]))
        return [detections, rows, masks]

    def release(self) -> None:
        """Give the requests back. Does nothing the second time."""
        self._first.release()

    def _masks(
        self, detections: NDArray[np.float32], cells: ov.Tensor
    ) -> tuple[NDArray[np.float32], float]:
        """Masks f32[N, M, M], and when the last of them was done."""
        masks: list[NDArray[Any]] = []
        done, end = 0, 0.0
        # One batch at a time: the cores are busy with first passes anyway, and a batch that waited
        # for a request which only this thread gives back would wait for ever.
        for size in batches(len(detections), sorted(self._heads)):
            part = detections[done : done + size]
            done += len(part)
            # The rows beyond repeat the last one; their masks are thrown away.
            padded = np.concatenate([part, np.repeat(part[-1:], size - len(part), axis=0)])
            pending = self._heads[size].submit([cells, padded])
            try:
                masks.append(np.array(pending.result()[0][: len(part)]))
                end = pending.span[1]
            finally:
                pending.release()
        return np.concatenate(masks) if masks else np.zeros((0, 1, 1), np.float32), end


def batches(count: int, sizes: Sequence[int]) -> list[int]:
    """Sizes of the batches that ``count`` items take, largest first; the last may not be full.

    As little as possible is computed in vain, where a batch more costs as much as an item more.

    Args:
        count: of the items.
        sizes: there are, ascending, from 1 on.
    """
    full, rest = divmod(count, sizes[-1])
    return [sizes[-1]] * full + _fewest(rest, sizes)


def _fewest(count: int, sizes: Sequence[int]) -> list[int]:
    if count == 0:
        return []
    one = next(size for size in sizes if size >= count)
    below = next(size for size in reversed(sizes) if size <= count)
    several = [below, *_fewest(count - below, sizes)]
    return several if sum(several) + len(several) < one + 1 else [one]


def start(
    model: Model,
    device: str = "AUTO",
    precision: str = "auto",
    requests: int | None = None,
    cache_dir: Path | None = None,
) -> Engine:
    """The engine that a model needs; see `OpenVinoEngine` for the arguments.

    Raises:
        DeviceError: the device is not there or will not take the model.
    """
    if model.second_pass is None:
        return OpenVinoEngine(model.graph, device, precision, requests, cache_dir)
    graph, masks = model.graph.clone(), model.second_pass.graph.clone()
    # What a quantized graph does not compute in INT8, it computes in f32.
    kind = ov.Type.f32 if is_quantized(graph) else _kind_of_map(device, precision)
    hand_over_as(kind, graph, masks)
    first = OpenVinoEngine(graph, device, precision, requests, cache_dir)
    heads = {}
    for size in model.second_pass.batches:
        head = masks.clone()
        head.reshape({"detections": [size, 6]})
        heads[size] = OpenVinoEngine(head, device, precision, 1, cache_dir)
    return TwoPassEngine(first, heads, model.second_pass.select)


def _kind_of_map(device: str, precision: str) -> ov.Type:
    """The element type that the device computes in, told from a graph that compiles at once."""
    data = op.parameter([1, 1, 8, 8], np.float32)
    kernel = op.constant(np.ones((1, 1, 3, 3), np.float32))
    tiny = ov.Model([op.convolution(data, kernel, [1, 1], [0, 0], [0, 0], [1, 1])], [data])
    computes = OpenVinoEngine(tiny, device, precision, requests=1).precision
    return {"bf16": ov.Type.bf16, "f16": ov.Type.f16}.get(computes, ov.Type.f32)
