"""A lock between processes. The system lets go of it when its process ends, however that ends."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

_RETRY_S = 0.2

if sys.platform == "win32":
    import msvcrt

    def _take(file: IO[bytes]) -> bool:
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        return True

else:
    import fcntl

    def _take(file: IO[bytes]) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


@contextmanager
def locked(path: Path, on_wait: Callable[[], None]) -> Iterator[None]:
    """Hold the lock meanwhile; wait where another process has it.

    Args:
        path: a file for the lock alone. It stays: who removed it would leave others with a lock on
            a file that nobody else sees.
        on_wait: called once where there is something to wait for.

    Raises:
        OSError: the file cannot be written, or nothing can be locked there.
    """
    with path.open("ab") as file:
        if not _take(file):
            on_wait()
            while not _take(file):
                time.sleep(_RETRY_S)
        yield
