"""Writes graphs as OpenVINO IR."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import openvino as ov

from streamer.errors import ModelError, last_line


def save_graphs(folder: Path, graphs: Mapping[str, ov.Model]) -> None:
    """Write each graph as ``NAME.xml`` and ``NAME.bin``, weights as they are.

    Args:
        folder: made if it is missing.
        graphs: by name, in the order in which they are written.

    Raises:
        ModelError: the files cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, graph in graphs.items():
            ov.save_model(graph, folder / f"{name}.xml", compress_to_fp16=False)
    except OSError as error:
        raise ModelError(f"{folder} cannot be written: {error.strerror or error}") from error
    except RuntimeError as error:
        raise ModelError(f"{folder} cannot be written: {last_line(error)}") from error
