from typing import Any

import numpy as np
import openvino as ov
import pytest

from streamer.errors import ModelError, SettingsError
from streamer.models.geometry import Geometry
from streamer.models.labels import COCO
from streamer.models.omz import Omz
from tests.models.detectors import fake_omz, loaded, planes_of
from tests.models.fakes import fake_yolo
from tests.models.seeing import BLUE, RED, WHITE, picture, run
from tests.models.test_masks import expected, smooth

LAYOUTS: list[dict[str, Any]] = [
    {},
    {"layout": "NCHW"},
    {"layout": "NCHW", "element_type": ov.Type.f32},
    {"element_type": ov.Type.f16},
    {"masks_first": True},
    {"named": False},
    {"named": False, "masks_first": True},
    {"info_first": True, "layout": "NCHW"},
]


def build(graph: ov.Model | None = None, *, name: str = "fake", **options: Any) -> Omz:
    names = {"names": options.pop("names")} if "names" in options else {}
    return Omz(loaded(graph or fake_omz(), name, **names), **options)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    ("color", "class_id", "label"),
    [(WHITE, 1, "person"), (RED, 2, "bicycle"), (BLUE, 3, "car")],
)
def test_from_picture_to_instances(
    layout: dict[str, Any], color: tuple[int, int, int], class_id: int, label: str
) -> None:
    found = run(build(fake_omz(**layout)), picture(color, (40, 24, 80, 72)))
    assert (found.class_ids.tolist(), found.labels) == ([class_id], (label,))
    np.testing.assert_allclose(found.boxes, [[40, 24, 80, 72]], atol=0.1)
    assert found.scores[0] > 0.9
    assert (found.masks[0][:22] == 255).all()
    assert not found.masks[0][26:].any()


def test_nothing_seen_gives_nothing() -> None:
    assert not len(run(build(), picture(WHITE, (0, 0, 0, 0))))


@pytest.mark.parametrize("info_first", [False, True])
def test_the_model_is_told_the_size_of_its_whole_input(info_first: bool) -> None:
    model = build(fake_omz(info_first=info_first))
    tensors, geometry = model.preprocess(picture(WHITE, (0, 0, 128, 96)))
    info, image = tensors if info_first else tensors[::-1]
    assert info.dtype == np.float32
    assert info.tolist() == [[48, 96, 1]]
    assert geometry == Geometry(128, 96, 64, 48)
    assert image.shape == (1, 48, 96, 3)
    assert (image[0, :, :64] == 255).all()
    assert not image[0, :, 64:].any()


def test_the_picture_is_given_in_bgr() -> None:
    (image, _), _ = build().preprocess(picture(RED, (0, 0, 128, 96)))
    np.testing.assert_allclose(image[0, 10, 10], (0, 0, 255), atol=2)


