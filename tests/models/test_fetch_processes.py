"""Processes that fetch the same model, and such as are stopped."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time

import pytest

from streamer.models.registry import open_model
from tests.models.serving import Fault, Request, well
from tests.models.zoo import ARCHIVE, NAME, Zoo, files_of, release

SCRIPT = f"""
import signal
import sys
from pathlib import Path
from rich.console import Console
from streamer.models.catalogue import read_catalogue
from streamer.models.fetch import fetch
_, catalogue, models = sys.argv
# A job in the background of a script is born deaf to Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)
try:
    fetch("{NAME}", Path(models), console=Console(), catalogue=read_catalogue(Path(catalogue)))
except KeyboardInterrupt:
    sys.exit(130)
"""


class Other:
    """Another process that fetches the same model."""

    def __init__(self, zoo: Zoo) -> None:
        catalogue = zoo.write_catalogue()
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-c", SCRIPT, catalogue, zoo.models],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def __enter__(self) -> Other:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def wait_for(self, text: str) -> None:
        """Read its output up to a line that holds the text."""
        assert self.process.stdout is not None
        lines = []
        for line in self.process.stdout:
            lines.append(line)
            if text in line:
                return
        pytest.fail("".join(lines))


def held(event: threading.Event, count: int) -> tuple[threading.Event, Fault]:
    """An answer that stops after some bytes until the event comes."""
    reached = threading.Event()

    def answer(request: Request) -> None:
        content = request.site.files[request.path]
        request.head(0, len(content))
        request.wfile.write(content[:count])
        reached.set()
        while not (event.wait(0.02) or request.site.closing.is_set()):
            pass
        request.wfile.write(content[count:])

    return reached, answer


def test_two_processes_at_once(zoo: Zoo) -> None:
    go_on = threading.Event()
    _, answer = held(go_on, 1000)
    zoo.site.faults[f"/0/{ARCHIVE}"] = [answer]
    with Other(zoo) as first:
        first.wait_for("downloading")
        with Other(zoo) as second:
            second.wait_for("another process is fetching")
            go_on.set()
            assert (first.process.wait(), second.process.wait()) == (0, 0)
    assert len(zoo.site.asked) == 1
    assert open_model(zoo.target).name == NAME
    assert files_of(zoo.models) == [NAME]
    assert files_of(zoo.downloads) == ["lock"]


@pytest.mark.skipif(sys.platform == "win32", reason="there a process cannot be sent Ctrl-C alone")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_process_that_is_stopped(zoo: Zoo, number: signal.Signals) -> None:
    reached, answer = held(threading.Event(), 1000)
    zoo.site.faults[f"/0/{ARCHIVE}"] = [answer, well]
    with Other(zoo) as other:
        other.wait_for("downloading")
        assert reached.wait(60)
        part = zoo.downloads / f"{ARCHIVE}.part"
        while not (part.exists() and part.stat().st_size):
            assert other.process.poll() is None
            time.sleep(0.01)
        other.process.send_signal(number)
        assert other.process.wait() == (130 if number == signal.SIGINT else -number)
    assert part.read_bytes() == release()[:1000]
    zoo.fetch()
    assert zoo.site.ranges_asked == [None, "bytes=1000-"]
    assert open_model(zoo.target).name == NAME
