"""Which source a user means: ``open_source("clip.mp4")``.

To add a source, write its file, an opener here, and a line in `OPENERS`; where what it is called
looks like none of the others, a line in `kind_of`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal

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
Pace = Literal["lossless", "timely", "live"]

_LIVE = ("network", "camera")
_DECODED_IN_HARDWARE = ("network", "file", "demo")
_WHOLE = Window()
_OPTIONS = SourceOptions()


def _file(spec: str, window: Window, options: SourceOptions) -> Source:
    return FileSource(Path(spec), window, hwaccel=options.hwaccel)


def _demo(_: str, window: Window, options: SourceOptions) -> Source:
    source = _file(str(asset("demo.mp4")), window, options)
    source.info = replace(source.info, url=DEMO)
    return source


OPENERS: dict[str, Opener] = {
    "demo": _demo,
    "synthetic": lambda spec, window, _: SyntheticSource(spec[len(PREFIX) :], window),
    "network": NetworkSource,
    "camera": CameraSource,
    "images": lambda spec, window, _: ImageSource(Path(spec), window),
    "file": _file,
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


def is_live(spec: str) -> bool:
    """Whether ``spec`` means what comes by itself, and is lost if nobody takes it."""
    return kind_of(spec) in _LIVE


def is_decoded_in_hardware(spec: str) -> bool:
    """Whether hardware can decode what ``spec`` means, where there is any."""
    return kind_of(spec) in _DECODED_IN_HARDWARE


def open_source(
    spec: str,
    window: Window = _WHOLE,
    *,
    pace: Pace = "lossless",
    options: SourceOptions = _OPTIONS,
) -> Source:
    """Open what the user named.

    Args:
        spec: a video file, an image, a folder of images, a URL, a camera's number, device or name,
            ``lavfi:GRAPH``, or ``demo``.
        window: the part of it to give.
        pace: of a recording: every frame as soon as it is wanted (``"lossless"``), every frame but
            none before it is due (``"timely"``), or as a camera would give them (``"live"``), the
            demo for ever.
        options: how it is opened.

    Raises:
        SourceError: it cannot be opened or holds no picture in the window.
        SettingsError: this build of FFmpeg does not know the hardware.
    """
    if not spec:
        raise SourceError("no source is given; give a file, a folder of images, a camera or a URL")
    kind = kind_of(spec)
    opener = OPENERS[kind]
    if pace == "lossless" or kind in _LIVE:
        return opener(spec, window, options)
    live = pace == "live"
    if live and spec == DEMO:
        return PlayedSource(partial(opener, spec, _WHOLE, options), window, repeat=True)
    return PlayedSource(partial(opener, spec, window, options), _WHOLE, live=live)
