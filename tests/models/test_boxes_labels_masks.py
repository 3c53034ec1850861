from collections.abc import Callable
from typing import Any

import numpy as np
import openvino as ov
import pytest

from streamer.errors import ModelError, SettingsError
from streamer.models.boxes_labels_masks import BoxesLabelsMasks
from streamer.models.geometry import Geometry
from streamer.models.labels import COCO
from streamer.models.loading import load
from tests.models.detectors import (
    MEAN,
    SCALE,
    fake_geti,
    fake_omz,
    fake_raw_masks,
    fake_torchvision,
    fake_zoo,
    loaded,
)
from tests.models.seeing import BLUE, RED, WHITE, picture, run
from tests.models.test_masks import expected, smooth

COLORS = [WHITE, RED, BLUE]
BOX = (40, 24, 80, 72)


def build(graph: ov.Model, name: str = "fake", **options: Any) -> BoxesLabelsMasks:
    metadata = {key: options.pop(key) for key in ("names", "imgsz") if key in options}
    info = {}
    if graph.has_rt_info(["model_info"]):
        keys = graph.get_rt_info(["model_info"]).value
        info = {key: graph.get_rt_info(["model_info", key]).astype(str) for key in keys}
        metadata.setdefault("names", info["labels"].replace("_", " ").split(" ")[-3:])
    return BoxesLabelsMasks(loaded(graph, name, model_info=info, **metadata), **options)


GRAPHS: dict[str, Callable[[], ov.Model]] = {
    "zoo": fake_zoo,
    "zoo without names": lambda: fake_zoo(named=False),
    "point rend": lambda: fake_zoo(side=224),
    "raw masks": fake_raw_masks,
    "geti": fake_geti,
    "geti without batch": lambda: fake_geti(batched=False),
}
PASTED: dict[str, Callable[[], ov.Model]] = {
    "torchvision": fake_torchvision,
    "torchvision, no batch": lambda: fake_torchvision(axes=3),
    "torchvision without names": lambda: fake_torchvision(named=False),
    "torchvision of any size": lambda: fake_torchvision(None),
    "torchvision of any size, no batch": lambda: fake_torchvision(None, axes=3),
}


@pytest.mark.parametrize("kind", GRAPHS | PASTED)
@pytest.mark.parametrize("index", range(3))
def test_from_picture_to_instances(kind: str, index: int) -> None:
    # Zoo models stretch unless they are among those known to keep the aspect ratio.
    name = "instance-segmentation-security-0083" if kind == "raw masks" else "fake"
    model = build((GRAPHS | PASTED)[kind](), name, imgsz=[48, 96])
    found = run(model, picture(COLORS[index], BOX))
    names = list(model.labels.values()) if "geti" in kind else ["person", "bicycle", "car"]
    assert found.labels == (names[index],)
    assert found.class_ids.tolist() == [index if "geti" in kind else index + 1]
    np.testing.assert_allclose(found.boxes, [BOX], atol=0.1)
    assert found.scores[0] > 0.9
    assert (found.masks[0][:22] == 255).mean() > 0.99
    if kind in PASTED:
        assert (found.masks[0] == 255).mean() > 0.95
    else:
        assert not found.masks[0][26:].any()


@pytest.mark.parametrize("kind", GRAPHS | PASTED)
def test_a_picture_of_nothing_gives_no_instances(kind: str) -> None:
    model = build((GRAPHS | PASTED)[kind](), imgsz=[48, 96], threshold=0.0)
    assert not len(run(model, picture(WHITE, (0, 0, 0, 0))))


@pytest.mark.parametrize(
    ("name", "geometry"),
    [
        ("instance-segmentation-security-0002", Geometry(128, 96, 64, 48)),
        ("instance-segmentation-security-0091", Geometry(128, 96, 64, 48)),
        ("instance-segmentation-security-0228", Geometry(128, 96, 96, 48)),
        ("instance-segmentation-person-0007", Geometry(128, 96, 96, 48)),
    ],
)
def test_zoo_models_are_laid_in_as_they_were_measured(name: str, geometry: Geometry) -> None:
    tensors, laid = build(fake_zoo(), name).preprocess(picture(BLUE, (0, 0, 128, 96)))
    assert laid == geometry
    np.testing.assert_allclose(tensors[0][0, 20, 20], (255, 0, 0), atol=2)


