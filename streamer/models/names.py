"""Models by name: the demo's, and those that are kept on this machine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from streamer.assets import DEMO
from streamer.errors import ModelError
from streamer.models.catalogue import read_catalogue
from streamer.models.demo import demo_model
from streamer.models.listing import is_here

Fetch = Callable[[str, Path], Path]
"""Puts the model of a name into the folder that models are kept in; gives the model's own."""


def find(spec: str, models: Path, fetch: Fetch | None = None) -> str | Path:
    """The file or folder that a name stands for; what is no name is given back.

    Args:
        spec: a name, a file or a folder.
        models: the folder that models are kept in.
        fetch: gets a model that is known and not there; None to refuse it.

    Raises:
        ModelError: the model of that name is not on this machine.
        StreamerError: ``fetch`` fails.
    """
    if spec == DEMO:
        return demo_model(models)
    kept = models / spec
    if Path(spec).exists() or "/" in spec:
        return spec
    if is_here(kept):
        return kept
    if spec not in read_catalogue():
        return spec
    if fetch is not None:
        return fetch(spec, models)
    raise ModelError(f"{spec} is not on this machine; run: streamer models fetch {spec}")


def int8_of(spec: str, models: Path) -> Path:
    """The folder in which a model's INT8 form is looked for, whether it is there or not.

    Args:
        spec: as for `find`.
        models: the folder that models are kept in.
    """
    return models / f"{Path(spec).stem}-int8"
