"""The files that come with the program: the demo clip and the demo model's weights."""

from __future__ import annotations

from pathlib import Path

DEMO = "demo"
"""What the demo is called, as a source and as a model."""

_HERE = Path(__file__).resolve().parent


def asset(name: str) -> Path:
    """Where a file is: inside the installed package, or beside it in a checkout."""
    installed = _HERE / "assets" / name
    return installed if installed.exists() else _HERE.parent / "assets" / name
