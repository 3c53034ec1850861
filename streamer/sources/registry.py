"""Which source a user means: ``open_source("clip.mp4")``.

To add a source, write its file, an opener here, and a line in `OPENERS`; where what it is called
looks like none of the others, a line in `kind_of`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from streamer.assets import DEMO, asset
from streamer.errors import SourceError
from streamer.sources.base import Source
from streamer.sources.file import FileSource
from streamer.sources.images import SUFFIXES, ImageSource
from streamer.sources.played import PlayedSource
from streamer.sources.synthetic import PREFIX, SyntheticSource
from streamer.sources.window import Window
from streamer.urls import is_url, redact

Opener = Callable[[str, Window], Source]

_CAMERA = re.compile(r"\d+|/dev/video\d+")
_WHOLE = Window()


def _network(spec: str, _: Window) -> Source:
    raise SourceError(f"{redact(spec)}: network sources are not supported yet; give a file")


def _camera(spec: str, _: Window) -> Source:
    raise SourceError(f"{spec}: cameras are not supported yet; give a file")


def _demo(_: str, window: Window) -> Source:
    source = FileSource(asset("demo.mp4"), window)
    source.info = replace(source.info, url=DEMO)
    return source


OPENERS: dict[str, Opener] = {
    "demo": _demo,
    "synthetic": lambda spec, window: SyntheticSource(spec[len(PREFIX) :], window),
    "network": _network,
    "camera": _camera,
    "images": lambda spec, window: ImageSource(Path(spec), window),
    "file": lambda spec, window: FileSource(Path(spec), window),
}
"""How each kind of source is opened."""


def kind_of(spec: str) -> str:
    """The kind of source that ``spec`` means, a key of `OPENERS`."""
    if spec == DEMO:
        return "demo"
    if spec.startswith(PREFIX):
        return "synthetic"
    if is_url(spec):
        return "network"
    path = Path(spec)
    if _CAMERA.fullmatch(spec) and not (path.is_file() or path.is_dir()):
        return "camera"
    return "images" if path.is_dir() or path.suffix.lower() in SUFFIXES else "file"


def open_source(spec: str, window: Window = _WHOLE, *, live: bool = False) -> Source:
    """Open what the user named.

    Args:
        spec: a video file, an image, a folder of images, ``lavfi:GRAPH``, or ``demo``.
        window: the part of it to give.
        live: play a recording at its own pace; the demo for ever.

    Raises:
        SourceError: it cannot be opened or holds no picture in the window.
    """
    if not spec:
        raise SourceError("no source is given; give a file, a folder of images or lavfi:GRAPH")
    opener = OPENERS[kind_of(spec)]
    if not live:
        return opener(spec, window)
    if spec == DEMO:
        return PlayedSource(partial(opener, spec, _WHOLE), window, repeat=True)
    return PlayedSource(partial(opener, spec, window), _WHOLE, repeat=False)
