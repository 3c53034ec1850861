"""What the page is told besides pictures, as plain values. Pure."""

from __future__ import annotations

import math
from typing import Any

from streamer.controls import Controls
from streamer.metrics import Snapshot, StageSnapshot
from streamer.sources.base import Health, StreamInfo

SWITCHES = ("boxes", "labels", "masks", "hud", "recording")
"""What of `Controls` the page turns on and off."""


def introduction(info: StreamInfo) -> dict[str, Any]:
    """What never changes during a run; the first message to every page."""
    return {
        "kind": "introduction",
        "source": info.url,
        "width": info.width,
        "height": info.height,
        "rate": round(float(info.rate), 3),
        "live": info.live,
    }


def figures(
    snapshot: Snapshot | None, health: Health | None, controls: Controls | None
) -> dict[str, Any]:
    """The run as it is now; what is not known is null. Times are in milliseconds."""
    gauges = snapshot.gauges if snapshot else {}
    known = {name: round(value, 3) for name, value in gauges.items() if math.isfinite(value)}
    latency = snapshot.latency if snapshot else None
    return {
        "kind": "figures",
        "wall_s": round(snapshot.wall_s, 1) if snapshot else None,
        "shown_fps": known.get("shown_fps"),
        "inferred_fps": known.get("inferred_fps"),
        "agreement": known.get("agreement"),
        "age_ms": {
            "now": known.get("age_ms"),
            "p50": round(latency.p50_ms, 1) if latency and latency.count else None,
            "p95": round(latency.p95_ms, 1) if latency and latency.count else None,
        },
        "counts": dict(snapshot.counts) if snapshot else {},
        "state": health.state if health else None,
        "reconnects": health.reconnects if health else None,
        "corrupt_packets": health.corrupt_packets if health else None,
        "stages": [_stage(stage) for stage in snapshot.stages] if snapshot else [],
        "controls": _controls(controls) if controls else None,
    }


def apply(wish: object, controls: Controls) -> None:
    """Do what a page asks for.

    Args:
        wish: ``{"do": "switch", "name": one of SWITCHES, "on": true}``, ``{"do": "snapshot"}`` or
            ``{"do": "stop"}``.
        controls: what is worked.

    Raises:
        ValueError: there is no such wish.
    """
    match wish:
        case {"do": "switch", "name": str(name), "on": bool(on)} if name in SWITCHES:
            setattr(controls, name, on)
        case {"do": "snapshot"}:
            controls.snapshot()
        case {"do": "stop"}:
            controls.stop()
        case _:
            raise ValueError(f"no such wish: {wish!r}")


def _stage(stage: StageSnapshot) -> dict[str, Any]:
    return {
        "name": stage.name,
        "count": stage.timing.count,
        "p50_ms": round(stage.timing.p50_ms, 2),
        "p95_ms": round(stage.timing.p95_ms, 2),
        "busy": round(stage.busy, 3),
        "queued": stage.queued,
        "queue_size": stage.queue_size,
    }


def _controls(controls: Controls) -> dict[str, Any]:
    return {name: getattr(controls, name) for name in (*SWITCHES, "recorded", "said")}
