"""Does a live run stay as it was? Memory, age, drops, threads and open files over minutes.

    python benchmarks/soak.py [--minutes 10] [--source demo] [--model demo]

Plays a source as if from a camera, carries masks, draws, and encodes to a file that is thrown away.
Prints a line each half minute, and at the end how memory and age of the second half compare with
those of the first: a ratio of 1 is what is wanted.
"""

from __future__ import annotations

import argparse
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from streamer.app import Job, build
from streamer.config import Settings


@dataclass(frozen=True, slots=True)
class Sample:
    """What a run holds at one moment.

    Attributes:
        at: seconds since its beginning.
        rss_mb: memory.
        age_ms: of the frame that was shown last.
        shown: frames so far.
        dropped: frames so far.
        threads: of the process.
        files: that the process has open.
    """

    at: float
    rss_mb: float
    age_ms: float
    shown: int
    dropped: int
    threads: int
    files: int

    @classmethod
    def of(cls, job: Job) -> Sample:
        """What ``job`` holds now."""
        snapshot = job.pipeline.snapshot()
        status = Path("/proc/self/status").read_text()
        rss = int(status.partition("VmRSS:")[2].split()[0]) * 1024 / 1e6
        return cls(
            snapshot.wall_s,
            rss,
            snapshot.gauges.get("age_ms", 0.0),
            snapshot.counts.get("written", 0),
            snapshot.counts.get("dropped", 0),
            int(status.partition("Threads:")[2].split()[0]),
            sum(1 for _ in Path("/proc/self/fd").iterdir()),
        )


def watch(job: Job, samples: list[Sample], over: threading.Event) -> None:
    """Take a sample a second, and print one each half minute."""
    while not over.wait(1.0):
        samples.append(Sample.of(job))
        if len(samples) % 30 == 0:
            last = samples[-1]
            print(
                f"{last.at:6.0f} s  {last.rss_mb:6.0f} MB  age {last.age_ms:5.0f} ms  "
                f"{last.shown / last.at:5.1f} fps  {last.dropped} dropped  "
                f"{last.threads} threads  {last.files} files",
                flush=True,
            )


def report(samples: list[Sample], job: Job) -> None:
    """Compare the second half with the first; the beginning, where pools fill, is left out."""
    kept = samples[min(20, len(samples) // 4) :]
    half = len(kept) // 2
    at, rss = (np.array([getattr(s, name) for s in kept]) for name in ("at", "rss_mb"))
    slope = np.polyfit(at, rss, 1)[0] * 60
    age = [float(np.median([s.age_ms for s in part])) for part in (kept[:half], kept[half:])]
    memory = [float(np.median([s.rss_mb for s in part])) for part in (kept[:half], kept[half:])]
    snapshot = job.pipeline.snapshot()
    print(
        f"\nmemory: {slope:+.2f} MB a minute, second half / first half {memory[1] / memory[0]:.3f}"
    )
    print(f"age: {age[0]:.0f} ms, then {age[1]:.0f} ms, ratio {age[1] / age[0]:.2f}")
    print(
        f"age over the run: p50 {snapshot.latency.p50_ms:.0f}, p95 {snapshot.latency.p95_ms:.0f} ms"
    )
    captured, written = (snapshot.counts.get(n, 0) for n in ("captured", "written"))
    print(f"shown {written} of {captured} captured: {written / captured:.4f}")
    first, last = kept[0], kept[-1]
    print(f"threads {first.threads} -> {last.threads}, files {first.files} -> {last.files}")
    print(f"inferred {snapshot.counts.get('inferred', 0) / snapshot.wall_s:.1f} a second")


def main() -> None:
    parser = argparse.ArgumentParser(description="Memory, age and drops of a long live run.")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--source", default="demo")
    parser.add_argument("--model", default="demo")
    options = parser.parse_args()
    with TemporaryDirectory() as folder, ExitStack() as resources:
        settings = Settings(
            source=options.source,
            model=options.model,
            pace="live",
            output=(str(Path(folder) / "soak.mp4"), str(Path(folder) / "soak.jsonl")),
            preset="superfast",
            hud=True,
        )
        job = build(settings, resources)
        samples: list[Sample] = []
        over = threading.Event()
        watcher = threading.Thread(target=watch, args=(job, samples, over))
        watcher.start()
        ender = threading.Timer(60 * options.minutes, job.pipeline.stop)
        ender.start()
        began = time.monotonic()
        try:
            job.pipeline.run()
        finally:
            ender.cancel()
            over.set()
            watcher.join()
        print(f"{time.monotonic() - began:.0f} s")
        report(samples, job)


if __name__ == "__main__":
    main()
