from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from streamer.errors import SettingsError, SourceError
from streamer.evaluation.dataset import load_dataset, locate
from tests.evaluation.scenes import CATEGORIES, annotation, whole, write_scenes

BOX = (8, 8, 24, 24)


@pytest.fixture
def scenes(tmp_path: Path) -> tuple[Path, Path]:
    return write_scenes(
        tmp_path, [[whole("person", BOX)], [], [whole("car", BOX), whole("bicycle", BOX)]], (64, 48)
    )


def test_what_is_read(scenes: tuple[Path, Path]) -> None:
    read = load_dataset(*scenes)
    assert [sample.id for sample in read.samples] == [0, 1, 2]
    assert read.samples[1].path == scenes[1] / "000001.png"
    assert read.categories == {1: "person", 2: "bicycle", 3: "car"}
    assert [row["category_id"] for row in read.annotations] == [1, 3, 2]
    image = read.samples[0].read()
    assert (image.width, image.height) == (64, 48)
    assert image.pixels[10, 10].tolist() == [255, 255, 255]
    # pycocotools would take an id of 0 for no object at all.
    assert [row["id"] for row in read.annotations] == [1, 2, 3]


def test_a_limit_takes_the_lowest_ids_and_their_objects(scenes: tuple[Path, Path]) -> None:
    truth = json.loads(scenes[0].read_text())
    truth["images"].reverse()
    scenes[0].write_text(json.dumps(truth))
    read = load_dataset(*scenes, limit=2)
    assert [sample.id for sample in read.samples] == [0, 1]
    assert [row["image_id"] for row in read.annotations] == [0]
    assert len(load_dataset(*scenes, limit=99).samples) == 3


def test_images_beyond_the_limit_need_not_be_there(scenes: tuple[Path, Path]) -> None:
    (scenes[1] / "000002.png").unlink()
    assert len(load_dataset(*scenes, limit=2).samples) == 2


def test_some_categories_only(scenes: tuple[Path, Path]) -> None:
    chosen = load_dataset(*scenes).of_categories([3])
    assert chosen.categories == {3: "car"}
    assert [row["image_id"] for row in chosen.annotations] == [2]
    assert len(chosen.samples) == 3


def test_iscrowd_may_be_left_out(scenes: tuple[Path, Path]) -> None:
    truth = json.loads(scenes[0].read_text())
    for row in truth["annotations"]:
        del row["iscrowd"]
    scenes[0].write_text(json.dumps(truth))
    assert {row["iscrowd"] for row in load_dataset(*scenes).annotations} == {0}


GOOD = {
    "images": [{"id": 0, "file_name": "000000.png", "width": 64, "height": 48}],
    "categories": CATEGORIES,
    "annotations": [annotation(0, 1, BOX)],
}


def changed(kind: str, **fields: Any) -> Callable[[], Any]:
    return lambda: GOOD | {kind: [{**GOOD[kind][0], **fields}]}


@pytest.mark.parametrize(
    ("truth", "words"),
    [
        (lambda: [], "has no list of images"),
        (lambda: {"images": GOOD["images"]}, "has no list of categories"),
        (lambda: GOOD | {"images": []}, "lists no images"),
        (lambda: GOOD | {"annotations": []}, "lists no annotations"),
        (lambda: GOOD | {"annotations": [3]}, r"no proper image_id in annotations\[0\]"),
        (changed("images", width="64"), r"no proper width in images\[0\]"),
        (changed("images", file_name=""), r"no proper file_name in images\[0\]"),
        (changed("categories", name=None), r"no proper name in categories\[0\]"),
        (changed("annotations", bbox=[1, 2, 3]), "no proper bbox"),
        (changed("annotations", segmentation=[]), "no proper segmentation"),
        (changed("annotations", segmentation=[[1, 2, 3, 4]]), "no proper segmentation"),
        (changed("annotations", segmentation={"counts": 3}), "no proper segmentation"),
        (changed("annotations", image_id=5), "an annotation with image_id 5"),
        (changed("annotations", category_id=90), "an annotation with category_id 90"),
        (lambda: GOOD | {"images": GOOD["images"] * 2}, "has 2 images with the id 0"),
    ],
)
def test_a_file_that_is_no_instances(
    scenes: tuple[Path, Path], truth: Callable[[], Any], words: str
) -> None:
    scenes[0].write_text(json.dumps(truth()))
    with pytest.raises(SettingsError, match=words) as caught:
        load_dataset(*scenes)
    assert str(scenes[0]) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_that_cannot_be_read(scenes: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.json cannot be read: No such file"):
        load_dataset(tmp_path / "none.json", scenes[1])
    with pytest.raises(SettingsError, match="cannot be read: Is a directory"):
        load_dataset(tmp_path, scenes[1])
    scenes[0].write_bytes(b"\xff\xfe not text")
    with pytest.raises(SettingsError, match="is no JSON file"):
        load_dataset(*scenes)


@pytest.mark.parametrize("limit", [0, -3])
def test_a_limit_that_leaves_nothing(scenes: tuple[Path, Path], limit: int) -> None:
    with pytest.raises(SettingsError, match=f"--limit {limit} leaves no image"):
        load_dataset(*scenes, limit=limit)


def test_images_that_are_missing(scenes: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="nowhere is no folder"):
        load_dataset(scenes[0], tmp_path / "nowhere")
    (scenes[1] / "000002.png").unlink()
    with pytest.raises(SourceError, match=r"1 of 3 images .* such as 000002\.png"):
        load_dataset(*scenes)


def test_an_image_that_is_none(scenes: tuple[Path, Path]) -> None:
    (scenes[1] / "000000.png").write_text("no picture")
    with pytest.raises(SourceError, match=r"000000\.png cannot be read as an image"):
        load_dataset(*scenes).samples[0].read()


def test_an_image_of_another_size(scenes: tuple[Path, Path]) -> None:
    cv2.imwrite(str(scenes[1] / "000000.png"), np.zeros((24, 32, 3), np.uint8))
    with pytest.raises(SourceError, match="has 32x24 pixels, but its annotations are for 64x48"):
        load_dataset(*scenes).samples[0].read()


@pytest.mark.parametrize(
    ("file", "folder"),
    [
        ("annotations/instances_val2017.json", "val2017"),
        ("annotations/instances_val2017.json", "images/val2017"),
        ("instances_val2017.json", "images"),
    ],
)
def test_coco_is_found_as_people_lay_it_out(tmp_path: Path, file: str, folder: str) -> None:
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text("{}")
    (tmp_path / folder).mkdir(parents=True)
    found = locate(None, None, ["coco-val2017", str(tmp_path)])
    assert found == (tmp_path / file, tmp_path / folder)


def test_coco_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"does not hold annotations/instances_val2017\.json"):
        locate(None, None, ["coco-val2017", str(tmp_path)])
    (tmp_path / "instances_val2017.json").write_text("{}")
    with pytest.raises(SettingsError, match="does not hold val2017; unpack"):
        locate(None, None, ["coco-val2017", str(tmp_path)])


def test_a_data_set_is_named_in_one_of_two_ways() -> None:
    file, folder = Path("a.json"), Path("b")
    assert locate(file, folder, None) == (file, folder)
    for given in (
        (None, None, None),
        (file, None, None),
        (None, folder, None),
        (file, folder, ["coco-val2017", "c"]),
        (file, None, ["coco-val2017", "c"]),
    ):
        with pytest.raises(SettingsError, match="name what to measure on: --annotations FILE and"):
            locate(*given)
    with pytest.raises(SettingsError, match="no data set lvis is known, only coco-val2017"):
        locate(None, None, ["lvis", "c"])
