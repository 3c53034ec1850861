"""Models over annotated images, from files to figures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import cv2
import pytest

from streamer.errors import InferenceError, ModelError, SourceError
from streamer.evaluation import accuracy
from streamer.evaluation.accuracy import measure, open_to_measure
from streamer.evaluation.coco import Found
from streamer.evaluation.dataset import Dataset, load_dataset
from streamer.models import mask_rcnn
from streamer.models.base import Model
from streamer.network.weights import Weights
from tests.evaluation.scenes import Drawn, save_omz, upper_half, whole, write_scenes
from tests.fakes import FakeEngine
from tests.models.fakes import save_fake_yolo
from tests.network.parts import TINY, random_arrays, random_image

# Of different places, so that an answer taken for another image's would be wrong.
WHOLE = [
    [whole("person", (8, 8, 40, 32))],
    [whole("bicycle", (16, 0, 48, 48)), whole("person", (52, 4, 64, 60))],
    [],
    [whole("car", (0, 0, 12, 12))],
    [whole("person", (32, 32, 64, 64))],
    [whole("person", (4, 16, 24, 60)), whole("car", (40, 8, 60, 20))],
    [whole("bicycle", (0, 20, 64, 40))],
]
HALVES = [
    [upper_half("person", (32, 8, 64, 40))],
    [upper_half("car", (48, 4, 80, 36)), upper_half("person", (4, 8, 36, 40))],
    [upper_half("bicycle", (0, 16, 32, 48))],
]


@pytest.fixture
def yolo(tmp_path: Path) -> Model:
    return open_to_measure(save_fake_yolo(tmp_path / "yolo" / "fake.xml"))


@pytest.fixture
def omz(tmp_path: Path) -> Model:
    return open_to_measure(save_omz(tmp_path / "omz.xml"))


def scenes(
    folder: Path, drawn: Sequence[Sequence[Drawn]] = WHOLE, size: tuple[int, int] = (64, 64)
) -> Dataset:
    return load_dataset(*write_scenes(folder / "scenes", drawn, size))


@pytest.mark.parametrize("requests", [1, 2, 5])
def test_a_model_that_is_right_scores_1(yolo: Model, tmp_path: Path, requests: int) -> None:
    reported: list[int] = []
    found = measure(
        yolo,
        scenes(tmp_path),
        device="CPU",
        precision="f32",
        requests=requests,
        report=reported.append,
    )
    assert (found.boxes.ap, found.masks.ap) == pytest.approx((1, 1))
    assert (found.boxes.ap50, found.masks.ap50) == pytest.approx((1, 1))
    assert found.boxes.by_category == pytest.approx({1: 1, 2: 1, 3: 1})
    assert (found.device, found.precision, found.requests) == ("CPU", "f32", requests)
    assert reported == [1, 2, 3, 4, 5, 6, 7]
    assert found.seconds > 0


def test_mask_rcnn_is_measured_by_open_model_zoos_rules(omz: Model, tmp_path: Path) -> None:
    # The boxes are exact, and so 33x33 for the metric: an IoU of .94 passes 9 of 10 thresholds.
    # Of the mask, 34 pixels from 31 on, 32 to 63 are left: exactly the upper half of the box.
    found = measure(omz, scenes(tmp_path, HALVES, (96, 48)), device="CPU", precision="f32")
    assert found.boxes.ap == pytest.approx(0.9)
    assert found.masks.ap == pytest.approx(1)


def test_categories_that_a_model_does_not_know_do_not_count(tmp_path: Path) -> None:
    names = ["person", "red", "unseen"]
    model = open_to_measure(save_fake_yolo(tmp_path / "yolo" / "fake.xml", names=names))
    found = measure(model, scenes(tmp_path), device="CPU", precision="f32")
    assert found.masks.ap == pytest.approx(1)
    assert found.unknown == ("bicycle", "car")
    assert list(found.dataset.categories) == [1]


def test_images_without_any_known_object(tmp_path: Path) -> None:
    model = open_to_measure(save_fake_yolo(tmp_path / "yolo" / "fake.xml", names=["car", "red"]))
    with pytest.raises(ModelError, match="none of the 1 images shows an object of a class that"):
        measure(model, scenes(tmp_path, WHOLE[:1]), device="CPU")


@pytest.fixture
def tiny(tmp_path: Path) -> Model:
    arrays = random_arrays(TINY)
    # An empty mask, as random weights give now and then, overlaps with nothing, not even itself.
    arrays["SecondStageBoxPredictor/Conv_2/biases"] += 5
    names = {"labels": json.dumps({1: "person", 2: "bicycle", 3: "car", 4: "bus"})}
    folder = tmp_path / "tiny"
    return open_to_measure(mask_rcnn.save(TINY, Weights(TINY, arrays), folder, "tiny", names))


def test_what_two_passes_find_is_all_there_is(tiny: Model, tmp_path: Path) -> None:
    """Its own results as the truth give 1, so nothing is lost between detections and metric."""
    dataset = scenes(tmp_path, [[whole("person", (0, 0, 9, 9))]] * 4, (98, 75))
    for sample in dataset.samples:
        cv2.imwrite(str(sample.path), random_image(TINY, sample.id)[0])
    found = measure(tiny, dataset, device="CPU", precision="f32", requests=2).found
    assert len(found) > 20
    assert min(one.score for one in found) < 0.4
    truth = tuple(_as_truth(number, one) for number, one in enumerate(found, 1))
    again = measure(
        tiny,
        Dataset(dataset.samples, {1: "person", 2: "bicycle", 3: "car", 4: "bus"}, truth),
        device="CPU",
        precision="f32",
    )
    assert (again.boxes.ap, again.masks.ap) == pytest.approx((1, 1))


def _as_truth(number: int, one: Found) -> dict[str, object]:
    width, height = one.bbox[2:]
    return {
        "id": number,
        "image_id": one.image_id,
        "category_id": one.category_id,
        "bbox": list(one.bbox),
        "area": width * height,
        "segmentation": one.segmentation,
        "iscrowd": 0,
    }


def test_an_image_that_breaks_gives_its_requests_back(yolo: Model, tmp_path: Path) -> None:
    dataset = scenes(tmp_path)
    dataset.samples[4].path.write_text("no image")
    with pytest.raises(SourceError, match=r"000004\.png cannot be read"):
        measure(yolo, dataset, device="CPU", requests=2)


def test_a_device_that_fails_gives_its_requests_back(
    yolo: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = FakeEngine(fail_at=1)
    monkeypatch.setattr(accuracy, "start", lambda *_: engine)
    with pytest.raises(InferenceError, match="made to"):
        measure(yolo, scenes(tmp_path, [[], *WHOLE[:1] * 3]))
    assert all(pending.released for pending in engine.pendings[1:])
