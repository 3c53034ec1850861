"""Small video files, made by the tests that need them.

Every picture says which one it is: its ground is one flat grey that changes from picture to
picture (`ground`), so that a test can tell a frame that is lost, doubled or out of order. A light
block lies in the upper left corner, so that a test can tell which way is up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import count
from pathlib import Path

import av
import numpy as np
from av.container import OutputContainer

from streamer.frame import Frame

Painter = Callable[[int], av.VideoFrame]
"""Gives picture number n; its format must be one that the clip's can be converted from."""


@dataclass(frozen=True)
class Video:
    """One video stream.

    Attributes:
        size: columns and rows.
        rate: nominal frames a second.
        frames: how many; taken from `pts` where that is given.
        pts: presentation time of each frame in units of `time_base`; 0, 1, 2 ... by default.
        time_base: seconds of one unit, one over the rate by default.
        options: of the encoder.
        rotation: degrees counter-clockwise that a player turns the picture before it shows it.
        hflip: a player mirrors left and right, after the rotation.
        vflip: a player mirrors top and bottom, after the rotation.
        matrix: H.273 matrix coefficients: 1 is BT.709, 5 BT.601, 9 BT.2020, 2 unsaid.
        full_range: luma spans 0..255; None leaves it unsaid.
        pixel_aspect: width of a pixel over its height.
        paint: makes the pictures, instead of `numbered`.
        disposition: such as ``av.stream.Disposition.attached_pic``.
        interlaced: two fields a frame, the lower (lines 1, 3, 5 ...) first.
    """

    size: tuple[int, int] = (64, 48)
    rate: Fraction = Fraction(30)
    frames: int = 10
    pts: Sequence[int] | None = None
    time_base: Fraction | None = None
    codec: str = "libx264"
    pix_fmt: str = "yuv420p"
    options: Mapping[str, str] = field(default_factory=dict)
    rotation: int = 0
    hflip: bool = False
    vflip: bool = False
    matrix: int | None = None
    full_range: bool | None = None
    pixel_aspect: Fraction | None = None
    paint: Painter | None = None
    disposition: int = 0
    interlaced: bool = False


@dataclass(frozen=True)
class Audio:
    """One audio stream, a tone.

    Attributes:
        start: seconds at which it begins.
        seconds: how long it is.
    """

    codec: str = "aac"
    rate: int = 48000
    start: Fraction = Fraction(0)
    seconds: Fraction = Fraction(1)
    hertz: float = 440.0


def write_clip(
    path: Path,
    *,
    audio: Sequence[Audio] = (),
    options: Mapping[str, str] | None = None,
    muxer: Mapping[str, str] | None = None,
    **video: object,
) -> Path:
    """Write a file with one video stream, described by the fields of `Video`."""
    described = Video(options=options or {}, **video)  # type: ignore[arg-type]
    return write_streams(path, [described], audio, muxer=muxer)


def write_streams(
    path: Path,
    videos: Sequence[Video],
    audios: Sequence[Audio] = (),
    *,
    muxer: Mapping[str, str] | None = None,
    metadata: Mapping[str, str] | None = None,
) -> Path:
    """Write a file with any streams; ``muxer`` are options of the container."""
    with av.open(str(path), "w", options=dict(muxer or {})) as output:
        output.metadata.update(metadata or {})
        streams = [_add_video(output, video) for video in videos]
        tones = [_add_audio(output, audio) for audio in audios]
        for stream, video in zip(streams, videos, strict=True):
            _encode_video(output, stream, video)
        for tone, audio in zip(tones, audios, strict=True):
            _encode_audio(output, tone, audio)
    return path


def ground(index: int) -> int:
    """Luma of the ground of picture ``index``; differs from its 63 neighbours."""
    return 32 + 3 * (index % 64)


