"""A virtual display, and a hand at its keyboard: Debian's packages ``xvfb`` and ``xdotool``."""

from __future__ import annotations

import ctypes
import os
import shutil
import struct
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

SIZE = (1000, 700)
COOKIES = "cookies"
MISSING = [
    package
    for package, program in (("xvfb", "Xvfb"), ("xdotool", "xdotool"))
    if shutil.which(program) is None
]
needs_display = pytest.mark.skipif(
    bool(MISSING), reason=f"needs the system packages {' '.join(MISSING)}"
)


class Desktop:
    """A display with nothing on it, not even a window manager.

    Attributes:
        name: of the display.
        cookies: the file that lets programs into it.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.cookies = folder / COOKIES
        self._screen = folder / "Xvfb_screen0"

    @property
    def environment(self) -> dict[str, str]:
        """For programs that are to open their windows on it."""
        return {**os.environ, "DISPLAY": self.name, "XAUTHORITY": str(self.cookies)}

    def find(self, title: str, seconds: float = 20) -> str:
        """The id of the window with that title, as soon as it is there."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            ids = self._xdotool("search", "--onlyvisible", "--name", title, check=False).split()
            if ids:
                return ids[-1]
            time.sleep(0.05)
        raise TimeoutError(f"no window {title!r} within {seconds} s")

    def type(self, window: str, *keys: str) -> None:
        """Press and release keys, named as xdotool does."""
        self._xdotool("windowfocus", "--sync", window, "key", *keys)

    def resize(self, window: str, width: int, height: int) -> None:
        self._xdotool("windowmove", window, "0", "0")
        self._xdotool("windowsize", window, str(width), str(height))

    def press_close_button(self, window: str) -> None:
        """Ask the window to go, as a window manager does when its close button is pressed."""
        x11 = ctypes.CDLL("libX11.so.6")
        x11.XOpenDisplay.restype = ctypes.c_void_p
        x11.XInternAtom.restype = ctypes.c_ulong
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("XAUTHORITY", str(self.cookies))
            connection = ctypes.c_void_p(x11.XOpenDisplay(self.name.encode()))
        protocols, delete = (
            x11.XInternAtom(connection, name, False)
            for name in (b"WM_PROTOCOLS", b"WM_DELETE_WINDOW")
        )
        message = _ClientMessage(type=33, window=int(window), message_type=protocols, format=32)
        message.data[0] = delete
        x11.XSendEvent(connection, ctypes.c_ulong(int(window)), False, 0, ctypes.byref(message))
        x11.XCloseDisplay(connection)

    def picture(self) -> NDArray[np.uint8]:
        """What is on the display, u8[height, width, 3] in BGR.

        The server keeps it in a file of the format of xwd(1): big-endian words, the colour map,
        then four bytes a pixel.
        """
        data = self._screen.read_bytes()
        words = struct.unpack_from(">25I", data)
        header_size, colors = words[0], words[19]
        pixels = np.frombuffer(data, np.uint8, offset=header_size + 12 * colors)
        return pixels[: 4 * SIZE[0] * SIZE[1]].reshape(SIZE[1], SIZE[0], 4)[..., :3]

    def _xdotool(self, *words: str, check: bool = True) -> str:
        done = subprocess.run(
            ["xdotool", *words],
            env=self.environment,
            check=check,
            timeout=20,
            capture_output=True,
            text=True,
        )
        return done.stdout


class _ClientMessage(ctypes.Structure):
    """XClientMessageEvent of Xlib.h, padded to the size of an XEvent."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("serial", ctypes.c_ulong),
        ("send_event", ctypes.c_int),
        ("display", ctypes.c_void_p),
        ("window", ctypes.c_ulong),
        ("message_type", ctypes.c_ulong),
        ("format", ctypes.c_int),
        ("data", ctypes.c_long * 5),
        ("padding", ctypes.c_long * 24),
    )


def xauthority(number: bytes, cookie: bytes) -> bytes:
    """One entry of an Xauthority file, for displays of that number (all, if empty) anywhere."""
    fields = (b"", number, b"MIT-MAGIC-COOKIE-1", cookie)
    anywhere = struct.pack(">H", 0xFFFF)
    return anywhere + b"".join(struct.pack(">H", len(field)) + field for field in fields)


@contextmanager
def virtual_display() -> Iterator[Desktop]:
    """Start an X server on a number that is free; end it afterwards."""
    reading, writing = os.pipe()
    with tempfile.TemporaryDirectory() as folder:
        cookies = Path(folder, COOKIES)
        cookies.write_bytes(xauthority(b"", os.urandom(16)))
        where = ["-displayfd", str(writing), "-fbdir", folder, "-auth", str(cookies)]
        what = ["-screen", "0", f"{SIZE[0]}x{SIZE[1]}x24", "-nolisten", "tcp", "-noreset"]
        server = subprocess.Popen(
            ["Xvfb", *where, *what], pass_fds=[writing], stderr=subprocess.DEVNULL
        )
        os.close(writing)
        try:
            with os.fdopen(reading) as numbers:
                yield Desktop(f":{numbers.readline().strip()}", Path(folder))
        finally:
            server.terminate()
            server.wait(20)
