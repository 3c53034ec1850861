"""AudioCopy: the source's audio on its way into a video file, packet for packet."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction

import av
from av.bitstream import BitStreamFilterContext
from av.container import OutputContainer

from streamer.sources.base import AudioFeed

_KEPT_TAGS = ("language", "title")


class AudioCopy:
    """Moves a feed's packets to the output's time line and streams.

    Attributes:
        start: time of the source at which the output begins, in seconds; where it is not 0, what
            lies before it is left out.
        lost: how many packets were left out because they are broken.
    """

    def __init__(self, feed: AudioFeed) -> None:
        self._feed = feed
        self._streams: dict[int, av.AudioStream] = {}
        self._filters: dict[int, BitStreamFilterContext] = {}
        self.start = Fraction(0)
        self.lost = 0

    @property
    def codecs(self) -> list[str]:
        """FFmpeg's name of each stream's codec."""
        return [stream.codec_context.codec.name for stream in self._feed.streams]

    def add_streams(self, output: OutputContainer) -> None:
        """Give ``output`` a stream for each of the feed's; packets go there from now on."""
        self._streams, self._filters = {}, {}
        for template in self._feed.streams:
            stream = output.add_stream_from_template(template)
            if _is_adts(template):
                self._filters[template.index] = BitStreamFilterContext("aac_adtstoasc", template)
            if template.channels and "channels" in template.layout.name:
                # The source only counted its channels, as AVI does, and MP4 wants them placed.
                stream.layout = f"{template.channels}c"
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
            index, time_base = packet.stream_index, packet.time_base
            for out in self._filtered(packet):
                out.time_base = time_base
                out.stream = self._streams[index]
                yield out

    def _filtered(self, packet: av.Packet[av.AudioStream]) -> Sequence[av.Packet[av.AudioStream]]:
        if packet.stream_index not in self._filters:
            return [packet]
        try:
            return self._filters[packet.stream_index].filter(packet)
        except av.error.InvalidDataError:  # its header is broken, as reception may leave it
            self.lost += 1
            return []


def rehearse(
    copy: AudioCopy, format_name: str, options: Mapping[str, str], seconds: Fraction
) -> None:
    """Write the first packet of every stream into memory.

    Muxers say only then, or at the end, what they do not take. A stream that has no packet before
    ``seconds`` stays empty: MP4 can hold that of most coders, but not of AC-3, whose header it
    makes from a packet, and would lose the whole film if the run ended before one came.

    Raises:
        av.FFmpegError: the muxer refused.
    """
    first: dict[int, av.Packet[av.AudioStream]] = {}
    with av.open(io.BytesIO(), "w", format=format_name, container_options=dict(options)) as output:
        copy.add_streams(output)
        for packet in copy.until(seconds):
            first.setdefault(packet.stream_index, packet)
            if len(first) == len(copy.codecs):
                break
        output.start_encoding()
        for packet in first.values():
            output.mux_one(packet)


def _is_adts(stream: av.AudioStream) -> bool:
    """Whether it is AAC as broadcasts have it, with a header in every packet, not in the file."""
    context = stream.codec_context
    return context.codec.canonical_name == "aac" and not context.extradata
