from typing import Any

import numpy as np
import openvino as ov
import openvino.opset15 as ops
import pytest

from streamer.errors import ModelError
from streamer.models.inputs import Inputs, Preparation, Preprocessor, find_inputs, port_names
from tests.models.seeing import RED, WHITE, picture

FRAME = picture(RED, (0, 0, 128, 96))


def graph_of(*shapes: list[int], element_type: ov.Type = ov.Type.f32) -> ov.Model:
    """A graph that gives back what it takes."""
    inputs = [ops.parameter(shape, element_type, name=f"in{at}") for at, shape in enumerate(shapes)]
    return ov.Model([ops.multiply(node, ops.convert_like(1, node)) for node in inputs], inputs, "g")


def given(graph: ov.Model, tensors: Any) -> list[np.ndarray[Any, Any]]:
    settings = {"INFERENCE_PRECISION_HINT": "f32"}
    results = ov.Core().compile_model(graph, "CPU", settings)(list(tensors))
    return [np.array(results[at]) for at in range(len(tensors))]


@pytest.mark.parametrize(
    ("shapes", "inputs"),
    [
        ([[1, 3, 8, 8]], Inputs(0, "NCHW", None)),
        ([[-1, -1, -1, 3]], Inputs(0, "NHWC", None)),
        ([[-1, -1, -1, -1]], Inputs(0, "NCHW", None)),
        ([[3, 8, 8]], Inputs(0, "NCHW", None, unbatched=True)),
        ([[1, 8, 8, 3], [1, 3]], Inputs(0, "NHWC", 1)),
        ([[-1, -1], [1, 3, 8, 8]], Inputs(1, "NCHW", 0)),
        ([[1, 4, 8, 8]], None),
        ([[1, 3, 8, 8], [1, 4]], None),
        ([[1, 3, 8, 8], [1, 3, 8, 8]], None),
        ([[1, 3, 8, 8], [1, 3], [1, 3]], None),
        ([[1, 3]], None),
    ],
)
def test_inputs_are_told_by_their_shapes(shapes: list[list[int]], inputs: Inputs | None) -> None:
    assert find_inputs(graph_of(*shapes)) == inputs


def test_numbers_are_no_picture() -> None:
    assert find_inputs(graph_of([1, 3, 8, 8], element_type=ov.Type.i64)) is None


@pytest.mark.parametrize("shape", [[1, 3, 48, 96], [1, 48, 96, 3], [3, 48, 96], [-1, 3, -1, -1]])
@pytest.mark.parametrize("element_type", [ov.Type.f32, ov.Type.f16, ov.Type.u8])
def test_the_network_sees_what_it_asked_for(shape: list[int], element_type: ov.Type) -> None:
    graph = graph_of(shape, element_type=element_type)
    inputs = find_inputs(graph)
    assert inputs is not None
    scale = () if element_type == ov.Type.u8 else (2.0, 4.0, 5.0)
    mean = () if element_type == ov.Type.u8 else (5.0, 10.0, 20.0)
    wanted = Preparation(channels="BGR", padding=30, mean=mean, scale=scale)
    prepare = Preprocessor(graph, inputs, wanted, (96, 48))
    assert prepare.size == (96, 48)
    tensors, _ = prepare(FRAME)
    (seen,) = given(prepare.graph, tensors)
    if inputs.layout == "NHWC":
        seen = seen.transpose(0, 3, 1, 2)
    seen = seen.reshape(3, 48, 96).astype(np.float32)
    blue_green_red = np.array([0, 0, 255], np.float32)
    padding = np.array([30, 30, 30], np.float32)
    for color, place in ((blue_green_red, 10), (padding, 80)):
        if scale:
            color = (color - mean) / scale
        np.testing.assert_allclose(seen[:, 20, place], color, atol=1)


def test_each_frame_has_a_tensor_of_its_own() -> None:
    graph = graph_of([1, 3, 48, 96])
    prepare = Preprocessor(graph, Inputs(0, "NCHW", None), Preparation(), (1, 1))
    (first,), _ = prepare(FRAME)
    (second,), _ = prepare(picture(WHITE, (0, 0, 128, 96)))
    assert not np.shares_memory(first, second)


def test_a_size_that_the_graph_cannot_take_is_named() -> None:
    data = ops.parameter([1, 3, -1, -1], ov.Type.f32, name="data")
    graph = ov.Model([ops.reshape(data, [1, 3, 64], False)], [data], "g")
    with pytest.raises(ModelError, match=r"data \[1,3,\?,\?\] does not take .* 10x20"):
        Preprocessor(graph, Inputs(0, "NCHW", None), Preparation(), (10, 20))


def test_boxes_as_shares_of_the_sides() -> None:
    prepare = Preprocessor(graph_of([1, 3, 48, 96]), Inputs(0, "NCHW", None), Preparation(), (1, 1))
    boxes = np.array([[0, 0.5, 0.25, 1]], np.float32)
    assert prepare.to_pixels(boxes).tolist() == [[0, 24, 24, 48]]


def test_names_of_ports_go_without_what_converters_add() -> None:
    data = ops.parameter([1], ov.Type.f32, name="data")
    data.output(0).set_names({"image:0"})
    node = ops.relu(data, name="boxes")
    node.output(0).set_names({"boxes/sink_port_0"})
    graph = ov.Model([node], [data], "g")
    assert "boxes" in port_names(graph.output())
    assert port_names(graph.input()) == {"image", "data"}
