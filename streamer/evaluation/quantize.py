"""Post-training quantization to INT8 with NNCF, which is an optional dependency.

Convolutions, fully connected layers and the additions between them are quantized; coordinates,
sampling and resizing are not (`streamer.network.network.unquantized`). A model in two passes is
quantized pass by pass, the second on what the first gives for the same pictures.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from streamer.devices import is_quantized
from streamer.errors import ModelError, last_line
from streamer.models.base import Model, SecondPass, Tensors
from streamer.network.network import unquantized

_ROWS = 8
"""Detections of a picture whose masks the second pass is calibrated on."""


class Quantized(NamedTuple):
    """The graphs of a model in INT8.

    Attributes:
        graph: what `Model.graph` becomes.
        masks: what the second pass's graph becomes; None where the model has none.
    """

    graph: ov.Model
    masks: ov.Model | None


def quantize(model: Model, samples: Iterable[Tensors], kept: Sequence[str] = ()) -> Quantized:
    """Quantize every pass of a model.

    Args:
        model: in floating point.
        samples: what `Model.preprocess` gives for the pictures to calibrate on. Gone through more
            than once.
        kept: regular expressions; operations whose names match one stay in floating point.

    Raises:
        ModelError: NNCF is not installed, the model is quantized already, or NNCF fails.
    """
    if is_quantized(model.graph):
        raise ModelError(f"{model.name} is quantized already")
    graph = _quantized(model.graph, samples, lambda tensors: dict(enumerate(tensors)), kept)
    second = model.second_pass
    if second is None:
        return Quantized(graph, None)
    masks = second.graph.clone()
    masks.reshape({"detections": [_ROWS, 6]})
    inputs = _SecondInputs(model.graph, second, samples)
    return Quantized(graph, _quantized(masks, inputs, lambda named: named, kept))


def _quantized(
    graph: ov.Model,
    samples: Iterable[Any],
    as_inputs: Callable[[Any], dict[Any, NDArray[Any]]],
    kept: Sequence[str],
) -> ov.Model:
    try:
        import nncf
    except ImportError as error:
        raise ModelError(
            "quantization needs NNCF, which is not installed; pip install 'streamer[quantize]'"
        ) from error
    # NNCF tells of every operation that it leaves alone.
    logging.getLogger("nncf").setLevel(logging.ERROR)
    names = unquantized(graph)
    try:
        quantized: ov.Model = nncf.quantize(
            graph,
            nncf.Dataset(samples, as_inputs),
            preset=nncf.QuantizationPreset.MIXED,
            ignored_scope=nncf.IgnoredScope(names=names, patterns=list(kept), validate=False),
        )
    except Exception as error:
        raise ModelError(f"NNCF cannot quantize the model: {last_line(error)}") from error
    return quantized


class _SecondInputs:
    """What a second pass takes, made by the first pass when it is asked for: maps are large."""

    def __init__(self, first: ov.Model, second: SecondPass, samples: Iterable[Tensors]) -> None:
        self._compiled = ov.Core().compile_model(first, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        self._select, self._samples = second.select, samples

    def __iter__(self) -> Iterator[dict[str, NDArray[Any]]]:
        for tensors in self._samples:
            outputs = self._compiled(list(tensors))
            detections = np.array(outputs["detections"])
            # Masks are calibrated on what they will be made of; pictures without any show nothing.
            rows = self._select(detections)[:_ROWS]
            if len(rows):
                chosen = detections[np.resize(rows, _ROWS)]
                yield {"cells": np.array(outputs["cells"]), "detections": chosen}
