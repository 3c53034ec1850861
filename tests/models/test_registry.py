from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import openvino.opset15 as ops
import pytest

from streamer.errors import ModelError, SettingsError
from streamer.models import yolo_seg
from streamer.models.registry import CONTRACTS, open_model
from tests.models import detectors
from tests.models.fakes import LAYOUTS, fake_yolo, save_fake_yolo


def test_a_model_is_opened_under_the_contract_that_its_ports_follow(tmp_path: Path) -> None:
    path = save_fake_yolo(tmp_path / "parts.xml", names=["nut", "bolt"])
    model = open_model(str(path), classes=["bolt"])
    assert (model.name, model.contract) == ("parts", "yolo-seg")
    assert model.labels == {0: "nut", 1: "bolt"}


def test_an_unknown_class_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="did you mean 'bolt'"):
        open_model(save_fake_yolo(tmp_path / "m.xml", names=["nut", "bolt"]), classes=["bold"])


def test_contracts_are_registered_under_their_own_names() -> None:
    assert CONTRACTS[yolo_seg.CONTRACT].build is yolo_seg.YoloSeg
    assert {"omz", "tf-od-api", "boxes-labels-masks"} <= CONTRACTS.keys()
    assert all(contract.ports for contract in CONTRACTS.values())


@pytest.mark.parametrize("layout", LAYOUTS)
def test_yolo_models_are_taken_for_nothing_else(layout: dict[str, Any]) -> None:
    assert _followed(fake_yolo(**layout)) == ["yolo-seg"]


@pytest.mark.parametrize(
    ("graph", "contract"),
    [
        (detectors.fake_omz, "omz"),
        (lambda: detectors.fake_omz(masks_first=True, named=False, layout="NCHW"), "omz"),
        (detectors.fake_tf_od_api, "tf-od-api"),
        (lambda: detectors.fake_tf_od_api(None), "tf-od-api"),
        (detectors.fake_zoo, "boxes-labels-masks"),
        (lambda: detectors.fake_zoo(named=False), "boxes-labels-masks"),
        (detectors.fake_raw_masks, "boxes-labels-masks"),
        (detectors.fake_torchvision, "boxes-labels-masks"),
        (lambda: detectors.fake_torchvision(None, axes=3, named=False), "boxes-labels-masks"),
        (detectors.fake_geti, "boxes-labels-masks"),
        (lambda: detectors.fake_geti(batched=False), "boxes-labels-masks"),
    ],
)
def test_a_detector_follows_one_contract(graph: Callable[[], ov.Model], contract: str) -> None:
    assert _followed(graph()) == [contract]


@pytest.mark.parametrize(
    "shapes",
    [
        [[100, 7]],
        [[100, 6], [100, 90, 33, 33]],
        [[100, 5], [100]],
        [[100, 5], [100], [100]],
        [[100, 3], [100], [100, 28, 28]],
        [[100, 4], [100], [100, 28, 28]],
        [[1, 100, 5], [100], [1, 100, 28, 28]],
        [[100, 4], [100], [100], [100, 28, 28]],
        [[100, 5], [100], [100, 28, 28], [7, 7], [7, 7]],
    ],
)
def test_graphs_that_only_look_alike_follow_none(shapes: list[list[int]]) -> None:
    data = ops.parameter([1, 3, 64, 64], ov.Type.f32, name="data")
    outputs = [ops.constant(np.zeros(shape, np.float32)) for shape in shapes]
    assert _followed(ov.Model([*outputs, ops.relu(data)][: len(shapes)], [data], "other")) == []


def _followed(graph: ov.Model) -> list[str]:
    loaded = detectors.loaded(graph)
    return [name for name, contract in CONTRACTS.items() if contract.matches(loaded)]


@pytest.mark.parametrize(
    ("shape", "ports"),
    [
        ([1, 3, 64, 64], "data f32[1,3,64,64] and gives result f32[1,64,64,3]"),
        ([-1, 3, -1, 64], "data f32[?,3,?,64] and gives result f32[?,?,64,3]"),
    ],
)
def test_a_model_of_no_known_contract_has_its_ports_listed(
    tmp_path: Path, shape: list[int], ports: str
) -> None:
    data = ops.parameter(shape, ov.Type.f32, name="data")
    data.output(0).set_names({"data"})
    result = ops.transpose(data, [0, 2, 3, 1])
    result.output(0).set_names({"result"})
    path = tmp_path / "other.xml"
    ov.save_model(ov.Model([result], [data], "other"), path)
    with pytest.raises(ModelError) as caught:
        open_model(path)
    message = str(caught.value)
    assert str(path) in message
    assert ports in message
    assert "yolo-seg: one picture" in message
    assert "\n" not in message
