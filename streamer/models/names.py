"""Models by name: the demo's, and those that are kept on this machine."""

from __future__ import annotations

from pathlib import Path

from streamer.assets import DEMO
from streamer.errors import ModelError
from streamer.models.convert import NETWORKS
from streamer.models.demo import demo_model


def find(spec: str, models: Path) -> str | Path:
    """The file or folder that a name stands for; what is no name is given back.

    Args:
        spec: a name, a file or a folder.
        models: the folder that models are kept in.

    Raises:
        ModelError: the model of that name is not on this machine.
    """
    if spec == DEMO:
        return demo_model(models)
    if spec not in NETWORKS or Path(spec).exists():
        return spec
    kept = models / spec
    if not kept.is_dir():
        raise ModelError(
            f"{spec} is not on this machine. Download {spec}_2018_01_28.tar.gz (450 MB for the "
            f"ResNet-50) from Open Model Zoo, unpack it, and run: streamer models convert "
            f"frozen_inference_graph.pb -o {kept}; or name another with --model (demo knows drawn "
            "scenes only)"
        )
    return kept
