"""What options mean together, and that nothing asked for would silently do nothing."""

from __future__ import annotations

from pathlib import Path

from streamer.config import Settings
from streamer.errors import SettingsError
from streamer.sinks.movie import CONTAINERS
from streamer.sinks.registry import is_viewed
from streamer.sources.hardware import AUTO, OFF
from streamer.sources.registry import is_decoded_in_hardware, is_live, kind_of
from streamer.urls import redact, redact_text
from streamer.web.access import is_loopback


def check(settings: Settings) -> None:
    """Refuse options that do not fit together.

    Raises:
        SettingsError: they do not.
    """
    _check_source(settings)
    _check_fill(settings)
    if kind_of(settings.source) == "images":
        _check_photos(settings)
    suffixes = {Path(spec).suffix.lower() for spec in settings.output if "://" not in spec}
    if settings.segment is not None and not suffixes & set(CONTAINERS):
        raise SettingsError("--segment cuts video files, and no output is one; add -o out.mp4")
    if any(map(is_viewed, settings.output)) and not settings.save_to.is_dir():
        raise SettingsError(f"--save-to {settings.save_to}: there is no such folder; make it first")
    is_open = any(spec.partition(":")[0] == "web" for spec in settings.output)
    if is_open and settings.quiet and settings.web_token is None:
        _check_seen(settings.web_host)


def _check_source(settings: Settings) -> None:
    if not settings.source:
        return  # opening it says so
    name = redact_text(redact(settings.source))
    if settings.pace == "lossless" and is_live(settings.source):
        raise SettingsError(
            f"--pace lossless: {name} does not wait, so frames that come too fast are dropped; "
            "leave it out, or record or download it first and run on the file"
        )
    if settings.hwaccel not in (AUTO, OFF) and not is_decoded_in_hardware(settings.source):
        raise SettingsError(
            f"--hwaccel {settings.hwaccel}: hardware decodes video files and streams, and {name} "
            "is neither; leave it out"
        )


def _check_fill(settings: Settings) -> None:
    if not settings.fill:
        return
    if settings.pace == "live" or is_live(settings.source):
        raise SettingsError(
            "--fill looks at the frames to come, for which a live view cannot wait; leave it out"
        )
    if settings.every not in ("auto", 1):
        raise SettingsError(
            "--fill is for files of which the model sees every frame; leave it or --every out"
        )


def _check_photos(settings: Settings) -> None:
    if settings.every not in ("auto", 1):
        raise SettingsError("--every: photos have nothing to do with each other; leave it out")
    if settings.fill:
        raise SettingsError("--fill: photos have nothing to do with each other; leave it out")
    if settings.pace == "live":
        raise SettingsError("--pace live: photos have no pace; leave it out")


def _check_seen(host: str) -> None:
    if not is_loopback(host):
        raise SettingsError(
            f"--web-host {host} makes up a token that --quiet would not show; give --web-token WORD"
        )
