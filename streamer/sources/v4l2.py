"""What a camera offers, asked of Linux's Video4Linux directly: FFmpeg only logs it.

Source: the kernel's ``include/uapi/linux/videodev2.h``.
"""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Callable, Iterator

_QUERYCAP = 0x80685600  # _IOR('V', 0, struct v4l2_capability)
_ENUM_FMT = 0xC0405602  # _IOWR('V', 2, struct v4l2_fmtdesc)
_ENUM_FRAMESIZES = 0xC02C564A  # _IOWR('V', 74, struct v4l2_frmsizeenum)
_CAPABILITY_BYTES = 104
_FORMAT = struct.Struct("<III32sI16x")
_SIZE = struct.Struct("<IIIII24x")
_CAPABILITIES = struct.Struct("<84xII")
_VIDEO_CAPTURE = 1  # both the capability's bit and the type of buffer
_HAS_DEVICE_CAPS = 1 << 31
_DISCRETE = 1
_MOST = 256
"""Drivers were seen that never end a list."""

_NAMES = {"MJPG": "mjpeg", "JPEG": "mjpeg", "YUYV": "yuyv", "H264": "h264"}

Ioctl = Callable[[int, int, bytes], bytes]


def modes_of(path: str, ioctl: Ioctl | None = None) -> tuple[str, ...] | None:
    """What a device offers, such as ``"mjpeg 1280x720"``; a format alone where it has many sizes.

    Args:
        path: of the device, which may be in use meanwhile.
        ioctl: stands in for the kernel's.

    Returns:
        Empty if it captures no pictures; None if it cannot be asked.
    """
    try:
        device = os.open(path, os.O_RDWR | getattr(os, "O_NONBLOCK", 0))
    except OSError:
        return None
    try:
        return tuple(_modes(device, ioctl or _kernel()))
    except (OSError, ImportError):
        return None
    finally:
        os.close(device)


def _modes(device: int, ioctl: Ioctl) -> Iterator[str]:
    whole, of_node = _CAPABILITIES.unpack_from(ioctl(device, _QUERYCAP, bytes(_CAPABILITY_BYTES)))
    if not (of_node if whole & _HAS_DEVICE_CAPS else whole) & _VIDEO_CAPTURE:
        return
    for code in _formats(device, ioctl):
        letters = code.to_bytes(4, "little").decode("ascii", "replace").strip()
        name = _NAMES.get(letters, letters)
        sizes = list(_sizes(device, ioctl, code))
        yield from (f"{name} {width}x{height}" for width, height in sizes)
        if not sizes:
            yield name


def _formats(device: int, ioctl: Ioctl) -> Iterator[int]:
    """The codes of its pixel formats, four letters each."""
    for index in range(_MOST):
        asked = _FORMAT.pack(index, _VIDEO_CAPTURE, 0, b"", 0)
        try:
            yield _FORMAT.unpack(ioctl(device, _ENUM_FMT, asked))[4]
        except OSError as error:
            if error.errno != errno.EINVAL:  # the end of the list
                raise
            return


def _sizes(device: int, ioctl: Ioctl, code: int) -> Iterator[tuple[int, int]]:
    for index in range(_MOST):
        try:
            answer = ioctl(device, _ENUM_FRAMESIZES, _SIZE.pack(index, code, 0, 0, 0))
        except OSError:  # the end, or a driver without such a list
            return
        _, _, kind, width, height = _SIZE.unpack(answer)
        if kind != _DISCRETE:
            return
        yield width, height


def _kernel() -> Ioctl:
    import fcntl  # Windows has none

    def ioctl(device: int, request: int, argument: bytes) -> bytes:
        return fcntl.ioctl(device, request, argument)

    return ioctl
