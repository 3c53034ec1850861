"""Servers on loopback that misbehave, or behave, in one way each. All end with their ``with``."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import av

from tests.clips import numbered

Answer = Callable[[socket.socket, threading.Event], None]
"""What a server does with one connection, until the event is set."""

BOUNDARY = "picture"


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A port of loopback on which nothing listens."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def tcp_server(answer: Answer) -> Iterator[int]:
    """A server that gives each connection to ``answer``, on a thread; yields its port."""
    done = threading.Event()
    threads: list[threading.Thread] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)

        def accept() -> None:
            while not done.is_set():
                try:
                    connection, _ = listener.accept()
                except TimeoutError:
                    continue
                connection.settimeout(0.05)
                threads.append(threading.Thread(target=serve, args=(connection,)))
                threads[-1].start()

        def serve(connection: socket.socket) -> None:
            with connection:
                try:
                    answer(connection, done)
                except OSError:
                    return  # the other side has gone

        threads.append(threading.Thread(target=accept))
        threads[0].start()
        try:
            yield listener.getsockname()[1]
        finally:
            done.set()
            for thread in threads:
                thread.join()


def say_nothing(_: socket.socket, done: threading.Event) -> None:
    """Accept, and leave it at that."""
    done.wait()


def send_garbage(connection: socket.socket, done: threading.Event) -> None:
    """Send what is no protocol at all, as long as anyone listens."""
    noise = bytes((n * 37 + 11) % 251 for n in range(1024))
    while not done.wait(0.01):
        connection.sendall(noise)


@contextmanager
def file_server(folder: Path) -> Iterator[str]:
    """An HTTP server of the files in a folder; yields its URL."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with _http(partial(Quiet, directory=str(folder))) as url:
        yield url


@contextmanager
def mjpeg_server(size: tuple[int, int], seconds: float, pictures: int) -> Iterator[str]:
    """An HTTP server that sends a JPEG every so many seconds, like a camera; yields its URL."""
    images = [jpeg(size, index) for index in range(pictures)]
    done = threading.Event()

    class Camera(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Send the pictures."""
            self.send_response(200)
            self.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={BOUNDARY}")
            self.end_headers()
            try:
                for image in images:
                    head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\n"
                    head += f"Content-Length: {len(image)}\r\n\r\n"
                    self.wfile.write(head.encode() + image + b"\r\n")
                    if done.wait(seconds):
                        return
            except OSError:
                return  # the other side has gone

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with _http(Camera) as url:
        try:
            yield url
        finally:
            done.set()


def jpeg(size: tuple[int, int], index: int) -> bytes:
    """Picture ``index`` of a `numbered` clip as a JPEG."""
    encoder = av.CodecContext.create("mjpeg", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height = size
    encoder.pix_fmt = "yuvj420p"
    encoder.framerate = encoder.framerate or 25  # type: ignore[assignment]
    picture = numbered(size)(index).reformat(format="yuvj420p")
    picture.pts = 0
    return b"".join(bytes(packet) for packet in [*encoder.encode(picture), *encoder.encode(None)])


@contextmanager
def _http(handler: Callable[..., BaseHTTPRequestHandler]) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
