"""Media files through FFmpeg: opening them, and what their headers say.

FFmpeg's own log lines go nowhere: PyAV's import silences them, and nothing here turns them on, so
that what users see is the one line of an error. The exception is `streamer.sources.synthetic`,
which listens for the reason why a graph was refused.
"""

from __future__ import annotations

import os
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
from av.codec.hwaccel import HWAccel
from av.container import InputContainer
from av.stream import Disposition

from streamer.errors import SourceError

MAX_PIXELS = 1 << 28
"""The largest picture that is decoded, 16384 x 16384: one needs 400 MB, and decoders hold many."""

_FALLBACK_RATE = Fraction(25)
_HIGHEST_RATE = 480
"""Above this a rate is a container's unit of time that was taken for one, such as 1000 or 90000."""

_MICROSECOND = Fraction(1, 1_000_000)
_NO_TIMESTAMPS = 0x0080  # AVFMT_NOTIMESTAMPS
_TECHNICAL = {"major_brand", "minor_version", "compatible_brands", "encoder", "software"}


def open_container(path: Path, hardware: HWAccel | None = None) -> InputContainer:
    """Open a media file for reading.

    Args:
        path: the file.
        hardware: what is to decode; None for software.

    Raises:
        SourceError: it is not there, not readable, or nothing that FFmpeg knows.
    """
    check_readable(path)
    try:
        # "file:" keeps FFmpeg from taking a name such as "12:30.mp4" for a URL.
        return av.open(f"file:{path}", "r", metadata_errors="replace", hwaccel=hardware)
    except av.error.InvalidDataError as error:
        raise SourceError(f"{path}: not a video that FFmpeg can read, or cut short") from error
    except (av.FFmpegError, OSError, MemoryError) as error:
        raise SourceError(f"{path}: cannot be opened: {reason(error)}") from error


def check_readable(path: Path) -> None:
    """Refuse what is not a file with something in it.

    Raises:
        SourceError: says what it is instead.
    """
    try:
        size = path.stat().st_size
    except FileNotFoundError as error:
        raise SourceError(f"{path}: no such file") from error
    except OSError as error:
        raise SourceError(f"{path}: {reason(error)}") from error
    if not path.is_file():
        raise SourceError(f"{path}: is not a file")
    if not size:
        raise SourceError(f"{path}: the file is empty")
    if not os.access(path, os.R_OK):
        raise SourceError(f"{path}: permission denied")


def best_video(container: InputContainer, name: str) -> av.VideoStream:
    """The stream to show: the default one, else the one with the largest picture; no cover art.

    Args:
        container: an open file.
        name: what the user calls it.

    Raises:
        SourceError: there is none that this build of FFmpeg can decode.
    """
    films = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not films:
        held = "audio only" if container.streams.audio else "nothing to see"
        raise SourceError(f"{name}: holds no video ({held})")
    known = [s for s in films if s.codec_context is not None]  # None: no decoder
    if not known:
        raise SourceError(
            f"{name}: this build of FFmpeg has no decoder for its video, or its header is damaged"
        )

    def rank(stream: av.VideoStream) -> tuple[bool, int, int]:
        default = bool(stream.disposition & Disposition.default)
        return default, stream.width * stream.height, -stream.index

    best = max(known, key=rank)
    if best.width * best.height > MAX_PIXELS:
        raise SourceError(
            f"{name}: pictures of {best.width}x{best.height} are too large; "
            f"{MAX_PIXELS} pixels are the most"
        )
    return best


def start_of(container: InputContainer, path: Path) -> Fraction:
    """Seconds at which the file says that it begins; what `Frame.pts` calls 0.

    Headers say it in microseconds. Where a stream begins there, the stream's own exact time counts.
    """
    exact = [
        stream.start_time * stream.time_base
        for stream in (*container.streams.video, *container.streams.audio)
        if stream.start_time is not None and stream.time_base is not None
    ]
    if container.start_time is None:
        return min(exact, default=_first_time(path))
    start = container.start_time * _MICROSECOND
    nearest = min(exact, key=lambda time: abs(time - start), default=start)
    return nearest if abs(nearest - start) <= _MICROSECOND else start


def _first_time(path: Path) -> Fraction:
    with open_container(path) as container:
        return min(
            (
                packet.pts * packet.time_base
                for packet in islice(container.demux(), 64)
                if packet.pts is not None
            ),
            default=Fraction(0),
        )


def nominal_rate(stream: av.VideoStream) -> Fraction:
    """Frames a second as far as the headers can be believed, else 25."""
    rates = [stream.average_rate, stream.guessed_rate, stream.base_rate]
    if is_timeless(stream):  # then the average is an invention, and the guess the codec's own rate
        rates.insert(0, rates.pop(1))
    believable = (rate for rate in rates if rate is not None and 0 < rate <= _HIGHEST_RATE)
    return next(believable, _FALLBACK_RATE)


def is_timeless(stream: av.VideoStream) -> bool:
    """Whether the format has no times at all, like a bare H.264 stream."""
    return bool(stream.container.format.flags & _NO_TIMESTAMPS)


def duration_of(container: InputContainer, stream: av.VideoStream) -> Fraction | None:
    """Seconds that the stream lasts, by the headers; the whole file's where it does not say."""
    if stream.duration and stream.duration > 0 and stream.time_base is not None:
        return stream.duration * stream.time_base
    tagged = _clock_time(stream.metadata.get("DURATION", ""))  # Matroska
    if tagged:
        return tagged
    if container.duration and container.duration > 0 and not is_timeless(stream):
        return container.duration * _MICROSECOND
    return None


def _clock_time(text: str) -> Fraction | None:
    try:
        hours, minutes, seconds = text.split(":")
        return int(hours) * 3600 + int(minutes) * 60 + Fraction(seconds)
    except ValueError:
        return None


def pixel_aspect(stream: av.VideoStream) -> Fraction:
    """Width of a pixel over its height, before any turn; square where the headers say nonsense."""
    aspect = stream.sample_aspect_ratio
    return aspect if aspect is not None and Fraction(1, 10) <= aspect <= 10 else Fraction(1)


def metadata_of(container: InputContainer) -> dict[str, str]:
    """Title, date and the like, without what only describes the old file's form."""
    return {key: text for key, text in container.metadata.items() if key.lower() not in _TECHNICAL}


def reason(error: BaseException) -> str:
    """Why, in a few words of the system or of FFmpeg."""
    words = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(words).split())
