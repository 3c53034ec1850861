from __future__ import annotations

import struct

import pytest

from streamer.sources.orientation import EXIF_TURNS, Turn, exif_turn, turn_of_matrix

ONE = 1 << 16


def matrix(a: int, b: int, c: int, d: int) -> bytes:
    return struct.pack("=9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)


@pytest.mark.parametrize(
    ("numbers", "turn"),
    [
        ((ONE, 0, 0, ONE), Turn.NONE),
        ((-ONE, 0, 0, ONE), Turn.MIRROR),
        ((-ONE, 0, 0, -ONE), Turn.HALF),
        ((ONE, 0, 0, -ONE), Turn.FLIP),
        ((0, ONE, ONE, 0), Turn.TRANSPOSE),
        ((0, ONE, -ONE, 0), Turn.CLOCKWISE),
        ((0, -ONE, -ONE, 0), Turn.TRANSVERSE),
        ((0, -ONE, ONE, 0), Turn.COUNTERCLOCKWISE),
        ((46000, 46100, -46100, 46000), Turn.CLOCKWISE),
        ((ONE, 900, -900, ONE), Turn.NONE),
        ((0, 0, 0, 0), Turn.NONE),
    ],
)
def test_display_matrices(numbers: tuple[int, int, int, int], turn: Turn) -> None:
    assert turn_of_matrix(matrix(*numbers)) is turn


def tiff(order: str, value: int) -> bytes:
    mark = b"II*\0" if order == "<" else b"MM\0*"
    make = struct.pack(order + "HHII", 0x010F, 2, 4, 0x41414100)
    orientation = struct.pack(order + "HHIHH", 0x0112, 3, 1, value, 0)
    return mark + struct.pack(order + "IH", 8, 2) + make + orientation + b"\0\0\0\0"


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("number", range(1, 9))
def test_exif_orientations(order: str, number: int) -> None:
    block = tiff(order, number)
    assert exif_turn(block) is EXIF_TURNS[number]
    assert exif_turn(b"\xff\xd8\xff\xe1\0\0Exif\0\0" + block) is EXIF_TURNS[number]
    assert exif_turn(b"\x89PNG....eXIf" + block) is EXIF_TURNS[number]
    assert exif_turn(b"RIFF....WEBPEXIF\x1a\0\0\0" + block) is EXIF_TURNS[number]


@pytest.mark.parametrize(
    "image",
    [b"", b"\xff\xd8\xff\xe1", tiff("<", 0), tiff("<", 9), tiff("<", 6)[:-12], b"Exif\0\0II*\0"],
)
def test_senseless_exif_turns_nothing(image: bytes) -> None:
    assert exif_turn(image) is Turn.NONE
