"""``streamer models info``: what a model is, in words and numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import openvino as ov
from rich.console import Console
from rich.table import Table

from streamer.config import home
from streamer.devices import is_quantized
from streamer.models import mask_rcnn
from streamer.models.convert import NETWORKS
from streamer.models.loading import Loaded, load
from streamer.models.names import find
from streamer.models.registry import build, contract_of
from streamer.network.config import MaskRcnnConfig
from streamer.network.counting import Size, size_of

_MOST_LABELS = 12


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
        # A contract's model may change the graph.
        ports, notes = list(_ports(loaded.graph)), mask_rcnn.notes_of(loaded.graph)
        lines = [("name", loaded.name), *_contract_lines(loaded)]
        size = None
        if "config" in notes:
            config = mask_rcnn.config_of(notes, loaded.path)
            lines += [(key, notes[key]) for key in ("licence", "origin") if key in notes]
            lines += _network_lines(config)
            size = size_of(config)
        else:
            lines.append(("parameters", _millions(_constants(loaded.graph))))
        lines += ports
    for key, value in lines:
        console.print(f"{key:<14}{value}", markup=False)
    if size is not None:
        console.print(_work(size))


def _contract_lines(loaded: Loaded) -> list[tuple[str, str]]:
    contract = contract_of(loaded)
    if contract is None:
        return [("contract", "none that is known")]
    return [
        ("contract", contract),
        ("precision", "int8" if is_quantized(loaded.graph) else "floating point"),
        ("labels", _shortened(list(build(loaded).labels.values()))),
    ]


def _shortened(names: Sequence[str]) -> str:
    shown = names if len(names) <= _MOST_LABELS else names[: _MOST_LABELS - 1]
    more = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
    return ", ".join(shown) + more


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
