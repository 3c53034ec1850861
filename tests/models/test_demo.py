from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from streamer.errors import ModelError
from streamer.models import demo, mask_rcnn
from streamer.models.names import find
from streamer.models.registry import open_model
from streamer.network.weights import Weights
from tests.network.parts import TINY, random_arrays

NOTES = {"labels": '{"1": "person", "2": "kite", "3": "bus", "4": "dog"}', "licence": "Apache-2.0"}


@pytest.fixture
def packed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "demo.npz"
    demo.pack(TINY, random_arrays(TINY), NOTES, path)
    monkeypatch.setattr(demo, "asset", lambda name: tmp_path / name)
    return path


def test_weights_come_back_in_half_precision(packed: Path) -> None:
    arrays = random_arrays(TINY)
    config, weights, notes = demo.unpack(packed)
    assert config == TINY
    assert notes == NOTES
    scope = "FirstStageBoxPredictor/ClassPredictor"
    kept, given = weights.kernel(scope), Weights(TINY, arrays).kernel(scope)
    np.testing.assert_array_equal(kept.weights, given.weights.astype(np.float16))
    np.testing.assert_array_equal(kept.biases, given.biases)


@pytest.mark.usefixtures("packed")
def test_the_model_is_built_once(tmp_path: Path) -> None:
    models = tmp_path / "home" / "models"
    path = Path(find("demo", models))
    assert path.parent.parent == models
    model = open_model(path)
    assert (model.name, model.contract) == ("demo", mask_rcnn.CONTRACT)
    assert model.labels == {1: "person", 38: "kite", 6: "bus", 18: "dog"}
    built = path.stat().st_mtime_ns
    assert Path(find("demo", models)) == path
    assert path.stat().st_mtime_ns == built
    assert [child.name for child in models.iterdir()] == [path.parent.name]


def test_other_weights_are_another_model(packed: Path, tmp_path: Path) -> None:
    first = find("demo", tmp_path)
    demo.pack(TINY, random_arrays(TINY, seed=1), NOTES, packed)
    assert find("demo", tmp_path) != first


@pytest.mark.usefixtures("packed")
def test_who_comes_second_takes_what_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = demo.demo_model(tmp_path)
    real, calls = Path.exists, []

    def late(self: Path, **options: bool) -> bool:
        calls.append(self)
        return False if len(calls) == 1 else real(self, **options)

    monkeypatch.setattr(Path, "exists", late)
    assert demo.demo_model(tmp_path) == path
    assert open_model(path).name == "demo"


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no archive", None])
def test_damaged_weights_are_one_line(packed: Path, tmp_path: Path, content: bytes | None) -> None:
    packed.unlink()
    if content is not None:
        packed.write_bytes(content)
    with pytest.raises(ModelError, match=r"demo\.npz cannot be read, so there is no demo model"):
        demo.demo_model(tmp_path)


@pytest.mark.usefixtures("packed")
def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelError, match="cannot be written"):
        demo.demo_model(tmp_path / "file")


def test_a_name_stands_for_what_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    name, models = "mask_rcnn_resnet50_atrous_coco", tmp_path / "models"
    with pytest.raises(ModelError, match=f"{name} is not on this machine; .* models fetch {name}"):
        find(name, models)
    assert (
        find(name, models, lambda wanted, folder: folder / wanted / "got") == models / name / "got"
    )
    for kept in (name, "mine"):
        assert find("mine", models) == "mine"
        (models / kept).mkdir(parents=True)
        (models / kept / "model.xml").write_text("")
    assert find(name, models) == models / name
    assert find("mine", models) == models / "mine"
    (tmp_path / name).mkdir()
    assert find(name, models) == name
    assert find("some/model.xml", models) == "some/model.xml"
