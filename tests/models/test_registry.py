from pathlib import Path

import openvino as ov
import openvino.opset15 as ops
import pytest

from streamer.errors import ModelError, SettingsError
from streamer.models import yolo_seg
from streamer.models.registry import CONTRACTS, open_model
from tests.models.fakes import save_fake_yolo


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
    assert all(contract.ports for contract in CONTRACTS.values())


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
