from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import openvino.opset15 as ops
import pytest
from numpy.typing import NDArray

from streamer.errors import ModelError
from streamer.models.loading import fold_weights, load
from tests.models.fakes import fake_yolo, save_fake_yolo
from tests.models.files import write_onnx, write_tflite


def count(graph: ov.Model, kind: str) -> int:
    return sum(node.get_type_name() == kind for node in graph.get_ops())


def test_a_folder_stands_for_the_model_in_it(tmp_path: Path) -> None:
    path = save_fake_yolo(tmp_path / "parts_openvino_model" / "parts.xml", names=["nut", "bolt"])
    loaded = load(str(path.parent))
    assert (loaded.path, loaded.name, loaded.names) == (path, "parts", ("nut", "bolt"))


def test_without_metadata_names_and_size_are_unknown(tmp_path: Path) -> None:
    loaded = load(save_fake_yolo(tmp_path / "m.xml"))
    assert loaded.names is None
    assert loaded.image_size is None


METADATA_YAML = """\
# written by an exporter
description: Some model trained on
  a long path: with a colon.yaml
task: segment
imgsz:
- 384
- 640
names:
  0: person
  1: traffic light
  2: 'driver''s seat'
  3: "12"
args:
  batch: 1
"""


def test_names_and_size_from_metadata_yaml(tmp_path: Path) -> None:
    path = save_fake_yolo(tmp_path / "m.xml")
    (tmp_path / "metadata.yaml").write_text(METADATA_YAML)
    loaded = load(path)
    assert loaded.names == ("person", "traffic light", "driver's seat", "12")
    assert loaded.image_size == (640, 384)
    assert loaded.metadata["task"] == "segment"
    assert loaded.metadata["args"] == {"batch": 1}


def test_names_from_the_labels_of_model_info(tmp_path: Path) -> None:
    graph = fake_yolo(classes=2)
    graph.set_rt_info(["person", "traffic_light"], ["model_info", "labels"])
    ov.save_model(graph, tmp_path / "m.xml")
    assert load(tmp_path / "m.xml").names == ("person", "traffic light")


def test_what_model_info_says_is_kept_as_text(tmp_path: Path) -> None:
    graph = fake_yolo()
    graph.set_rt_info([123.5, 117.0], ["model_info", "mean_values"])
    graph.set_rt_info("True", ["model_info", "reverse_input_channels"])
    ov.save_model(graph, tmp_path / "m.xml")
    info = load(tmp_path / "m.xml").model_info
    assert info["mean_values"].replace(",", " ").split() == ["123.5", "117"]
    assert info["reverse_input_channels"] == "True"


def test_model_info_of_an_onnx_file(tmp_path: Path) -> None:
    metadata = {"model_info labels": "otx_empty_lbl nut", "model_info pad_value": "7"}
    loaded = load(write_onnx(tmp_path / "m.onnx", metadata | {"author": "somebody"}))
    assert loaded.model_info == {"labels": "otx_empty_lbl nut", "pad_value": "7"}
    assert loaded.names == ("otx empty lbl", "nut")


def test_most_models_have_no_model_info(tmp_path: Path) -> None:
    ov.save_model(fake_yolo(), tmp_path / "m.xml")
    assert load(tmp_path / "m.xml").model_info == {}


def test_names_from_onnx_properties(tmp_path: Path) -> None:
    properties = {"names": "{0: 'nut', 1: \"driver's seat\"}", "imgsz": "[320, 640]"}
    loaded = load(write_onnx(tmp_path / "m.onnx", properties))
    assert loaded.names == ("nut", "driver's seat")
    assert loaded.image_size == (640, 320)


@pytest.mark.parametrize(
    "attachments",
    [
        {"temp_meta.txt": "{'names': {0: 'nut', 1: 'bolt'}, 'imgsz': [320, 640]}"},
        {"metadata.json": '{"names": {"0": "nut", "1": "bolt"}, "imgsz": [320, 640]}'},
        {
            "labels.txt": "nut\nbolt",
            "metadata.json": '{"names": ["nut", "bolt"], "imgsz": [320, 640]}',
        },
    ],
)
def test_names_from_what_is_appended_to_tflite(tmp_path: Path, attachments: dict[str, str]) -> None:
    loaded = load(write_tflite(tmp_path / "m.tflite", attachments))
    assert loaded.names == ("nut", "bolt")
    assert loaded.image_size == (640, 320)


@pytest.mark.parametrize(
    "text", ["", "names:\n  1: nut\n", "names: nut\nimgsz: big\n", "names:\nimgsz:\n- 1\n- x\n"]
)
def test_metadata_that_makes_no_sense_is_as_none(tmp_path: Path, text: str) -> None:
    path = save_fake_yolo(tmp_path / "m.xml")
    (tmp_path / "metadata.yaml").write_text(text)
    loaded = load(path)
    assert loaded.names is None
    assert loaded.image_size is None


def test_an_archive_behind_tflite_that_is_cut_off_is_ignored(tmp_path: Path) -> None:
    path = write_tflite(tmp_path / "m.tflite", {"metadata.json": "{"})
    assert load(path).names is None


def _missing(folder: Path) -> Path:
    return folder / "m.xml"


