from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import pytest
from numpy.typing import NDArray

from streamer.devices import is_quantized
from streamer.errors import ModelError
from streamer.evaluation.quantize import quantize
from streamer.models import mask_rcnn
from streamer.models.base import Model
from streamer.models.registry import open_model
from streamer.network.network import unquantized
from streamer.network.random_weights import random_weights
from streamer.two_pass import start
from tests.network.parts import TINY, random_image, run

pytest.importorskip("nncf", reason="needs NNCF: pip install 'streamer[quantize]'")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model")
    return mask_rcnn.save(TINY, random_weights(TINY), path, "tiny", {})


@pytest.fixture(scope="module")
def model(folder: Path) -> Model:
    return open_model(folder, threshold=TINY.score_threshold)


@pytest.fixture(scope="module")
def samples() -> list[list[NDArray[Any]]]:
    size = np.array([TINY.height, TINY.width], np.float32)
    return [[random_image(TINY, seed), size] for seed in range(4)]


@pytest.fixture(scope="module")
def int8(
    model: Model, samples: list[list[NDArray[Any]]], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    graph, masks = quantize(model, samples)
    assert masks is not None
    return mask_rcnn.write(graph, masks, tmp_path_factory.mktemp("int8"), "tiny")


def test_both_passes_compute_in_int8(int8: Path) -> None:
    quantized = open_model(int8)
    assert quantized.second_pass is not None
    for graph in (quantized.graph, quantized.second_pass.graph):
        convolutions = [op for op in graph.get_ops() if op.get_type_name() == "Convolution"]
        assert len(convolutions) > 5
        for convolution in convolutions:
            assert is_fed_by_int8(convolution), convolution


def is_fed_by_int8(node: ov.Node) -> bool:
    """Whether the weights, behind the scaling that NNCF puts there, are integers."""
    weights = node.input_value(1).get_node()
    while weights.get_type_name() != "Constant":
        weights = weights.input_value(0).get_node()
    return bool(weights.get_element_type() in (ov.Type.i8, ov.Type.u8))


def test_coordinates_sampling_and_resizing_stay_as_they_are(model: Model, int8: Path) -> None:
    quantized = open_model(int8)
    assert model.second_pass is not None
    assert quantized.second_pass is not None
    for before, after in (
        (model.graph, quantized.graph),
        (model.second_pass.graph, quantized.second_pass.graph),
    ):
        names = set(unquantized(before))
        assert len(names) > 20
        left_alone = [op for op in after.get_ops() if op.get_friendly_name() in names]
        assert len(left_alone) > 20
        for op in left_alone:
            fed = [value.get_node().get_type_name() for value in op.input_values()]
            assert "FakeQuantize" not in fed, op


def test_the_answer_is_nearly_the_same(
    model: Model, int8: Path, samples: list[list[NDArray[Any]]]
) -> None:
    quantized = open_model(int8)
    assert model.second_pass is not None
    assert quantized.second_pass is not None
    for tensors in samples:
        detections, cells = run(model.graph, *tensors)
        _, cells_int8 = run(quantized.graph, *tensors)
        assert np.abs(cells_int8 - cells).mean() < 0.3 * np.abs(cells).mean()
        rows = detections[:1]
        masks = run(model.second_pass.graph, cells, rows)[0]
        quantized.second_pass.graph.reshape({"detections": [1, 6]})
        masks_int8 = run(quantized.second_pass.graph, cells, rows)[0]
        assert np.abs(masks_int8 - masks).mean() < 0.1


def test_what_is_quantized_is_not_quantized_again(int8: Path) -> None:
    with pytest.raises(ModelError, match="tiny is quantized already"):
        quantize(open_model(int8), [])


def test_nncf_missing_is_said(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nncf", None)
    with pytest.raises(ModelError, match=r"pip install 'streamer\[quantize\]'"):
        quantize(model, [])


def test_no_picture_to_calibrate_on(model: Model) -> None:
    with pytest.raises(ModelError, match="NNCF cannot quantize"):
        quantize(model, [])


def test_a_quantized_graph_computes_the_rest_in_f32(int8: Path) -> None:
    graph = open_model(int8).graph
    assert is_quantized(graph)
    with start(open_model(int8), "CPU", "bf16", requests=1) as engine:
        first: Any = engine
        hint = first._first._compiled.get_property("INFERENCE_PRECISION_HINT")
    assert hint == ov.Type.f32
