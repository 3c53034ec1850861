"""Downloads one file from the first of several sources that gives it whole.

A source is given up when it refuses, stays silent, crawls or breaks off without having sent
anything; the next goes on where it stopped. What has arrived lies in ``NAME.part``, also after
Ctrl-C, and becomes ``NAME`` only when size and SHA-384 are those of the catalogue.
"""

from __future__ import annotations

import hashlib
import http.client
import io
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from streamer.errors import RunError, WriteError
from streamer.models.catalogue import File
from streamer.models.requesting import BrokenError, SourceError, asking, place, status_line

_PIECE = 1 << 18
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


@dataclass(frozen=True, slots=True)
class Limits:
    """When a source is given up.

    Attributes:
        silence_s: how long it may take to connect, or between two pieces.
        slowest: bytes a second that it must give, measured over `silence_s`.
        attempts: how often it may break off after it has sent something.
        pause_s: time before such a source is asked again.
    """

    silence_s: float = 20.0
    slowest: int = 2048
    attempts: int = 30
    pause_s: float = 1.0


def download(
    file: File,
    folder: Path,
    *,
    report: Callable[[int], None],
    say: Callable[[str], None],
    limits: Limits,
) -> Path:
    """Download a file, or take what is there of it.

    Only one process at a time may do this in one folder; see `streamer.models.locking`.

    Args:
        file: what to download, and from where.
        folder: where it goes; it is there.
        report: called with the number of bytes that are there.
        say: called with a line where a source fails and the next is tried.
        limits: when a source is given up.

    Returns:
        The file, whose size and SHA-384 have been verified.

    Raises:
        RunError: no source gives it whole.
        WriteError: the folder cannot be written, for one because the disk is full.
    """
    whole, part = folder / file.name, folder / f"{file.name}.part"
    with _writing(folder):
        if whole.exists() and verify(whole, file) is None:
            return whole
        # Killed between its last byte and its verification, or made for another catalogue.
        if _size(part) >= file.size and verify(part, file) is not None:
            part.unlink()
    failures: list[str] = []
    for source in file.sources:
        if failures:
            say(f"{failures[-1]}; trying {place(source)}")
        try:
            _from_source(source, part, file, report, limits)
        except SourceError as error:
            failures.append(f"{place(source)}: {error}")
        else:
            with _writing(folder):
                return part.replace(whole)
    kept = f", {_size(part)} bytes of it are kept" if _size(part) else ""
    raise RunError(
        f"{file.name} could not be downloaded{kept}; try again later, or name another place with "
        f"--from ({'; '.join(failures)})"
    )


def verify(path: Path, file: File) -> str | None:
    """What tells a file from the one that was published; None where nothing does.

    Raises:
        OSError: it cannot be read.
    """
    size = path.stat().st_size
    if size != file.size:
        return f"it has {size} bytes instead of {file.size}"
    with path.open("rb") as content:
        found = hashlib.file_digest(content, "sha384").hexdigest()
    if found != file.sha384:
        return f"its SHA-384 is {found[:12]}... instead of {file.sha384[:12]}..."
    return None


def _from_source(
    source: str, part: Path, file: File, report: Callable[[int], None], limits: Limits
) -> None:
    """Complete the part. What is wrong is set aside, so that nobody goes on with it."""
    while True:
        mixed = _size(part) > 0
        _complete(source, part, file, report, limits)
        with _writing(part):
            fault = verify(part, file)
            if fault is None:
                return
            aside = part.replace(part.with_suffix(".wrong"))
        # The fault may lie in what came from elsewhere before.
        if not mixed:
            raise SourceError(f"what it sent is set aside as {aside}, {fault}")


def _complete(
    source: str, part: Path, file: File, report: Callable[[int], None], limits: Limits
) -> None:
    """Ask for the rest until there is none, or the source stops giving."""
    problem = ""
    for attempt in range(limits.attempts):
        before = _size(part)
        if before == file.size:
            return
        if attempt:
            time.sleep(limits.pause_s)
        try:
            _receive(source, part, file, report, limits)
            problem = f"it broke off at {_size(part)} of {file.size} bytes"
        except BrokenError as error:
            problem = str(error)
        if _size(part) <= before:
            raise SourceError(problem)
    if _size(part) != file.size:
        raise SourceError(f"{problem}, at the end of {limits.attempts} attempts")


def _receive(
    source: str, part: Path, file: File, report: Callable[[int], None], limits: Limits
) -> None:
    """One request, and what comes of it."""
    with asking(source, _size(part), limits.silence_s) as response:
        at = _first_byte(response, file)
        if at not in (0, _size(part)):
            raise SourceError(f"it was asked for what follows byte {_size(part)}, and gave {at}")
        with _writing(part):
            out = part.open("ab" if at else "wb", buffering=0)
        with out:
            report(at)
            marked_at, marked_s = at, time.monotonic()
            while piece := response.read1(_PIECE):
                at += len(piece)
                if at > file.size:
                    raise SourceError(f"it gives more than {file.size} bytes")
                with _writing(part):
                    _write(out, piece)
                report(at)
                passed_s = time.monotonic() - marked_s
                if passed_s >= limits.silence_s:
                    if at - marked_at < limits.slowest * passed_s:
                        raise SourceError(f"it gave {at - marked_at} bytes in {passed_s:.0f} s")
                    marked_at, marked_s = at, time.monotonic()


def _first_byte(response: http.client.HTTPResponse, file: File) -> int:
    """Where in the file the answer begins; 0 from servers that know no ranges."""
    at, size = 0, response.headers.get("Content-Length")
    if response.status == HTTPStatus.PARTIAL_CONTENT:
        match = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
        if match is None:
            raise SourceError("it does not say which part of the file it gives")
        at, size = int(match[1]), match[2]
    elif response.status != HTTPStatus.OK:
        raise SourceError(status_line(response.status))
    if size is not None and size.isdecimal() and int(size) != file.size:
        raise SourceError(f"it has {size} bytes instead of {file.size}")
    return at


def _write(out: io.FileIO, piece: bytes) -> None:
    """Write all of it: an unbuffered file may take less, for one where the disk gets full."""
    rest = memoryview(piece)
    while rest:
        rest = rest[out.write(rest) :]


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Tell what goes wrong on this machine from what goes wrong with a source."""
    try:
        yield
    except OSError as error:
        raise WriteError(
            f"{path} cannot be written: {error.strerror or error}; make room, or set "
            "STREAMER_HOME to a folder elsewhere"
        ) from error


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
