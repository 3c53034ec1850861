"""``streamer doctor``: what is on this machine, and whether its devices compute right."""

from __future__ import annotations

import platform
from importlib.metadata import version

import av
import openvino as ov
from rich.console import Console
from rich.table import Table

from streamer import __version__
from streamer.config import home
from streamer.devices import available_devices
from streamer.errors import SourceError
from streamer.evaluation.selfcheck import self_check
from streamer.sources.camera_list import cameras
from streamer.threads import cores

_PACKAGES = ("openvino", "opencv-python", "av", "numpy")
_ENCODERS = {
    "H.264": ("libx264", "h264_nvenc", "h264_qsv", "h264_vaapi", "h264_videotoolbox"),
    "H.265": ("libx265", "hevc_nvenc", "hevc_qsv", "hevc_vaapi", "hevc_videotoolbox"),
    "AV1": ("libsvtav1", "libaom-av1", "av1_nvenc", "av1_qsv"),
    "VP9": ("libvpx-vp9",),
}


def doctor() -> int:
    """Print what is there. Returns 1 where a device computes wrongly, else 0."""
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"streamer {__version__} on Python {platform.python_version()}", style="bold")
    console.print(f"{platform.platform()}, {cores()} cores")
    console.print(", ".join(f"{name} {version(name)}" for name in _PACKAGES))
    console.print(f"FFmpeg {av.ffmpeg_version_info}")
    console.print(f"models and compiled graphs: {home()}\n")
    console.print(_encoders())
    console.print(_cameras())
    table, sound = _devices()
    console.print(table)
    return 0 if sound else 1


def _encoders() -> Table:
    table = Table(title="encoders in this build of FFmpeg", title_justify="left", box=None)
    table.add_column("codec")
    table.add_column("encoders")
    for codec, names in _ENCODERS.items():
        there = [name for name in names if name in av.codecs_available]
        table.add_row(codec, ", ".join(there) or "none")
    return table


def _cameras() -> Table | str:
    try:
        found = cameras()
    except SourceError as error:
        return f"\n{error}"
    if not found:
        return "\nno camera is connected"
    table = Table(title="\ncameras", title_justify="left", box=None)
    for column in ("device", "name", "offers"):
        table.add_column(column)
    for camera in found:
        table.add_row(camera.path, camera.name, ", ".join(camera.modes) or "unknown")
    return table


def _devices() -> tuple[Table, bool]:
    table = Table(
        title="\ndevices, checked with the demo against the CPU in f32",
        title_justify="left",
        box=None,
    )
    for column in ("device", "name", "precision", "verdict"):
        table.add_column(column)
    sound = True
    core = ov.Core()
    for device in available_devices():
        verdict = self_check(device, home() / "models")
        sound &= verdict.is_right
        name = str(core.get_property(device, "FULL_DEVICE_NAME"))
        table.add_row(device, name, verdict.precision, verdict.words)
    return table, sound
