"""``streamer models quantize`` as a user calls it, with networks that have learnt nothing."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import openvino as ov
import pytest

from streamer.cli import main
from streamer.devices import is_quantized
from streamer.evaluation.int8 import Pictures
from streamer.models import mask_rcnn
from streamer.models.base import Model
from streamer.models.registry import open_model
from streamer.network.random_weights import random_weights
from tests.clips import write_clip
from tests.evaluation.scenes import save_omz
from tests.network.parts import TINY

pytest.importorskip("nncf", reason="needs NNCF: pip install 'streamer[quantize]'")


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return mask_rcnn.save(TINY, random_weights(TINY), tmp_path_factory.mktemp("m"), "tiny", {})


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    noise = np.random.default_rng(0)
    for index in range(5):
        small = noise.integers(0, 256, (6, 8, 3), np.uint8)
        picture = cv2.resize(small, (96, 72), interpolation=cv2.INTER_CUBIC)
        assert cv2.imwrite(str(folder / f"{index}.png"), picture)
    return folder


def quantize(*arguments: object) -> int:
    return main(["models", "quantize", *map(str, arguments)])


def test_two_passes(
    network: Path, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert quantize(network, "--data", photos, "-o", tmp_path, "--samples", 4) == 0
    path = tmp_path / "tiny-int8.xml"
    model = open_model(path)
    assert is_quantized(model.graph)
    assert (model.name, model.contract) == ("tiny-int8", "mask-rcnn")
    said = capsys.readouterr().out
    assert "4 pictures" in said
    assert "times as fast" in said
    assert str(path) in said
    assert main(["run", str(photos), "--model", str(path), "-o", str(tmp_path / "out.jsonl"),
                 "--precision", "int8", "--quiet"]) == 0  # fmt: skip
    assert quantize(path, "--data", photos, "-o", tmp_path) == 2
    assert "quantized already" in capsys.readouterr().err


@pytest.mark.parametrize("contract", ["yolo-seg", "omz"])
def test_one_pass_keeps_its_names(
    fake_model: Path, photos: Path, tmp_path: Path, contract: str
) -> None:
    model = fake_model if contract == "yolo-seg" else save_omz(tmp_path / "omz.xml")
    assert quantize(model, "--data", photos, "-o", tmp_path / "int8") == 0
    before, after = open_model(model), open_model(tmp_path / "int8")
    assert after.contract == before.contract == contract
    assert after.labels == before.labels


def test_a_clip_is_sampled_evenly(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", frames=10)
    pictures = Pictures(str(clip), 4)
    assert len(pictures) == 4
    for _ in range(2):
        assert [frame.seq for frame in pictures] == [0, 2, 4, 6]
    assert [frame.seq for frame in Pictures(str(clip), 300)] == list(range(10))


def test_nothing_to_calibrate_on(
    network: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "photo.png").write_text("no picture")
    for data in (tmp_path, tmp_path / "damaged", tmp_path / "none.mp4"):
        assert quantize(network, "--data", data, "-o", tmp_path / "out") == 2
        line = capsys.readouterr().err
        assert line.count("\n") == 1
        assert str(data) in line
    assert not (tmp_path / "out").exists()


def test_what_was_quantized_is_found_by_its_precision(
    network: Path,
    photos: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("STREAMER_HOME", str(tmp_path))
    command = ["run", str(photos), "--model", str(network), "--precision", "int8", "-o", "null"]
    assert main(command) == 2
    offer = capsys.readouterr().err
    kept = tmp_path / "models" / "tiny-int8"
    assert f"streamer models quantize {network} --data CLIP_OR_IMAGES -o {kept}" in offer
    assert quantize(network, "--data", photos, "-o", kept) == 0
    summary = tmp_path / "summary.json"
    assert main([*command, "--summary", str(summary), "--quiet"]) == 0
    assert json.loads(summary.read_text())["model"] == {
        "name": "tiny-int8", "contract": "mask-rcnn", "precision": "int8",
    }  # fmt: skip


def measured(monkeypatch: pytest.MonkeyPatch, *aps: float) -> list[int]:
    """Have the model and then each form of it measured to have these precisions.

    Gives, after each measurement, how many convolutions of both passes are quantized.
    """
    counts: list[int] = []
    left = list(aps)

    def measure(model: Model, _: object) -> SimpleNamespace:
        assert model.second_pass is not None
        graphs = (model.graph, model.second_pass.graph)
        counts.append(sum(is_int8(op) for graph in graphs for op in graph.get_ops()))
        ap = left.pop(0)
        score = SimpleNamespace(ap=ap)
        return SimpleNamespace(precision="f32", boxes=SimpleNamespace(ap=0.5), masks=score)

    monkeypatch.setattr("streamer.evaluation.int8.measure", measure)
    monkeypatch.setattr("streamer.evaluation.dataset.load_dataset", lambda *_: None)
    monkeypatch.setattr("streamer.evaluation.dataset.locate", lambda *_: (None, None))
    return counts


def is_int8(op: ov.Node) -> bool:
    if op.get_type_name() != "Convolution":
        return False
    weights = op.input_value(1).get_node()
    while weights.get_type_name() != "Constant":
        weights = weights.input_value(0).get_node()
    return bool(weights.get_element_type() in (ov.Type.i8, ov.Type.u8))


LIMITED = ("--max-drop", 1, "--annotations", "a.json", "--images", "images")


def test_less_is_quantized_until_accuracy_holds(
    network: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = measured(monkeypatch, 0.5, 0.4, 0.495)
    assert quantize(network, "--data", photos, "-o", tmp_path, *LIMITED) == 0
    assert counts[0] == 0
    assert counts[1] > counts[2] > 0
    kept = open_model(tmp_path / "tiny-int8.xml")
    assert kept.second_pass is not None
    graphs = (kept.graph, kept.second_pass.graph)
    assert sum(is_int8(op) for graph in graphs for op in graph.get_ops()) == counts[2]


def test_what_cannot_hold_is_not_written(
    network: Path,
    photos: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    counts = measured(monkeypatch, 0.5, 0.4, 0.42, 0.45, 0.47)
    assert quantize(network, "--data", photos, "-o", tmp_path / "out", *LIMITED) == 2
    assert counts == sorted(counts[:1]) + sorted(counts[1:], reverse=True)
    error = capsys.readouterr().err
    assert "loses 3.00 points of average precision at best, more than 1" in error
    assert not (tmp_path / "out").exists()
