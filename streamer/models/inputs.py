"""Inputs of a detector: which port takes the picture, and what fills it.

Mask R-CNN takes one picture and often, beside it, f32[1, 3] that says how large it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino.preprocess import PrePostProcessor

from streamer.errors import ModelError
from streamer.models.base import Tensors
from streamer.models.geometry import Channels, Geometry, Picture, fit_corner, lay_into

Layout = Literal["NCHW", "NHWC"]

_BYTES_OR_FLOATS = (ov.Type.f32, ov.Type.f16, ov.Type.u8)


@dataclass(frozen=True, slots=True)
class Inputs:
    """Which input is what.

    Attributes:
        picture: index of the input for the picture.
        layout: of the picture.
        info: index of the input f32[1, 3] for height, width and scale; None where there is none.
        unbatched: the picture has three axes, not four.
    """

    picture: int
    layout: Layout
    info: int | None
    unbatched: bool = False


@dataclass(frozen=True, slots=True)
class Preparation:
    """How a model wants its picture.

    Attributes:
        channels: order of the colours.
        lay: how a picture of (width, height) goes into an input of (width, height).
        padding: value of the pixels that no picture covers, 0..255.
        mean: subtracted from each channel, 0..255, in the order of ``channels``.
        scale: what each channel is divided by then.
        info_of_picture: the size that the model is told is that of the scaled picture, rather
            than of the whole input.
    """

    channels: Channels = "RGB"
    lay: Callable[[tuple[int, int], tuple[int, int]], Geometry] = fit_corner
    padding: int = 0
    mean: tuple[float, ...] = ()
    scale: tuple[float, ...] = ()
    info_of_picture: bool = False


class Preprocessor:
    """Fills the inputs of a graph.

    Attributes:
        graph: with static inputs: u8[1, H, W, 3] (without the 1 where unbatched) for the picture,
            f32[1, 3] for its size; all outputs that are floats are f32.
        size: (width, height) of the picture.
    """

    def __init__(
        self, graph: ov.Model, inputs: Inputs, preparation: Preparation, size: tuple[int, int]
    ) -> None:
        """Prepare a graph; a copy of it, where shapes have to change.

        Args:
            graph: to be changed.
            inputs: its ports.
            preparation: how its picture is wanted.
            size: (width, height) to take where the graph leaves them open.

        Raises:
            ModelError: the graph cannot take one picture of that size.
        """
        static, self.size = _for_one_picture(graph, inputs, size)
        self.graph = _take_bytes(static, inputs, preparation)
        self._inputs = inputs
        self._preparation = preparation

    def __call__(self, picture: Picture) -> tuple[Tensors, Geometry]:
        """The inputs for a picture in the order of the graph's ports, and how it lies in them."""
        preparation = self._preparation
        width, height = self.size
        geometry = preparation.lay((picture.width, picture.height), self.size)
        pixels = np.full((height, width, 3), preparation.padding, np.uint8)
        lay_into(picture, geometry, pixels, preparation.channels)
        tensor = pixels if self._inputs.unbatched else pixels[None]
        if self._inputs.info is None:
            return (tensor,), geometry
        if preparation.info_of_picture:
            height, width = geometry.height, geometry.width
        info: NDArray[Any] = np.array([[height, width, 1]], np.float32)
        return ((tensor, info) if self._inputs.picture == 0 else (info, tensor)), geometry

    def to_pixels(self, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Boxes f32[N, 4] x1 y1 x2 y2 from shares of the input's sides to its pixels."""
        return boxes * np.array(self.size * 2, np.float32)


def find_inputs(graph: ov.Model) -> Inputs | None:
    """The ports by their shapes; None unless there is a picture and at most its size beside it."""
    pictures = [
        (index, layout)
        for index, port in enumerate(graph.inputs)
        if port.element_type in _BYTES_OR_FLOATS
        and (layout := layout_of(_batched(port.partial_shape))) is not None
    ]
    if len(pictures) != 1 or len(graph.inputs) > 2:
        return None
    picture, layout = pictures[0]
    unbatched = len(graph.inputs[picture].partial_shape) == 3
    if len(graph.inputs) == 1:
        return Inputs(picture, layout, None, unbatched)
    info = 1 - picture
    if not graph.inputs[info].partial_shape.compatible(ov.PartialShape([1, 3])):
        return None
    return Inputs(picture, layout, info, unbatched)


def layout_of(shape: ov.PartialShape) -> Layout | None:
    """How the axes of a picture lie; None if it is none."""
    if shape.rank.is_dynamic or len(shape) != 4:
        return None
    channels = ov.Dimension(3)
    if shape[1] == channels:
        return "NCHW"
    if shape[3] == channels:
        return "NHWC"
    # Exports that leave every axis open are ONNX, whose networks have channels first.
    return "NCHW" if shape[1].is_dynamic and shape[3].is_dynamic else None


def port_names(port: ov.Output) -> frozenset[str]:
    """All names of an output or input, without the numbers that converters add to them."""
    names = set(port.names) | {port.get_node().get_friendly_name()}
    node = port.get_node()
    if node.get_type_name() == "Result":
        names.add(node.input_value(0).get_node().get_friendly_name())
    return frozenset(name.split("/sink_port")[0].split(":")[0] for name in names)


def _batched(shape: ov.PartialShape) -> ov.PartialShape:
    if shape.rank.is_static and len(shape) == 3:
        return ov.PartialShape([ov.Dimension(1), *shape])
    return shape


def _for_one_picture(
    graph: ov.Model, inputs: Inputs, size: tuple[int, int]
) -> tuple[ov.Model, tuple[int, int]]:
    """The graph with static inputs, and the (width, height) that its picture has."""
    port = graph.inputs[inputs.picture]
    shape = _batched(port.partial_shape)
    rows, columns = (2, 3) if inputs.layout == "NCHW" else (1, 2)
    width = size[0] if shape[columns].is_dynamic else shape[columns].get_length()
    height = size[1] if shape[rows].is_dynamic else shape[rows].get_length()
    target = [1, 3, height, width] if inputs.layout == "NCHW" else [1, height, width, 3]
    shapes = {port: target[1:] if inputs.unbatched else target}
    if inputs.info is not None:
        shapes[graph.inputs[inputs.info]] = [1, 3]
    if all(port.partial_shape == ov.PartialShape(shape) for port, shape in shapes.items()):
        return graph, (width, height)
    copy = graph.clone()
    try:
        copy.reshape({graph.inputs.index(port): shape for port, shape in shapes.items()})
    except RuntimeError as error:
        raise ModelError(
            f"the model's input {port.get_node().get_friendly_name()} "
            f"{port.partial_shape.to_string()} does not take one picture of {width}x{height}"
        ) from error
    return copy, (width, height)


def _take_bytes(graph: ov.Model, inputs: Inputs, preparation: Preparation) -> ov.Model:
    """Have the graph take pixels as bytes and give f32, whatever it was exported with."""
    steps = PrePostProcessor(graph)
    picture = steps.input(inputs.picture)
    names = ("HWC", inputs.layout[1:]) if inputs.unbatched else ("NHWC", inputs.layout)
    picture.tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout(names[0]))
    picture.model().set_layout(ov.Layout(names[1]))
    if preparation.mean or preparation.scale:
        picture.preprocess().convert_element_type(ov.Type.f32)
    if preparation.mean:
        picture.preprocess().mean(list(preparation.mean))
    if preparation.scale:
        picture.preprocess().scale(list(preparation.scale))
    if inputs.info is not None:
        steps.input(inputs.info).tensor().set_element_type(ov.Type.f32)
    for index, port in enumerate(graph.outputs):
        if port.element_type in (ov.Type.f16, ov.Type.bf16):
            steps.output(index).tensor().set_element_type(ov.Type.f32)
    return steps.build()
