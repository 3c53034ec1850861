"""A graph that has been found sound starts without another check, and nothing else does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops

from streamer import verdicts
from streamer.engine import OpenVinoEngine
from streamer.errors import InferenceError
from streamer.models.base import Tensors
from streamer.verdicts import fingerprint
from tests.test_engine import convolution, picture


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "compiled"
    path.mkdir()
    return path


def runs(graph: ov.Model, folder: Path | None, requests: int = 2, **how: Any) -> int:
    """How many inferences the check takes."""
    with OpenVinoEngine(graph, "CPU", requests=requests, cache_dir=folder, **how) as engine:
        honest, count = engine.submit, 0

        def counted(tensors: Tensors) -> Any:
            nonlocal count
            count += 1
            return honest(tensors)

        engine.submit = counted  # type: ignore[method-assign]
        engine.check([picture(0)])
        return count


def test_what_has_passed_is_not_tried_again(folder: Path) -> None:
    assert runs(convolution(), folder) == 4
    assert runs(convolution(), folder) == 0
    assert len(list(folder.glob("sound-*"))) == 1


def test_without_a_folder_it_is_always_tried() -> None:
    assert [runs(convolution(), None) for _ in range(2)] == [4, 4]


def other_weights(graph: ov.Model) -> None:
    kernel = next(op for op in graph.get_ops() if op.get_type_name() == "Constant")
    values = np.array(kernel.data)
    values[0, 0, 0, 0] += 1e-6
    kernel.output(0).replace(ops.constant(values).output(0))


def other_marks(graph: ov.Model) -> None:
    graph.get_ordered_ops()[-2].get_rt_info()["mark"] = True


def other_output(graph: ov.Model) -> None:
    graph.add_outputs([graph.get_ordered_ops()[-3].output(0)])


@pytest.mark.parametrize("change", [other_weights, other_marks, other_output])
def test_another_graph_is_tried(folder: Path, change: Callable[[ov.Model], None]) -> None:
    runs(convolution(), folder)
    graph = convolution()
    change(graph)
    assert runs(graph, folder) == 4


def test_another_way_to_run_is_tried(folder: Path) -> None:
    runs(convolution(), folder)
    assert runs(convolution(), folder, requests=3) == 6
    # Not every machine has two precisions to run in.
    verdicts.Verdict(folder, convolution(), "CPU", "f32").remember()
    assert verdicts.Verdict(folder, convolution(), "CPU", "f32").is_sound
    assert not verdicts.Verdict(folder, convolution(), "CPU", "bf16").is_sound


@pytest.mark.parametrize(
    ("where", "name"),
    [(verdicts, "__version__"), (ov, "get_version"), (verdicts, "cores")],
)
def test_another_version_or_machine_is_tried(
    folder: Path, monkeypatch: pytest.MonkeyPatch, where: Any, name: str
) -> None:
    runs(convolution(), folder)
    monkeypatch.setattr(where, name, (lambda: 99) if callable(getattr(where, name)) else "99")
    assert runs(convolution(), folder) == 4


def test_what_has_failed_is_not_remembered(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("streamer.engine._agree", lambda *_: False)
        with pytest.raises(InferenceError, match="different answers"):
            runs(convolution(), folder)
    assert list(folder.glob("sound-*")) == []
    assert runs(convolution(), folder) == 4


def quantized() -> ov.Model:
    data = ops.parameter([1, 8, 64, 64], np.float32)
    low, high = np.float32(-1), np.float32(1)
    return ov.Model([ops.fake_quantize(data, low, high, low, high, 256)], [data], "quantized")


def test_integers_are_always_tried(folder: Path) -> None:
    assert [runs(quantized(), folder) for _ in range(2)] == [4, 4]


def test_other_devices_are_always_tried(folder: Path) -> None:
    assert not list(folder.iterdir())
    verdicts.Verdict(folder, convolution(), "GPU.0").remember()
    verdicts.Verdict(folder, convolution(), "GPU.0,CPU").remember()
    assert not list(folder.iterdir())


def test_a_verdict_that_cannot_be_kept_breaks_nothing(folder: Path) -> None:
    runs(convolution(), folder)
    (verdict,) = folder.glob("sound-*")
    verdict.unlink()
    verdict.mkdir()
    assert [runs(convolution(), folder) for _ in range(2)] == [4, 4]
    away = verdicts.Verdict(folder / "none", convolution(), "CPU")
    away.remember()
    assert not away.is_sound


def test_a_damaged_verdict_is_as_good_as_a_whole_one(folder: Path) -> None:
    runs(convolution(), folder)
    (verdict,) = folder.glob("sound-*")
    verdict.write_bytes(b"\0 no text \xff")
    assert runs(convolution(), folder) == 0


def test_names_do_not_matter_and_joints_do() -> None:
    a, b = (ops.parameter([2], np.float32) for _ in range(2))
    one = ov.Model([ops.subtract(a, b)], [a, b])
    assert fingerprint(one) == fingerprint(one.clone())
    same = one.clone()
    for op in same.get_ops():
        op.set_friendly_name(f"{op.get_friendly_name()}-renamed")
    assert fingerprint(same) == fingerprint(one)
    assert fingerprint(ov.Model([ops.subtract(b, a)], [a, b])) != fingerprint(one)


def test_graphs_within_a_graph_are_not_told_apart() -> None:
    data, yes = ops.parameter([2], np.float32), ops.constant(True)
    branch = ops.if_op(yes)
    for fill, factor in ((branch.set_then_body, 1.0), (branch.set_else_body, 2.0)):
        inner = ops.parameter([2], np.float32)
        fill(ov.Model([ops.multiply(inner, np.float32(factor))], [inner]))
    then, other = branch.get_function(0), branch.get_function(1)
    branch.set_input(data.output(0), then.get_parameters()[0], other.get_parameters()[0])
    result = branch.set_output(then.get_results()[0], other.get_results()[0])
    assert fingerprint(ov.Model([result], [data])) is None
