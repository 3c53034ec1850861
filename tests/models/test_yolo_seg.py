from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import pytest

from streamer.errors import ModelError, SettingsError
from streamer.models.base import sample_inputs
from streamer.models.geometry import Geometry
from streamer.models.loading import Loaded
from streamer.models.yolo_seg import YoloSeg
from tests.models.fakes import LAYOUTS, fake_yolo
from tests.models.seeing import BLUE, RED, WHITE, picture, run

OTHER_GRAPHS: list[dict[str, Any]] = [
    {"element_type": ov.Type.f16},
    {"element_type": ov.Type.u8},
    {"element_type": ov.Type.u8, "layout": "NHWC"},
    {"dynamic": True},
    {"dynamic": True, "layout": "NHWC"},
]


def build(
    size: tuple[int, int] = (64, 64),
    *,
    names: tuple[str, ...] = (),
    threshold: float = 0.5,
    only: tuple[str, ...] = (),
    **layout: Any,
) -> YoloSeg:
    graph = fake_yolo(size, classes=len(names) or 80, **layout)
    loaded = Loaded(graph, "fake", Path("fake.xml"), {"names": names, "imgsz": size[::-1]})
    return YoloSeg(loaded, threshold=threshold, classes=only)


@pytest.mark.parametrize("layout", LAYOUTS + OTHER_GRAPHS)
@pytest.mark.parametrize(("color", "class_id"), [(WHITE, 0), (RED, 1), (BLUE, 2)])
def test_from_picture_to_instances(
    layout: dict[str, Any], color: tuple[int, int, int], class_id: int
) -> None:
    model = build(names=("white", "red", "blue"), **layout)
    found = run(model, picture(color, (40, 24, 80, 72)))
    assert found.labels == (model.labels[class_id],)
    assert found.class_ids.tolist() == [class_id]
    np.testing.assert_allclose(found.boxes, [[40, 24, 80, 72]], atol=0.1)
    assert found.masks[0].mean() > 250
    assert found.scores[0] > 0.9


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_picture_of_nothing_gives_no_instances(layout: dict[str, Any]) -> None:
    assert not len(run(build(**layout), picture(WHITE, (0, 0, 0, 0))))


def test_the_graph_takes_what_preprocess_gives_and_gives_floats() -> None:
    model = build((160, 96), element_type=ov.Type.f16)
    assert list(model.graph.input().shape) == [1, 96, 160, 3]
    assert model.graph.input().element_type == ov.Type.u8
    assert {port.element_type for port in model.graph.outputs} == {ov.Type.f32}
    (tensor,) = sample_inputs(model)
    assert tensor.shape == (1, 96, 160, 3)
    assert tensor.dtype == np.uint8


def test_preprocess_letterboxes_on_grey_and_gives_a_tensor_of_its_own() -> None:
    model = build()
    frame = picture(WHITE, (0, 0, 128, 96))
    (tensor,), geometry = model.preprocess(frame)
    assert geometry == Geometry(128, 96, 64, 48, 0, 8)
    assert (tensor[0, 8:56] == 255).all()
    assert (tensor[0, :8] == 114).all()
    assert (tensor[0, 56:] == 114).all()
    (again,), _ = model.preprocess(frame)
    assert not np.shares_memory(tensor, again)


def test_coco_names_come_under_coco_ids() -> None:
    model = build()
    found = run(model, picture(BLUE, (40, 24, 80, 72)))
    assert (found.class_ids.tolist(), found.labels) == ([3], ("car",))
    assert len(model.labels) == 80


def test_names_that_do_not_fit_the_ports_are_not_used() -> None:
    graph = fake_yolo(classes=5)
    model = YoloSeg(Loaded(graph, "fake", Path("fake.xml"), {"names": ["nut", "bolt"]}))
    assert model.labels == {index: f"class {index}" for index in range(5)}


def test_suppressed_rows_without_names_have_numbers() -> None:
    found = run(build(suppressed=True), picture(BLUE, (40, 24, 80, 72)))
    assert (found.class_ids.tolist(), found.labels) == ([2], ("class 2",))


@pytest.mark.parametrize("suppressed", [False, True])
def test_only_wanted_classes_are_reported(suppressed: bool) -> None:
    names = ("person", "bicycle", "car")
    frame = picture(RED, (40, 24, 80, 72))
    for only, count in ((("person", "car"), 0), (("Bicycle",), 1), (("car", "bicycle"), 1)):
        model = build(names=names, only=only, suppressed=suppressed)
        assert len(run(model, frame)) == count


def test_an_unknown_class_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"no class 'persn'; did you mean 'person'\?"):
        build(only=("persn",))


def test_a_model_of_other_ports_is_refused() -> None:
    graph = fake_yolo()
    graph.add_outputs(graph.input().node.output(0))
    with pytest.raises(ModelError, match="does not follow yolo-seg"):
        YoloSeg(Loaded(graph, "fake", Path("fake.xml")))
