"""A program that shows a picture in a `WindowSink` and prints what its keys did.

A process of its own, as Qt ends the one it lives in together with its display. The left half of
the picture is red, the right half a grey that is another in every frame. Every change is a line of
JSON on its output. A line on its input is why no more pictures come, an empty one lets them come
again; it ends when the window asks it to, or its input is closed.
"""

from __future__ import annotations

import json
import select
import sys
import time
from typing import Any

from streamer.controls import Controls
from streamer.frame import Frame
from streamer.instances import Instances
from streamer.sinks.options import SinkOptions
from streamer.sinks.window import WindowSink
from streamer.sources.base import Health
from tests.fakes import grey_frame
from tests.sinks.footage import info

SIZE = (320, 240)
SWITCHES = ("boxes", "labels", "masks", "hud", "paused", "recording")


def main() -> None:
    stopped: list[bool] = []
    controls = Controls(lambda: stopped.append(True))
    last: dict[str, Any] = {}
    snapshots = seq = 0
    still: int | None = None
    health = Health()
    with WindowSink(info(SIZE), SinkOptions(controls=controls, health=health)) as sink:
        while not stopped:
            if select.select([sys.stdin], [], [], 0)[0]:
                if not (line := sys.stdin.readline()):
                    break
                health.state = line.strip() or None
            if health.state:
                sink.idle()
                time.sleep(0.01)
                continue
            paused, shown = controls.paused, sink.shown
            sink.write(picture(seq), Instances.empty())
            if sink.shown > shown:
                still = grey(seq) if paused else None
            snapshots += controls.take_snapshot()
            state = {name: getattr(controls, name) for name in SWITCHES}
            state |= {"snapshots": snapshots, "room": room(), "still": still}
            if state != last:
                say(state)
            last, seq = state, seq + 1
            time.sleep(0.01)
        for _ in range(3):  # what is still under way when the viewer has left
            sink.write(picture(seq), Instances.empty())
            time.sleep(0.02)
        say({"stopped": bool(stopped), "room": room()})


def room() -> list[int]:
    """Columns and rows of the window; none where it is gone."""
    import cv2  # not above: `streamer` must see to it that OpenCV comes before PyAV

    try:
        return list(cv2.getWindowImageRect("streamer")[2:])
    except cv2.error:
        return []


def grey(seq: int) -> int:
    return 60 + seq % 120


def picture(seq: int) -> Frame:
    frame = grey_frame(seq, SIZE, luma=grey(seq))
    frame.y[:, :160], frame.u[:, :80], frame.v[:, :80] = 81, 90, 240
    return frame


def say(state: dict[str, Any]) -> None:
    print(json.dumps(state), flush=True)


if __name__ == "__main__":
    main()
