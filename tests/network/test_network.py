"""The whole network: against numpy, in both forms, and in low precision."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import pytest
from numpy.typing import NDArray

from streamer.network.boxes import keep_f32
from streamer.network.crops import crop
from streamer.network.network import (
    build_detector,
    build_mask_head,
    build_reference,
    hand_over_as,
)
from streamer.network.weights import Weights
from tests.network import reference
from tests.network.parts import STRIDE_16, TINY, random_arrays, random_image, run

ARRAYS = random_arrays(TINY)
WEIGHTS = Weights(TINY, ARRAYS)
IMAGE = random_image(TINY)
FULL = np.array([TINY.height, TINY.width], np.float32)
PADDED = np.array([TINY.height - 11, TINY.width - 17], np.float32)

needs_bf16 = pytest.mark.skipif(
    "BF16" not in ov.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"),
    reason="this CPU does not compute in bf16",
)


def expected(size: NDArray[np.float32]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Detections in the contract's order, and their masks."""
    features = reference.feature_map(IMAGE, ARRAYS, TINY)
    proposals = reference.propose(features, size, ARRAYS, TINY)
    regions = reference.crops(features, proposals, TINY)
    found = reference.detect(regions, proposals, size, ARRAYS, TINY)
    regions = reference.crops(features, found[:, :4], TINY)
    masks = reference.masks(regions, found[:, 5].astype(np.int32), ARRAYS, TINY)
    return found[:, [1, 0, 3, 2, 4, 5]], masks


@pytest.mark.parametrize("size", [FULL, PADDED], ids=["full", "padded"])
def test_reference_form_agrees_with_numpy(size: NDArray[np.float32]) -> None:
    wanted, wanted_masks = expected(size)
    assert np.count_nonzero(wanted[:, 4]) > 2
    detections, masks = run(build_reference(TINY, WEIGHTS), IMAGE, size)
    np.testing.assert_allclose(detections, wanted, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(masks, wanted_masks, atol=1e-4)
    limits = np.tile(size[::-1], 2)
    assert (detections[:, :4] <= limits).all()


def test_two_passes_agree_with_one() -> None:
    wanted, wanted_masks = run(build_reference(TINY, WEIGHTS), IMAGE, FULL)
    detections, cells = run(build_detector(TINY, WEIGHTS), IMAGE, FULL)
    np.testing.assert_array_equal(detections, wanted)
    rows = [4, 0, 2]
    [masks] = run(build_mask_head(TINY, WEIGHTS, 3), cells, detections[rows])
    np.testing.assert_allclose(masks, wanted_masks[rows], atol=1e-4)


def test_feature_map_can_be_handed_over_in_another_type() -> None:
    detector, head = build_detector(TINY, WEIGHTS), build_mask_head(TINY, WEIGHTS, 2)
    detections, cells = run(detector, IMAGE, FULL)
    [masks] = run(head, cells, detections[:2])
    hand_over_as(ov.Type.f16, detector, head)
    detections_too, cells_too = run(detector, IMAGE, FULL)
    assert cells_too.dtype == np.float16
    np.testing.assert_array_equal(detections_too, detections)
    [masks_too] = run(head, cells_too, detections[:2])
    np.testing.assert_allclose(masks_too, masks, atol=5e-3)


def test_shapes_are_static_and_ports_named() -> None:
    for graph in (
        build_reference(STRIDE_16, Weights(STRIDE_16, random_arrays(STRIDE_16))),
        build_detector(TINY, WEIGHTS),
        build_mask_head(TINY, WEIGHTS, 4),
    ):
        for port in [*graph.inputs, *graph.outputs]:
            assert port.partial_shape.is_static
            assert port.get_any_name() in (
                "image", "image_size", "detections", "masks", "cells",
            )  # fmt: skip


@needs_bf16
def test_coordinates_stay_f32_in_bf16(tmp_path: Path) -> None:
    """Every operation that handles boxes runs in f32, and convolutions do not."""
    for name, graph in (
        ("reference", build_reference(TINY, WEIGHTS)),
        ("head", build_mask_head(TINY, WEIGHTS, 4)),
    ):
        precisions = runtime_precisions(saved(graph, tmp_path / f"{name}.xml"), "bf16")
        assert "bf16" in precisions.pop("Convolution")
        for kind in ("NonMaxSuppression", "Split", "Exp", "Floor", "Select"):
            assert precisions.get(kind, {"f32"}) <= {"f32", "i32"}, kind


@needs_bf16
@pytest.mark.parametrize(("marked", "limit"), [(True, 0.01), (False, None)])
def test_marks_keep_regions_where_they_are(
    tmp_path: Path, marked: bool, limit: float | None
) -> None:
    """What is sampled from a map of its own columns' parity tells where it was sampled."""
    config = TINY.__class__(height=800, width=1365, base_width=1, pool=1)
    places = np.random.default_rng(8).uniform(0.1, 0.45, (50, 2)).astype(np.float32)
    places = np.concatenate([places, places * 2], axis=1)
    wave = np.abs(np.arange(config.feature_size[1]) % 8 - 4) / 4
    features = np.broadcast_to(wave, (1, 4, *config.feature_size)).astype(np.float32)
    graph = crop_graph(config, marked)
    [exact] = run(graph, features, places)
    [low] = run(saved(graph, tmp_path / "crop.xml"), features, places, precision="bf16")
    error = float(np.abs(low - exact).max())
    assert error < limit if limit else error > 0.05


def crop_graph(config: Any, marked: bool) -> ov.Model:
    """Boxes, scaled and cropped between convolutions, as in the network."""
    op = ov.opset13
    features = op.parameter([1, 4, *config.feature_size], np.float32)
    places = op.parameter([50, 4], np.float32)
    same = op.constant(np.eye(4, dtype=np.float32).reshape(4, 4, 1, 1))
    x = op.convolution(features, same, [1, 1], [0, 0], [0, 0], [1, 1])
    boxes = keep_f32(op.sqrt(op.multiply(places, places)), places)
    x = op.convolution(crop(x, boxes, config), same, [1, 1], [0, 0], [0, 0], [1, 1])
    graph = ov.Model([x], [features, places])
    if not marked:
        for node in graph.get_ops():
            if "precise_0" in node.rt_info:
                del node.rt_info["precise_0"]
    return graph


def saved(graph: ov.Model, path: Path) -> ov.Model:
    """The graph as it is after it was kept in a file."""
    ov.save_model(graph, path, compress_to_fp16=False)
    return ov.Core().read_model(path)


def runtime_precisions(graph: ov.Model, precision: str) -> dict[str, set[str]]:
    """Types of executed operations and the precisions that they run in."""
    compiled = ov.Core().compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": precision})
    found: dict[str, set[str]] = {}
    for node in compiled.get_runtime_model().get_ops():
        kind = node.rt_info["layerType"].astype(str)
        found.setdefault(kind, set()).add(node.rt_info["runtimePrecision"].astype(str))
    return found
