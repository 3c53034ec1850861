"""Who may use how many threads, decided in one place.

Inference takes all cores. Each stage of the pipeline is one thread, and most of them wait. The
libraries that bring pools of their own would fight inference for the cores:

- numpy's BLAS spins while idle; it gets one thread, since the products here are small.
- OpenCV gets one thread; scaling and drawing take a fraction of a millisecond.
- FFmpeg's decoder gets half the cores, up to four: it is several times faster than any model.
- FFmpeg's encoder gets as many as there are cores, up to eight; they wait most of the time.
"""

from __future__ import annotations

import os

import cv2
import threadpoolctl


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
