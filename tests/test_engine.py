"""The engine on real OpenVINO graphs: order, agreement, failures, devices."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import pytest
from numpy.typing import NDArray
from openvino import opset13 as ops

from streamer.devices import available_devices
from streamer.engine import OpenVinoEngine
from streamer.errors import DeviceError, InferenceError
from streamer.models.base import Tensors


def convolution() -> ov.Model:
    """3x3 convolutions, heavy enough that requests really run together."""
    noise = np.random.default_rng(0)
    data = ops.parameter([1, 8, 64, 64], np.float32)
    node: Any = data
    for _ in range(4):
        kernel = noise.normal(0, 0.1, (8, 8, 3, 3)).astype(np.float32)
        node = ops.relu(ops.convolution(node, kernel, [1, 1], [1, 1], [1, 1], [1, 1]))
    return ov.Model([node], [data], "convolution")


def reshaping() -> ov.Model:
    """Fails at run time, and only there, where the second input names another number of values."""
    data = ops.parameter([12], np.float32)
    shape = ops.parameter([2], np.int64)
    return ov.Model([ops.reshape(data, shape, False)], [data, shape], "reshaping")


def picture(seed: int) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=(1, 8, 64, 64)).astype(np.float32)


@pytest.fixture(scope="module")
def engine() -> Iterator[OpenVinoEngine]:
    with OpenVinoEngine(convolution(), "CPU", "f32", requests=4) as engine:
        yield engine


def answer(engine: OpenVinoEngine, tensors: Tensors) -> NDArray[np.float32]:
    pending = engine.submit(tensors)
    try:
        return np.array(pending.result()[0])
    finally:
        pending.release()


def test_together_gives_what_alone_gives_in_order(engine: OpenVinoEngine) -> None:
    inputs = [picture(seed) for seed in range(40)]
    alone = [answer(engine, [tensor]) for tensor in inputs]
    together = []
    flying = []
    for tensor in inputs:
        flying.append(engine.submit([tensor]))
        if len(flying) == engine.requests:
            pending = flying.pop(0)
            together.append(np.array(pending.result()[0]))
            pending.release()
    for pending in flying:
        together.append(np.array(pending.result()[0]))
        pending.release()
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_check_accepts_a_sound_engine(engine: OpenVinoEngine) -> None:
    engine.check([picture(0)])


def test_check_finds_requests_that_disagree(
    engine: OpenVinoEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    submitted = 0
    honest = engine.submit

    def spoiled(tensors: Tensors) -> Any:
        nonlocal submitted
        submitted += 1
        # The last of those that run together reads something else.
        last = submitted == 2 * engine.requests
        return honest([picture(99)] if last else tensors)

    monkeypatch.setattr(engine, "submit", spoiled)
    with pytest.raises(InferenceError, match="different answers"):
        engine.check([picture(0)])


def test_a_failed_inference_fails_its_own_frame() -> None:
    data = np.arange(12, dtype=np.float32)
    shapes = [[3, 4], [5, 5], [2, 6], [4, 3]]
    with OpenVinoEngine(reshaping(), "CPU", requests=4) as engine:
        pendings = [engine.submit([data, np.array(shape, np.int64)]) for shape in shapes]
        for shape, pending in zip(shapes, pendings, strict=True):
            if shape == [5, 5]:
                with pytest.raises(InferenceError, match="the device failed") as caught:
                    pending.result()
                assert "\n" not in str(caught.value)
            else:
                np.testing.assert_array_equal(pending.result()[0], data.reshape(shape))
            pending.release()


def test_inputs_that_do_not_fit_are_refused_and_cost_no_request() -> None:
    with OpenVinoEngine(convolution(), "CPU", requests=1) as engine:
        for _ in range(3):
            with pytest.raises(InferenceError, match="refused an input"):
                engine.submit([np.zeros((1, 3), np.float32)])
        assert answer(engine, [picture(0)]).shape == (1, 8, 64, 64)


def test_release_twice_gives_one_request_back() -> None:
    with OpenVinoEngine(convolution(), "CPU", requests=1) as engine:
        pending = engine.submit([picture(0)])
        pending.release()
        pending.release()
        assert engine._free.qsize() == 1


def test_inputs_stay_alive_without_their_owner(engine: OpenVinoEngine) -> None:
    expected = answer(engine, [picture(7)])
    pending = engine.submit([picture(7)])
    rubble = [picture(seed) for seed in range(20)]
    np.testing.assert_allclose(pending.result()[0], expected, atol=1e-5)
    pending.release()
    assert rubble


def test_span_is_the_time_of_the_inference(engine: OpenVinoEngine) -> None:
    before = time.perf_counter()
    pending = engine.submit([picture(0)])
    pending.result()
    pending.release()
    start, end = pending.span
    assert before <= start < end <= time.perf_counter()


@pytest.mark.parametrize("device", ["AUTO", "CPU", "HETERO:CPU", "AUTO:CPU"])
def test_devices_that_are_there(device: str) -> None:
    with OpenVinoEngine(convolution(), device, "f32") as engine:
        engine.check([picture(0)])
        assert engine.device == "CPU"
        assert engine.precision == "f32"
        assert engine.requests >= 2


@pytest.mark.parametrize("device", ["GPU.7", "HETERO:NPU.9,CPU", "TOASTER"])
def test_a_device_that_is_not_there_is_named_beside_those_that_are(device: str) -> None:
    with pytest.raises(DeviceError) as caught:
        OpenVinoEngine(convolution(), device)
    message = str(caught.value)
    assert "\n" not in message
    assert device.split(":")[-1].split(",")[0] in message
    assert available_devices()[0] in message


def test_a_compiled_graph_is_kept_for_the_next_start(tmp_path: Path) -> None:
    cache, graph = tmp_path / "compiled", convolution()
    for _ in range(2):
        with OpenVinoEngine(graph, "CPU", "f32", cache_dir=cache) as engine:
            assert answer(engine, [picture(0)]).shape == (1, 8, 64, 64)
    assert len(list(cache.glob("*.blob"))) == 1
