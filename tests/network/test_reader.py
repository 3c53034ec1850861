"""Frozen graphs that the tests write themselves, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from streamer.errors import ModelError
from streamer.network.config import MaskRcnnConfig
from streamer.network.frozen_graph import FrozenGraph, message_class
from streamer.network.network import build_detector
from streamer.network.pipeline_config import read_pipeline_config
from streamer.network.reader import read_network
from streamer.network.weights import Weights
from tests.network.parts import TINY, random_arrays

HEAD = "SecondStageBoxPredictor"
FIRST_CONV = f"FirstStageFeatureExtractor/{TINY.backbone}/conv1"
EPSILON = 2e-5

PIPELINE = """
model {
  faster_rcnn {
    number_of_stages: 3
    num_classes: 4
    image_resizer { fixed_shape_resizer { height: 75 width: 98 } }
    feature_extractor { type: 'faster_rcnn_resnet50' first_stage_features_stride: 8 }
    first_stage_anchor_generator {
      grid_anchor_generator {
        scales: [0.05, 0.15]
        aspect_ratios: 0.5 aspect_ratios: 1.0 aspect_ratios: 2.0
        height_stride: 8
        width_stride: 8
      }
    }
    first_stage_atrous_rate: 2
    first_stage_box_predictor_conv_hyperparams { op: CONV regularizer { l2_regularizer {} } }
    first_stage_box_predictor_depth: 8
    first_stage_nms_iou_threshold: 0.699999988079
    first_stage_max_proposals: 12
    initial_crop_size: 8
    maxpool_kernel_size: 2
    maxpool_stride: 2
    second_stage_box_predictor {
      mask_rcnn_box_predictor {
        predict_instance_masks: true
        mask_height: 15
        mask_width: 15
        mask_prediction_conv_depth: 0
        mask_prediction_num_conv_layers: 3
      }
    }
    second_stage_post_processing {
      batch_non_max_suppression {
        score_threshold: 0.0500000007451
        max_total_detections: 9
      }
      score_converter: SOFTMAX
    }
  }
}
train_config { batch_size: 1 }
"""


def fill_content(tensor: Any, array: NDArray[Any]) -> None:
    tensor.content = array.tobytes()


def fill_values(tensor: Any, array: NDArray[Any]) -> None:
    tensor.float_val.extend(array.ravel().tolist())


def write_graph(
    path: Path,
    arrays: dict[str, NDArray[Any]],
    fill: Callable[[Any, NDArray[Any]], None] = fill_content,
) -> Path:
    """A graph of the constants, each read through an Identity, as freezing leaves them."""
    graph: Any = message_class("Graph")()
    for name, array in arrays.items():
        node = graph.node.add(name=name, op="Const")
        tensor = node.attr.add(key="value").value.tensor
        tensor.dtype = 1
        for size in array.shape:
            tensor.shape.dim.add(size=size)
        fill(tensor, array)
        graph.node.add(name=f"{name}/read", op="Identity", input=[name])
    norm = graph.node.add(name="any/name/of/its/own", op="FusedBatchNorm")
    norm.attr.add(key="epsilon").value.f = EPSILON
    path.write_bytes(graph.SerializeToString())
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_graph(tmp_path / "frozen_inference_graph.pb", random_arrays(TINY))
    (tmp_path / "pipeline.config").write_text(PIPELINE, encoding="utf-8")
    return tmp_path


def problem(path: Path, **how: Any) -> str:
    """The one line that says why a network cannot be read."""
    with pytest.raises(ModelError) as error:
        read_network(path, **how)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("fill", [fill_content, fill_values])
def test_network_is_read_as_it_was_written(
    folder: Path, fill: Callable[[Any, NDArray[Any]], None]
) -> None:
    arrays = random_arrays(TINY)
    path = write_graph(folder / "frozen_inference_graph.pb", arrays, fill)
    config, weights = read_network(path)
    assert config.batch_norm_epsilon == EPSILON
    fields = {name: getattr(config, name) for name in MaskRcnnConfig.__dataclass_fields__}
    assert MaskRcnnConfig(**(fields | {"batch_norm_epsilon": 1e-5})) == TINY
    written = Weights(config, arrays)
    for scope in (FIRST_CONV, f"{HEAD}/Conv", f"{HEAD}/ClassPredictor"):
        for actual, expected in zip(weights.kernel(scope), written.kernel(scope), strict=True):
            np.testing.assert_array_equal(actual, expected)
    assert build_detector(config, weights).input("image").shape == [1, 75, 98, 3]


def test_without_a_pipeline_config_sizes_come_from_the_graph(tmp_path: Path) -> None:
    anchors = MaskRcnnConfig(**{
        name: getattr(TINY, name)
        for name in MaskRcnnConfig.__dataclass_fields__
        if not name.startswith("anchor")
    })  # fmt: skip
    path = write_graph(tmp_path / "graph.pb", random_arrays(anchors))
    config, _ = read_network(path)
    assert (config.classes, config.units, config.mask_depth) == (4, TINY.units, 6)
    assert (config.height, config.width, config.proposals) == (800, 1365, 100)


def test_one_value_stands_for_all_and_a_constant_is_found_by_its_reader(tmp_path: Path) -> None:
    graph: Any = message_class("Graph")()
    tensor = graph.node.add(name="a", op="Const").attr.add(key="value").value.tensor
    tensor.dtype = 1
    tensor.shape.dim.add(size=3)
    tensor.float_val.append(0.5)
    graph.node.add(name="a/read", op="Identity", input=["a"])
    path = tmp_path / "graph.pb"
    path.write_bytes(graph.SerializeToString())
    np.testing.assert_array_equal(FrozenGraph(path).constant("a/read"), [0.5, 0.5, 0.5])


def test_batch_norm_is_folded() -> None:
    arrays = random_arrays(TINY)
    gamma, beta, mean, variance = (
        arrays[f"{FIRST_CONV}/BatchNorm/{name}"].astype(np.float64)
        for name in ("gamma", "beta", "moving_mean", "moving_variance")
    )
    weights, biases = Weights(TINY, arrays).kernel(FIRST_CONV)
    scale = gamma / np.sqrt(variance + TINY.batch_norm_epsilon)
    expected = arrays[f"{FIRST_CONV}/weights"].transpose(3, 2, 0, 1) * scale[:, None, None, None]
    np.testing.assert_allclose(weights, expected, rtol=1e-6)
    np.testing.assert_allclose(biases, beta - mean * scale, rtol=1e-5, atol=1e-7)


def test_truncated_file(folder: Path) -> None:
    path = folder / "frozen_inference_graph.pb"
    path.write_bytes(path.read_bytes()[:-1000])
    assert "is cut off" in problem(path)


@pytest.mark.parametrize("content", [b"", b"\x08\x01", b"no graph at all, but text\n"])
def test_not_a_graph(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "graph.pb"
    path.write_bytes(content)
    assert "is not a TensorFlow frozen graph" in problem(path)


def test_folder_or_nothing_instead_of_a_file(folder: Path) -> None:
    assert "is a folder; give the frozen_inference_graph.pb" in problem(folder)
    assert "cannot be read: No such file" in problem(folder / "nothing.pb")


def test_another_network(tmp_path: Path) -> None:
    path = write_graph(tmp_path / "graph.pb", {"conv/weights": np.zeros((1, 1), np.float32)})
    assert "it has no constant FirstStageFeatureExtractor/.../weights" in problem(path)
    arrays = {
        name.replace(TINY.backbone, "InceptionV2"): array
        for name, array in random_arrays(TINY).items()
    }
    assert "has backbone InceptionV2" in problem(write_graph(path, arrays))
    boxes_only = {n: a for n, a in random_arrays(TINY).items() if f"{HEAD}/Conv" not in n}
    assert f"it has no constant {HEAD}/Conv/weights" in problem(write_graph(path, boxes_only))


@pytest.mark.parametrize(
    "name", [f"{FIRST_CONV}/BatchNorm/gamma", f"{HEAD}/ClassPredictor/weights", "Conv/biases"]
)
def test_missing_constant_is_named(folder: Path, name: str) -> None:
    arrays = random_arrays(TINY)
    del arrays[name]
    assert name in problem(write_graph(folder / "frozen_inference_graph.pb", arrays))


@pytest.mark.parametrize(
    "name", [f"{HEAD}/Conv_1/weights", f"{FIRST_CONV}/weights", f"{FIRST_CONV}/BatchNorm/beta"]
)
def test_misshapen_constant_is_named(folder: Path, name: str) -> None:
    arrays = random_arrays(TINY)
    arrays[name] = arrays[name][:-1]
    assert f"{name} has shape" in problem(write_graph(folder / "frozen_inference_graph.pb", arrays))


def test_constant_without_a_place_is_named(folder: Path) -> None:
    name = f"{HEAD}/KeypointPredictor/weights"
    arrays = random_arrays(TINY) | {name: np.zeros(2, np.float32)}
    text = problem(write_graph(folder / "frozen_inference_graph.pb", arrays))
    assert f"no place for {name}" in text


def test_constant_that_is_not_finite_is_named(folder: Path) -> None:
    arrays = random_arrays(TINY)
    arrays[f"{HEAD}/Conv/biases"][0] = np.nan
    text = problem(write_graph(folder / "frozen_inference_graph.pb", arrays))
    assert f"{HEAD}/Conv/biases holds values that are not finite" in text


def test_constant_whose_data_does_not_fit_its_shape_is_named(folder: Path) -> None:
    def fill_short(tensor: Any, array: NDArray[Any]) -> None:
        tensor.content = array.tobytes()[:-4]

    path = write_graph(folder / "frozen_inference_graph.pb", random_arrays(TINY), fill_short)
    assert f"the constant {FIRST_CONV}/weights has" in problem(path)


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("num_classes: 4", "num_classes: 5", "classes 5"),
        ("predictor_depth: 8", "predictor_depth: 16", "rpn_depth 16"),
        ("num_conv_layers: 3", "num_conv_layers: 4", "mask_convs 4"),
        ("scales: [0.05, 0.15]", "scales: 0.1", "anchors a cell"),
        ("mask_width: 15", "mask_width: 16", "mask_height and mask_width"),
        ("number_of_stages: 3", "number_of_stages: 2", "without masks"),
        ("fixed_shape_resizer", "other_resizer", "no image_resizer"),
        ("height: 75", "height: 7", "input size 7x98 is too small"),
        ("stride: 8\n        width", "stride: 16\n        width", "anchor_stride"),
        ("model {", "model {{", "is not a pipeline.config"),
        ("faster_rcnn {", "ssd {", "no faster_rcnn model"),
    ],
)
def test_pipeline_config_that_contradicts(folder: Path, old: str, new: str, named: str) -> None:
    assert old in PIPELINE
    (folder / "pipeline.config").write_text(PIPELINE.replace(old, new, 1), encoding="utf-8")
    assert named in problem(folder / "frozen_inference_graph.pb")


def test_pipeline_config_of_another_place(folder: Path) -> None:
    other = folder / "other.config"
    assert "cannot be read" in problem(folder / "frozen_inference_graph.pb", pipeline=other)
    fixed = "fixed_shape_resizer { height: 75 width: 98 }"
    keeps = "keep_aspect_ratio_resizer { min_dimension: 80 max_dimension: 99 }"
    text = PIPELINE.replace(fixed, keeps)
    other.write_text(text, encoding="utf-8")
    config, _ = read_network(folder / "frozen_inference_graph.pb", other)
    assert (config.height, config.width, config.keep_aspect_ratio) == (80, 99, True)


def test_defaults_are_the_original_ones(tmp_path: Path) -> None:
    path = tmp_path / "pipeline.config"
    path.write_text(PIPELINE.replace("first_stage_max_proposals: 12", ""), encoding="utf-8")
    fields = read_pipeline_config(path)
    assert fields["proposals"] == 300
    assert fields["rpn_nms_iou"] == 0.7
    assert fields["max_per_class"] == 100
