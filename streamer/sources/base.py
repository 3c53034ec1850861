"""Source: where frames come from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Protocol, Self

import av

from streamer.frame import Frame


class AudioFeed(Protocol):
    """Audio packets of a source, for one video file to copy.

    Each consumer opens a feed of its own. Packets come in the order of the source, with times
    moved so that 0 is the start of the source, as `Frame.pts` has it.
    """

    @property
    def streams(self) -> list[av.AudioStream]:
        """The audio streams, as templates for the output's."""

    def until(self, seconds: Fraction) -> Iterator[av.Packet[av.AudioStream]]:
        """The packets not yet given that begin before ``seconds``; the first may begin before 0."""

    def rest(self) -> Iterator[av.Packet[av.AudioStream]]:
        """All packets not yet given, if the source was read to its end; else none."""

    def close(self) -> None:
        """Give back the file."""


class AudioOpener(Protocol):
    """Opens a new feed of a source's audio."""

    def __call__(self) -> AudioFeed:
        """Open the feed.

        Raises:
            SourceError: the source cannot be opened again.
        """


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """What is known of a source before its first frame.

    Attributes:
        url: what the user gave, without passwords.
        width: columns of every frame.
        height: rows of every frame.
        rate: nominal frames a second, exact (30000/1001, never 29); frames may come irregularly.
        time_base: seconds of one unit of `Frame.pts`.
        live: frames come by themselves and are lost if nobody takes them.
        frames: how many frames are to come, as far as it can be known; may be wrong.
        duration: seconds to come, as far as it can be known; may be wrong.
        start: where the source was asked to begin, seconds; 0 for its own beginning.
        pixel_aspect: width of a pixel over its height.
        open_audio: opens the audio that belongs to the pictures; None where there is none.
        metadata: title, date and the like.
    """

    url: str
    width: int
    height: int
    rate: Fraction
    time_base: Fraction
    live: bool = False
    frames: int | None = None
    duration: float | None = None
    start: Fraction = Fraction(0)
    pixel_aspect: Fraction = Fraction(1)
    open_audio: AudioOpener | None = None
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Health:
    """What a source has lived through; written by its thread and its audio feeds', read by anyone.

    Attributes:
        corrupt_packets: packets that could not be decoded and were skipped.
        reconnects: how often the connection was made anew.
        warnings: one line each, for the final report.
        state: why no frames come and what is being done about it, in a few words; None while they
            come.
    """

    corrupt_packets: int = 0
    reconnects: int = 0
    warnings: list[str] = field(default_factory=list)
    state: str | None = None


class Source(Protocol):
    """Gives frames, once, in order of presentation.

    Times strictly increase. All frames have the size that `info` says, except those of a folder of
    images, each of which keeps its own.
    """

    info: StreamInfo
    health: Health

    def __iter__(self) -> Iterator[Frame]:
        """The frames.

        Raises:
            ReadError: the source broke beyond what can be skipped.
        """

    def interrupt(self) -> None:
        """End the iteration soon, also one that waits for a picture. Takes no lock."""

    def close(self) -> None:
        """Give back files and decoders. Called after iteration has ended."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc: object) -> None: ...
