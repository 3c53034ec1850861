"""Reads a model file: the graph, and what its exporter wrote about it."""

from __future__ import annotations

import ast
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import openvino.opset15 as ops
from openvino.frontend import FrontEndManager
from openvino.passes import ConstantFolding, Manager

from streamer.errors import ModelError, last_line
from streamer.urls import is_url, redact

_FRONTENDS = {".xml": "ir", ".onnx": "onnx", ".tflite": "tflite"}
MASKS_SUFFIX = ".masks.xml"
"""Ends the name of a model's second pass, which is no model by itself."""

_FORMATS = {".xml": "OpenVINO", ".onnx": "ONNX", ".tflite": "TFLite"}
_ASK = "give a .xml, .onnx or .tflite file, or a folder that holds one"


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model as it was found.

    Attributes:
        graph: as the file says, weights as floating point numbers unless it is quantized
            throughout.
        name: name of the file, without suffix.
        path: the file.
        metadata: what the exporter wrote, such as ``names``, ``imgsz``, ``task`` and
            ``model_info``; may be empty.
    """

    graph: ov.Model
    name: str
    path: Path
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...] | None:
        """Class names in the order of the model's own indices; None where it does not say."""
        names = self.metadata.get("names")
        if isinstance(names, dict):
            numbered = {str(index): name for index, name in names.items()}
            names = [numbered.get(str(index)) for index in range(len(numbered))]
        if not isinstance(names, list | tuple) or not names or None in names:
            return None
        return tuple(map(str, names))

    @property
    def image_size(self) -> tuple[int, int] | None:
        """(width, height) that it was exported for; None where it does not say."""
        size = self.metadata.get("imgsz")
        if isinstance(size, int):
            size = [size, size]
        if not isinstance(size, list | tuple) or len(size) != 2:
            return None
        height, width = size
        return (width, height) if isinstance(width, int) and isinstance(height, int) else None

    @property
    def model_info(self) -> Mapping[str, str]:
        """What Model API's exporters, such as Geti, say of the input and the classes."""
        info = self.metadata.get("model_info")
        return info if isinstance(info, dict) else {}


def load(spec: str | Path) -> Loaded:
    """Read a model from a file, or from a folder that holds one.

    Raises:
        ModelError: there is no such model, or it cannot be read.
    """
    if not str(spec):
        raise ModelError(f"no model is given; {_ASK}")
    if is_url(str(spec)):
        raise ModelError(f"{redact(str(spec))} is no file; {_ASK}")
    path = _find(Path(spec).expanduser())
    graph = _read(path)
    fold_weights(graph)
    return Loaded(graph, path.stem, path, _metadata(path, graph))


def fold_weights(graph: ov.Model) -> None:
    """Turn integer weights into the floating point numbers that they stand for.

    As TFLite files have them, OpenVINO 2026.4 gave garbage now and then where two streams ran, and
    took some layers' inputs to 8 bits. A graph with FakeQuantize computes in integers by design and
    is left alone.
    """
    nodes = graph.get_ops()
    if any(node.get_type_name() == "FakeQuantize" for node in nodes):
        return
    replaced = False
    for node in nodes:
        if node.get_type_name() != "Convert":
            continue
        source = node.input_value(0).get_node()
        if source.get_type_name() == "Constant" and source.get_element_type() in (
            ov.Type.i8,
            ov.Type.u8,
        ):
            kind = node.get_element_type()
            # Readers mark these conversions as not to be folded, so folding alone leaves them.
            floats = ops.constant(np.asarray(source.data).astype(kind.to_dtype()))
            node.output(0).replace(floats.output(0))
            replaced = True
    if replaced:
        manager = Manager()
        manager.register_pass(ConstantFolding())
        manager.run_passes(graph)


def _find(path: Path) -> Path:
    if path.is_dir():
        found = sorted(
            file
            for file in path.iterdir()
            if file.suffix.lower() in _FRONTENDS and not file.name.endswith(MASKS_SUFFIX)
        )
        if not found:
            raise ModelError(f"{path} holds no model; {_ASK}")
        if len(found) > 1:
            names = ", ".join(file.name for file in found)
            raise ModelError(f"{path} holds several models; give one of them: {names}")
        path = found[0]
    if not path.exists():
        raise ModelError(f"there is no model {path}; {_ASK}")
    suffix = path.suffix.lower()
    if suffix == ".pt":
        raise ModelError(f"{path} is a PyTorch checkpoint; export it to OpenVINO or ONNX first")
    if suffix == ".bin" and path.with_suffix(".xml").exists():
        raise ModelError(f"{path} holds only weights; give {path.with_suffix('.xml').name}")
    if suffix not in _FRONTENDS:
        raise ModelError(f"{path} is no model file that can be read; {_ASK}")
    if suffix == ".tflite" and path.suffix != suffix:
        raise ModelError(
            f"{path} cannot be read: OpenVINO knows TFLite by a name in small letters; "
            f"rename it to {path.stem}{suffix}"
        )
    return path


