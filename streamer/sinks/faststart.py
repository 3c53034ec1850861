"""Faststart: an MP4's index before its samples, so that players start before they have it all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

_COPY_BYTES = 1 << 20
_CONTAINERS = {b"moov", b"trak", b"mdia", b"minf", b"stbl"}
_OFFSET_TABLES: dict[bytes, np.dtype[np.unsignedinteger]] = {
    b"stco": np.dtype(">u4"),
    b"co64": np.dtype(">u8"),
}


def move_index_to_front(source: Path, target: Path) -> bool:
    """Copy an MP4 or MOV file so that its index comes before its samples.

    Nothing but the place of the index and the offsets in it change. Source of the layout: ISO/IEC
    14496-12, sections 4.2 (boxes) and 8.7.5 (chunk offsets).

    Args:
        source: a finished file, ``ftyp`` first and ``moov`` last.
        target: written anew.

    Returns:
        False where the file is laid out otherwise, or has offsets that would outgrow their 32 bits;
        ``target`` is not written then.

    Raises:
        OSError: reading or writing failed; ``target`` may be there in part.
    """
    with source.open("rb") as file:
        boxes = list(_top_level(file))
        kinds = [kind for kind, _, _ in boxes]
        if not kinds or kinds[0] != b"ftyp" or kinds[-1] != b"moov" or kinds.count(b"moov") != 1:
            return False
        head, (_, start, size) = boxes[0][2], boxes[-1]
        file.seek(start)
        index = bytearray(file.read(size))
        if not _shift_offsets(memoryview(index), size):
            return False
        with target.open("wb") as out:
            file.seek(0)
            out.write(file.read(head))
            out.write(index)
            while (left := start - file.tell()) > 0:
                out.write(file.read(min(left, _COPY_BYTES)))
    return True


def _top_level(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """Kind, first byte and length in bytes of each box of a file."""
    end = file.seek(0, 2)
    start = 0
    while start + 8 <= end:
        file.seek(start)
        header = file.read(16)
        size = int.from_bytes(header[:4])
        if size == 1:
            size = int.from_bytes(header[8:])
        if size < 8 or start + size > end:
            return
        yield header[4:8], start, size
        start += size


def _shift_offsets(box: memoryview, shift: int) -> bool:
    """Add ``shift`` to all chunk offsets in a box; False where one has no room for it."""
    kind = bytes(box[4:8])
    if kind in _OFFSET_TABLES:
        offsets = np.frombuffer(box, _OFFSET_TABLES[kind], offset=16)
        if offsets.size and int(offsets.max()) + shift > np.iinfo(offsets.dtype).max:
            return False
        offsets += np.array(shift, offsets.dtype)
        return True
    start = 8
    while kind in _CONTAINERS and start + 8 <= len(box):
        size = int.from_bytes(box[start : start + 4])
        inside = 8 <= size <= len(box) - start
        if not inside or not _shift_offsets(box[start : start + size], shift):
            return False
        start += size
    return True
