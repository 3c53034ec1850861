"""The command: what it prints and writes, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import pytest

from streamer.errors import ModelError, RequestError, SettingsError
from streamer.evaluation import evaluate as command
from streamer.evaluation.evaluate import BOXES, MASKS, evaluate, progress_line
from streamer.evaluation.sheet import worst
from tests.evaluation.scenes import Drawn, whole, write_scenes
from tests.models.fakes import save_fake_yolo

RIGHT = [whole("person", (8, 8, 40, 32)), whole("bicycle", (44, 8, 60, 40))]
# What is drawn white is annotated elsewhere, so that one object is missed and one found is wrong.
SHIFTED = [whole("bicycle", (44, 8, 60, 40)), Drawn("person", (8, 8, 40, 32), (0, 0, 4, 4))]
ALL_WRONG = [Drawn("car", (8, 8, 24, 24), (40, 40, 60, 60))]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return save_fake_yolo(tmp_path / "model" / "fake.xml")


@pytest.fixture
def scenes(tmp_path: Path) -> tuple[Path, Path]:
    return write_scenes(tmp_path / "scenes", [RIGHT, SHIFTED, ALL_WRONG, RIGHT], (64, 64))


def test_figures_for_people_scripts_and_the_eye(
    model: Path,
    scenes: tuple[Path, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    figures, sheet = tmp_path / "figures.json", tmp_path / "sheet.png"
    published = {BOXES: 0.2975, MASKS: 0.2746}
    found = evaluate(
        model,
        *scenes,
        device="CPU",
        precision="f32",
        requests=2,
        json_file=figures,
        sheet=sheet,
        published=published,
    )
    written = json.loads(figures.read_text())
    assert written.keys() >= {"model", "images", BOXES, MASKS, "ap50", "segm_ap50", "seconds"}
    assert (written["model"], written["contract"], written["images"]) == ("fake", "yolo-seg", 4)
    assert (written["device"], written["precision"]) == ("CPU", "f32")
    assert written[BOXES] == pytest.approx(1, abs=1e-6)
    assert written[MASKS] == pytest.approx(found.masks.ap, abs=1e-6)
    assert written["published"] == published
    assert written["categories"]["bicycle"] == {"ap": 1.0, "segm_ap": 1.0}
    # Car is found once, elsewhere: 0. Of three persons two are found right, one of three is wrong.
    assert written["categories"]["car"]["segm_ap"] == 0

    printed = capsys.readouterr()
    assert "fake (yolo-seg) on CPU in f32: 4 images, 7 objects" in printed.out
    lines = [line.split() for line in printed.out.splitlines()]
    assert ["IoU", ".50:.95", "1.0000", f"{found.masks.ap:.4f}"] in lines
    assert ["IoU", ".50", "1.0000", f"{found.masks.ap50:.4f}"] in lines
    assert "published, IoU .50:.95 on COCO val2017" in printed.out
    assert ["0.2975", "0.2746"] in [line[-2:] for line in lines]
    assert ["person", "3", "1.000", f"{found.masks.by_category[1]:.3f}"] in lines
    assert f"the 2 worst images are in {sheet}" in printed.err

    assert [sample.id for sample in worst(found, 9)] == [2, 1]
    picture = cv2.imread(str(sheet))
    assert picture is not None
    assert picture.shape[1] > picture.shape[0] > 384
    # All three colours are in the tiles, below the line that explains them.
    tiles = picture[40:, :, ::-1].reshape(-1, 3).tolist()
    for color in ([0, 158, 115], [213, 94, 0], [240, 228, 66]):
        assert color in tiles


def test_no_mistake_no_sheet(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scenes = write_scenes(tmp_path / "scenes", [RIGHT], (64, 64))
    evaluate(model, *scenes, device="CPU", sheet=tmp_path / "sheet.jpg")
    assert "no image has a mistake" in capsys.readouterr().err
    assert not (tmp_path / "sheet.jpg").exists()


def test_what_the_model_does_not_know_is_said(
    scenes: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    named = save_fake_yolo(tmp_path / "named" / "fake.xml", names=["person", "red"])
    evaluate(named, *scenes, device="CPU", json_file=tmp_path / "figures.json")
    said = "Scored on 1 of 3 categories; the model does not know the others (bicycle, car)."
    assert said in capsys.readouterr().out
    written = json.loads((tmp_path / "figures.json").read_text())
    assert written["unknown_categories"] == ["bicycle", "car"]


def test_a_line_now_and_then_without_a_terminal(
    model: Path,
    scenes: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(command, "_LINE_EVERY_S", 0.0)
    evaluate(model, *scenes, device="CPU", limit=2)
    assert "50%, 1 of 2 images, " in capsys.readouterr().err


def test_a_bar_on_a_terminal(
    model: Path,
    scenes: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    evaluate(model, *scenes, device="CPU")
    assert "evaluating" in capsys.readouterr().err


def test_progress_in_words() -> None:
    line = "20%, 1000 of 5000 images, 4.0 a second, 16:40 left"
    assert progress_line(1000, 5000, 250.0) == line


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"json_file": "none/x.json"}, "--json none/x.json cannot be written there"),
        ({"json_file": "."}, "--json . cannot be written there"),
        ({"sheet": "none/x.png"}, "--sheet none/x.png cannot be written there"),
        ({"sheet": "sheet.txt"}, "--sheet sheet.txt is no picture"),
        ({"json_file": "a.png", "sheet": "a.png"}, "--sheet a.png is what --json names"),
        ({"json_file": "scenes/instances.json"}, "is the file of annotations"),
    ],
)
def test_what_could_not_be_written_is_refused_first(
    scenes: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: dict[str, str],
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    before = scenes[0].read_bytes()
    paths = {name: Path(value) for name, value in options.items()}
    # There is no such model, which is not even looked for.
    with pytest.raises(SettingsError, match=words):
        evaluate("none.xml", *scenes, **paths)  # type: ignore[arg-type]
    assert scenes[0].read_bytes() == before


def test_a_model_that_is_not_there(scenes: tuple[Path, Path]) -> None:
    with pytest.raises(RequestError, match=r"there is no model none\.xml"):
        evaluate("none.xml", *scenes)


def test_int8_is_a_property_of_the_model(model: Path, scenes: tuple[Path, Path]) -> None:
    with pytest.raises(ModelError, match="fake is not quantized"):
        evaluate(model, *scenes, precision="int8")


@pytest.mark.parametrize("requests", [0, -2])
def test_requests_that_run_nothing(scenes: tuple[Path, Path], requests: int) -> None:
    with pytest.raises(SettingsError, match=f"--requests {requests} runs nothing"):
        evaluate("none.xml", *scenes, requests=requests)
