"""Mask R-CNN in a whole run: how long it takes to start, and the pipeline over its engine alone."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections import deque
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from streamer.app import build
from streamer.config import Settings
from streamer.engine import Engine
from streamer.models.base import Tensors
from streamer.sources.registry import open_source
from streamer.sources.window import Window

CLIP = "lavfi:testsrc2=size=1280x720:rate=30"

Precision = Literal["auto", "bf16"]


def compare_pipeline(model: Path, precision: Precision, frames: int, rounds: int) -> None:
    """The pipeline's rate over that of its engine, fed with the same pictures and nothing else."""
    settings = Settings(
        source=CLIP, model=str(model), precision=precision, frames=frames, output=("null",)
    )
    ratios = []
    for _ in range(rounds):
        with ExitStack() as resources:
            job = build(settings, resources)
            with open_source(CLIP, Window(frames=frames)) as source:
                inputs = [job.model.preprocess(frame)[0] for frame in source]
            alone = engine_alone(job.engine, inputs)
            began = time.perf_counter()
            job.pipeline.run()
            ratios.append(alone / (time.perf_counter() - began))
            print(f"engine alone {frames / alone:.3f} fps, pipeline {ratios[-1]:.3f} of that")
    print(f"median {statistics.median(ratios):.3f}")


def engine_alone(engine: Engine, inputs: list[Tensors]) -> float:
    """Seconds for all inputs with the engine's requests kept in flight."""
    began = time.perf_counter()
    waiting, under_way = iter(inputs), deque[Any]()
    under_way.extend(engine.submit(tensors) for tensors in islice(waiting, engine.requests))
    while under_way:
        pending = under_way.popleft()
        pending.result()
        pending.release()
        under_way.extend(engine.submit(tensors) for tensors in islice(waiting, 1))
    return time.perf_counter() - began


def start_times(model: Path, precision: str, home: Path) -> None:
    """A run of one frame in a process of its own, twice: nothing cached, then all cached."""
    home.mkdir()
    summary = home / "summary.json"
    command = [sys.executable, "-m", "streamer", "run", CLIP, "--model", str(model), "--quiet"]
    command += ["--precision", precision, "--frames", "1", "-o", "null", "--overwrite"]
    command += ["--summary", str(summary)]
    for state in ("cold", "cached"):
        began = time.perf_counter()
        subprocess.run(command, check=True, env={**os.environ, "STREAMER_HOME": str(home)})
        took = time.perf_counter() - began
        peak = json.loads(summary.read_text())["peak_rss_mb"]
        print(f"{state}: one frame in {took:.1f} s, peak {peak:.0f} MB")
