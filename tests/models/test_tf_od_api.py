from typing import Any

import numpy as np
import openvino as ov
import pytest

from streamer.errors import ModelError, SettingsError
from streamer.models.geometry import Geometry
from streamer.models.labels import COCO
from streamer.models.tf_od_api import TfOdApi
from tests.models.detectors import fake_omz, fake_tf_od_api, loaded
from tests.models.seeing import BLUE, RED, WHITE, picture, run
from tests.models.test_masks import expected, smooth


def build(graph: ov.Model | None = None, **options: Any) -> TfOdApi:
    metadata = {key: options.pop(key) for key in ("names", "imgsz", "model_info") if key in options}
    return TfOdApi(loaded(graph or fake_tf_od_api(), **metadata), **options)


@pytest.mark.parametrize("size", [(96, 48), None])
@pytest.mark.parametrize(
    ("color", "class_id", "label"),
    [(WHITE, 1, "person"), (RED, 2, "bicycle"), (BLUE, 3, "car")],
)
def test_from_picture_to_instances(
    size: tuple[int, int] | None, color: tuple[int, int, int], class_id: int, label: str
) -> None:
    model = build(fake_tf_od_api(size), imgsz=[48, 96])
    assert list(model.graph.input().shape) == [1, 48, 96, 3]
    found = run(model, picture(color, (40, 24, 80, 72)))
    assert (found.class_ids.tolist(), found.labels) == ([class_id], (label,))
    np.testing.assert_allclose(found.boxes, [[40, 24, 80, 72]], atol=0.1)
    assert (found.masks[0][:22] == 255).all()
    assert not found.masks[0][26:].any()


def test_open_sizes_become_what_such_graphs_scale_to() -> None:
    (image,), geometry = build(fake_tf_od_api(None)).preprocess(picture(RED, (0, 0, 128, 96)))
    assert image.shape == (1, 800, 1365, 3)
    assert geometry == Geometry(128, 96, 1066, 800)
    np.testing.assert_allclose(image[0, 400, 500], (255, 0, 0), atol=2)
    assert not image[0, :, 1066:].any()


def test_a_graph_that_stretched_its_pictures_gets_them_stretched() -> None:
    model = build(fake_tf_od_api((96, 48)), model_info={"resize_type": "standard"})
    _, geometry = model.preprocess(picture(RED, (0, 0, 128, 96)))
    assert geometry == Geometry(128, 96, 96, 48)


def outputs(model: TfOdApi, **values: Any) -> list[np.ndarray[Any, Any]]:
    """Handmade outputs in the order of the graph's ports."""
    names = [port.any_name.removesuffix(":0") for port in model.graph.outputs]
    return [np.asarray(values[name], np.float32) for name in names]


@pytest.mark.parametrize("used", [[0], [3], 3])
def test_rows_become_instances_as_the_contract_says(used: Any) -> None:
    boxes = [
        (0.1, 0.2, 0.9, 0.6),
        (0.0, 0.0, 0.5, 0.25),
        (0.3, 0.1, 0.4, 0.9),
        (0.0, 0.0, 1.0, 1.0),
    ]
    scores = [0.6, 0.9, 0.3, 0.99]
    masks = np.stack([smooth(seed, 33, 33) for seed in range(4)])
    model = build(threshold=0.5)
    found = model.postprocess(
        outputs(
            model,
            detection_boxes=[boxes],
            detection_scores=[scores],
            detection_classes=[[90, 17, 1, 1]],
            detection_masks=masks[None],
            num_detections=used,
        ),
        Geometry(128, 96, 64, 48),
    )
    if used == [0]:
        assert not len(found)
        return
    np.testing.assert_array_equal(found.scores, np.array([0.9, 0.6], np.float32))
    assert found.labels == ("cat", "toothbrush")
    for at, row in enumerate((1, 0)):
        y1, x1, y2, x2 = boxes[row]
        box = (x1 * 192, y1 * 96, x2 * 192, y2 * 96)
        np.testing.assert_allclose(found.boxes[at], box, atol=1e-3)
        probabilities = expected(masks[row], box, tuple(found.rects[at].tolist()))
        assert ((found.masks[at] > 0) == (probabilities > 0.5)).mean() > 0.99


def test_more_outputs_than_the_five_do_no_harm() -> None:
    graph = fake_tf_od_api()
    graph.add_outputs(graph.input().node.output(0))
    assert len(run(build(graph), picture(WHITE, (40, 24, 80, 72)))) == 1


def test_classes_by_name() -> None:
    frame = picture(BLUE, (40, 24, 80, 72))
    assert run(build(names=["nut", "bolt", "rod"]), frame).labels == ("rod",)
    assert run(build(names=["nut", "bolt", "rod"]), frame).class_ids.tolist() == [3]
    # Its 80 names in order do not mean that classes are numbered without the gaps.
    coco = build(names=list(COCO.values()))
    assert coco.labels == COCO
    assert len(run(build(classes=["car"]), frame)) == 1
    assert not len(run(build(classes=["person"]), frame))
    with pytest.raises(SettingsError, match="no class 'rod'"):
        build(classes=["rod"])


def test_a_model_of_other_ports_is_refused() -> None:
    with pytest.raises(ModelError, match="does not follow tf-od-api"):
        build(fake_omz())
