"""What gives way is behind in the line for a core, and all that it starts with it."""

from __future__ import annotations

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from streamer.threads import giving_way

NICEST = 19

by_thread = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux knows a niceness of threads"
)


def niceness() -> int:
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


def niceness_of_a_child() -> int:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(niceness).result()


@by_thread
def test_what_gives_way_is_nicer_and_so_are_its_threads() -> None:
    before = niceness()
    assert giving_way(niceness) > before or before == NICEST
    assert giving_way(niceness_of_a_child) == giving_way(niceness)
    assert niceness() == before


def test_what_fails_there_fails_here() -> None:
    def fail() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        giving_way(fail)