@pytest.mark.parametrize(
    ("name", "info"),
    [("instance-segmentation-security-0083", [48, 64, 1]), ("other", [48, 96, 1])],
)
def test_the_size_told_is_that_of_the_scaled_frame(name: str, info: list[int]) -> None:
    tensors, _ = build(fake_raw_masks(), name).preprocess(picture(WHITE, BOX))
    assert tensors[1].tolist() == [info]
    assert tensors[1].dtype == np.float32


@pytest.mark.parametrize(
    ("info", "geometry", "padding"),
    [
        ({}, Geometry(128, 96, 96, 48), None),
        ({"resize_type": "fit_to_window", "pad_value": 114}, Geometry(128, 96, 64, 48), 114),
        ({"resize_type": "fit_to_window"}, Geometry(128, 96, 64, 48), 0),
        ({"resize_type": "fit_to_window_letterbox"}, Geometry(128, 96, 64, 48, 16, 0), 0),
    ],
)
def test_geti_models_say_how_their_picture_lies(
    info: dict[str, Any], geometry: Geometry, padding: int | None
) -> None:
    model = build(fake_geti(**info))
    frame = picture(RED, BOX)
    (tensor,), laid = model.preprocess(frame)
    assert laid == geometry
    if padding is not None:
        assert (tensor[0, :, geometry.left + geometry.width :] == padding).all()
    np.testing.assert_allclose(run(model, frame).boxes, [BOX], atol=0.1)


def test_geti_channels_and_values_are_as_the_file_says() -> None:
    swapped = build(fake_geti(reverse_input_channels=False))
    (tensor,), _ = swapped.preprocess(picture(RED, (0, 0, 128, 96)))
    np.testing.assert_allclose(tensor[0, 5, 5], (0, 0, 255), atol=2)
    listed = build(fake_geti(mean_values=list(MEAN), scale_values=str(list(SCALE))))
    assert len(run(listed, picture(BLUE, BOX))) == 1


@pytest.mark.parametrize(
    "info", [{"resize_type": "crop"}, {"mean_values": "1 two 3"}, {"scale_values": "1 2"}]
)
def test_metadata_that_is_not_understood_is_named(info: dict[str, Any]) -> None:
    (key,) = info
    with pytest.raises(ModelError, match=key):
        build(fake_geti(**info))


def test_a_graph_that_prepares_its_picture_itself_is_given_bgr() -> None:
    graph = fake_zoo((-1, -1))
    for key, value in (
        ("model_type", "MaskRCNN"),
        ("labels", "otx_empty_lbl a b c"),
        ("embedded_processing", "True"),
        ("reverse_input_channels", "True"),
        ("mean_values", "1 2 3"),
        ("orig_width", "96"),
        ("orig_height", "48"),
    ):
        graph.set_rt_info(value, ["model_info", key])
    model = build(graph)
    (tensor,), _ = model.preprocess(picture(RED, (0, 0, 128, 96)))
    assert tensor.shape == (1, 48, 96, 3)
    assert len(run(model, picture(RED, BOX))) == 1


def test_geti_files_bring_their_classes(tmp_path: Any) -> None:
    path = tmp_path / "model.xml"
    ov.save_model(fake_geti(), path)
    model = BoxesLabelsMasks(load(path))
    assert model.labels == {0: "white", 1: "red", 2: "dark blue"}
    assert run(model, picture(BLUE, BOX)).labels == ("dark blue",)


@pytest.mark.parametrize(
    ("graph", "names", "ids"),
    [
        (fake_zoo, [], (1, 2, 3)),
        (fake_zoo, ["a", "b", "c"], (0, 1, 2)),
        (fake_zoo, ["car", "dog", "cat"], (3, 18, 17)),
        (fake_raw_masks, [], (1, 2, 3)),
        (fake_raw_masks, ["__background__", *COCO.values()], (1, 2, 3)),
        (fake_torchvision, [], (1, 2, 3)),
        (fake_torchvision, ["__background__", "a", "b", "c"], (1, 2, 3)),
        (fake_torchvision, ["car", "dog", "cat"], (3, 18, 17)),
        (fake_torchvision, list(COCO.values())[::-1], (1, 2, 3)),
    ],
)
def test_numbers_and_names(
    graph: Callable[[], ov.Model], names: list[str], ids: tuple[int, ...]
) -> None:
    name = "instance-segmentation-security-0083"
    model = build(graph(), name, names=names)
    for color, class_id in zip(COLORS, ids, strict=True):
        found = run(model, picture(color, BOX))
        assert found.class_ids.tolist() == [class_id]
        assert found.labels == (model.labels[class_id],)


