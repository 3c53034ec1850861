"""Our own Mask R-CNN from a frozen graph to instances, on a tiny network with random weights."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import openvino as ov
import pytest
from numpy.typing import NDArray

from streamer.cli import main
from streamer.errors import ModelError
from streamer.frame import Frame
from streamer.models import mask_rcnn
from streamer.models.base import sample_inputs
from streamer.models.convert import convert, name_of, resized
from streamer.models.registry import open_model
from streamer.network.config import MASK_RCNN_RESNET50_ATROUS_COCO
from streamer.network.network import build_reference
from streamer.network.random_weights import random_weights
from streamer.network.weights import Weights
from streamer.two_pass import TwoPassEngine, batches, start
from tests.clips import write_clip
from tests.network.parts import TINY, random_arrays
from tests.network.test_reader import PIPELINE, write_graph


@pytest.fixture(scope="module")
def weights() -> Weights:
    return Weights(TINY, random_arrays(TINY))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, weights: Weights) -> Path:
    names = {"labels": json.dumps({1: "cat", 2: "dog", 3: "ball", 4: "car"})}
    folder = tmp_path_factory.mktemp("model")
    mask_rcnn.save(TINY, weights, folder, "tiny", names)
    return folder


@pytest.fixture(scope="module")
def frames() -> list[Frame]:
    noise = np.random.default_rng(0)
    made = []
    for seq in range(6):
        frame = Frame(av.VideoFrame(196, 150, "yuv420p"), seq, seq, Fraction(1, 25))
        for plane in (frame.y, frame.u, frame.v):
            coarse = noise.integers(0, 256, (5, 7), np.uint8)
            rows, columns = (
                np.arange(n) * c // n for n, c in zip(plane.shape, (5, 7), strict=True)
            )
            plane[:] = coarse[rows][:, columns]
        made.append(frame)
    return made


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory, weights: Weights) -> ov.CompiledModel:
    path = tmp_path_factory.mktemp("reference") / "reference.xml"
    ov.save_model(build_reference(TINY, weights), path, compress_to_fp16=False)
    return ov.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})


def run(engine: Any, tensors: Any) -> list[NDArray[Any]]:
    pending = engine.submit(tensors)
    try:
        return [np.array(output) for output in pending.result()]
    finally:
        pending.release()


def test_two_passes_find_what_one_graph_finds(
    folder: Path, frames: list[Frame], reference: ov.CompiledModel
) -> None:
    model = open_model(folder, threshold=0.3)
    found = 0
    with start(model, "CPU", "f32") as engine:
        engine.check(sample_inputs(model))
        for frame in frames:
            tensors, _ = model.preprocess(frame)
            detections, rows, masks = run(engine, tensors)
            expected, expected_masks = (np.array(v) for v in reference(list(tensors)).values())
            np.testing.assert_allclose(detections, expected, atol=1e-4)
            assert rows.tolist() == np.flatnonzero(expected[:, 4] >= 0.3).tolist()
            if len(rows):
                np.testing.assert_allclose(masks, expected_masks[rows], atol=1e-4)
            found += len(rows)
    assert found > 6


def test_only_wanted_classes_get_masks(folder: Path, frames: list[Frame]) -> None:
    everything = open_model(folder, threshold=0.1)
    with start(everything, "CPU", "f32") as engine:
        detections, rows, _ = run(engine, everything.preprocess(frames[0])[0])
    kinds = detections[rows, 5].astype(int)
    kind = int(np.bincount(kinds).argmax())
    model = open_model(folder, threshold=0.1, classes=[everything.labels[kind]])
    with start(model, "CPU", "f32") as engine:
        tensors, geometry = model.preprocess(frames[0])
        outputs = run(engine, tensors)
        assert outputs[1].tolist() == rows[kinds == kind].tolist()
        instances = model.postprocess(outputs, geometry)
    assert set(instances.labels) == {everything.labels[kind]}
    assert (instances.boxes <= np.array([196, 150, 196, 150])).all()


def test_classes_without_a_name_are_reported_by_their_number(
    tmp_path: Path, weights: Weights, frames: list[Frame]
) -> None:
    mask_rcnn.save(TINY, weights, tmp_path, "tiny", {"labels": json.dumps({1: "cat"})})
    model = open_model(tmp_path, threshold=0.5)
    assert model.second_pass is not None
    detections = np.zeros((3, 6), np.float32)
    detections[:2] = [(10, 10, 40, 40, 0.8, 3), (10, 10, 40, 40, 0.9, 1)]
    chosen = model.second_pass.select(detections)
    assert chosen.tolist() == [0, 1]
    outputs: Any = [detections, chosen, np.ones((2, 15, 15), np.float32)]
    _, geometry = model.preprocess(frames[0])
    found = model.postprocess(outputs, geometry)
    assert (found.labels, found.class_ids.tolist()) == (("cat", "class 3"), [1, 3])


def test_nothing_found_is_no_second_pass(folder: Path, frames: list[Frame]) -> None:
    model = open_model(folder, threshold=1.0)
    with start(model, "CPU", "f32") as engine:
        tensors, geometry = model.preprocess(frames[0])
        assert len(model.postprocess(run(engine, tensors), geometry)) == 0


@pytest.mark.parametrize("precision", ["bf16", "f16", "auto"])
def test_the_map_is_handed_over_in_what_the_device_computes_in(
    folder: Path, frames: list[Frame], precision: str
) -> None:
    model = open_model(folder, threshold=0.3)
    with start(model, "CPU", "f32") as exact, start(model, "CPU", precision) as engine:
        assert isinstance(engine, TwoPassEngine)
        engine.check(sample_inputs(model))
        tensors, geometry = model.preprocess(frames[0])
        count = len(model.postprocess(run(engine, tensors), geometry))
        assert abs(count - len(model.postprocess(run(exact, tensors), geometry))) <= 2


def test_frames_in_flight_keep_their_own_maps(folder: Path, frames: list[Frame]) -> None:
    model = open_model(folder, threshold=0.2)
    with start(model, "CPU", "f32", requests=3) as engine:
        inputs = [model.preprocess(frame)[0] for frame in frames]
        alone = [run(engine, tensors) for tensors in inputs]
        for first in (0, 3):
            flying = [engine.submit(tensors) for tensors in inputs[first : first + 3]]
            for pending, expected in zip(flying, alone[first:], strict=False):
                for output, array in zip(pending.result(), expected, strict=True):
                    np.testing.assert_allclose(output, array, atol=1e-4)
                pending.release()


@pytest.mark.parametrize(
    ("count", "expected"),
    [(0, []), (1, [1]), (3, [4]), (5, [4, 1]), (6, [4, 2]), (7, [8]), (9, [8, 1]), (23, [8, 8, 8])],
)
def test_batches_fit(count: int, expected: list[int]) -> None:
    assert batches(count, [1, 2, 4, 8]) == expected


def test_a_frozen_graph_to_a_film_in_two_commands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    release = tmp_path / "mask_rcnn_tiny_2018_01_28"
    release.mkdir()
    graph = write_graph(release / "frozen_inference_graph.pb", random_arrays(TINY))
    (release / "pipeline.config").write_text(PIPELINE)
    assert main(["models", "convert", str(graph), "-o", str(tmp_path / "m")]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "m" / "mask_rcnn_tiny.xml")
    assert main(["models", "info", str(tmp_path / "m")]) == 0
    said = capsys.readouterr().out
    for word in ("mask-rcnn", "Apache-2.0", "75 rows x 98 columns", "converted from"):
        assert word in said
    clip = write_clip(tmp_path / "clip.mp4", size=(196, 150), frames=8)
    out = tmp_path / "out.jsonl"
    command = ["run", str(clip), "--model", str(tmp_path / "m"), "-o", str(out), "-o", "null"]
    assert main([*command, "--threshold", "0.1"]) == 0
    assert len(out.read_text().splitlines()) == 8


def test_another_input_size(tmp_path: Path) -> None:
    graph = write_graph(tmp_path / "frozen_inference_graph.pb", random_arrays(TINY))
    (tmp_path / "pipeline.config").write_text(PIPELINE)
    path = convert(graph, tmp_path / "m", (64, 80))
    assert open_model(path).preprocess(Frame(av.VideoFrame(64, 48, "yuv420p"), 0, 0, Fraction(1)))[
        0
    ][0].shape == (1, 64, 80, 3)


def test_the_name_is_that_of_the_release() -> None:
    file = "frozen_inference_graph.pb"
    assert name_of(Path("/a/mask_rcnn_x_coco_2018_01_28") / file) == "mask_rcnn_x_coco"
    assert name_of(Path("/a/b") / file) == "frozen_inference_graph"


def test_random_weights_find_something_and_are_seeded() -> None:
    first, again, other = (random_weights(TINY, seed) for seed in (0, 0, 1))
    scope = "SecondStageBoxPredictor/ClassPredictor"
    np.testing.assert_array_equal(first.kernel(scope).weights, again.kernel(scope).weights)
    assert (first.kernel(scope).weights != other.kernel(scope).weights).any()


def test_info_of_a_network_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "info", "mask_rcnn_resnet50_atrous_coco"]) == 0
    assert "50.222 M as Open Model Zoo counts" in capsys.readouterr().out


def test_a_missing_second_pass_is_said(folder: Path, tmp_path: Path) -> None:
    for file in folder.glob("tiny.[xb]*"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    with pytest.raises(ModelError, match=r"tiny\.masks\.xml"):
        open_model(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["convert", "none.pb", "-o", "x"], "none.pb"),
        (["convert", ".", "-o", "x"], "folder"),
        (["random", "mask_rcnn_resnet18", "-o", "x"], "mask_rcnn_resnet50_atrous_coco"),
        (["random", "mask_rcnn_resnet50_atrous_coco", "-o", "x", "--input-size", "9"], "'9'"),
        (["info", "none.xml"], "none.xml"),
    ],
)
def test_wrong_requests_are_one_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert main(["models", *arguments]) == 2
    said = capsys.readouterr().err.strip()
    assert words in said
    assert "\n" not in said


def test_a_size_that_anchors_cannot_take() -> None:
    with pytest.raises(ModelError, match="too small"):
        resized(MASK_RCNN_RESNET50_ATROUS_COCO, (4, 4))
