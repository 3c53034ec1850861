from __future__ import annotations

from pathlib import Path

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as op

from streamer.models.info import info


def test_parameters_are_counted_not_their_bytes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = op.parameter([1, 2000], np.float32, name="data")
    weights = op.constant(np.ones((2000, 1000), np.float32))
    product = op.matmul(data, weights, transpose_a=False, transpose_b=False)
    graph = ov.Model([op.result(product)], [data], "product")
    ov.save_model(graph, tmp_path / "m.xml", compress_to_fp16=False)
    info(str(tmp_path / "m.xml"))
    assert "2.000 M" in capsys.readouterr().out
