"""``streamer models info``: what a model is, in words and numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import openvino as ov
from rich.console import Console
from rich.table import Table

from streamer.config import home
from streamer.models import mask_rcnn
from streamer.models.convert import NETWORKS
from streamer.models.loading import load
from streamer.models.names import find
from streamer.models.registry import contract_of
from streamer.network.config import MaskRcnnConfig
from streamer.network.counting import Size, size_of


def info(spec: str) -> None:
    """Print what is known of a model: a file or folder, or a network by its name.

    Raises:
        ModelError: it cannot be read.
    """
    console = Console(highlight=False, soft_wrap=True)
    kept = home() / "models"
    if spec in NETWORKS and not (Path(spec).exists() or (kept / spec).exists()):
        config = NETWORKS[spec]
        lines, size = [("name", spec), *_network_lines(config)], size_of(config)
    else:
        loaded = load(find(spec, kept))
        notes = mask_rcnn.notes_of(loaded.graph)
        lines = [("name", loaded.name), ("contract", contract_of(loaded) or "none that is known")]
        size = None
        if "config" in notes:
            config = mask_rcnn.config_of(notes, loaded.path)
            lines += [(key, notes[key]) for key in ("licence", "origin") if key in notes]
            lines += _network_lines(config)
            size = size_of(config)
        else:
            lines.append(("parameters", _millions(_constants(loaded.graph))))
        lines += list(_ports(loaded.graph))
    for key, value in lines:
        console.print(f"{key:<14}{value}", markup=False)
    if size is not None:
        console.print(_work(size))


def _network_lines(config: MaskRcnnConfig) -> list[tuple[str, str]]:
    size = size_of(config)
    keeps = "aspect ratio kept" if config.keep_aspect_ratio else "stretched"
    return [
        ("input", f"{config.height} rows x {config.width} columns, {keeps}"),
        ("classes", str(config.classes)),
        ("thresholds", f"score {config.score_threshold}, NMS IoU {config.nms_iou}"),
        ("proposals", f"{config.proposals}, at most {config.max_detections} detections"),
        ("parameters", _millions(size.stored)),
        ("", f"{_millions(size.published)} as Open Model Zoo counts, with block4 twice"),
    ]


def _work(size: Size) -> Table:
    """Multiply-adds by part, for every mask of every class, as published."""
    table = Table(box=None, title="\nmultiply-adds of an image", title_justify="left")
    table.add_column("part")
    table.add_column("G", justify="right")
    for part, multiplies in size.multiplies.items():
        table.add_row(part, f"{multiplies / 1e9:.1f}")
    table.add_row("all", f"{sum(size.multiplies.values()) / 1e9:.1f}")
    return table


def _ports(graph: ov.Model) -> Iterator[tuple[str, str]]:
    for kind, ports in (("takes", graph.inputs), ("gives", graph.outputs)):
        for port in ports:
            name = port.any_name if port.names else "unnamed"
            shape = port.partial_shape.to_string()
            yield kind, f"{name} {port.element_type.to_string()}{shape}"


def _constants(graph: ov.Model) -> int:
    """Numbers in the weights: in all constants that are no integers."""
    return sum(
        math.prod(op.get_output_shape(0))
        for op in graph.get_ops()
        if op.get_type_name() == "Constant" and op.get_element_type().is_real()
    )


def _millions(count: int) -> str:
    return f"{count / 1e6:.3f} M"
