"""Constants of a graph."""

from __future__ import annotations

import numpy as np
import openvino as ov
from numpy.typing import ArrayLike
from openvino import opset13 as op


def floats(values: ArrayLike) -> ov.Node:
    """A constant of f32."""
    return op.constant(np.asarray(values, np.float32))


def ints(values: ArrayLike) -> ov.Node:
    """A constant of i64, as shapes and axes are."""
    return op.constant(np.asarray(values, np.int64))


def indices(values: ArrayLike) -> ov.Node:
    """A constant of i32, as classes and rows are."""
    return op.constant(np.asarray(values, np.int32))
