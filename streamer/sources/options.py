"""SourceOptions: how sources are opened."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """What the user chose for cameras and network streams; files heed `hwaccel` only.

    Attributes:
        reconnect: seconds to go on trying after a connection was lost; None for ever, 0 to give up
            at once.
        hwaccel: ``"auto"``, ``"off"``, or FFmpeg's name of what is to decode, such as ``"vaapi"``.
        transport: how RTSP carries the pictures.
        size: columns and rows to ask of a camera; None for its own choice.
        rate: frames a second to ask of a camera; None for its own choice.
        pixel_format: ``"mjpeg"`` or ``"yuyv"`` to ask of a camera; None for its own choice.
    """

    reconnect: float | None = None
    hwaccel: str = "off"
    transport: Literal["tcp", "udp"] = "tcp"
    size: tuple[int, int] | None = None
    rate: Fraction | None = None
    pixel_format: str | None = None
