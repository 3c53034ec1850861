"""What detectors have in common, by the example of omz."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from streamer.models.detections import Detections
from streamer.models.geometry import Geometry
from streamer.models.omz import Omz
from tests.models.detectors import fake_omz, loaded

GEOMETRY = Geometry(48, 24, 96, 48)


def outputs(*given: tuple[float, float]) -> list[Any]:
    """Rows of label and score with boxes that cover the input, and full masks."""
    rows = np.array([[0, label, score, 0, 0, 1, 1] for label, score in given], np.float32)
    return [rows, np.ones((len(given), 90, 4, 4), np.float32)]


def test_detections_are_raw() -> None:
    model = Omz(loaded(fake_omz()), threshold=0.5, classes=["car"])
    found = model.detections(outputs((1, 0.9), (3, 0.1), (12, 0.4), (91, 0.9)))
    assert found.numbers.tolist() == [1, 3, 12]
    np.testing.assert_allclose(found.scores, [0.9, 0.1, 0.4])
    assert found.boxes[0].tolist() == [0, 0, 96, 48]
    assert (found.plane(2) == 1).all()


def test_only_what_passes_is_reported() -> None:
    rows = outputs((1, 0.9), (3, 0.4), (3, 0.6), (12, 0.7))
    chosen = Omz(loaded(fake_omz()), threshold=0.5, classes=["car"])
    assert chosen.postprocess(rows, GEOMETRY).scores.tolist() == pytest.approx([0.6])
    everything = Omz(loaded(fake_omz()), threshold=0.5)
    reported = everything.postprocess(rows, GEOMETRY)
    assert reported.labels == ("person", "class 12", "car")
    assert everything.classes.of(12) == (12, "class 12")


@pytest.mark.parametrize(
    ("input_size", "extent"), [(None, [10, 5, 20, 10]), ((96, 48), [0, 0, 48, 24])]
)
def test_a_plane_covers_its_box_or_the_whole_input(
    input_size: tuple[int, int] | None, extent: list[float]
) -> None:
    found = Detections(
        boxes=np.array([[20, 10, 40, 20]], np.float32),
        scores=np.ones(1, np.float32),
        numbers=np.ones(1, np.int64),
        plane=lambda _: np.ones((4, 4), np.float32),
        input_size=input_size,
    )
    assert found.extents(GEOMETRY).tolist() == [extent]
