"""Registry: from what the user writes after ``-o`` to a sink."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from streamer.errors import SinkError
from streamer.sinks.base import Sink
from streamer.sinks.images import ImageFolderSink, ImageSink
from streamer.sinks.movie import CONTAINERS
from streamer.sinks.null import NullSink
from streamer.sinks.options import SinkOptions
from streamer.sinks.results import ResultsSink
from streamer.sinks.video import VideoSink
from streamer.sources.base import StreamInfo

__all__ = ["FILES", "SinkOptions", "open_sink"]

Opener = Callable[[Path, StreamInfo, SinkOptions], Sink]

FILES: dict[str, Opener] = {
    **dict.fromkeys(CONTAINERS, VideoSink),
    ".jsonl": lambda path, _, options: ResultsSink(path, options),
    **dict.fromkeys((".png", ".jpg", ".jpeg"), ImageSink),
}
"""Suffix of a file -> what opens it."""

_PLANNED = ("window", "web", "rtsp", "rtsps", "rtmp", "rtmps", "srt")


def open_sink(spec: str, info: StreamInfo, options: SinkOptions) -> Sink:
    """Open an output.

    Args:
        spec: a file whose suffix says what it is, a folder (no suffix, a slash at its end, or one
            that exists) or ``null``.
        info: of the frames to come.
        options: how outputs are written.

    Raises:
        SinkError: there is no such output, or it cannot be opened.
        SourceError: the source's audio cannot be opened.
    """
    if spec == "null":
        return NullSink()
    scheme, colon, _ = spec.partition(":")
    if scheme in _PLANNED and (colon or scheme in ("window", "web")):
        raise SinkError(f"output {scheme!r} is not supported yet; name a file or a folder")
    if "://" in spec:
        raise SinkError(f"output {scheme!r} is not known; {_supported()}")
    path = Path(spec)
    opener = FILES.get(path.suffix.lower())
    if spec and (spec.endswith(("/", os.sep)) or path.is_dir() or not path.suffix):
        if path.name.lower() in FILES and not path.is_dir() and not spec.endswith(("/", os.sep)):
            raise SinkError(f"{spec} is only a suffix; name a file such as out{path.name}")
        return ImageFolderSink(path, options)
    if opener:
        return opener(path, info, options)
    raise SinkError(f"output {spec!r} is not known; {_supported()}")


def _supported() -> str:
    return f"name a file ({' '.join(FILES)}), a folder or null"
