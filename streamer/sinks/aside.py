"""Aside: work that must not hold up live frames, such as finishing a file."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor


class Aside:
    """Does one job at a time: in a thread of its own where frames are live, else at once.

    Args:
        live: frames come by themselves and are lost while nobody takes them.
    """

    def __init__(self, *, live: bool) -> None:
        self._pool = ThreadPoolExecutor(1, "aside") if live else None
        self._job: Future[None] | None = None

    @property
    def busy(self) -> bool:
        """A job is under way."""
        return self._job is not None and not self._job.done()

    def do(self, job: Callable[[], None]) -> None:
        """Do ``job`` after the one before it, which is waited for.

        Raises:
            Exception: what the job before it raised or, where nothing is live, what it raises.
        """
        self.wait()
        if self._pool is None:
            job()
        else:
            self._job = self._pool.submit(job)

    def check(self) -> None:
        """Learn how the last job went, if it is done.

        Raises:
            Exception: what it raised; once.
        """
        if not self.busy:
            self.wait()

    def wait(self) -> None:
        """Wait for the job that is under way.

        Raises:
            Exception: what it raised; once.
        """
        job, self._job = self._job, None
        if job is not None:
            job.result()

    def close(self) -> None:
        """Wait for the job that is under way, and end the thread.

        Raises:
            Exception: what the job raised; once.
        """
        try:
            self.wait()
        finally:
            if self._pool is not None:
                self._pool.shutdown()
