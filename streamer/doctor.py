"""``streamer doctor``: what is on this machine, and whether its devices compute right."""

from __future__ import annotations

import platform
from importlib.metadata import version

import av
import numpy as np
import openvino as ov
from rich.console import Console
from rich.table import Table

from streamer import __version__
from streamer.config import home
from streamer.devices import available_devices
from streamer.engine import OpenVinoEngine
from streamer.errors import StreamerError, one_line
from streamer.threads import cores

_PACKAGES = ("openvino", "opencv-python", "av", "numpy")
_ENCODERS = {
    "H.264": ("libx264", "h264_nvenc", "h264_qsv", "h264_vaapi", "h264_videotoolbox"),
    "H.265": ("libx265", "hevc_nvenc", "hevc_qsv", "hevc_vaapi", "hevc_videotoolbox"),
    "AV1": ("libsvtav1", "libaom-av1", "av1_nvenc", "av1_qsv"),
    "VP9": ("libvpx-vp9",),
}
_TOLERANCE = 0.02
"""Share of the largest value by which a device may differ from the CPU in f32."""


def doctor() -> int:
    """Print what is there. Returns 1 where a device computes wrongly, else 0."""
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"streamer {__version__} on Python {platform.python_version()}", style="bold")
    console.print(f"{platform.platform()}, {cores()} cores")
    console.print(", ".join(f"{name} {version(name)}" for name in _PACKAGES))
    console.print(f"FFmpeg {av.ffmpeg_version_info}")
    console.print(f"models and compiled graphs: {home()}\n")
    console.print(_encoders())
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


def _devices() -> tuple[Table, bool]:
    table = Table(title="\ndevices, checked against numpy", title_justify="left", box=None)
    for column in ("device", "name", "precision", "verdict"):
        table.add_column(column)
    sound = True
    core = ov.Core()
    for device in available_devices():
        precision, verdict = _verdict(device)
        sound &= verdict == "right"
        name = str(core.get_property(device, "FULL_DEVICE_NAME"))
        table.add_row(device, name, precision, verdict)
    return table, sound


def _verdict(device: str) -> tuple[str, str]:
    """The precision that a device takes by itself, and ``right`` or what is wrong with it."""
    graph, tensor, expected = probe()
    try:
        with OpenVinoEngine(graph, device) as engine:
            engine.check([tensor])
            pending = engine.submit([tensor])
            try:
                error = float(np.abs(pending.result()[0] - expected).max())
            finally:
                pending.release()
            precision = engine.precision
    except StreamerError as failure:
        return "", one_line(failure)
    share = error / float(np.abs(expected).max())
    return precision, "right" if share <= _TOLERANCE else f"wrong by {share:.0%}"


def probe() -> tuple[ov.Model, np.ndarray, np.ndarray]:
    """A small graph (a 3x3 convolution and a ReLU), an input, and what numpy makes of it."""
    from openvino import opset13 as ops

    noise = np.random.default_rng(0)
    tensor = noise.normal(size=(1, 8, 32, 32)).astype(np.float32)
    kernel = noise.normal(size=(16, 8, 3, 3)).astype(np.float32)
    data = ops.parameter(tensor.shape, np.float32)
    convolved = ops.convolution(data, kernel, [1, 1], [0, 0], [0, 0], [1, 1])
    graph = ov.Model([ops.relu(convolved)], [data], "probe")
    windows = np.lib.stride_tricks.sliding_window_view(tensor[0], (3, 3), axis=(1, 2))
    expected = np.einsum("cyxij,ocij->oyx", windows, kernel)[None]
    return graph, tensor, np.maximum(expected, 0)
