"""Who may use how many threads, decided in one place.

Inference takes all cores. Each stage of the pipeline is one thread, and most of them wait. The
libraries that bring pools of their own would fight inference for the cores:

- numpy's BLAS spins while idle; it gets one thread, since the products here are small.
- OpenCV gets one thread; scaling and drawing take a fraction of a millisecond.
- FFmpeg's decoder gets half the cores, up to four: it is several times faster than any model.
- FFmpeg's encoder gets as many as there are cores, up to eight; they wait most of the time.

In a live view inference gives way to all that a frame passes on its way to the screen.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import cv2
import threadpoolctl

Result = TypeVar("Result")

_NICER = 10
"""Steps of niceness by which what gives way is behind: it gets a tenth where both want a core."""


def cores() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return max(len(os.sched_getaffinity(0)), 1)
    return os.cpu_count() or 1


def decoder_threads() -> int:
    """Threads for one video decoder."""
    return max(1, min(cores() // 2, 4))


def encoder_threads() -> int:
    """Threads for one video encoder."""
    return min(cores(), 8)


def limit_libraries() -> None:
    """Keep numpy's BLAS and OpenCV from starting pools of their own. Call once, at start."""
    threadpoolctl.threadpool_limits(limits=1, user_api="blas")
    cv2.setNumThreads(1)


def _give_way() -> None:
    """Put the calling thread, and those that it will start, behind the others of the process.

    Only Linux knows a niceness of threads; elsewhere this does nothing.
    """
    if sys.platform != "linux":
        return
    thread = threading.get_native_id()
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + _NICER)


def giving_way(start: Callable[[], Result]) -> Result:
    """Call something in a thread that gives way, as then do all threads that it starts.

    It is for what needs no Python later: who holds Python's lock and gives way holds up all others.
    """
    pool = ThreadPoolExecutor(1, initializer=_give_way)
    try:
        return pool.submit(start).result()
    finally:
        pool.shutdown(wait=False)  # a Ctrl-C does not wait for it
