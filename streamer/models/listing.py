"""``streamer models list``: which models are known, and which are on this machine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.filesize import decimal

from streamer.assets import DEMO
from streamer.models.catalogue import Entry, read_catalogue

_SUFFIXES = (".xml", ".onnx", ".tflite")
_DEMO_FOLDER = re.compile(rf"{DEMO}-[0-9a-f]{{12}}")
_HEADER = ("model", "download", "box AP", "mask AP", "licence", "")
_DEMO_ROW = (DEMO, "-", "-", "-", "Apache-2.0", "comes with the program")


def is_here(folder: Path) -> bool:
    """Whether a folder holds a model."""
    return folder.is_dir() and any(file.suffix in _SUFFIXES for file in folder.iterdir())


def list_models(
    models: Path, console: Console, catalogue: Mapping[str, Entry] | None = None
) -> None:
    """Print which models are known, and which of them and which others are on this machine.

    Args:
        models: the folder that models are kept in.
        console: where to print.
        catalogue: the program's own by default.
    """
    known = read_catalogue() if catalogue is None else catalogue
    rows = [_HEADER, _DEMO_ROW, *(_row(name, entry, models) for name, entry in known.items())]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            # Numbers, and the heads above them, stand to the right.
            f"{cell:>{width}}" if 1 <= column <= 3 else f"{cell:<{width}}"
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        _print(console, "  ".join(cells).rstrip())
    _print(console, f"\nAP in percent, as published; {_measured(known)}")
    others = _others(models, known)
    if others:
        _print(console, f"\nalso in {models}:\n  " + "\n  ".join(others))


def _row(name: str, entry: Entry, models: Path) -> tuple[str, ...]:
    here = "on this machine" if is_here(models / name) else ""
    accuracy = (f"{entry.box_ap:.2f}", f"{entry.mask_ap:.2f}")
    return (name, decimal(entry.size), *accuracy, entry.licence, here)


def _measured(known: Mapping[str, Entry]) -> str:
    """What the figures were measured on: most of them, and each that was not."""
    pictures = [entry.measured_on for entry in known.values()]
    usual = max(pictures, key=pictures.count, default="nothing")
    rest = [
        f"{name} on {entry.measured_on}"
        for name, entry in known.items()
        if entry.measured_on != usual
    ]
    return "; ".join([f"measured on {usual}", *rest])


def _others(models: Path, known: Mapping[str, Entry]) -> list[str]:
    """Models in the folder that no catalogue knows, such as random or quantized ones."""
    if not models.is_dir():
        return []
    return sorted(
        folder.name
        for folder in models.iterdir()
        if folder.name not in known
        and not folder.name.startswith(".")
        and not _DEMO_FOLDER.fullmatch(folder.name)
        and is_here(folder)
    )


def _print(console: Console, text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)