def _read(path: Path) -> ov.Model:
    suffix = path.suffix.lower()
    form = _FORMATS[suffix]
    try:
        if not path.stat().st_size:
            raise ModelError(f"{path} is empty")
        # Left to guess, OpenVINO tries every reader, and some print to the terminal.
        if not FrontEndManager().load_by_framework(_FRONTENDS[suffix]).supported(str(path)):
            raise ModelError(f"{path} is no {form} model, or is damaged")
        if suffix == ".xml" and not path.with_suffix(".bin").is_file():
            raise ModelError(
                f"{path} has its weights in {path.with_suffix('.bin').name}, which is missing"
            )
        return ov.Core().read_model(path)
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}") from error
    except RuntimeError as error:
        raise ModelError(f"{path} cannot be read as {form}: {last_line(error)}") from error


def _metadata(path: Path, graph: ov.Model) -> dict[str, Any]:
    found = _graph_metadata(graph)
    if path.suffix.lower() == ".tflite":
        found |= _appended_metadata(path)
    beside = path.parent / "metadata.yaml"
    if path.suffix.lower() == ".xml" and beside.is_file():
        try:
            found |= _parse_yaml(beside.read_text("utf-8", errors="replace"))
        except OSError as error:
            raise ModelError(f"{beside} cannot be read: {error.strerror}") from error
    return found


def _graph_metadata(graph: ov.Model) -> dict[str, Any]:
    """What travels in the graph: ONNX's properties, or Model API's ``model_info`` in an IR."""
    found: dict[str, Any] = {}
    info = _model_info(graph)
    if info:
        found["model_info"] = info
    if "labels" in info:
        # Names are joined by spaces there, so exporters write the spaces within as underscores.
        found["names"] = [label.replace("_", " ") for label in info["labels"].split()]
    for key in ("names", "imgsz", "task"):
        if graph.has_rt_info(["framework", key]):
            found[key] = _literal(graph.get_rt_info(["framework", key]).astype(str))
    return found


def _model_info(graph: ov.Model) -> dict[str, str]:
    """Model API's entries: a mapping of their own in an IR, keys with a prefix in ONNX."""
    found: dict[str, str] = {}
    for group, prefix in (("framework", "model_info "), ("model_info", "")):
        entries = graph.get_rt_info([group]).value if graph.has_rt_info([group]) else None
        if not isinstance(entries, dict):
            continue
        for key, value in entries.items():
            if key.startswith(prefix) and not isinstance(value, dict):
                text = graph.get_rt_info([group, key]).astype(str)
                found[key.removeprefix(prefix)] = text
    return found


def _appended_metadata(path: Path) -> dict[str, Any]:
    """What TFLite exports carry in a zip archive behind the model."""
    if not zipfile.is_zipfile(path):
        return {}
    try:
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if name.endswith((".txt", ".json")):
                    text = archive.read(name).decode("utf-8")
                    found = _json(text) if name.endswith(".json") else _literal(text)
                    if isinstance(found, dict) and "names" in found:
                        return found
    except (OSError, UnicodeDecodeError, zipfile.BadZipFile):
        pass  # a label list of no known form: the model works without
    return {}


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _literal(text: str) -> Any:
    """A number, list or mapping in Python's notation; the text itself where it is none."""
    try:
        return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text.strip()


def _parse_yaml(text: str) -> dict[str, Any]:
    """The part of YAML that exporters write: scalars, and mappings and lists of scalars."""
    found: dict[str, Any] = {}
    current = ""
    for line in text.splitlines():
        content = line.strip()
        key, colon, value = content.partition(":")
        if not content or content.startswith("#"):
            continue
        if content.startswith("- "):
            if not isinstance(found.get(current), list):
                found[current] = []
            found[current].append(_yaml_scalar(content[2:]))
        elif line[0] == " ":
            if colon and isinstance(found.get(current), dict):
                found[current][_literal(key)] = _yaml_scalar(value)
        elif colon:
            current = key
            found[key] = _yaml_scalar(value) if value.strip() else {}
    return found


def _yaml_scalar(text: str) -> Any:
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] == "'":
        return text[1:-1].replace("''", "'")
    return _literal(text)
