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
from streamer.sinks.publish import FORMATS, PublishSink
from streamer.sinks.results import ResultsSink
from streamer.sinks.segments import SegmentSink
from streamer.sinks.video import VideoSink
from streamer.sinks.web import WebSink
from streamer.sinks.window import WindowSink
from streamer.sources.base import StreamInfo
from streamer.web.listening import parse_port

__all__ = ["FILES", "SinkOptions", "open_sink"]

Opener = Callable[[Path, StreamInfo, SinkOptions], Sink]


def _video(path: Path, info: StreamInfo, options: SinkOptions) -> Sink:
    kind = VideoSink if options.segment is None else SegmentSink
    return kind(path, info, options)


FILES: dict[str, Opener] = {
    **dict.fromkeys(CONTAINERS, _video),
    ".jsonl": lambda path, _, options: ResultsSink(path, options),
    **dict.fromkeys((".png", ".jpg", ".jpeg"), ImageSink),
}
"""Suffix of a file -> what opens it."""

VIEWS = ("window", "web")
"""Outputs that somebody watches, by what they begin with."""


def is_viewed(spec: str) -> bool:
    """Whether somebody watches what goes to ``spec``, and may ask for things."""
    return spec.partition(":")[0] in VIEWS


def is_published(spec: str) -> bool:
    """Whether ``spec`` is a URL to publish to."""
    scheme, is_url, _ = spec.partition("://")
    return bool(is_url) and scheme.lower() in FORMATS


def open_sink(spec: str, info: StreamInfo, options: SinkOptions) -> Sink:
    """Open an output.

    Args:
        spec: a file whose suffix says what it is, a folder (no suffix, a slash at its end, or one
            that exists), ``window``, ``web``, ``web:PORT``, a URL to publish to, or ``null``.
        info: of the frames to come.
        options: how outputs are written.

    Raises:
        SinkError: there is no such output, or it cannot be opened.
        SourceError: the source's audio cannot be opened.
    """
    if spec == "null":
        return NullSink()
    if spec == "window":
        return WindowSink(info, options)
    if spec.startswith("window:"):
        raise SinkError(f"{spec}: nothing may follow window; there is one")
    if spec.partition(":")[0] == "web":
        return WebSink(parse_port(spec), info, options)
    if is_published(spec):
        return PublishSink(spec, info, options)
    scheme, is_url, _ = spec.partition("://")
    if is_url:
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
    views, urls = ", ".join(VIEWS), " ".join(f"{name}://" for name in FORMATS)
    return f"name a file ({' '.join(FILES)}), a folder, {views}, a URL ({urls}) or null"