def handmade(count: int) -> dict[str, np.ndarray[Any, Any]]:
    random = np.random.default_rng(4)
    corners = np.sort(random.random((count, 2, 2)), axis=1) * (60, 40)
    corners[:, 1] += 3
    return {
        "boxes": corners.reshape(count, 4).astype(np.float32),
        "labels": random.integers(1, 80, count),
        "scores": random.random(count).astype(np.float32),
    }


@pytest.mark.parametrize("count", [0, 1, 9])
@pytest.mark.parametrize("form", ["columns", "batched", "apart", "raw", "pasted"])
def test_rows_become_instances_as_the_contract_says(form: str, count: int) -> None:
    rows = handmade(count)
    boxes, labels, scores = rows["boxes"], rows["labels"], rows["scores"]
    planes = [smooth(seed, 28, 28) for seed in range(count)]
    masks = np.array(planes, np.float32).reshape(count, 28, 28)
    with_scores = np.concatenate([boxes, scores[:, None]], axis=1)
    first = 1
    if form == "columns":
        graph, first = fake_zoo(), 0
        outputs = [labels.astype(np.int32), with_scores, masks]
    elif form == "batched":
        graph, first = fake_geti(), 0
        outputs = [with_scores[None], labels[None], masks[None], np.ones(1), np.ones(1)]
    elif form == "raw":
        graph = fake_raw_masks()
        raw = np.stack([1 - masks] * 81, axis=1)
        raw[np.arange(count), labels] = masks
        outputs = [boxes, labels.astype(np.float32), scores, raw]
    else:
        graph = fake_torchvision()
        if form == "pasted":
            masks = np.array([smooth(seed, 48, 96) for seed in range(count)], np.float32)
            masks = masks.reshape(count, 48, 96)
        outputs = [boxes, labels, scores, masks[:, None]]
    found = build(graph, names=[f"n{i}" for i in range(90)], threshold=0.3).postprocess(
        outputs, Geometry(640, 480, 64, 48)
    )

    wanted = [row for row in range(count) if scores[row] >= 0.3]
    wanted.sort(key=lambda row: -float(scores[row]))
    assert len(found) == len(wanted)
    for at, row in enumerate(wanted):
        box = boxes[row].astype(float) * 10
        assert found.labels[at] == f"n{labels[row] - first}"
        assert found.class_ids[at] == labels[row]
        np.testing.assert_allclose(found.boxes[at], np.clip(box, 0, [640, 480] * 2), atol=1e-3)
        extent = (0.0, 0.0, 960.0, 480.0) if form == "pasted" else tuple(box)
        probabilities = expected(masks[row], extent, tuple(found.rects[at].tolist()))
        assert ((found.masks[at] > 0) == (probabilities > 0.5)).mean() > 0.99


def test_background_and_numbers_without_a_mask_are_left_out() -> None:
    boxes = np.tile(np.array([[0, 0, 20, 20]], np.float32), (4, 1))
    labels = np.array([0, 81, -1, 5], np.float32)
    masks = np.ones((4, 81, 28, 28), np.float32)
    found = build(fake_raw_masks()).postprocess(
        [boxes, labels, np.full(4, 0.9, np.float32), masks], Geometry(96, 48, 96, 48)
    )
    assert found.labels == ("airplane",)


def test_only_wanted_classes_are_reported() -> None:
    frame = picture(RED, BOX)
    for wanted, count in ((("person", "car"), 0), (("Bicycle",), 1)):
        assert len(run(build(fake_zoo(), classes=wanted), frame)) == count
    with pytest.raises(SettingsError, match="did you mean 'person'"):
        build(fake_zoo(), classes=["persn"])


def test_a_model_of_other_ports_is_refused() -> None:
    with pytest.raises(ModelError, match="does not follow boxes-labels-masks"):
        build(fake_omz())