def handmade(count: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Rows sorted by class as the model gives them, the last two unused, and a mask of each."""
    random = np.random.default_rng(1)
    labels = np.sort(random.choice([1, 3, 44, 90], count))
    corners = np.sort(random.random((count, 2, 2)), axis=1) * (0.6, 0.9)
    corners[:, 1] += 0.02
    rows = np.zeros((count + 2, 7), np.float32)
    rows[:count, 1] = labels
    rows[:count, 2] = random.random(count)
    rows[:count, 3:] = corners.reshape(count, 4)
    rows[count:] = [[-1, 1, 0.999, 0, 0, 1, 1], [0, 1, 0.999, 0, 0, 1, 1]]
    masks = np.zeros((count + 2, 90, 33, 33), np.float32)
    for row, label in enumerate(labels):
        masks[row] = 1 - (masks[row, label - 1] + smooth(row, 33, 33))
        masks[row, label - 1] = smooth(row, 33, 33)
    return rows, masks


@pytest.mark.parametrize("masks_first", [False, True])
@pytest.mark.parametrize("threshold", [0.0, 0.4])
def test_rows_become_instances_as_the_contract_says(masks_first: bool, threshold: float) -> None:
    rows, masks = handmade(12)
    geometry = Geometry(1280, 720, 85, 48)
    model = build(fake_omz(masks_first=masks_first), threshold=threshold)
    found = model.postprocess((masks, rows) if masks_first else (rows, masks), geometry)

    wanted = [row for row in range(12) if rows[row, 2] >= threshold]
    wanted.sort(key=lambda row: -float(rows[row, 2]))
    assert len(wanted) > 3
    assert len(found) == len(wanted)
    for at, row in enumerate(wanted):
        label = int(rows[row, 1])
        x1, y1, x2, y2 = rows[row, 3:].astype(float)
        box = (x1 * 96 * 1280 / 85, y1 * 48 * 15, x2 * 96 * 1280 / 85, y2 * 48 * 15)
        assert found.scores[at] == rows[row, 2]
        assert (found.class_ids[at], found.labels[at]) == (label, COCO[label])
        np.testing.assert_allclose(found.boxes[at], np.clip(box, 0, [1280, 720] * 2), atol=1e-2)
        probabilities = expected(masks[row, label - 1], box, tuple(found.rects[at].tolist()))
        assert ((found.masks[at] > 0) == (probabilities > 0.5)).mean() > 0.995


def test_no_rows_at_all() -> None:
    masks = np.zeros((4, 90, 33, 33), np.float32)
    geometry = Geometry(128, 96, 64, 48)
    unused = np.full((4, 7), -1, np.float32)
    assert not len(build(threshold=0.0).postprocess((unused, masks), geometry))
    assert not len(build().postprocess((unused[:0], masks[:0]), geometry))


def test_labels_without_a_mask_and_boxes_without_an_inside_are_left_out() -> None:
    rows = np.zeros((5, 7), np.float32)
    rows[:, 1:] = [1, 0.9, 0, 0, 0.3, 0.5]
    rows[0, 1], rows[1, 1] = 0, 91
    rows[2, 5], rows[3, 3] = 0, np.nan
    masks = planes_of([1] * 5, 90, 33)
    found = build().postprocess((rows, masks), Geometry(128, 96, 64, 48))
    assert found.class_ids.tolist() == [1]


def test_a_box_in_the_padding_keeps_its_mask_in_place() -> None:
    rows = np.array([[0, 1, 0.9, 0.5, 0.0, 1.0, 1.0]], np.float32)
    masks = planes_of([1], 90, 32)
    masks[0, 0] = 0.1
    masks[0, 0, :, :8] = 0.9
    found = build().postprocess((rows, masks), Geometry(128, 96, 64, 48))
    assert found.boxes.tolist() == [[96, 0, 128, 96]]
    # The box spans 96 columns of frame and padding; the mask is the first quarter of them.
    assert (found.masks[0][:, :23] == 255).all()
    assert not found.masks[0][:, 25:].any()


def test_only_wanted_classes_are_reported() -> None:
    frame = picture(RED, (40, 24, 80, 72))
    for wanted, count in ((("person", "car"), 0), (("Bicycle",), 1)):
        assert len(run(build(classes=wanted), frame)) == count
    with pytest.raises(SettingsError, match="did you mean 'person'"):
        build(classes=["persn"])


@pytest.mark.parametrize(
    ("planes", "names", "label", "class_id"),
    [
        (3, ["nut", "bolt", "dark blue"], "dark blue", 3),
        (3, ["background", "nut", "bolt", "dark blue"], "dark blue", 3),
        (5, [], "class 3", 3),
        (90, list(COCO.values()), "car", 3),
        (80, list(COCO.values())[::-1], "teddy bear", 88),
    ],
)
def test_classes_of_other_models(planes: int, names: list[str], label: str, class_id: int) -> None:
    model = build(fake_omz(planes=planes), names=names)
    found = run(model, picture(BLUE, (40, 24, 80, 72)))
    assert (found.labels, found.class_ids.tolist()) == ((label,), [class_id])
    assert model.labels[class_id] == label


def test_open_sizes_become_those_of_the_published_models() -> None:
    graph = fake_omz((-1, -1), layout="NCHW", element_type=ov.Type.f32)
    (image, info), _ = build(graph).preprocess(picture(WHITE, (0, 0, 128, 96)))
    assert image.shape == (1, 800, 1365, 3)
    assert info.tolist() == [[800, 1365, 1]]


def test_a_model_of_other_ports_is_refused() -> None:
    with pytest.raises(ModelError, match="does not follow omz"):
        build(fake_yolo())
