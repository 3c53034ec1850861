"""The process that hands packets to a server; `publish` runs this file as a script.

PyAV opens and ends outputs without a time limit and with the interpreter locked: a server that
accepts and then says nothing stops every thread, for ever. Here that stops nobody else, and
faulthandler's watchdog, which needs no lock, ends the process when a server takes too long.

Standard input is a line of JSON (`Order`), then packets, each a `HEADER` and its bytes; the first
packet is a keyframe that describes the stream and is not sent. Standard output is ``ready`` once
the server has accepted, and the reason in one line if something fails. The URL, which may hold a
password, is in no argument, since other users can list those.
"""

from __future__ import annotations

import contextlib
import faulthandler
import io
import json
import os
import signal
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import BinaryIO, TypedDict

HEADER = struct.Struct("<q?I")
"""Of a packet: time in units of `TIME_BASE`, whether it is a keyframe, and its length in bytes."""

TIME_BASE = Fraction(1, 90_000)


class Order(TypedDict):
    """What is to be done.

    Attributes:
        url: of the server.
        format: FFmpeg's name of the muxer.
        options: of the muxer.
        codec: FFmpeg's name of the bare stream's format, such as ``"h264"``.
        limit_s: longest time that connecting or one packet may take, in seconds.
    """

    url: str
    format: str
    options: dict[str, str]
    codec: str
    limit_s: float


def main() -> None:
    """Publish until standard input ends."""
    # The parent decides when it is over, also when a signal goes to all processes of a terminal.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    order: Order = json.loads(sys.stdin.buffer.readline())
    try:
        _publish(order, sys.stdin.buffer)
    except Exception as error:  # the process's last chance to tell anyone
        print(getattr(error, "strerror", None) or error, flush=True)
        os._exit(1)  # closing the output in an orderly way would go to the same server


def _publish(order: Order, packets: BinaryIO) -> None:
    import av  # not at the top: it takes so long that a signal may come before it is ignored

    sample = next(_packets(packets))[2]
    with _limit(order["limit_s"]):
        output = av.open(
            order["url"], "w", format=order["format"], container_options=order["options"]
        )
        with av.open(io.BytesIO(sample), format=order["codec"]) as described:
            stream = output.add_stream_from_template(described.streams.video[0])
        output.start_encoding()
    print("ready", flush=True)
    for pts, is_keyframe, data in _packets(packets):
        packet = av.Packet(data)
        packet.pts = packet.dts = pts
        packet.time_base, packet.is_keyframe = TIME_BASE, is_keyframe
        packet.stream = stream
        with _limit(order["limit_s"]):
            output.mux_one(packet)
    with _limit(order["limit_s"]):
        output.close()


def _packets(stream: BinaryIO) -> Iterator[tuple[int, bool, bytes]]:
    while len(header := stream.read(HEADER.size)) == HEADER.size:
        pts, is_keyframe, size = HEADER.unpack(header)
        data = stream.read(size)
        if len(data) < size:
            return  # the parent was killed
        yield pts, is_keyframe, data


@contextmanager
def _limit(seconds: float) -> Iterator[None]:
    """End the process if what is within takes longer."""
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123
        faulthandler.dump_traceback_later(seconds, exit=True, file=nowhere)
        try:
            yield
        finally:
            faulthandler.cancel_dump_traceback_later()


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        main()
