"""ResultsSink: what was found, as JSON Lines."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from streamer import rle
from streamer.errors import WriteError
from streamer.frame import Frame
from streamer.instances import Instances
from streamer.sinks.options import SinkOptions
from streamer.sinks.target import Target, reason
from streamer.tracking import Event, Presence


class ResultsSink:
    """Writes a line a frame, in order, and in it which objects have come and gone.

    The file lies beside its place while it grows. It holds whole lines at every moment, so that it
    can be followed with ``tail -f`` and survives whatever stops the run.

    Attributes:
        url: the file.
        draws: False.
        frames: how many were taken.

    Raises:
        SinkError: the file cannot be made.
    """

    draws = False
    on_main_thread = False

    def __init__(self, path: Path, options: SinkOptions) -> None:
        self.url = str(path)
        self.frames = 0
        self.warnings: list[str] = []
        self._failed = self._closed = False
        self._target = Target(path, overwrite=options.overwrite)
        self._file = self._target.part.open("wb", buffering=0)
        self._bytes = 0
        self._presence = Presence()

    def write(self, frame: Frame, instances: Instances) -> None:
        """Take one frame. See `Sink.write`."""
        values = record(frame, instances, self._presence.watch(frame.time, instances))
        line = json.dumps(values, ensure_ascii=False, allow_nan=False) + "\n"
        data = memoryview(line.encode())
        try:
            while data:
                data = data[self._file.write(data) :]
        except OSError as error:
            raise self._failure(error) from error
        self._bytes += len(line.encode())
        self.frames += 1

    def close(self) -> None:
        """Move the file into place. See `Sink.close`."""
        if self._closed:
            return
        self._closed = True
        try:
            self._file.close()
        except OSError as error:
            raise self._failure(error) from error
        if not self.frames:
            self._target.discard()
        elif not self._failed:
            self._target.publish()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _failure(self, error: OSError) -> WriteError:
        """Cut off the line that broke and say what became of the others."""
        self._failed = True
        with contextlib.suppress(OSError, ValueError):
            self._file.truncate(self._bytes)
        why = f"{self.url}: {reason(error)}"
        if not self.frames:
            return WriteError(f"{why}; no line was written")
        return WriteError(f"{why}; its first {self.frames} lines are in {self._target.part}")


def record(frame: Frame, instances: Instances, events: Sequence[Event] = ()) -> dict[str, Any]:
    """The line of a frame, as plain values.

    Boxes are rounded to hundredths of a pixel, scores to four digits and times to microseconds.
    ``track_id`` is null for what is not tracked; ``filled`` is there where the model has missed the
    object in this frame. ``events`` is there where something has happened;
    see `Presence` for when that is known. Their ``pts_s`` is that of the frame that showed the
    object first or last.
    """
    size = frame.height, frame.width
    found = zip(
        instances.track_ids.tolist(),
        instances.class_ids.tolist(),
        instances.labels,
        np.round(instances.scores.astype(np.float64), 4).tolist(),
        np.round(instances.boxes.astype(np.float64), 2).tolist(),
        rle.encode_all(instances.masks, instances.rects.tolist(), size),
        instances.filled.tolist(),
        strict=True,
    )
    line: dict[str, Any] = {
        "seq": frame.seq,
        "pts_s": round(float(frame.time), 6),
        "inferred": instances.inferred,
        "instances": [
            {
                "track_id": None if track_id < 0 else track_id,
                "category_id": class_id,
                "label": label,
                "score": score,
                "box": box,
                "segmentation": mask,
                **({"filled": True} if filled else {}),
            }
            for track_id, class_id, label, score, box, mask, filled in found
        ],
    }
    if events:
        line["events"] = [
            {
                "event": event.event,
                "track_id": event.track_id,
                "label": event.label,
                "pts_s": round(float(event.time), 6),
            }
            for event in events
        ]
    return line
