"""The smallest ONNX and TFLite files that a reader takes, written byte by byte.

Both hold one ReLU from ``images`` to ``output0``, f32[1, 3, 8, 8].
"""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

SHAPE = (1, 3, 8, 8)

Part: TypeAlias = "str | tuple[int, ...] | list[Table] | Table"
"""What a flatbuffer refers to: a string, a vector of int32, a vector of tables, a table."""


class Table:
    """A table of a flatbuffer: fields in the order of its schema, None where absent."""

    def __init__(self, *fields: int | Part | None) -> None:
        self.fields = fields


def write_onnx(path: Path, metadata: Mapping[str, str]) -> Path:
    """An ONNX file with these metadata properties. Numbers are those of onnx.proto."""
    dims = b"".join(_field(1, _field(1, size)) for size in SHAPE)
    kind = _field(1, _field(1, 1) + _field(2, dims))
    node = _field(1, "images") + _field(2, "output0") + _field(4, "Relu")
    graph = _field(1, node) + _field(2, "g")
    graph += _field(11, _field(1, "images") + _field(2, kind))
    graph += _field(12, _field(1, "output0") + _field(2, kind))
    model = _field(1, 8) + _field(7, graph) + _field(8, _field(2, 17))
    for key, value in metadata.items():
        model += _field(14, _field(1, key) + _field(2, value))
    path.write_bytes(model)
    return path


def write_tflite(path: Path, attachments: Mapping[str, str]) -> Path:
    """A TFLite file, a zip archive of these texts behind it if any. Fields as in schema.fbs."""
    relu = 19
    code = Table(relu, None, 1, relu)
    graph = Table(
        [Table(SHAPE, None, 0, "images"), Table(SHAPE, None, 0, "output0")],
        (0,),
        (1,),
        [Table(0, (0,), (1,))],
        "g",
    )
    out = bytearray(4) + b"TFL3"
    struct.pack_into("<I", out, 0, _put_table(out, Table(3, [code], [graph], "m", [Table()])))
    path.write_bytes(out)
    if attachments:
        with zipfile.ZipFile(path, "a") as archive:
            for name, text in attachments.items():
                archive.writestr(name, text)
    return path


def _field(number: int, value: int | str | bytes) -> bytes:
    """A field of a protocol buffer: a varint, or bytes with their length before them."""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    out = []
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _put(out: bytearray, part: Part) -> int:
    """Append a part; returns where it begins."""
    if isinstance(part, Table):
        return _put_table(out, part)
    _align(out)
    start = len(out)
    out += struct.pack("<I", len(part))
    if isinstance(part, str):
        out += part.encode() + b"\0"
    elif isinstance(part, tuple):
        out += struct.pack(f"<{len(part)}i", *part)
    else:
        out += bytes(4 * len(part))
        for index, table in enumerate(part):
            _refer(out, start + 4 + 4 * index, table)
    return start


def _put_table(out: bytearray, table: Table) -> int:
    """Append a table, its vtable before it. Every field gets four bytes, also the small ones."""
    _align(out)
    count = len(table.fields)
    places = [0 if field is None else 4 + 4 * at for at, field in enumerate(table.fields)]
    vtable = len(out)
    out += struct.pack(f"<{2 + count}H", 4 + 2 * count, 4 + 4 * count, *places)
    _align(out)
    start = len(out)
    out += struct.pack("<i", start - vtable) + bytes(4 * count)
    for place, field in zip(places, table.fields, strict=True):
        if isinstance(field, int):
            struct.pack_into("<i", out, start + place, field)
        elif field is not None:
            _refer(out, start + place, field)
    return start


def _refer(out: bytearray, place: int, part: Part) -> None:
    struct.pack_into("<I", out, place, _put(out, part) - place)


def _align(out: bytearray) -> None:
    out += bytes(-len(out) % 4)
