"""Moving an MP4's index to its front."""

from __future__ import annotations

import struct
from pathlib import Path

import av
import pytest

from streamer.sinks.faststart import move_index_to_front
from tests.clips import Audio, write_clip

LARGEST = 2**32 - 1


def box(kind: bytes, *contents: bytes) -> bytes:
    data = b"".join(contents)
    return struct.pack(">I4s", 8 + len(data), kind) + data


def index(table: bytes) -> bytes:
    trak = box(b"trak", box(b"mdia", box(b"minf", box(b"stbl", box(b"stts", b"12"), table))))
    return box(b"moov", box(b"mvhd", b"stco"), trak, trak)


def offsets(kind: bytes, *values: int) -> bytes:
    numbers = struct.pack(">" + ("I" if kind == b"stco" else "Q") * len(values), *values)
    return box(kind, struct.pack(">II", 0, len(values)), numbers)


FTYP = box(b"ftyp", b"isom")
MDAT = box(b"free") + box(b"mdat", bytes(range(200)))


@pytest.mark.parametrize("kind", [b"stco", b"co64"])
def test_offsets_follow_the_samples(tmp_path: Path, kind: bytes) -> None:
    before, shift = (36, 50, 190), len(index(offsets(kind, 0, 0, 0)))
    (tmp_path / "in").write_bytes(FTYP + MDAT + index(offsets(kind, *before)))
    assert move_index_to_front(tmp_path / "in", tmp_path / "out")
    moved = index(offsets(kind, *(value + shift for value in before)))
    assert (tmp_path / "out").read_bytes() == FTYP + moved + MDAT


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no boxes at all",
        FTYP + MDAT,
        FTYP + index(offsets(b"stco", 36)) + MDAT,
        FTYP + index(b"") + MDAT + index(b""),
        MDAT + index(offsets(b"stco", 36)),
        FTYP + MDAT + index(offsets(b"stco", 36))[:-1],
        FTYP + MDAT + index(offsets(b"stco", 36, LARGEST)),
        FTYP + MDAT + index(struct.pack(">I4s", 99, b"stco")),
    ],
)
def test_other_files_are_left_alone(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "in").write_bytes(data)
    assert not move_index_to_front(tmp_path / "in", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_large_sample_box_keeps_its_long_size(tmp_path: Path) -> None:
    mdat = struct.pack(">I4sQ", 1, b"mdat", 16 + 200) + bytes(200)
    (tmp_path / "in").write_bytes(FTYP + mdat + index(offsets(b"co64", LARGEST)))
    assert move_index_to_front(tmp_path / "in", tmp_path / "out")
    assert (tmp_path / "out").read_bytes().endswith(mdat)


def test_a_real_file_has_the_same_packets(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "in.mp4", audio=[Audio(), Audio()], frames=40)
    assert move_index_to_front(source, tmp_path / "out.mp4")
    assert packets(source) == packets(tmp_path / "out.mp4")


def packets(path: Path) -> list[tuple[int, int | None, int | None, bytes]]:
    with av.open(str(path)) as container:
        return [(p.stream_index, p.pts, p.dts, bytes(p)) for p in container.demux()]
