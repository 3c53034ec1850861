"""A real RTSP server for tests: `tests/rtsp_server.py` as a process that can be killed."""

from __future__ import annotations

import os
import signal
import subprocess
from functools import cache
from pathlib import Path
from typing import IO, Self

import pytest

from tests.servers import free_port

_PYTHON = "/usr/bin/python3"
"""Debian's own: the bindings of GStreamer are packages of the system."""

_SCRIPT = Path(__file__).with_name("rtsp_server.py")
_PACKAGES = (
    "python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-base "
    "gstreamer1.0-plugins-good gstreamer1.0-plugins-ugly"
)


class RtspServer:
    """Serves a moving ball; see the options of `tests/rtsp_server.py`. Ends with its ``with``.

    Attributes:
        port: the same in every life of the server.
        url: of the stream.
    """

    def __init__(self, **options: object) -> None:
        _require()
        self.port = free_port()
        self.url = f"rtsp://127.0.0.1:{self.port}/x"
        self._process: subprocess.Popen[str] | None = None
        self.start(**options)

    def start(self, **options: object) -> None:
        """Begin to serve."""
        arguments = [f"--{name}={value}" for name, value in options.items()]
        self._process = _start(str(self.port), *arguments)
        said = _output(self._process).readline().strip()
        assert said == "ready", said

    def kill(self) -> None:
        """End at once, without a word to anyone."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def freeze(self) -> None:
        """Stop working, but keep all connections."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Go on."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGCONT)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.kill()


def _start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [_PYTHON, str(_SCRIPT), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def _output(process: subprocess.Popen[str]) -> IO[str]:
    assert process.stdout is not None
    return process.stdout


@cache
def _missing() -> bool:
    if not Path(_PYTHON).exists():
        return True
    process = _start(str(free_port()))
    said = _output(process).readline()
    process.kill()
    process.communicate()
    return not said.startswith("ready")


def _require() -> None:
    if _missing():
        pytest.skip(f"no RTSP server here; apt-get install {_PACKAGES}")
