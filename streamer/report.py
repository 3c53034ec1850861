"""What a run came to: the summary that scripts read, and the words that people read. Pure."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from streamer.app import Job
from streamer.assets import DEMO
from streamer.config import Settings
from streamer.errors import SettingsError, one_line
from streamer.metrics import Snapshot, StageSnapshot
from streamer.sinks.on_demand import OnDemandSink
from streamer.sources.base import Health

_BUSY = 0.6
"""Below this share no stage can be called the bottleneck: the frames came no faster."""

_WORDS = {
    "capture": "Reading and decoding",
    "preprocess": "Preprocessing",
    "infer": "Inference",
    "collect": "Reading the model's results",
    "track": "Tracking",
    "propagate": "Carrying masks",
    "blend": "Carrying masks",
    "overlay": "Drawing",
    "sink": "Encoding and writing",
}


def summary(
    job: Job, snapshot: Snapshot, ending: str, error: BaseException | None
) -> dict[str, Any]:
    """The figures of a run, as ``--summary`` writes them. ``ending``: end, stopped or error."""
    info, health, counts = job.source.info, job.source.health, snapshot.counts
    written = counts.get("written", 0)
    return {
        "source": {
            "url": info.url,
            "width": info.width,
            "height": info.height,
            "rate": f"{info.rate.numerator}/{info.rate.denominator}",
            "live": info.live,
        },
        "model": {
            "name": job.model.name,
            "contract": job.model.contract,
            "precision": job.engine.precision,
        },
        "device": job.engine.device,
        "requests": job.engine.requests,
        "frames": {
            name: counts.get(name, 0)
            for name in ("captured", "dropped", "inferred", "propagated", "hurried", "written")
        },
        "wall_s": round(snapshot.wall_s, 3),
        "fps": round(written / snapshot.wall_s, 3),
        "stages": {stage.name: _figures(stage) for stage in snapshot.stages},
        "latency_ms": {
            key: round(getattr(snapshot.latency, f"{key}_ms"), 3) for key in ("p50", "p95", "p99")
        },
        "agreement": None if snapshot.agreement is None else round(snapshot.agreement, 4),
        "reconnects": health.reconnects,
        "corrupt_packets": health.corrupt_packets,
        "warnings": warnings(job),
        "peak_rss_mb": peak_rss_mb(),
        "exit": ending,
        "error": one_line(error) if error is not None else None,
    }


def write_summary(path: Path, figures: dict[str, Any]) -> None:
    """Write the summary as JSON.

    Raises:
        SettingsError: the file cannot be written.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        part.write_text(json.dumps(figures, indent=1) + "\n", "utf-8")
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise SettingsError(f"--summary {path}: {error.strerror or error}") from error


def write_json(path: Path, figures: Mapping[str, Any]) -> None:
    """Write the figures that ``--json`` asks for.

    Raises:
        SettingsError: the file cannot be written.
    """
    try:
        path.write_text(json.dumps(figures, indent=1) + "\n", "utf-8")
    except OSError as error:
        raise SettingsError(f"--json {path}: {error.strerror or error}") from error


def words(job: Job, snapshot: Snapshot, ending: str) -> list[str]:
    """The final report, a line each."""
    written = snapshot.counts.get("written", 0)
    fps = written / snapshot.wall_s
    silent = [sink for sink in job.sinks if isinstance(sink, OnDemandSink) and not sink.frames]
    named = [sink.url for sink in job.sinks if sink.url != "null" and sink not in silent]
    outputs = ", ".join(named) or "nowhere (null)"
    lines = [
        f"{written} frames in {snapshot.wall_s:.1f} s ({fps:.1f} fps) to {outputs}"
        + (", stopped before the end" if ending == "stopped" else ""),
        *([as_it_was_seen(snapshot, job.source.health)] if job.source.info.live else []),
        bottleneck(snapshot, job.engine.device, job.engine.requests),
    ]
    return lines + [f"Warning: {warning}" for warning in warnings(job)]


def as_it_was_seen(snapshot: Snapshot, health: Health) -> str:
    """How a live source was shown, in words."""
    counts, latency = snapshot.counts, snapshot.latency
    parts = [
        f"Shown {latency.p50_ms:.0f} ms after capture, 95 % within {latency.p95_ms:.0f} ms",
        f"{counts.get('inferred', 0) / snapshot.wall_s:.1f} inferences a second",
    ]
    if snapshot.agreement is not None:
        parts.append(f"carried masks agree with new ones by {snapshot.agreement:.2f}")
    lost = [f"{counts.get('dropped', 0)} frames dropped"]
    if hurried := counts.get("hurried", 0):
        lost.append(f"{hurried} with masks only moved on")
    parts.append(", ".join([*lost, f"{health.reconnects} reconnects"]))
    return "; ".join(parts)


def next_steps(settings: Settings) -> list[str]:
    """What to try after the demo; nothing after any other run."""
    if settings.source != DEMO or settings.model != DEMO:
        return []
    return [
        "",
        "That was a drawn clip and a small model that knows drawn scenes only. Next:",
        "  the real model on a file of yours   streamer run clip.mp4 -o out.mp4   "
        "(fetches 450 MB the first time)",
        "  any YOLO segmentation export        "
        "streamer run clip.mp4 --model yolov8n-seg.onnx -o out.mp4",
        "  this clip as if from a camera       streamer run demo --pace live -o web",
    ]


def warnings(job: Job) -> list[str]:
    """What source and sinks had to put up with, one line each."""
    health = job.source.health
    corrupt = [f"{health.corrupt_packets} corrupt packets were skipped"]
    lines = (corrupt if health.corrupt_packets else []) + health.warnings
    lines += job.warnings
    return lines + [warning for sink in job.sinks for warning in sink.warnings]


def bottleneck(snapshot: Snapshot, device: str, requests: int) -> str:
    """Which stage held the others up, in words."""
    if not snapshot.counts.get("written"):
        return "No frame was written"
    ranked = sorted(snapshot.stages, key=lambda stage: stage.busy, reverse=True)
    first, second = ranked[0], ranked[1]
    if first.busy < _BUSY:
        return f"No stage was busy all the time: {_share(first)} was the busiest"
    hint = f" on {device} with {requests} requests" if first.name == "infer" else ""
    return (
        f"{_WORDS.get(first.name, first.name)}{hint} was the bottleneck: busy {first.busy:.0%} of "
        f"the time; next is {_share(second)}"
    )


def peak_rss_mb() -> float | None:
    """The most memory that this process has held, in MB; None where the system does not say."""
    try:
        # getrusage counts what a large process held before it became this one.
        status = Path("/proc/self/status").read_text()
        return round(int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6, 1)
    except (OSError, IndexError):
        pass
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1e6 if sys.platform == "darwin" else 1e3), 1)


def _share(stage: StageSnapshot) -> str:
    return f"{_WORDS.get(stage.name, stage.name).lower()} ({stage.busy:.0%})"


def _figures(stage: StageSnapshot) -> dict[str, float]:
    figures = {key: round(value, 3) for key, value in asdict(stage.timing).items()}
    return figures | {"busy": round(stage.busy, 4)}
