"""Encoder: which FFmpeg encoder writes a video, and with what options."""

from __future__ import annotations

import functools
import io
import os
from collections.abc import Mapping
from dataclasses import dataclass, field

import av
from av.codec.codec import UnknownCodecError

from streamer.errors import SinkError
from streamer.sinks.options import SinkOptions

FRIENDLY = {
    "h264": "libx264",
    "h265": "libx265",
    "hevc": "libx265",
    "av1": "libsvtav1",
    "vp9": "libvpx-vp9",
}
"""What users call encoders -> what FFmpeg calls them."""

_SPEEDS = (
    *("ultrafast", "superfast", "veryfast", "faster", "fast"),
    *("medium", "slow", "slower", "veryslow", "placebo"),
)
_HARDWARE = ("nvenc", "qsv", "amf", "videotoolbox", "mf", "v4l2m2m")


@dataclass(frozen=True, slots=True)
class _Family:
    """What is known of an encoder beyond what FFmpeg can be asked.

    Attributes:
        crf: default quality, and the largest number the encoder knows.
        preset: default speed.
        presets: speed as the user says it -> FFmpeg's options.
        fixed: further options.
        odd: takes odd widths and heights in 4:2:0.
    """

    crf: tuple[int, int]
    preset: str
    presets: Mapping[str, Mapping[str, str]]
    fixed: Mapping[str, str] = field(default_factory=dict)
    odd: bool = False


def _numbered(option: str, numbers: range, names: Mapping[str, int]) -> dict[str, dict[str, str]]:
    by_number = {str(number): {option: str(number)} for number in numbers}
    return by_number | {name: by_number[str(number)] for name, number in names.items()}


def _vp9_presets() -> dict[str, dict[str, str]]:
    names = dict(zip(_SPEEDS[:9], (8, 8, 7, 6, 5, 4, 2, 1, 0), strict=True))
    presets = _numbered("cpu-used", range(9), names)
    # libvpx knows speeds from 6 on in its realtime mode only, which at 5 is fast for its quality.
    for options in presets.values():
        options["deadline"] = "realtime" if int(options["cpu-used"]) >= 5 else "good"
    return presets


_X26X_PRESETS = {name: {"preset": name} for name in _SPEEDS}
# From 10 on SVT-AV1 warns of visible artifacts.
_SVT_NAMES = dict(zip(_SPEEDS[:9], (12, 10, 9, 8, 7, 6, 5, 4, 3), strict=True))
_FAMILIES = {
    "libx264": _Family((23, 51), "veryfast", _X26X_PRESETS),
    # Its banner goes to the terminal past FFmpeg's own logging.
    "libx265": _Family((26, 51), "veryfast", _X26X_PRESETS, {"x265-params": "log-level=none"}),
    "libsvtav1": _Family(
        (35, 63), "veryfast", _numbered("preset", range(14), _SVT_NAMES), odd=True
    ),
    "libvpx-vp9": _Family((32, 63), "veryfast", _vp9_presets(), {"row-mt": "1"}, odd=True),
}


@dataclass(frozen=True, slots=True)
class EncoderChoice:
    """An encoder that is there, with options that it knows.

    Attributes:
        name: FFmpeg's name of the encoder.
        codec: the codec that it writes, such as ``"h264"``.
        pix_fmt: the pixel format that it takes, ``"yuv420p"`` or its interleaved kin ``"nv12"``.
        options: FFmpeg's options.
        odd: takes odd widths and heights.
    """

    name: str
    codec: str
    pix_fmt: str
    options: dict[str, str]
    odd: bool


def choose_encoder(default: str, options: SinkOptions) -> EncoderChoice:
    """The encoder that the user asked for, else ``default``, with its options.

    Raises:
        SinkError: it is not there or does not know the quality or the preset.
    """
    asked = options.encoder or default
    name = FRIENDLY.get(asked.lower(), asked)
    codec = _find(name)
    if codec is None or codec.type != "video":
        raise SinkError(f"no video encoder {asked!r} here; there are {', '.join(available())}")
    formats = [format_.name for format_ in codec.video_formats or ()]
    pix_fmt = next((name for name in ("yuv420p", "nv12") if name in formats), None)
    if pix_fmt is None:
        raise SinkError(f"encoder {name} takes no 8-bit 4:2:0 pictures; try --encoder h264")
    if name == "libsvtav1":
        # Its report goes to the terminal past FFmpeg's own logging; this is its one switch.
        os.environ.setdefault("SVT_LOG", "1")
    family = _FAMILIES.get(name)
    chosen = _known(name, family, options) if family else _foreign(name, options)
    return EncoderChoice(name, codec.canonical_name, pix_fmt, chosen, bool(family and family.odd))


def available() -> list[str]:
    """The encoders of this FFmpeg build that are worth naming to users."""
    friendly = [name for name, encoder in FRIENDLY.items() if _find(encoder)]
    hardware = [
        name
        for name in sorted(av.codecs_available)
        if name.startswith(("h264_", "hevc_", "av1_", "vp9_"))
        and name.endswith(_HARDWARE)
        and _find(name)
    ]
    return friendly + hardware


@functools.cache
def codecs_of(format_name: str) -> frozenset[str]:
    """The encoders and decoders whose codec an FFmpeg output format can hold."""
    with av.open(io.BytesIO(), "w", format=format_name) as container:
        return frozenset(container.supported_codecs)


def _find(name: str) -> av.Codec | None:
    try:
        return av.Codec(name, "w")
    except UnknownCodecError:
        return None


def _known(name: str, family: _Family, options: SinkOptions) -> dict[str, str]:
    crf, largest = family.crf
    if options.crf is not None:
        crf = options.crf
    if not 0 <= crf <= largest:
        raise SinkError(f"--crf {crf}: {name} takes 0 to {largest}, lower is better")
    preset = family.presets.get(options.preset or family.preset)
    if preset is None:
        raise SinkError(f"--preset {options.preset}: {name} knows {', '.join(family.presets)}")
    return {**family.fixed, **preset, "crf": str(crf)}


def _foreign(name: str, options: SinkOptions) -> dict[str, str]:
    """Options for an encoder that has no row above, as far as it says that it has them."""
    own = {option.name for option in av.CodecContext.create(name, "w").supported_options.private}
    chosen: dict[str, str] = {}
    if options.crf is not None:
        key = next((key for key in ("crf", "cq", "qp") if key in own), None)
        if key is None:
            raise SinkError(f"--crf: encoder {name} has no such setting; leave it out")
        chosen[key] = str(options.crf)
    if options.preset is not None:
        if "preset" not in own:
            raise SinkError(f"--preset: encoder {name} has no such setting; leave it out")
        chosen["preset"] = options.preset
    return chosen
