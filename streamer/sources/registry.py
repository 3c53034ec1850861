"""Which source a user means: ``open_source("clip.mp4")``.

To add a source, write its file, an opener here, and a line in `OPENERS`; where what it is called
looks like none of the others, a line in `kind_of`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from streamer.assets import DEMO, asset
from streamer.errors import SourceError
from streamer.sources.base import Source
from streamer.sources.camera import CameraSource
from streamer.sources.camera_list import is_camera
from streamer.sources.file import FileSource
from streamer.sources.images import SUFFIXES, ImageSource
from streamer.sources.network import NetworkSource
from streamer.sources.options import SourceOptions
from streamer.sources.played import PlayedSource
from streamer.sources.synthetic import PREFIX, SyntheticSource
from streamer.sources.window import Window
from streamer.urls import is_url

Opener = Callable[[str, Window, SourceOptions], Source]

_LIVE = ("network", "camera")
_WHOLE = Window()
_OPTIONS = SourceOptions()


def _demo(_: str, window: Window, __: SourceOptions) -> Source:
    source = FileSource(asset("demo.mp4"), window)
    source.info = replace(source.info, url=DEMO)
    return source


OPENERS: dict[str, Opener] = {
    "demo": _demo,
    "synthetic": lambda spec, window, _: SyntheticSource(spec[len(PREFIX) :], window),
    "network": NetworkSource,
    "camera": CameraSource,
    "images": lambda spec, window, _: ImageSource(Path(spec), window),
    "file": lambda spec, window, _: FileSource(Path(spec), window),
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
    if not (path.is_file() or path.is_dir()) and is_camera(spec):
        return "camera"
    return "images" if path.is_dir() or path.suffix.lower() in SUFFIXES else "file"


def open_source(
    spec: str,
    window: Window = _WHOLE,
    *,
    live: bool = False,
    options: SourceOptions = _OPTIONS,
) -> Source:
    """Open what the user named.

    Args:
        spec: a video file, an image, a folder of images, a URL, a camera's number, device or name,
            ``lavfi:GRAPH``, or ``demo``.
        window: the part of it to give.
        live: play a recording at its own pace; the demo for ever.
        options: how cameras and network streams are opened.

    Raises:
        SourceError: it cannot be opened or holds no picture in the window.
    """
    if not spec:
        raise SourceError("no source is given; give a file, a folder of images, a camera or a URL")
    kind = kind_of(spec)
    opener = OPENERS[kind]
    if not live or kind in _LIVE:
        return opener(spec, window, options)
    if spec == DEMO:
        return PlayedSource(partial(opener, spec, _WHOLE, options), window, repeat=True)
    return PlayedSource(partial(opener, spec, window, options), _WHOLE, repeat=False)
