"""SinkOptions: how outputs are written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction

from streamer.controls import Controls
from streamer.metrics import Snapshot
from streamer.sources.base import Health


@dataclass(frozen=True, slots=True)
class SinkOptions:
    """What the user chose for all outputs.

    Attributes:
        encoder: ``h264``, ``h265``, ``av1``, ``vp9`` or the name of an FFmpeg encoder; None for
            what suits the container.
        crf: quality, lower is better and larger; None for the encoder's default.
        preset: speed against size, such as ``"fast"``; None for the encoder's default.
        overwrite: replace files that exist.
        audio: copy the source's audio into video files.
        threads: threads of the encoder; 0 lets it take what it finds.
        segment: seconds of one part of a recording; None for one file.
        controls: what viewers may change; None where nobody watches.
        snapshot: the figures of the run as they are now; None before there is one.
        health: what the source lives through; None where nobody watches.
        web_host: address that the page listens on.
        web_token: what the page's viewers must know; None for one that is made up where the page
            is open to others.
    """

    encoder: str | None = None
    crf: int | None = None
    preset: str | None = None
    overwrite: bool = False
    audio: bool = True
    threads: int = 0
    segment: Fraction | None = None
    controls: Controls | None = None
    snapshot: Callable[[], Snapshot] | None = None
    health: Health | None = None
    web_host: str = "127.0.0.1"
    web_token: str | None = field(default=None, repr=False)