def number_of(frame: Frame) -> int:
    """Which of the first 64 pictures of a `numbered` clip this is, by its ground."""
    height, width = frame.y.shape
    level = float(np.median(frame.y[height // 3 : 2 * height // 3, width // 3 : 2 * width // 3]))
    return round((level - 32) / 3)


def numbered(size: tuple[int, int]) -> Painter:
    """Painter of grey pictures that tell their number, with a light block at the upper left."""
    width, height = size

    def paint(index: int) -> av.VideoFrame:
        luma = np.full((height, width), ground(index), np.uint8)
        luma[: height // 4, : width // 4] = 235
        return picture_of(luma)

    return paint


def picture_of(luma: np.ndarray, cb: int = 128, cr: int = 128) -> av.VideoFrame:
    """A yuv420p picture from luma u8[height, width] and one chroma for all of it."""
    height, width = luma.shape
    picture = av.VideoFrame(width, height, "yuv420p")
    frame = Frame(picture, 0, 0, Fraction(1))
    frame.y[:], frame.u[:], frame.v[:] = luma, cb, cr
    return picture


def times_in(path: Path) -> list[Fraction]:
    """Presentation times in seconds of the first video stream's frames, as FFmpeg gives them."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return [Fraction(f.pts or 0) * (f.time_base or 0) for f in container.decode(stream)]


def packets_in(path: Path, index: int = 0) -> list[tuple[Fraction, int, bytes]]:
    """Time in seconds, duration and bytes of every packet of audio stream ``index``."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[index]
        return [
            (packet.pts * packet.time_base, packet.duration or 0, bytes(packet))
            for packet in container.demux(stream)
            if packet.pts is not None
        ]


def _add_video(output: OutputContainer, video: Video) -> av.VideoStream:
    options = {"preset": "ultrafast", "crf": "8"} if video.codec == "libx264" else {}
    stream = output.add_stream(video.codec, rate=video.rate, options=options | dict(video.options))
    assert isinstance(stream, av.VideoStream)
    stream.width, stream.height = video.size
    stream.pix_fmt = video.pix_fmt
    context = stream.codec_context
    context.time_base = video.time_base or 1 / video.rate
    if video.matrix is not None:
        context.colorspace = video.matrix
    if video.full_range is not None:
        context.color_range = 2 if video.full_range else 1
    if video.pixel_aspect is not None:
        context.sample_aspect_ratio = video.pixel_aspect
    if video.interlaced:
        context.flags |= int(av.codec.context.Flags.interlaced_dct)
    if video.disposition:
        stream.disposition = video.disposition  # type: ignore[assignment]
    if video.rotation or video.hflip or video.vflip:
        stream.set_display_rotation(video.rotation, video.hflip, video.vflip)
    return stream


def _encode_video(output: OutputContainer, stream: av.VideoStream, video: Video) -> None:
    paint = video.paint or numbered(video.size)
    for index, pts in enumerate(video.pts or range(video.frames)):
        picture = paint(index)
        if picture.format.name != video.pix_fmt:
            picture = picture.reformat(format=video.pix_fmt)
        picture.pts, picture.time_base = pts, video.time_base or 1 / video.rate
        output.mux(stream.encode(picture))
    output.mux(stream.encode(None))


def _add_audio(output: OutputContainer, audio: Audio) -> av.AudioStream:
    stream = output.add_stream(audio.codec, rate=audio.rate)
    assert isinstance(stream, av.AudioStream)
    stream.layout = "mono"
    return stream


def _encode_audio(output: OutputContainer, stream: av.AudioStream, audio: Audio) -> None:
    samples = int(audio.seconds * audio.rate)
    phase = np.arange(samples) * (2 * np.pi * audio.hertz / audio.rate)
    wave = (np.sin(phase) * 0.3).astype(np.float32)
    first = int(audio.start * audio.rate)
    resampler = av.AudioResampler(format=stream.format, layout="mono", rate=audio.rate)
    for offset in count(0, 1024):
        if offset >= samples:
            break
        sound = av.AudioFrame.from_ndarray(wave[None, offset : offset + 1024], "fltp", "mono")
        sound.sample_rate, sound.pts = audio.rate, first + offset
        sound.time_base = Fraction(1, audio.rate)
        for part in resampler.resample(sound):
            output.mux(stream.encode(part))
    output.mux(stream.encode(None))
