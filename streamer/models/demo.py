"""The demo model: a small Mask R-CNN whose weights come with the program.

The weights are kept in half precision with the network's config; both graphs are built from them
the first time, as those of any converted network are.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamer.assets import DEMO, asset
from streamer.errors import ModelError
from streamer.models import mask_rcnn
from streamer.network.config import MaskRcnnConfig
from streamer.network.weights import Weights

_NOTES = "notes"
"""The entry that holds the config and the metadata, as JSON."""


def pack(
    config: MaskRcnnConfig,
    arrays: Mapping[str, NDArray[Any]],
    notes: Mapping[str, str],
    path: Path,
) -> None:
    """Write weights as `unpack` reads them.

    Args:
        config: of the network.
        arrays: by variable name; see `Weights`. Kernels are kept in half precision.
        notes: what the model's metadata should say; see `mask_rcnn.save`.
        path: the file, ``.npz``.
    """
    described = json.dumps({**notes, "config": json.dumps(dataclasses.asdict(config))})
    kept = {name: a.astype(np.float16) if a.ndim > 1 else a for name, a in arrays.items()}
    np.savez_compressed(path, **{_NOTES: np.array(described)}, **kept)  # type: ignore[arg-type]


def unpack(path: Path) -> tuple[MaskRcnnConfig, Weights, dict[str, str]]:
    """Read what `pack` has written: the config, the weights and the notes.

    Raises:
        ModelError: the file is missing or damaged.
    """
    try:
        with path.open("rb") as file, np.load(file) as archive:
            arrays = {name: archive[name] for name in archive.files}
        notes: dict[str, str] = json.loads(str(arrays.pop(_NOTES)))
    except Exception as error:
        raise ModelError(f"{path} cannot be read, so there is no demo model: {error}") from error
    config = mask_rcnn.config_of(notes, path)
    del notes["config"]
    weights = {name: array.astype(np.float32) for name, array in arrays.items()}
    return config, Weights(config, weights), notes


def demo_model(models: Path) -> Path:
    """The demo model's file; built where it is not there yet.

    Args:
        models: the folder that models are kept in.

    Raises:
        ModelError: the weights are missing, or the folder cannot be written.
    """
    source = asset("demo.npz")
    try:
        version = hashlib.sha256(source.read_bytes()).hexdigest()[:12]
    except OSError as error:
        raise ModelError(f"{source} cannot be read, so there is no demo model: {error}") from error
    folder = models / f"{DEMO}-{version}"
    path = folder / f"{DEMO}.xml"
    if not path.exists():
        _build(source, folder)
    return path


def _build(source: Path, folder: Path) -> None:
    """Build beside ``folder`` and move there, so that nobody finds it half-made."""
    config, weights, notes = unpack(source)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f"{folder.name}.") as made:
            mask_rcnn.save(config, weights, Path(made, DEMO), DEMO, notes)
            Path(made, DEMO).rename(folder)
    except OSError as error:
        if (folder / f"{DEMO}.xml").exists():
            return  # another process was faster, and its folder is as good
        raise ModelError(f"{folder} cannot be written: {error.strerror or error}") from error
