"""Target: a file that appears under its name only when it is whole."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import av

from streamer.errors import SinkError, WriteError

_REASONS = {
    errno.ENOSPC: "disk full",
    errno.EDQUOT: "disk quota used up",
    errno.EFBIG: "larger than the disk or the user's limits allow",
}


def reason(error: Exception) -> str:
    """Why the system refused, in a few words without the file's name."""
    if isinstance(error, OSError | av.FFmpegError) and error.errno is not None:
        return _REASONS.get(error.errno) or str(error.strerror).lower()
    return " ".join(str(error).split()) or type(error).__name__


class Target:
    """The file that a sink was asked for, and the partial one beside it that is written.

    The partial file lies in the same folder, so that moving it into place is one atomic step and
    needs no space.

    Attributes:
        path: the name that the user gave.
        part: ``path`` with ``.part`` added; exists, empty, from the start.

    Raises:
        SinkError: the folder is missing or closed to us, or the file exists and may not go.
    """

    def __init__(self, path: Path, *, overwrite: bool) -> None:
        self.path = path
        self.part = path.with_name(path.name + ".part")
        self._overwrite = overwrite
        if path.is_dir():
            raise SinkError(f"{path} is a folder; name a file")
        if not path.parent.is_dir():
            raise SinkError(f"{path}: there is no folder {path.parent}; make it first")
        if path.exists() and not overwrite:
            raise SinkError(f"{path} exists; choose another name or give --overwrite")
        try:
            with self.part.open("wb" if overwrite else "xb"):
                pass
        except FileExistsError:
            raise SinkError(
                f"{self.part} is in use or was left by a run that broke; "
                "move it away or give --overwrite"
            ) from None
        except OSError as error:
            raise SinkError(f"{path} cannot be written: {reason(error)}") from error

    def spare(self) -> Path:
        """Make a second partial file, empty, under a name that nothing had.

        Raises:
            OSError: the system refused.
        """
        number = 2
        while True:
            spare = self.part.with_name(f"{self.part.name}{number}")
            try:
                spare.touch(exist_ok=False)
            except FileExistsError:
                number += 1
            else:
                return spare

    def publish(self, whole: Path | None = None) -> None:
        """Move the partial file into place, or ``whole`` in its stead.

        Raises:
            WriteError: the system refused. The partial file stays.
        """
        whole = whole or self.part
        try:
            if self.path.exists() and not self._overwrite:
                raise FileExistsError(errno.EEXIST, "the name was taken meanwhile")
            # A file that is in place after a power cut but empty would be a lie.
            with whole.open("rb+") as file:
                os.fsync(file.fileno())
            whole.replace(self.path)
        except OSError as error:
            if whole != self.part:
                whole.unlink(missing_ok=True)
            raise WriteError(
                f"{self.path} cannot be moved into place: {reason(error)}; "
                f"the result is in {self.part}"
            ) from error
        if whole != self.part:
            self.discard()

    def discard(self) -> None:
        """Remove the partial file."""
        self.part.unlink(missing_ok=True)
