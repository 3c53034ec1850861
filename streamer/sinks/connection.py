"""Connection: one connection to a server that pictures are published to."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from pathlib import Path

import av

from streamer.sinks.publisher import HEADER, Order
from streamer.urls import redact_text

_END_S = 3.0
"""A server may take so many seconds to say goodbye."""


class ConnectionLostError(Exception):
    """The server refused or went away; the message is why, in a few words."""


class Connection:
    """A process that publishes; see `publisher` for why.

    `kill` may be called from any thread and ends whatever another one waits for.

    Args:
        order: where to and how.
    """

    def __init__(self, order: Order) -> None:
        self._order = order
        script = Path(__file__).with_name("publisher.py")
        # -P: modules beside the script must not be taken for others of the same name.
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def open(self, sample: bytes) -> None:
        """Connect.

        Args:
            sample: a keyframe like those to come, encoded.

        Raises:
            ConnectionLostError: the server refused, or took too long.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(self._order).encode() + b"\n")
            self._put(0, True, sample)
        except OSError:
            raise self._lost() from None
        said = self._process.stdout.readline().decode().strip()
        if said != "ready":
            raise ConnectionLostError(self._why(said, "no answer within"))

    def send(self, packet: av.Packet[av.VideoStream]) -> None:
        """Send a packet whose times are in units of `publisher.TIME_BASE`.

        Waits while the server takes no data, as long as the order allows.

        Raises:
            ConnectionLostError: the server went away, or took too long.
        """
        assert packet.pts is not None
        try:
            self._put(packet.pts, packet.is_keyframe, bytes(packet))
        except OSError:
            raise self._lost() from None

    def close(self) -> None:
        """End the stream and say goodbye, which takes no longer than a few seconds."""
        with contextlib.suppress(OSError):
            self._process.stdin.close()  # type: ignore[union-attr]
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self.kill()
            self._process.wait()
        self._process.stdout.close()  # type: ignore[union-attr]

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()

    def _put(self, pts: int, is_keyframe: bool, data: bytes) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(HEADER.pack(pts, is_keyframe, len(data)) + data)
        self._process.stdin.flush()

    def _lost(self) -> ConnectionLostError:
        assert self._process.stdout is not None
        self.kill()
        return ConnectionLostError(self._why(self._process.stdout.read().decode().strip()))

    def _why(self, said: str, late: str = "it takes no data for") -> str:
        if not said:
            return f"{late} {self._order['limit_s']:g} s"
        return redact_text(" ".join(said.split())).lower()
