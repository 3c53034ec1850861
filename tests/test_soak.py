"""A live run holds no more after many turns of a clip than after a few. See benchmarks/soak.py."""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import av
import pytest

from streamer.app import Job, build
from streamer.config import Settings
from streamer.sources import registry
from tests.clips import write_clip

TURNS, FRAMES = 24, 10


@dataclass(frozen=True)
class Sample:
    """What the process holds at one moment."""

    turn: float
    megabytes: float
    pictures: int
    threads: int
    files: int

    @classmethod
    def of(cls, job: Job) -> Sample:
        rss = Path("/proc/self/status").read_text().partition("VmRSS:")[2].split()[0]
        return cls(
            job.pipeline.snapshot().counts["captured"] / FRAMES,
            int(rss) / 1e3,
            sum(type(thing) is av.VideoFrame and thing.width > 2 for thing in gc.get_objects()),
            threading.active_count(),
            sum(1 for _ in Path("/proc/self/fd").iterdir()),
        )


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Nothing may count on the garbage collector: in a live run it hardly comes by."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.skipif(sys.platform != "linux", reason="what a process holds is read from /proc")
@pytest.mark.usefixtures("no_collector")
def test_many_turns_hold_no_more_than_a_few(
    fake_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = write_clip(tmp_path / "clip.mp4", frames=FRAMES, size=(1280, 720))
    monkeypatch.setattr(registry, "asset", lambda _: clip)
    settings = Settings(
        source="demo",
        model=str(fake_model),
        pace="live",
        frames=TURNS * FRAMES,
        output=(str(tmp_path / "out.mp4"), str(tmp_path / "out.jsonl")),
        hud=True,
    )
    samples: list[Sample] = []
    over = threading.Event()
    with ExitStack() as resources:
        job = build(settings, resources)

        def watch() -> None:
            while not over.wait(0.1):
                samples.append(Sample.of(job))

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            job.pipeline.run()
        finally:
            over.set()
            watcher.join()
        counts = job.pipeline.snapshot().counts
    assert counts["captured"] == TURNS * FRAMES == counts["written"] + counts["dropped"]
    few = [s for s in samples if TURNS / 4 <= s.turn < TURNS / 2]
    many = [s for s in samples if 3 * TURNS / 4 <= s.turn < TURNS]
    assert few, "too slow to tell"
    assert many, "too slow to tell"
    assert median(s.pictures for s in many) < median(s.pictures for s in few) + TURNS / 4
    assert median(s.megabytes for s in many) < 1.1 * median(s.megabytes for s in few)
    assert max(s.threads for s in many) <= max(s.threads for s in few)
    assert max(s.files for s in many) <= max(s.files for s in few)
