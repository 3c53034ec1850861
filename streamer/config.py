"""Settings of a run: one definition for flags, TOML file and program.

Every field is the flag ``--name`` of ``streamer run`` and the key ``name`` of ``--config FILE``;
its description is the flag's help.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Literal

import platformdirs
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from streamer.assets import DEMO
from streamer.errors import SettingsError

DEFAULT_MODEL = "mask_rcnn_resnet50_atrous_coco"
"""What runs on any source but the demo."""

DEMO_OUTPUT = "demo-annotated.mp4"

_MOST_REQUESTS = 64
_SIZE = re.compile(r"([1-9]\d{0,4})x([1-9]\d{0,4})")
_LENGTH = re.compile(r"(\d{1,6}(?:\.\d{0,6})?)([smh])")
_TIME = re.compile(r"(?:(?:(\d{1,6}):)?(\d{1,6}):)?(\d{1,9}(?:\.\d{0,9})?)")


def _from_commas(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _as_list(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _exact(value: object) -> object:
    """Seconds, or h:m:s, as an exact fraction: 0.1 is a tenth, not the nearest double."""
    if isinstance(value, Fraction) or value is None:
        return value
    match = _TIME.fullmatch(str(value))
    if match is None:
        raise ValueError("give seconds, such as 12.5, or h:m:s, such as 1:02:03")
    hours, minutes, seconds = (Fraction(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds


def _count_or_auto(value: object) -> object:
    if value == "auto" or (str(value).isdecimal() and 1 <= int(str(value)) <= _MOST_REQUESTS):
        return value if value == "auto" else int(str(value))
    raise ValueError(f"give a number from 1 to {_MOST_REQUESTS}, or auto")


def _size(value: object) -> object:
    """Columns and rows, as 1280x720."""
    if not isinstance(value, str):
        return value
    match = _SIZE.fullmatch(value.lower())
    if match is None:
        raise ValueError("give columns x rows, such as 1280x720")
    return int(match[1]), int(match[2])


def _length(value: object) -> object:
    """Seconds, or with a unit, such as 90, 90s, 10m or 1h."""
    match = _LENGTH.fullmatch(str(value))
    if match is None:
        return _exact(value)
    return Fraction(match[1]) * {"s": 1, "m": 60, "h": 3600}[match[2]]


Requests = Annotated[Literal["auto"] | int, BeforeValidator(_count_or_auto)]
Words = Annotated[tuple[str, ...], BeforeValidator(_from_commas)]
Specs = Annotated[tuple[str, ...], BeforeValidator(_as_list)]
Seconds = Annotated[Fraction, BeforeValidator(_exact)]
Length = Annotated[Fraction, BeforeValidator(_length)]
Size = Annotated[tuple[int, int], BeforeValidator(_size)]


def option(
    default: object, group: str, help_text: str, *, metavar: str | None = None, **limits: Any
) -> Any:
    """A field of `Settings` with what its flag's help shows; any, as pydantic's own Field is."""
    extra: dict[str, Any] = {"group": group, "metavar": metavar}
    return Field(default, description=help_text, json_schema_extra=extra, **limits)


class Settings(BaseModel):
    """What a run does. Unknown keys are refused.

    Raises:
        pydantic.ValidationError: see `load` for the errors that users meet.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    source: str = Field(DEMO, description="where the pictures come from")
    output: Specs = option((), "Output", "where to write; repeatable", metavar="SINK")

    model: str = option(
        DEFAULT_MODEL, "Model", "a name, a file (.xml .onnx .tflite) or a folder", metavar="MODEL"
    )
    device: str = option("AUTO", "Model", "CPU, GPU, NPU, AUTO, HETERO:GPU,CPU ...", metavar="NAME")
    precision: Literal["auto", "f32", "bf16", "f16", "int8"] = option(
        "auto", "Model", "what inference computes in"
    )
    requests: Requests = option("auto", "Model", "infer requests in flight", metavar="N|auto")
    threshold: float = option(
        0.5, "Model", "lowest score of an instance, 0 to 1", metavar="SCORE", ge=0, le=1
    )
    classes: Words = option(
        (), "Model", "only these classes, such as person,car", metavar="NAME,..."
    )

    every: Requests = option(
        "auto",
        "Model",
        "infer on every n-th frame and carry its masks between; auto: on every frame of a file, "
        "on as many of a live source as the machine can",
        metavar="N|auto",
    )

    fill: Seconds = option(
        Fraction(0),
        "Model",
        "show an object of a file also where the model loses it and finds it again within so "
        "long, up to 1 s and 64 frames, carried from the frames around",
        metavar="SECONDS",
        ge=0,
        le=1,
    )

    pace: Literal["lossless", "live"] | None = option(
        None, "Part", "every frame (for files), or at its own pace as if from a camera"
    )
    start: Seconds = option(Fraction(0), "Part", "begin at this time", metavar="TIME", ge=0)
    duration: Seconds | None = option(None, "Part", "end after so much of it", metavar="TIME", gt=0)
    frames: int | None = option(None, "Part", "end after so many frames", metavar="N", ge=1)

    boxes: bool = option(True, "Overlay", "draw no boxes")
    labels: bool = option(True, "Overlay", "draw no labels")
    masks: bool = option(True, "Overlay", "draw no masks")
    alpha: float = option(
        0.45, "Overlay", "how much a mask covers, 0 to 1", metavar="SHARE", ge=0, le=1
    )

    hud: bool = option(False, "Overlay", "show rates, ages and drops in the corner")

    reconnect: float | None = option(
        None,
        "Live",
        "go on trying for so long after a connection was lost, 0 for not at all (for ever)",
        metavar="SECONDS",
        ge=0,
    )
    hwaccel: str = option(
        "off",
        "Live",
        "decode files and streams in hardware: auto, off, or FFmpeg's name",
        metavar="NAME",
    )
    rtsp_transport: Literal["tcp", "udp"] = option("tcp", "Live", "how RTSP sends pictures")
    camera_size: Size | None = option(
        None, "Live", "ask a camera for pictures of this size", metavar="WxH"
    )
    camera_rate: Fraction | None = option(
        None, "Live", "ask a camera for so many pictures a second", metavar="FPS", gt=0
    )
    camera_format: Literal["mjpeg", "yuyv"] | None = option(
        None, "Live", "ask a camera for this format"
    )
    web_host: str = option(
        "127.0.0.1", "Live", "address that the page listens on", metavar="ADDRESS"
    )
    web_token: str | None = option(
        None,
        "Live",
        "what viewers must know where the page is open to others",
        metavar="WORD",
        repr=False,
    )
    save_to: Path = option(
        Path(), "Live", "folder for what viewers record and keep (this one)", metavar="DIR"
    )

    encoder: str | None = option(
        None, "Output", "h264, h265, av1, vp9 or an FFmpeg encoder", metavar="NAME"
    )
    crf: int | None = option(
        None, "Output", "quality; lower is better and larger", metavar="N", ge=0, le=63
    )
    preset: str | None = option(None, "Output", "the encoder's speed preset", metavar="NAME")
    audio: bool = option(True, "Output", "leave the sound out")
    segment: Length | None = option(
        None,
        "Output",
        "cut recordings into parts this long, such as 10m",
        metavar="TIME",
        ge=1,
    )
    overwrite: bool = option(False, "Output", "replace files that exist")
    summary: Path | None = option(
        None, "Report", "write the final figures as JSON", metavar="FILE.json"
    )
    quiet: bool = option(False, "Report", "print errors only")

    @model_validator(mode="before")
    @classmethod
    def _demo(cls, values: dict[str, object]) -> dict[str, object]:
        """The embedded clip goes through the embedded model, to a file of its own."""
        if values.get("source", DEMO) != DEMO:
            return values
        model: dict[str, object] = {"model": DEMO}
        if not values.get("output"):
            # A first try is to be quick, and the film is looked at once.
            values = {"preset": "superfast", **values, "output": DEMO_OUTPUT, "overwrite": True}
        return model | values

    @field_validator("output")
    @classmethod
    def _distinct(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        twice = {spec for spec in value if spec != "null" and value.count(spec) > 1}
        if twice:
            raise ValueError(f"{sorted(twice)[0]} is named twice")
        return value


def load(flags: Mapping[str, object], config: Path | None = None) -> Settings:
    """Settings from flags and, where they are silent, from a TOML file.

    Raises:
        SettingsError: the file cannot be read, or a value is unknown or out of range.
    """
    values = {**(_read_toml(config) if config else {}), **flags}
    try:
        return Settings(**values)  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors()[0]
        key = str(first["loc"][0]) if first["loc"] else "settings"
        # Without its cause, which quotes values: --debug would show passwords and tokens.
        raise SettingsError(_explain(key, first, key in flags, config)) from None


def home() -> Path:
    """Where models and compiled graphs are kept: ``STREAMER_HOME``, else the user's cache."""
    named = os.environ.get("STREAMER_HOME")
    return Path(named) if named else Path(platformdirs.user_cache_dir("streamer", appauthor=False))


def _read_toml(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not valid TOML: {error}") from error


def _explain(key: str, first: Mapping[str, Any], is_flag: bool, config: Path | None) -> str:
    where = f"--{key.replace('_', '-')}" if is_flag or config is None else f"{config}: {key}"
    if first["type"] == "extra_forbidden":
        known = ", ".join(sorted(Settings.model_fields))
        return f"{where}: no such setting; there are {known}"
    reason = str(first["msg"]).removeprefix("Value error, ")
    field = Settings.model_fields.get(key)
    given = f" {first['input']}" if field is None or field.repr else ""
    return f"{where}{given}: {reason[:1].lower()}{reason[1:]}"
