"""Which hardware decodes, if any."""

from __future__ import annotations

import av
from av.codec import Codec
from av.codec.hwaccel import HWAccel, hwdevices_available

from streamer.errors import SettingsError
from streamer.sources.container import reason

OFF, AUTO = "off", "auto"

_TRIED_WITH = "h264"
"""What decodes anything at all decodes this."""


def hardware_decoder(wanted: str, warnings: list[str]) -> HWAccel | None:
    """What to give to ``av.open``; None for decoding in software.

    Args:
        wanted: ``"off"``, ``"auto"`` for the first that works, or FFmpeg's name of one.
        warnings: told, once, where one was named and does not work here.

    Raises:
        SettingsError: this build of FFmpeg knows no such hardware.
    """
    if wanted == OFF:
        return None
    known = [str(name) for name in hwdevices_available()]
    if wanted != AUTO and wanted not in known:
        choices = ", ".join([AUTO, OFF, *known])
        raise SettingsError(f"--hwaccel {wanted}: unknown to this build of FFmpeg; give {choices}")
    for name in known if wanted == AUTO else [wanted]:
        accelerator = HWAccel(name, allow_software_fallback=True)
        why = _refusal(accelerator)
        if why is None:
            return accelerator
        warning = f"{name} does not decode on this machine ({why}); software does"
        if wanted != AUTO and warning not in warnings:
            warnings.append(warning)
    return None


def warn_of_software(stream: av.VideoStream, name: str, warnings: list[str]) -> None:
    """Tell, once, where a stream that was opened for hardware is decoded in software.

    Args:
        stream: of a container that was opened with a `hardware_decoder`.
        name: what the user calls it.
        warnings: told.
    """
    warning = f"{name}: the hardware cannot decode it; software does"
    if not stream.codec_context.is_hwaccel and warning not in warnings:
        warnings.append(warning)


def _refusal(accelerator: HWAccel) -> str | None:
    """Why it does not work here; None if it does."""
    try:
        accelerator.create(Codec(_TRIED_WITH, "r"))
    except NotImplementedError:
        return "FFmpeg has no decoder for it"
    except (av.FFmpegError, OSError) as error:
        return reason(error)
    return None
