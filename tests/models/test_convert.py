"""Graphs that are kept as they are, and what is changed about them all the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openvino as ov
import pytest

from streamer.errors import ModelError
from streamer.models.convert import convert
from streamer.models.labels import COCO
from streamer.models.loading import load
from streamer.models.registry import contract_of, open_model
from tests.models.tf_graph import SCALED, write_tf_graph
from tests.network.parts import TINY, random_arrays
from tests.network.test_reader import PIPELINE, write_graph


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_tf_graph(tmp_path / "frozen_inference_graph.pb")


def test_the_written_graph_scales_its_pictures(source: Path) -> None:
    """Otherwise the tests below would show nothing."""
    graph = ov.Core().read_model(source)
    assert any(node.get_type_name() == "Loop" for node in graph.get_ops())
    found = ov.compile_model(graph, "CPU")(np.zeros((1, 30, 70, 3), np.uint8))
    np.testing.assert_array_equal(found["detection_boxes:0"], [[[*SCALED, 3, 0]]])


@pytest.mark.parametrize(
    ("config", "size", "expected"),
    [("", None, (800, 1365)), (PIPELINE, None, (75, 98)), (PIPELINE, (48, 64), (48, 64))],
)
def test_a_kept_graph_sees_the_picture_at_the_size_of_its_input(
    source: Path, config: str, size: tuple[int, int] | None, expected: tuple[int, int]
) -> None:
    if config:
        source.with_name("pipeline.config").write_text(config, encoding="utf-8")
    graph = load(convert(source, source.parent / "ir", size)).graph
    assert list(graph.input().shape) == [1, *expected, 3]
    assert not any(port.partial_shape.is_dynamic for op in graph.get_ops() for port in op.outputs())
    picture = np.zeros((1, *expected, 3), np.uint8)
    picture[:, : expected[0] // 4 * 2] = 255
    found = ov.compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(picture)
    np.testing.assert_array_equal(found["detection_boxes"], [[[*expected, 3, 0]]])
    np.testing.assert_allclose(found["detection_scores"], [[picture.mean() / 255]], atol=1e-4)


def test_a_kept_graph_runs_under_the_original_contract(source: Path) -> None:
    loaded = load(convert(source, source.parent / "ir"))
    assert contract_of(loaded) == "tf-od-api"
    assert loaded.graph.input().names == {"image_tensor"}
    assert {frozenset(port.names) for port in loaded.graph.outputs} == {
        frozenset({name})
        for name in (
            "detection_boxes",
            "detection_scores",
            "detection_classes",
            "detection_masks",
            "num_detections",
        )
    }


def test_classes_of_a_kept_graph(tmp_path: Path) -> None:
    coco = write_tf_graph(tmp_path / "coco.pb", classes=90)
    own = write_tf_graph(tmp_path / "own.pb", classes=3)
    assert open_model(convert(coco, tmp_path / "ir")).labels == COCO
    labels = open_model(convert(own, tmp_path / "ir")).labels
    assert labels == {1: "class 1", 2: "class 2", 3: "class 3"}


@pytest.mark.parametrize(
    ("resizer", "noted"),
    [
        ("fixed_shape_resizer { height: 75 width: 98 }", "standard"),
        ("keep_aspect_ratio_resizer { min_dimension: 75 max_dimension: 98 }", None),
    ],
)
def test_whether_the_aspect_ratio_is_kept_is_noted(
    source: Path, resizer: str, noted: str | None
) -> None:
    config = PIPELINE.replace("fixed_shape_resizer { height: 75 width: 98 }", resizer)
    source.with_name("pipeline.config").write_text(config, encoding="utf-8")
    loaded = load(convert(source, source.parent / "ir"))
    assert loaded.model_info.get("resize_type") == noted


def test_a_line_tells_that_a_graph_is_kept(source: Path, tmp_path: Path) -> None:
    said: list[str] = []
    convert(source, tmp_path / "ir", say=said.append)
    (line,) = said
    assert "InceptionV2" in line
    assert "every mask" in line
    resnet = tmp_path / "resnet"
    resnet.mkdir()
    (resnet / "pipeline.config").write_text(PIPELINE, encoding="utf-8")
    graph = write_graph(resnet / "frozen_inference_graph.pb", random_arrays(TINY))
    convert(graph, tmp_path / "ir", say=said.append)
    assert said == [line]


def test_a_graph_that_misses_an_output_is_refused(tmp_path: Path) -> None:
    source = write_tf_graph(tmp_path / "graph.pb", without=["detection_masks"])
    with pytest.raises(ModelError, match=r"graph\.pb does not follow tf-od-api.*detection_masks"):
        convert(source, tmp_path / "ir")
    assert not (tmp_path / "ir").exists()
