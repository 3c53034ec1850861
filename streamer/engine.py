"""Engine: runs a graph on a device with several infer requests in flight.

`submit` starts a request and returns its `Pending`; whoever holds that asks it for the `result` and
gives the request back with `release`. There are no callbacks: in OpenVINO 2026.4 they come out of
order, one that raises can abort the process, and after a failed inference none comes at all. The
engine knows nothing of streams, so several pipelines may share it.
"""

from __future__ import annotations

import contextlib
import queue
import time
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from streamer.devices import compile_graph, execution_device, optimal_requests, precision_of
from streamer.errors import InferenceError, last_line
from streamer.models.base import Tensors
from streamer.verdicts import Verdict

_TIME_LIMIT_MS = 120_000
"""A request that takes longer than this has hung; the slowest honest one takes seconds."""

_AGREEMENT = 0.02
"""Share of the largest value by which two runs of one request may differ; noise differs by 1."""


class Pending(Protocol):
    """An inference under way.

    Attributes:
        span: when it started and ended, in seconds of `time.perf_counter`; known after `result`.
    """

    span: tuple[float, float]

    def result(self) -> Tensors:
        """Wait for the outputs: views, good until `release`.

        Raises:
            InferenceError: the device failed on this very input, or did not answer in time.
        """

    def release(self) -> None:
        """Give the request back. Does nothing the second time."""


class Engine(Protocol):
    """Runs a model.

    Attributes:
        device: that it runs on.
        precision: that it computes in.
        requests: how many may be in flight.
    """

    device: str
    precision: str
    requests: int

    def submit(self, tensors: Tensors) -> Pending:
        """Start an inference, waiting for a free request if need be.

        Raises:
            InferenceError: the inputs do not fit the graph.
        """

    def check(self, tensors: Tensors) -> None:
        """Try the requests on one input: each alone, then together; their answers must agree.

        Raises:
            InferenceError: a request fails, or gives another answer beside others than alone.
        """

    def close(self) -> None:
        """Wait for what is in flight."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc: object) -> None: ...


class OpenVinoEngine:
    """A compiled graph and its infer requests.

    Args:
        graph: with static shapes.
        device: as OpenVINO names it: ``AUTO``, ``CPU``, ``GPU``, ``NPU``, ``HETERO:GPU,CPU`` ...
        precision: one of `PRECISIONS`; ``"auto"`` takes the device's own choice.
        requests: how many in flight; None for the device's own optimum and one more, so that the
            device works on while a result is being read.
        cache_dir: a folder where compiled graphs, and what `check` has found of them, are kept for
            the next start; None for nowhere.

    Raises:
        DeviceError: the device is not there or will not take the graph.
    """

    def __init__(
        self,
        graph: ov.Model,
        device: str = "AUTO",
        precision: str = "auto",
        requests: int | None = None,
        cache_dir: Path | None = None,
    ) -> None:
        compiled = compile_graph(graph, device, precision, cache_dir, requests)
        self.device = execution_device(compiled, device)
        self.precision = precision_of(compiled, graph)
        self.requests = requests or optimal_requests(compiled) + 1
        self._compiled = compiled
        self._graph, self._asked, self._cache_dir = graph, device, cache_dir
        self._all = [compiled.create_infer_request() for _ in range(self.requests)]
        self._free: queue.SimpleQueue[ov.InferRequest] = queue.SimpleQueue()
        for request in self._all:
            self._free.put(request)

    def submit(self, tensors: Tensors) -> OpenVinoPending:
        """Start an inference, waiting for a free request if need be."""
        request = self._free.get()
        try:
            for index, tensor in enumerate(tensors):
                request.set_input_tensor(index, _shared(tensor))
            return OpenVinoPending(request, tensors, self._free)
        except Exception as error:
            self._free.put(request)
            raise InferenceError(f"{self.device} refused an input: {last_line(error)}") from error

    def check(self, tensors: Tensors) -> None:
        """Try the requests, unless this graph has passed before. See `Engine.check` and `Verdict`.

        With OpenVINO 2026.4.1, graphs with unfolded int8 weights gave garbage in a quarter of their
        compilations as soon as two requests ran together, unless each had run alone before.
        """
        how = self._asked, self.precision, self.requests, optimal_requests(self._compiled)
        verdict = Verdict(self._cache_dir, self._graph, self.device, *how)
        if not verdict.is_sound:
            self._try(tensors)
            verdict.remember()

    def _try(self, tensors: Tensors) -> None:
        alone = [self._run(tensors) for _ in range(self.requests)]
        if self.requests == 1:
            return
        together = [self.submit(tensors) for _ in range(self.requests)]
        try:
            answers = [_copies(pending) for pending in together]
        finally:
            for pending in together:
                pending.release()
        for answer in alone + answers:
            if not all(_agree(a, b) for a, b in zip(alone[0], answer, strict=True)):
                raise InferenceError(
                    f"{self.device} gives different answers to the same picture when requests run "
                    "together; --requests 1 avoids it, and so does --device CPU --precision f32"
                )

    def _run(self, tensors: Tensors) -> list[NDArray[Any]]:
        pending = self.submit(tensors)
        try:
            return _copies(pending)
        finally:
            pending.release()

    def close(self) -> None:
        """Wait for what is in flight."""
        for request in self._all:
            request.cancel()
            _settle(request)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class OpenVinoPending:
    """An infer request under way."""

    def __init__(
        self, request: ov.InferRequest, tensors: Tensors, free: queue.SimpleQueue[ov.InferRequest]
    ) -> None:
        self._request = request
        self._tensors = tensors
        self._free = free
        self._released = False
        self.span = (0.0, 0.0)
        self._started = time.perf_counter()
        request.start_async()

    def result(self) -> Tensors:
        """Wait for the outputs: views, good until `release`."""
        return [tensor.data for tensor in self.tensors()]

    def tensors(self) -> list[ov.Tensor]:
        """Wait for the outputs as OpenVINO has them, to hand on without a copy."""
        try:
            done = self._request.wait_for(_TIME_LIMIT_MS)
        except Exception as error:
            raise InferenceError(f"the device failed: {last_line(error)}") from error
        if not done:
            raise InferenceError(f"the device did not answer in {_TIME_LIMIT_MS // 1000} s")
        self.span = (self._started, self._started + self._request.latency / 1e3)
        return list(self._request.output_tensors)

    def release(self) -> None:
        """Give the request back, once the device no longer reads its inputs."""
        if not self._released:
            self._released = True
            _settle(self._request)
            self._free.put(self._request)


def _shared(tensor: NDArray[Any] | ov.Tensor) -> ov.Tensor:
    """A tensor that is read where it lies; the Pending keeps it alive."""
    return tensor if isinstance(tensor, ov.Tensor) else ov.Tensor(tensor, shared_memory=True)


def _settle(request: ov.InferRequest) -> None:
    """Wait until a request is at rest, whatever became of it."""
    # A request that has failed or was cancelled raises at every wait; `result` has told that.
    with contextlib.suppress(Exception):
        request.wait_for(_TIME_LIMIT_MS)


def _copies(pending: OpenVinoPending) -> list[NDArray[Any]]:
    """The outputs, but for those in bf16, which numpy does not know."""
    return [np.array(t.data) for t in pending.tensors() if t.element_type != ov.Type.bf16]


def _agree(a: NDArray[Any], b: NDArray[Any]) -> bool:
    a32, b32 = a.astype(np.float32), b.astype(np.float32)
    scale = float(np.max(np.abs(a32), initial=1e-6))
    return bool(np.mean(np.abs(a32 - b32)) <= _AGREEMENT * scale)
