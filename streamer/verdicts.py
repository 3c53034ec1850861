"""Remembers on this machine which graphs an engine has found sound, so that they start at once.

A verdict is an empty file beside OpenVINO's compiled graphs, named after all that it rests on:
whatever changes makes another name, and so calls for another check. Nothing is read from it, so
that it cannot be damaged.

Only what comes out the same every time is remembered. That is what the CPU makes of a graph in
floating point: OpenVINO decides on it by its own version and the kind of core. Other devices depend
on drivers, whose versions it does not tell; and the one fault that came and went from compilation
to compilation was of graphs with integer weights (see `OpenVinoEngine.check`).
"""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path

import openvino as ov

from streamer import __version__
from streamer.devices import is_quantized
from streamer.threads import cores

_WITH_BODIES = ("If", "Loop", "TensorIterator")
_KIND_OF_CORE = ("FULL_DEVICE_NAME", "DEVICE_ARCHITECTURE", "OPTIMIZATION_CAPABILITIES")


class Verdict:
    """Whether a graph, compiled in one way, is known to be sound.

    Args:
        folder: where verdicts are kept; None for nowhere.
        graph: that is compiled.
        device: that it runs on.
        how: what else decides on what it becomes, such as the precision.
    """

    def __init__(self, folder: Path | None, graph: ov.Model, device: str, *how: object) -> None:
        self._file: Path | None = None
        if folder is None or device != "CPU" or is_quantized(graph):
            return
        content = fingerprint(graph)
        if content is not None:
            core = ov.Core()
            kind = [core.get_property(device, name) for name in _KIND_OF_CORE]
            facts = repr((content, __version__, ov.get_version(), kind, cores(), how))
            self._file = folder / f"sound-{hashlib.sha256(facts.encode()).hexdigest()[:32]}"

    @property
    def is_sound(self) -> bool:
        """Whether it has passed before."""
        return self._file is not None and self._file.is_file()

    def remember(self) -> None:
        """Note that it has passed. Where that cannot be written, the next start checks again."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.touch()


def fingerprint(graph: ov.Model) -> str | None:
    """Tells a graph from any other by its operations, how they are joined, and its constants.

    None where an operation has a graph of its own inside, which Python does not get to see.
    """
    digest = hashlib.sha256()
    places: dict[str, int] = {}
    for place, node in enumerate(graph.get_ordered_ops()):
        kind = node.get_type_name()
        if kind in _WITH_BODIES:
            return None
        places[node.get_name()] = place
        fed = [(places[v.get_node().get_name()], v.get_index()) for v in node.input_values()]
        # Marks decide on precision, for one.
        marks = sorted(node.get_rt_info())
        digest.update(repr((kind, node.get_attributes(), fed, marks)).encode())
        if kind == "Constant":
            digest.update(node.data)
    return digest.hexdigest()
