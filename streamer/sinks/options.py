"""SinkOptions: how outputs are written."""

from __future__ import annotations

from dataclasses import dataclass


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
    """

    encoder: str | None = None
    crf: int | None = None
    preset: str | None = None
    overwrite: bool = False
    audio: bool = True
    threads: int = 0
