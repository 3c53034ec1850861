"""AudioCopy: the source's audio on its way into a video file, packet for packet."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

import av
from av.container import OutputContainer

from streamer.sources.base import AudioFeed

_KEPT_TAGS = ("language", "title")


class AudioCopy:
    """Moves a feed's packets to the output's time line and streams.

    Attributes:
        start: time of the source at which the output begins, in seconds; what lies before it is
            left out where the source was not taken from its own beginning.
    """

    def __init__(self, feed: AudioFeed) -> None:
        self._feed = feed
        self._streams: dict[int, av.AudioStream] = {}
        self.start = Fraction(0)

    @property
    def codecs(self) -> list[str]:
        """FFmpeg's name of each stream's codec."""
        return [stream.codec_context.codec.name for stream in self._feed.streams]

    def add_streams(self, output: OutputContainer) -> None:
        """Give ``output`` a stream for each of the feed's; packets go there from now on."""
        self._streams = {}
        for template in self._feed.streams:
            stream = output.add_stream_from_template(template)
            stream.disposition = template.disposition
            tags = template.metadata
            stream.metadata.update({tag: tags[tag] for tag in _KEPT_TAGS if tag in tags})
            self._streams[template.index] = stream

    @property
    def resolution(self) -> int:
        """The smallest number of units a second in which all streams' times are whole."""
        return math.lcm(
            *(stream.time_base.denominator for stream in self._feed.streams if stream.time_base)
        )

    def until(self, seconds: Fraction) -> Iterator[av.Packet[av.AudioStream]]:
        """The packets not yet given that begin before ``seconds`` of the output's time."""
        return self._retimed(self._feed.until(self.start + seconds))

    def rest(self) -> Iterator[av.Packet[av.AudioStream]]:
        """The packets not yet given, if the source was read to its end; else none."""
        return self._retimed(self._feed.rest())

    def close(self) -> None:
        """Give back the file."""
        self._feed.close()

    def _retimed(
        self, packets: Iterator[av.Packet[av.AudioStream]]
    ) -> Iterator[av.Packet[av.AudioStream]]:
        for packet in packets:
            shift = round(self.start / packet.time_base)
            if packet.pts is None or (shift > 0 and packet.pts < shift):
                continue
            packet.pts -= shift
            packet.dts = packet.pts if packet.dts is None else packet.dts - shift
            packet.stream = self._streams[packet.stream_index]
            yield packet
