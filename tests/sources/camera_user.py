"""A program that uses the camera of ``v4l2_driver.c`` and prints what became of it, as JSON.

A process of its own, as the driver is loaded when a process begins. Its arguments are options of
`SourceOptions` as JSON; ``script`` says behind which frame it begins to misbehave, and how; with a
``~``, only for a while.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

from streamer.errors import StreamerError
from streamer.sources import camera_list
from streamer.sources.camera import CameraSource
from streamer.sources.options import SourceOptions
from streamer.sources.reconnecting import Limits
from streamer.sources.v4l2 import modes_of
from streamer.sources.window import Window

FRAMES = 12
LIMITS = Limits(first=3, picture=1, retry=0.05, longest_retry=0.1)
FOLDER = Path(os.environ["V4L2_DRIVER"])


def main() -> None:
    asked: dict[str, Any] = json.loads(sys.argv[1])
    script: dict[str, str] = asked.pop("script", {})
    if "size" in asked:
        asked["size"] = tuple(asked["size"])
    camera_list._PATHS = (str(FOLDER),)
    device = str(FOLDER / "video7")
    told: dict[str, Any] = {"modes": modes_of(device)}
    options = SourceOptions(**asked)
    try:
        with CameraSource(device, Window(frames=FRAMES), options, limits=LIMITS) as source:
            frames = []
            for frame in source:
                frames.append(frame)
                behave(script.get(str(len(frames)), ""))
        told |= {
            "size": [source.info.width, source.info.height],
            "times": [float(frame.time) for frame in frames],
            "pixels": [frame.to_bgr()[9, 9].tolist() for frame in (frames[0], frames[-1])],
            "reconnects": source.health.reconnects,
            "corrupt": source.health.corrupt_packets,
            "warnings": source.health.warnings,
        }
    except StreamerError as error:
        told["error"] = str(error)
    told["threads"] = threading.active_count()
    print(json.dumps(told))


def behave(name: str) -> None:
    """See ``script`` above."""
    if name:
        (FOLDER / name.rstrip("~")).touch()
    if name.endswith("~"):
        threading.Timer(1.5, (FOLDER / name.rstrip("~")).unlink).start()


if __name__ == "__main__":
    main()
