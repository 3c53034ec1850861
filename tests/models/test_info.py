from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as op

from streamer.models import mask_rcnn
from streamer.models.info import info
from streamer.network.random_weights import random_weights
from tests.models.fakes import save_fake_yolo
from tests.network.parts import TINY


def test_parameters_are_counted_not_their_bytes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = op.parameter([1, 2000], np.float32, name="data")
    weights = op.constant(np.ones((2000, 1000), np.float32))
    product = op.matmul(data, weights, transpose_a=False, transpose_b=False)
    graph = ov.Model([op.result(product)], [data], "product")
    ov.save_model(graph, tmp_path / "m.xml", compress_to_fp16=False)
    info(str(tmp_path / "m.xml"))
    assert "2.000 M" in capsys.readouterr().out


def test_labels_of_a_model_are_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    notes = {"labels": json.dumps({1: "person", 2: "red car", 3: "kite", 4: "bus"})}
    info(str(mask_rcnn.save(TINY, random_weights(TINY), tmp_path / "tiny", "tiny", notes)))
    lines = capsys.readouterr().out.splitlines()
    assert "labels        person, red car, kite, bus" in lines
    assert "precision     floating point" in lines
    assert sum(line.startswith(("takes", "gives")) for line in lines) == 4


def test_many_labels_are_shortened(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = save_fake_yolo(tmp_path / "fake.xml", names=[f"class {n}" for n in range(80)])
    info(str(path))
    assert ", class 9, class 10 and 69 more\n" in capsys.readouterr().out


def test_a_model_under_no_contract_has_no_labels(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = op.parameter([1, 4], np.float32, name="data")
    ov.save_model(ov.Model([op.relu(data)], [data]), tmp_path / "m.xml")
    info(str(tmp_path / "m.xml"))
    said = capsys.readouterr().out
    assert "contract      none that is known\n" in said
    assert "labels" not in said
