"""Where a run reads and writes, and that it writes over nothing that it reads. Checked first."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from streamer.assets import DEMO, asset
from streamer.config import Settings
from streamer.errors import SettingsError, SinkError
from streamer.sinks.segments import is_part_of
from streamer.sources.images import SUFFIXES
from streamer.urls import is_url


def check(settings: Settings) -> None:
    """Refuse a run that would write over its own source, model or another output.

    Raises:
        SinkError: an output is in the way of something else.
        SettingsError: the summary is, or cannot be written.
    """
    read = {name: path for name, path in _read(settings) if path.exists()}
    written: dict[Path, str] = {}
    for spec, path in _outputs(settings):
        for name, other in read.items():
            if _same(path, other) or _same(_part(path), other):
                raise SinkError(f"{spec} is the {name} itself; write to another file")
            if settings.segment and settings.overwrite and is_part_of(path, other):
                raise SinkError(
                    f"{spec}: its segments would replace the {name} {other.name}; write to another "
                    "name"
                )
        place = path.resolve()
        if place in written:
            raise SinkError(f"{spec} is {written[place]}, which is named already")
        written[place] = spec
    if settings.summary is not None:
        _check_summary(settings.summary, read, written)


def _check_summary(summary: Path, read: dict[str, Path], written: dict[Path, str]) -> None:
    for name, other in read.items():
        if _same(summary, other):
            raise SettingsError(f"--summary {summary} is the {name} itself; name another file")
    if summary.resolve() in written:
        raise SettingsError(f"--summary {summary} is an output already; name another file")
    check_writable("--summary", summary)


def check_writable(option: str, path: Path) -> None:
    """Refuse a file that an option names where none can be written.

    Raises:
        SettingsError: it is a folder, or in none that can be written.
    """
    folder = path.absolute().parent
    if path.is_dir() or not folder.is_dir() or not os.access(folder, os.W_OK):
        raise SettingsError(f"{option} {path} cannot be written there; name another file")


def _read(settings: Settings) -> Iterator[tuple[str, Path]]:
    """What the run reads, in words."""
    if not is_url(settings.source):
        source = asset("demo.mp4") if settings.source == DEMO else Path(settings.source)
        yield "source", source
        if source.suffix.lower() in SUFFIXES:
            # A folder of images would get the annotated one under the same name.
            yield "source's folder", source.absolute().parent
    model = Path(settings.model)
    yield "model", model
    yield "model's file of weights", model.with_suffix(".bin")


def _outputs(settings: Settings) -> Iterator[tuple[str, Path]]:
    for spec in settings.output:
        if spec != "null" and not is_url(spec):
            yield spec, Path(spec)


def _part(path: Path) -> Path:
    """Where an output grows before it gets its name."""
    return path.with_name(f"{path.name}.part") if path.name else path


def _same(a: Path, b: Path) -> bool:
    try:
        return a.samefile(b)
    except OSError:
        return False
