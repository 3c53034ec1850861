"""Whether a window can be opened here. OpenCV does not say so: its Qt ends the whole process."""

from __future__ import annotations

import os
import re
import socket
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2

from streamer.errors import SinkError

_WAY_OUT = "or watch in a browser with -o web"
_DISPLAY = re.compile(r"(?:unix|(?P<host>.*)):(?P<number>\d+)(?:\.\d+)?")
_FIRST_PORT = 6000
_LIMIT_S = 3.0
_COOKIE = b"MIT-MAGIC-COOKIE-1"
_ADMITTED = 1


def require_display() -> None:
    """Make sure that OpenCV can open a window.

    Raises:
        SinkError: it was built without windows, or there is no display, or it refuses us.
    """
    framework = cv2.currentUIFramework()
    if not framework:
        raise SinkError(
            "window: this OpenCV has no windows; install opencv-python in place of "
            f"opencv-python-headless, {_WAY_OUT}"
        )
    if sys.platform in ("win32", "darwin"):
        return
    name = os.environ.get("DISPLAY", "")
    if not name:
        hint = "Xwayland and set DISPLAY" if os.environ.get("WAYLAND_DISPLAY") else "a desktop"
        raise SinkError(f"window: there is no display to show it on; start {hint}, {_WAY_OUT}")
    if not admits(name):
        raise SinkError(
            f"window: the display {name} cannot be reached; set DISPLAY to one that runs and "
            f"admits this user, {_WAY_OUT}"
        )
    if _is_mixed_up():
        raise SinkError(
            "window: PyAV was imported before OpenCV, whose windows hang then; "
            f"import streamer first, {_WAY_OUT}"
        )
    if framework.startswith("QT"):
        # The wheel of OpenCV has no other; with what a Wayland desktop may name here it would end
        # the process, or print warnings.
        os.environ["QT_QPA_PLATFORM"] = "xcb"


def _is_mixed_up() -> bool:
    """Whether some of OpenCV's own copies of X11's libraries have lost their place to PyAV's.

    The wheels of both have files of the same name, of which a process loads the first it comes
    across; they belong to different connections to the display. So `streamer` imports OpenCV first.
    """
    own = Path(cv2.__file__).parent.parent / "opencv_python.libs"
    try:
        lines = Path("/proc/self/maps").read_text("utf-8", "replace").splitlines()
    except OSError:
        return False
    loaded = {Path(line.split()[-1]) for line in lines if "/libxcb-" in line}
    return any(path.parent != own and (own / path.name).exists() for path in loaded)


def admits(display: str) -> bool:
    """Whether an X server answers and lets this user in, by one of the cookies or without."""
    match = _DISPLAY.fullmatch(display)
    if match is None:
        return False
    host, number = match["host"], int(match["number"])
    return any(_greet(host, number, cookie) for cookie in (*_cookies(number), b""))


def _greet(host: str | None, number: int, cookie: bytes) -> bool:
    """Begin a connection and see how it is answered.

    Source: X Window System Protocol, version 11, section 8.
    """
    kind = _COOKIE if cookie else b""
    hello = struct.pack("<cxHHHHxx", b"l", 11, 0, len(kind), len(cookie))
    hello += b"".join(part + bytes(-len(part) % 4) for part in (kind, cookie))
    try:
        with _connect(host, number) as connection:
            connection.sendall(hello)
            return connection.recv(1) == bytes([_ADMITTED])
    except OSError:
        return False


def _connect(host: str | None, number: int) -> socket.socket:
    if host:
        return socket.create_connection((host, _FIRST_PORT + number), _LIMIT_S)
    path = f"/tmp/.X11-unix/X{number}"
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(_LIMIT_S)
    try:
        connection.connect(path)
    except OSError:
        try:
            connection.connect(f"\0{path}")  # Linux's way without a file
        except OSError:
            connection.close()
            raise
    return connection


def _cookies(number: int) -> Iterator[bytes]:
    """What lets this user into displays of that number, whichever machine they belong to.

    Source: Xauth(3), the format of the file.
    """
    path = os.environ.get("XAUTHORITY") or Path.home() / ".Xauthority"
    try:
        data = Path(path).read_bytes()
    except OSError:
        return
    place = 0
    while place < len(data):
        place += 2  # the address's family
        fields = []
        for _ in range(4):
            size = int.from_bytes(data[place : place + 2], "big")
            fields.append(data[place + 2 : place + 2 + size])
            place += 2 + size
        _, of, kind, cookie = fields
        if kind == _COOKIE and of in (b"", str(number).encode()):
            yield cookie
