"""Weights of a wider network as the beginning of a narrower one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch: pip install '.[train]'")

from streamer.network.architecture import mask_scope, root_scope  # noqa: E402
from streamer.network.config import MaskRcnnConfig  # noqa: E402
from tools.demo.training.config import CONFIG  # noqa: E402
from tools.demo.training.export import Arrays, arrays_of  # noqa: E402
from tools.demo.training.narrow import narrowed  # noqa: E402
from tools.demo.training.network import Network  # noqa: E402

WIDE = replace(CONFIG, base_width=8, rpn_depth=16, mask_depth=8)


def drawn(config: MaskRcnnConfig, seed: int) -> Arrays:
    torch.manual_seed(seed)
    return arrays_of(Network(config))


def test_of_the_same_width_everything_is_taken_over() -> None:
    wide = drawn(WIDE, 1)
    same = narrowed(wide, drawn(WIDE, 2), WIDE)
    assert all(np.array_equal(same[name], array) for name, array in wide.items())


def test_the_strongest_channels_are_kept_and_new_ones_stay_as_they_were_drawn() -> None:
    config = replace(WIDE, base_width=4, rpn_depth=8, mask_depth=12)
    wide, start = drawn(WIDE, 1), drawn(config, 2)
    root = root_scope(config)
    wide[f"{root}/BatchNorm/gamma"][[1, 3, 4, 6]] = 9
    result = narrowed(wide, start, config)
    assert {name: a.shape for name, a in result.items()} == {n: a.shape for n, a in start.items()}
    kernel = wide[f"{root}/weights"][..., [1, 3, 4, 6]]
    assert np.array_equal(result[f"{root}/weights"], kernel)
    biases = f"{mask_scope(0)}/biases"
    assert np.array_equal(result[biases][:8], wide[biases])
    assert np.array_equal(result[biases][8:], start[biases][8:])
