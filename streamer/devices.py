"""Devices: which there are, and compiling a graph for one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openvino as ov

from streamer.errors import DeviceError, last_line

PRECISIONS = ("auto", "f32", "bf16", "f16", "int8")
"""What inference may be asked to compute in. INT8 is a property of the model, not of the device."""

_TYPES = {"f32": ov.Type.f32, "bf16": ov.Type.bf16, "f16": ov.Type.f16}
_NAMES = {"bfloat16": "bf16", "float16": "f16", "float": "f32", "float32": "f32", "dynamic": "auto"}


def available_devices() -> list[str]:
    """The devices that OpenVINO finds on this machine."""
    return [str(name) for name in ov.Core().available_devices]


def compile_graph(
    graph: ov.Model,
    device: str,
    precision: str,
    cache_dir: Path | None,
    requests: int | None = None,
) -> ov.CompiledModel:
    """Compile for many requests in flight, or for one that gets the whole device.

    Args:
        graph: with static shapes.
        device: as OpenVINO names it.
        precision: one of `PRECISIONS`.
        cache_dir: where compiled graphs are kept; None for nowhere.
        requests: how many there will be; None for as many as keep the device busy.

    Raises:
        DeviceError: the device is not there or will not take the graph.
    """
    core = ov.Core()
    if cache_dir is not None:
        core.set_property({"CACHE_DIR": str(cache_dir)})
    config: dict[str, Any] = {"PERFORMANCE_HINT": "THROUGHPUT"}
    if requests is not None:
        # Cores are shared out among so many, rather than among as many as would suit the device.
        config["PERFORMANCE_HINT_NUM_REQUESTS"] = requests
    kind = _kind(graph, device, precision)
    if kind is not None:
        config["INFERENCE_PRECISION_HINT"] = kind
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


def _kind(graph: ov.Model, device: str, precision: str) -> ov.Type | None:
    """What to ask for where a graph computes in floating point; None leaves it to the device."""
    # With OpenVINO 2026.4.1 on the CPU, a max pooling in bf16 before quantization gives garbage;
    # and what is left in floating point is so little that f32 is as fast.
    if is_quantized(graph):
        # Only here, because to ask which devices there are takes drivers time.
        used = available_devices() if device == "AUTO" else _named(device)
        if set(used) <= {"CPU"}:
            return ov.Type.f32
    return _TYPES.get(precision)


def _missing_devices(device: str, available: Sequence[str]) -> list[str]:
    """The devices named in ``HETERO:GPU,CPU`` and the like that are not among ``available``."""
    known = {name for full in available for name in (full, full.split(".")[0])}
    known |= {"AUTO", "MULTI", "HETERO", "BATCH"}
    return [name for name in _named(device) if name not in known]


def _named(device: str) -> list[str]:
    """The devices named in ``HETERO:GPU,CPU`` and the like."""
    mode, _, names = device.partition(":")
    wanted = (name.strip().lstrip("-").split("(")[0] for name in (names or mode).split(","))
    return [name for name in wanted if name]


def execution_device(compiled: ov.CompiledModel, asked: str) -> str:
    """The device that AUTO chose, else the one asked for."""
    devices = _read(compiled, "EXECUTION_DEVICES")
    names = [devices] if isinstance(devices, str) else [str(name) for name in devices or []]
    return ",".join(name.strip("()") for name in names) or asked


def optimal_requests(compiled: ov.CompiledModel) -> int:
    """How many requests in flight keep the device busy."""
    return max(int(_read(compiled, "OPTIMAL_NUMBER_OF_INFER_REQUESTS") or 1), 1)


def precision_of(compiled: ov.CompiledModel, graph: ov.Model) -> str:
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
