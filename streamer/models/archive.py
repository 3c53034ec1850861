"""Takes a frozen graph out of a release's archive, which is not to be trusted.

Files are written under names of our own, so no name in an archive decides on a path. An archive
with a name or a kind of entry that could do harm elsewhere is refused all the same: it is not what
the release is.
"""

from __future__ import annotations

import gzip
import re
import shutil
import tarfile
import zlib
from pathlib import Path

from streamer.errors import ModelError, one_line

GRAPH = "frozen_inference_graph.pb"
PIPELINE = "pipeline.config"

# A config is a few kilobytes of text.
_LARGEST_CONFIG = 1 << 20
# Releases have about ten entries, and three copies of the weights.
_MOST_ENTRIES = 1000
_MOST_COPIES = 8
# Headers are far shorter; tarfile would read one of any length into memory.
_LARGEST_READ = 1 << 20
_PIECE = 1 << 18
# What tarfile lets through where headers are made to confuse it.
_UNREAD = (ValueError, RecursionError, OverflowError)


class _Reader(gzip.GzipFile):
    """Refuses to give more at a time than an honest header or a piece of a file has."""

    def read(self, size: int | None = -1) -> bytes:
        if size is None or not 0 <= size <= _LARGEST_READ:
            raise tarfile.ReadError("a header is too long")
        return super().read(size)


def unpack(archive: Path, folder: Path, largest: int) -> Path:
    """Write the graph and, where there is one, the ``pipeline.config`` beside it.

    Reads only as far as is needed for both.

    Args:
        archive: a release's ``.tar.gz``.
        folder: where both go; it is there.
        largest: what no file in the archive exceeds, bytes.

    Returns:
        The graph's file.

    Raises:
        ModelError: the archive is damaged, holds no graph, or something that is refused.
        OSError: the files cannot be written.
    """
    wanted = {GRAPH: largest, PIPELINE: min(largest, _LARGEST_CONFIG)}
    try:
        with _Reader(archive) as unzipped, tarfile.open(fileobj=unzipped, mode="r:") as tar:
            for number, member in enumerate(tar):
                _check(archive, member, number, largest)
                name = re.split(r"[/\\]", member.name)[-1]
                if member.isreg() and name in wanted:
                    _write(archive, tar, member, folder / name, wanted.pop(name))
                if not wanted:
                    break
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile, *_UNREAD) as error:
        raise ModelError(
            f"{archive} is damaged or no .tar.gz archive ({one_line(error)}); download it again"
        ) from error
    if GRAPH in wanted:
        raise ModelError(f"{archive} holds no {GRAPH}, so it is not a release of the model")
    return folder / GRAPH


def _check(archive: Path, member: tarfile.TarInfo, number: int, largest: int) -> None:
    parts = re.split(r"[/\\]", member.name)
    if parts[0] == "" or parts[0].endswith(":") or ".." in parts:
        reason = "which leads out of the archive"
    elif not (member.isreg() or member.isdir()) or member.issparse():
        reason = "which is neither a file nor a folder"
    elif not 0 <= member.size <= largest:
        reason = f"which has {member.size} bytes; {largest} are expected at most"
    elif number >= _MOST_ENTRIES or member.offset > _MOST_COPIES * largest:
        reason = "long after the end of any release"
    else:
        return
    raise ModelError(f"{archive} is refused: it holds {member.name!r}, {reason}")


def _write(
    archive: Path, tar: tarfile.TarFile, member: tarfile.TarInfo, path: Path, largest: int
) -> None:
    if member.size > largest:
        raise ModelError(f"{archive} is refused: its {path.name} has {member.size} bytes")
    source = tar.extractfile(member)
    assert source is not None  # a regular file, as was checked
    with source, path.open("wb") as file:
        shutil.copyfileobj(source, file, _PIECE)