def _empty(folder: Path) -> Path:
    (folder / "m.onnx").touch()
    return folder / "m.onnx"


def _upper_case(folder: Path) -> Path:
    return write_tflite(folder / "m.TFLITE", {})


def _text(suffix: str, folder: Path) -> Path:
    (folder / f"m{suffix}").write_text("this is no model")
    return folder / f"m{suffix}"


def _cut(name: str, folder: Path) -> Path:
    save_fake_yolo(folder / "m.xml")
    path = folder / name
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return folder / "m.xml"


def _without_weights(folder: Path) -> Path:
    save_fake_yolo(folder / "m.xml")
    (folder / "m.bin").unlink()
    return folder / "m.xml"


def _weights(folder: Path) -> Path:
    return save_fake_yolo(folder / "m.xml").with_suffix(".bin")


def _several(folder: Path) -> Path:
    for name in ("a.xml", "b.xml"):
        save_fake_yolo(folder / name)
    return folder


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (_missing, "there is no model"),
        (_empty, "is empty"),
        (_upper_case, "rename it to m.tflite"),
        (lambda folder: _text(".xml", folder), "is no OpenVINO model"),
        (lambda folder: _text(".onnx", folder), "is no ONNX model"),
        (lambda folder: _text(".tflite", folder), "is no TFLite model"),
        (lambda folder: _text(".pt", folder), "export it"),
        (lambda folder: _text(".bin", folder), "is no model file that can be read"),
        (lambda folder: _text(".h5", folder), "give a .xml, .onnx or .tflite file"),
        (lambda folder: _cut("m.xml", folder), "cannot be read as OpenVINO"),
        (lambda folder: _cut("m.bin", folder), "cannot be read as OpenVINO"),
        (_without_weights, "m.bin, which is missing"),
        (_weights, "give m.xml"),
        (lambda folder: folder, "holds no model"),
        (_several, "give one of them: a.xml, b.xml"),
    ],
)
def test_bad_files_are_named_in_one_line(
    tmp_path: Path,
    make: Callable[[Path], Path],
    words: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    path = make(tmp_path)
    with pytest.raises(ModelError) as caught:
        load(path)
    message = str(caught.value)
    assert words in message
    assert str(path) in message
    assert "\n" not in message
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("", "no model is given; give a"),
        ("https://me:SECRET@h/m.onnx", "https://me:***@h/m.onnx is no file; give a"),
        ("https://h/m.onnx?token=SEC RET", "https://h/m.onnx?token=*** is no file; give a"),
    ],
)
def test_what_is_no_path_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spec: str, message: str
) -> None:
    save_fake_yolo(tmp_path / "m.xml")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError) as caught:
        load(spec)
    assert str(caught.value).startswith(message)


def test_capitals_in_other_suffixes(tmp_path: Path) -> None:
    assert load(write_onnx(tmp_path / "m.ONNX", {"names": "{0: 'nut'}"})).names == ("nut",)


def quantized_weights(activations: bool = False) -> ov.Model:
    """A convolution with i8 weights, zero points and scales, as TFLite and ONNX files have it."""
    noise = np.random.default_rng(1)
    picture = ops.parameter([1, 3, 8, 8], ov.Type.f32)
    weights = ops.convert(ops.constant(noise.integers(-128, 128, (4, 3, 3, 3), np.int8)), "f32")
    zeros = ops.convert(ops.constant(noise.integers(-9, 9, (4, 1, 1, 1), np.int8)), "f32")
    scales = ops.constant(noise.random((4, 1, 1, 1), np.float32) / 64)
    floats = ops.multiply(ops.subtract(weights, zeros), scales)
    source: ov.Node = picture
    if activations:
        limits = [np.float32(limit) for limit in (0, 1, 0, 1)]
        source = ops.fake_quantize(picture, *limits, 256)
    result = ops.convolution(source, floats, [1, 1], [1, 1], [1, 1], [1, 1])
    return ov.Model([result], [picture], "quantized weights")


def run(graph: ov.Model, picture: NDArray[Any]) -> NDArray[Any]:
    settings = {"INFERENCE_PRECISION_HINT": "f32"}
    return np.array(ov.Core().compile_model(graph, "CPU", settings)([picture])[0])


def test_integer_weights_become_floats_with_the_same_results() -> None:
    picture = np.random.default_rng(2).random((1, 3, 8, 8), np.float32)
    graph = quantized_weights()
    before = run(graph, picture)
    fold_weights(graph)
    kinds = {node.get_element_type() for node in graph.get_ops()}
    assert ov.Type.i8 not in kinds
    assert not count(graph, "Convert")
    assert not count(graph, "Multiply")
    np.testing.assert_allclose(run(graph, picture), before, rtol=1e-5, atol=1e-5)


def test_a_graph_that_computes_in_integers_is_left_alone() -> None:
    graph = quantized_weights(activations=True)
    fold_weights(graph)
    assert count(graph, "FakeQuantize") == 1
    assert count(graph, "Convert") == 2


def test_load_folds(tmp_path: Path) -> None:
    ov.save_model(quantized_weights(), tmp_path / "m.xml", compress_to_fp16=False)
    assert not count(load(tmp_path / "m.xml").graph, "Convert")
