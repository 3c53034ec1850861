"""Which way is up: display matrices and EXIF, as the filters that turn a picture upright."""

from __future__ import annotations

import re
import struct
from enum import Enum

import av
from av.filter.graph import Graph


class Turn(Enum):
    """What makes a picture upright: names of FFmpeg filters, with their arguments."""

    NONE = (("null", ""),)  # an empty tuple is no value for Python 3.11.2
    MIRROR = (("hflip", ""),)
    HALF = (("hflip", ""), ("vflip", ""))
    FLIP = (("vflip", ""), ("copy", ""))  # vflip alone counts lines backward in the old buffer
    TRANSPOSE = (("transpose", "cclock_flip"),)
    CLOCKWISE = (("transpose", "clock"),)
    TRANSVERSE = (("transpose", "clock_flip"),)
    COUNTERCLOCKWISE = (("transpose", "cclock"),)

    @property
    def swaps_sides(self) -> bool:
        """Whether columns become rows."""
        return any(name == "transpose" for name, _ in self.value)


EXIF_TURNS = dict(enumerate(Turn, start=1))
"""Turns by EXIF's orientation number, 1 to 8, in the order of the standard (CIPA DC-008, 4.6.5)."""

_ANGLES = {0: Turn.NONE, 90: Turn.COUNTERCLOCKWISE, 180: Turn.HALF, 270: Turn.CLOCKWISE}
_SMALLEST = 16
"""Pixels a side from which a thumbnail is worth while."""

_ORIENTATION_TAG = 0x0112
_TIFF_HEADER = re.compile(
    rb"(?:^|Exif\0\0|eXIf|EXIF....)(II\*\0|MM\0\*)",  # TIFF itself; JPEG; PNG; WebP
    re.DOTALL,
)


def turn_of(picture: av.VideoFrame) -> Turn:
    """The turn that the picture's display matrix asks for."""
    try:
        matrix = _thumbnail(picture).side_data.get("DISPLAYMATRIX")
    except ValueError:  # PyAV 18 lists no side data beside a kind that it does not know
        return _ANGLES[round(picture.rotation / 90) * 90 % 360]
    return Turn.NONE if matrix is None else turn_of_matrix(bytes(matrix))  # type: ignore[call-overload]


def _thumbnail(picture: av.VideoFrame) -> av.VideoFrame:
    """A picture of four pixels with the same side data; the picture itself if FFmpeg has none.

    PyAV leaves a picture whose side data was listed in a reference cycle. All buffers of its
    decoder, megabytes, would then stay taken until the garbage collector came by.
    """
    if min(picture.width, picture.height) < _SMALLEST:  # FFmpeg aborts on a Bayer picture of 3x3
        return picture
    graph = Graph()
    size, form = f"{picture.width}x{picture.height}", picture.format.name
    try:
        graph.link_nodes(
            graph.add("buffer", video_size=size, pix_fmt=form, time_base="1/1", pixel_aspect="1/1"),
            graph.add("scale", "w=2:h=2"),
            graph.add("buffersink"),
        ).configure()
        graph.vpush(picture)
        return graph.vpull()
    except av.FFmpegError:
        return picture


def turn_of_matrix(matrix: bytes) -> Turn:
    """The turn for a display matrix as FFmpeg stores it: nine native i32.

    A pixel at (x, y), y downwards, is shown at (a x + c y, b x + d y). Angles between the right
    ones are rounded, as nothing is shown askew.
    """
    a, b, _, c, d = struct.unpack_from("=5i", matrix)
    if abs(a) + abs(d) >= abs(b) + abs(c):
        if a >= 0:
            return Turn.NONE if d >= 0 else Turn.FLIP
        return Turn.MIRROR if d >= 0 else Turn.HALF
    if b >= 0:
        return Turn.TRANSPOSE if c >= 0 else Turn.CLOCKWISE
    return Turn.COUNTERCLOCKWISE if c >= 0 else Turn.TRANSVERSE


def exif_turn(image: bytes) -> Turn:
    """The turn that the EXIF data of a JPEG, PNG, WebP or TIFF file asks for."""
    header = _TIFF_HEADER.search(image)
    if header is None:
        return Turn.NONE
    block = image[header.start(1) :]
    order = "<" if header[1].startswith(b"I") else ">"
    try:
        (directory,) = struct.unpack_from(order + "I", block, 4)
        (entries,) = struct.unpack_from(order + "H", block, directory)
        for index in range(entries):
            tag, _, _, value = struct.unpack_from(order + "HHIH", block, directory + 2 + 12 * index)
            if tag == _ORIENTATION_TAG:
                return EXIF_TURNS.get(value, Turn.NONE)
    except struct.error:
        pass  # cut short: nobody can say which way is up
    return Turn.NONE
