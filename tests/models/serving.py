"""A server of files on this machine that misbehaves as it is told, and a caller of `download`."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from streamer.errors import RunError
from streamer.models.catalogue import File
from streamer.models.download import Limits, download

QUICK = Limits(silence_s=20, pause_s=0)
"""Nothing that answers is given up for being slow."""

Fault = Callable[["Request"], None]
"""Answers a request in place of the server."""


@dataclass
class Site:
    """What is served.

    Attributes:
        url: of the server, without a slash at the end.
        files: content by path.
        faults: by path; each answers one request, the last one all that follow.
        ranges: whether the server knows ranges.
        asked: path, Range and Authorization of each request.
        closing: set when the server goes, so that nothing waits longer.
    """

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    faults: dict[str, list[Fault]] = field(default_factory=dict)
    ranges: bool = True
    asked: list[tuple[str, str | None, str | None]] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)

    def add(self, name: str, content: bytes, *faults: Fault, mirrors: int = 1) -> File:
        """Serve a file at one or several places; the faults are those of the first."""
        paths = [f"/{number}/{name}" for number in range(mirrors)]
        self.files |= dict.fromkeys(paths, content)
        self.faults[paths[0]] = list(faults)
        sha384 = hashlib.sha384(content).hexdigest()
        sources = tuple(self.url + path for path in paths)
        return File(name=name, size=len(content), sha384=sha384, sources=sources)

    @property
    def ranges_asked(self) -> list[str | None]:
        return [found for _, found, _ in self.asked]


class Request(BaseHTTPRequestHandler):
    """One request."""

    site: Site

    def do_GET(self) -> None:
        headers = self.headers
        self.site.asked.append((self.path, headers.get("Range"), headers.get("Authorization")))
        faults = self.site.faults.get(self.path, [])
        if faults:
            (faults.pop(0) if len(faults) > 1 else faults[0])(self)
        else:
            self.serve()

    def serve(self, least: int = 0, most: int | None = None) -> None:
        """Send the file, from what is asked for; break off after ``most`` bytes of it."""
        content = self.site.files.get(self.path)
        if content is None:
            self.send_error(404)
            return
        found = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
        begin = max(least, int(found[1])) if found and self.site.ranges else 0
        self.head(begin, len(content))
        self.wfile.write(content[begin : len(content) if most is None else begin + most])
        self.close_connection = True

    def head(self, begin: int, size: int) -> None:
        """The header of an answer from ``begin`` on."""
        self.send_response(206 if begin else 200)
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{size - 1}/{size}")
        self.send_header("Content-Length", str(size - begin))
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def well(request: Request) -> None:
    request.serve()


def silence(request: Request) -> None:
    """Never answer."""
    request.site.closing.wait()


def cut(count: int) -> Fault:
    """Break off after so many bytes, though more were promised."""
    return lambda request: request.serve(most=count)


def refuse(status: int) -> Fault:
    return lambda request: request.send_error(status)


def redirect(url: str) -> Fault:
    def answer(request: Request) -> None:
        request.send_response(302)
        request.send_header("Location", url)
        request.send_header("Content-Length", "0")
        request.end_headers()

    return answer


def stall(count: int) -> Fault:
    """Fall silent after so many bytes."""

    def answer(request: Request) -> None:
        request.serve(most=count)
        request.site.closing.wait()

    return answer


def trickle(count: int, pause_s: float) -> Fault:
    """Send one byte at a time."""

    def answer(request: Request) -> None:
        content = request.site.files[request.path]
        request.head(0, len(content))
        for at in range(count):
            if request.site.closing.wait(pause_s):
                return
            request.wfile.write(content[at : at + 1])

    return answer


def send(content: bytes, **headers: str) -> Fault:
    """Other content and headers; ``status`` is one of them."""

    def answer(request: Request) -> None:
        request.send_response(int(headers.get("status", "200")))
        for name, value in headers.items():
            if name != "status":
                request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        request.wfile.write(content)
        request.close_connection = True

    return answer


class _Server(ThreadingHTTPServer):
    daemon_threads = False

    def handle_error(self, *_: Any) -> None:
        """A client that has had enough is no error."""


class Caller:
    """Downloads, and keeps what it was told."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.reports: list[int] = []
        self.lines: list[str] = []

    def __call__(self, file: File, limits: Limits = QUICK) -> Path:
        return download(
            file, self.folder, report=self.reports.append, say=self.lines.append, limits=limits
        )

    def problem(self, file: File, limits: Limits = QUICK) -> str:
        """The one line that says why there is no file."""
        with pytest.raises(RunError) as error:
            self(file, limits)
        assert "\n" not in str(error.value)
        return str(error.value)

    @property
    def names(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())


@contextmanager
def serving() -> Iterator[Site]:
    """A server that goes when it is no longer needed; proxies are left out."""
    patch = pytest.MonkeyPatch()
    patch.setenv("no_proxy", "*")
    site = Site()
    handler = type("Handler", (Request,), {"site": site})
    with _Server(("127.0.0.1", 0), handler) as server:
        site.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield site
        finally:
            site.closing.set()
            server.shutdown()
            thread.join()
            patch.undo()
