from pathlib import Path
from typing import Any

import openvino as ov
import openvino.opset15 as ops
import pytest

from streamer.models.loading import Loaded
from streamer.models.yolo_ports import Ports, recognize
from tests.models.fakes import fake_yolo


def read(graph: ov.Model, **metadata: Any) -> Ports | None:
    recognized = recognize(Loaded(graph, "m", Path("m.xml"), metadata))
    return recognized[1] if recognized else None


def ports_only(
    input_shape: list[int], *output_shapes: list[int], kind: ov.Type = ov.Type.f32
) -> ov.Model:
    """A graph that only has these ports; -1 is an open size."""
    picture = ops.parameter(input_shape, kind)
    seed = ops.reduce_sum(ops.convert(picture, "f32"), [0, 1, 2, 3])
    outputs = [ops.broadcast(seed, shape) for shape in output_shapes]
    return ov.Model(outputs, [picture], "ports")


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("values_last", [False, True])
@pytest.mark.parametrize("prototypes_last", [False, True])
@pytest.mark.parametrize("prototypes_first", [False, True])
@pytest.mark.parametrize("suppressed", [False, True])
def test_every_layout_is_recognized(
    layout: Any, values_last: bool, prototypes_last: bool, prototypes_first: bool, suppressed: bool
) -> None:
    graph = fake_yolo(
        (160, 96),
        classes=7,
        layout=layout,
        values_last=values_last,
        prototypes_last=prototypes_last,
        prototypes_first=prototypes_first,
        suppressed=suppressed,
    )
    assert read(graph) == Ports(
        width=160,
        height=96,
        layout=layout,
        detections=1 if prototypes_first else 0,
        prototypes=0 if prototypes_first else 1,
        values_last=values_last or suppressed,
        prototypes_last=prototypes_last,
        suppressed=suppressed,
        classes=None if suppressed else 7,
    )


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize(
    ("imgsz", "size"), [(None, (640, 640)), (96, (96, 96)), ([64, 128], (128, 64))]
)
def test_open_sizes_become_those_of_the_export(
    layout: str, imgsz: Any, size: tuple[int, int]
) -> None:
    graph = fake_yolo(layout=layout, dynamic=True)
    recognized = recognize(Loaded(graph, "m", Path("m.xml"), {"imgsz": imgsz} if imgsz else {}))
    assert recognized
    static, ports = recognized
    assert (ports.width, ports.height) == size
    assert list(static.input().shape) == (
        [1, 3, *size[::-1]] if layout == "NCHW" else [1, *size[::-1], 3]
    )
    assert graph.input().partial_shape.is_dynamic, "recognizing must not change what was read"


def test_a_batch_of_several_becomes_one() -> None:
    graph = fake_yolo((96, 64), dynamic=True)
    graph.reshape([4, 3, 64, 96])
    assert read(graph) == read(fake_yolo((96, 64)))


@pytest.mark.parametrize("kind", [ov.Type.f32, ov.Type.f16, ov.Type.u8])
def test_inputs_of_floats_and_bytes(kind: ov.Type) -> None:
    assert read(ports_only([1, 3, 96, 160], [1, 40, 315], [1, 32, 24, 40], kind=kind))


@pytest.mark.parametrize(
    ("anchors", "strides"), [(8400, "8 to 32"), (8500, "8 to 64"), (34000, "4 to 32")]
)
def test_anchors_of_other_strides(anchors: int, strides: str) -> None:
    ports = read(ports_only([1, 3, 640, 640], [1, 37, anchors], [1, 32, 160, 160]))
    assert ports, strides
    assert ports.classes == 1


def test_two_classes_are_not_taken_for_suppressed_rows() -> None:
    ports = read(ports_only([1, 3, 640, 640], [1, 8400, 38], [1, 32, 160, 160]))
    assert ports
    assert (ports.suppressed, ports.classes) == (False, 2)


def test_names_decide_where_values_and_anchors_are_as_many() -> None:
    # 64x64 has 84 anchors with strides of 8 to 32, and 85 with strides of 8 to 64.
    either = ports_only([1, 3, 64, 64], [1, 85, 84], [1, 32, 16, 16])
    for classes, values_last in ((49, False), (48, True)):
        ports = read(either, names=[str(index) for index in range(classes)])
        assert ports
        assert (ports.values_last, ports.classes) == (values_last, classes)


def test_prototypes_with_channels_on_either_axis_follow_the_input() -> None:
    first = read(ports_only([1, 3, 128, 128], [1, 40, 336], [1, 32, 32, 32]))
    last = read(ports_only([1, 128, 128, 3], [1, 40, 336], [1, 32, 32, 32]))
    assert first
    assert last
    assert (first.prototypes_last, last.prototypes_last) == (False, True)


PROTOTYPES = [1, 32, 160, 160]


@pytest.mark.parametrize(
    ("picture", "outputs"),
    [
        ([1, 3, 640, 640], [[1, 84, 8400]]),
        ([1, 3, 640, 640], [[1, 116, 8400], PROTOTYPES, [1, 3]]),
        ([1, 3, 640, 640], [[1, 36, 8400], PROTOTYPES]),
        ([1, 3, 640, 640], [[1, 116, 9000], PROTOTYPES]),
        ([1, 3, 640, 640], [[1, 25200, 117], PROTOTYPES]),
        ([1, 3, 640, 640], [[1, 116, 8400], [1, 32, 80, 80]]),
        ([1, 3, 640, 640], [[1, 116, 8400], [1, 16, 160, 160]]),
        ([1, 3, 640, 640], [[2, 116, 8400], PROTOTYPES]),
        ([1, 3, 640, 640], [[116, 8400], PROTOTYPES]),
        ([1, 1, 640, 640], [[1, 116, 8400], PROTOTYPES]),
        ([1, 4, 640, 640], [[1, 116, 8400], PROTOTYPES]),
        ([2, 3, 640, 640], [[2, 116, 8400], [2, 32, 160, 160]]),
    ],
)
def test_other_ports_are_no_yolo_seg(picture: list[int], outputs: list[list[int]]) -> None:
    assert read(ports_only(picture, *outputs)) is None


def test_inputs_of_other_kinds_are_no_yolo_seg() -> None:
    assert read(ports_only([1, 3, 640, 640], [1, 116, 8400], PROTOTYPES, kind=ov.Type.i32)) is None


def test_two_pictures_are_no_yolo_seg() -> None:
    graph = ports_only([1, 3, 640, 640], [1, 116, 8400], PROTOTYPES)
    more = ops.parameter([1, 3], ov.Type.f32)
    graph.add_parameters([more])
    assert read(graph) is None
