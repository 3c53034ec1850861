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
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from streamer.errors import DeviceError, InferenceError, last_line
from streamer.models.base import Tensors

PRECISIONS = ("auto", "f32", "bf16", "f16", "int8")
"""What inference may be asked to compute in. INT8 is a property of the model, not of the device."""

_TYPES = {"f32": ov.Type.f32, "bf16": ov.Type.bf16, "f16": ov.Type.f16}
_NAMES = {"bfloat16": "bf16", "float16": "f16", "float": "f32", "float32": "f32", "dynamic": "auto"}

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
        cache_dir: a folder where compiled graphs are kept for the next start; None for nowhere.

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
        compiled = _compile(graph, device, precision, cache_dir)
        self.device = _execution_device(compiled, device)
        self.precision = _precision_of(compiled, graph)
        self.requests = requests or _optimal_requests(compiled) + 1
        self._compiled = compiled
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
        """Try the requests. See `Engine.check`.

        With OpenVINO 2026.4.1, graphs with unfolded int8 weights gave garbage in a quarter of their
        compilations as soon as two requests ran together, unless each had run alone before.
        """
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


def available_devices() -> list[str]:
    """The devices that OpenVINO finds on this machine."""
    return [str(name) for name in ov.Core().available_devices]


def _compile(
    graph: ov.Model, device: str, precision: str, cache_dir: Path | None
) -> ov.CompiledModel:
    core = ov.Core()
    if cache_dir is not None:
        core.set_property({"CACHE_DIR": str(cache_dir)})
    config: dict[str, Any] = {"PERFORMANCE_HINT": "THROUGHPUT"}
    if precision in _TYPES:
        config["INFERENCE_PRECISION_HINT"] = _TYPES[precision]
    try:
        return core.compile_model(graph, device, config)
    except Exception as error:
        missing = _missing_devices(device, [str(name) for name in core.available_devices])
        if missing:
            there = ", ".join(core.available_devices)
            raise DeviceError(
                f"no device {missing[0]} on this machine; there is {there} (and AUTO)"
            ) from error
        raise DeviceError(f"{device} will not take the model: {last_line(error)}") from error


def _missing_devices(device: str, available: Sequence[str]) -> list[str]:
    """The devices named in ``HETERO:GPU,CPU`` and the like that are not among ``available``."""
    mode, _, names = device.partition(":")
    wanted = [n.strip().lstrip("-").split("(")[0] for n in (names or mode).split(",")]
    known = {name for full in available for name in (full, full.split(".")[0])}
    return [n for n in wanted if n and n not in known | {"AUTO", "MULTI", "HETERO", "BATCH"}]


def _execution_device(compiled: ov.CompiledModel, asked: str) -> str:
    """The device that AUTO chose, else the one asked for."""
    devices = _read(compiled, "EXECUTION_DEVICES")
    names = [devices] if isinstance(devices, str) else [str(name) for name in devices or []]
    return ",".join(name.strip("()") for name in names) or asked


def _optimal_requests(compiled: ov.CompiledModel) -> int:
    return max(int(_read(compiled, "OPTIMAL_NUMBER_OF_INFER_REQUESTS") or 1), 1)


def _precision_of(compiled: ov.CompiledModel, graph: ov.Model) -> str:
    """What it computes in: int8 where the graph is quantized, else the device's own precision."""
    if is_quantized(graph):
        return "int8"
    hint = _read(compiled, "INFERENCE_PRECISION_HINT")
    if hint is None:
        # AUTO and HETERO have no precision of their own; the first device that they use has.
        used: dict[str, dict[str, Any]] = dict(_read(compiled, "DEVICE_PROPERTIES") or {})
        hint = next(iter(used.values()), {}).get("INFERENCE_PRECISION_HINT")
    if hint is None:
        return "auto"
    name = str(hint.to_string() if hasattr(hint, "to_string") else hint)
    return _NAMES.get(name, name)


def _read(compiled: ov.CompiledModel, key: str) -> Any:
    """A property of a compiled graph; None where the device does not know it."""
    try:
        return compiled.get_property(key)
    except Exception:
        return None


def is_quantized(graph: ov.Model) -> bool:
    """Whether a graph computes in INT8: its activations are quantized, not only its weights."""
    return any(op.get_type_name() == "FakeQuantize" for op in graph.get_ops())


def _copies(pending: OpenVinoPending) -> list[NDArray[Any]]:
    """The outputs, but for those in bf16, which numpy does not know."""
    return [np.array(t.data) for t in pending.tensors() if t.element_type != ov.Type.bf16]


def _agree(a: NDArray[Any], b: NDArray[Any]) -> bool:
    a32, b32 = a.astype(np.float32), b.astype(np.float32)
    scale = float(np.max(np.abs(a32), initial=1e-6))
    return bool(np.mean(np.abs(a32 - b32)) <= _AGREEMENT * scale)
