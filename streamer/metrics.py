"""Metrics: what the stages count and how long they take, cheap enough to leave on.

Written by the stages' threads, read by anyone as a `Snapshot`. Durations go into a histogram of
fixed size, so that a run of ten hours takes no more memory than one of ten seconds.
"""

from __future__ import annotations

import math
import threading
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field

import numpy as np

_SHORTEST = 1e-6  # seconds; all that is shorter falls into the first bucket
_GROWTH = 1.04  # width of a bucket: percentiles are exact to 2 %
_RATE_SECONDS = 2.0  # how far back a rate looks
_SHARE_OF_NEW = 0.2  # what the latest agreement moves the one that is shown
_BUCKETS = math.ceil(math.log(1e4 / _SHORTEST, _GROWTH))


class Histogram:
    """Durations in seconds, in buckets of equal ratio from a microsecond to three hours."""

    def __init__(self) -> None:
        self._counts = np.zeros(_BUCKETS, np.int64)
        self.count = 0
        self.total = 0.0

    def add(self, seconds: float) -> None:
        """Count one duration."""
        bucket = int(math.log(max(seconds, _SHORTEST) / _SHORTEST, _GROWTH))
        self._counts[min(bucket, _BUCKETS - 1)] += 1
        self.count += 1
        self.total += seconds

    @property
    def mean(self) -> float:
        """Seconds; 0 where nothing was counted."""
        return self.total / self.count if self.count else 0.0

    def percentile(self, percent: float) -> float:
        """Seconds that ``percent`` of the durations stay below, to 2 %; 0 where there are none."""
        if not self.count:
            return 0.0
        rank = percent / 100 * self.count
        bucket = int(np.searchsorted(np.cumsum(self._counts), rank))
        return float(_SHORTEST * _GROWTH ** (min(bucket, _BUCKETS - 1) + 0.5))


class Rate:
    """How often something happens lately, a second: what is longer ago counts less."""

    def __init__(self) -> None:
        self._first: float | None = None
        self._last = 0.0
        self._count = 0.0

    def tick(self, now: float) -> None:
        """It has happened, at ``now`` in seconds."""
        if self._first is None:
            self._first = now
        elif now > self._last:
            # Spread over the time that it took, so that what is regular has a steady rate.
            kept = math.exp((self._last - now) / _RATE_SECONDS)
            self._count *= kept
            self._count += (1 - kept) * _RATE_SECONDS / (now - self._last)
        else:
            self._count += 1
        self._last = max(now, self._last)

    def at(self, now: float) -> float:
        """Times a second; falls while nothing happens, and is 0 before it happened twice."""
        if self._first is None or now <= self._first:
            return 0.0
        kept = math.exp((self._last - now) / _RATE_SECONDS)
        seconds = _RATE_SECONDS * -math.expm1((self._first - now) / _RATE_SECONDS)
        return self._count * kept / seconds


@dataclass(frozen=True, slots=True)
class Timing:
    """A histogram's figures, in milliseconds."""

    count: int = 0
    mean_ms: float = 0.0
    p50_ms: float = 0.0
    p95_ms: float = 0.0
    p99_ms: float = 0.0

    @classmethod
    def of(cls, histogram: Histogram) -> Timing:
        """The figures of a histogram as it is now."""
        p50, p95, p99 = (histogram.percentile(p) * 1e3 for p in (50, 95, 99))
        return cls(histogram.count, histogram.mean * 1e3, p50, p95, p99)


@dataclass(frozen=True, slots=True)
class StageSnapshot:
    """What one stage has done so far.

    Attributes:
        name: of the stage.
        timing: working time of one item, waiting left out.
        busy: share of the wall time that the stage was working, 0..1.
        queued: items that wait for the stage.
        queue_size: room for items that wait for the stage; 0 for the first stage.
    """

    name: str
    timing: Timing
    busy: float
    queued: int = 0
    queue_size: int = 0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that is known at one moment.

    Attributes:
        wall_s: seconds since the pipeline began.
        counts: by name: captured, dropped, inferred, propagated, written.
        stages: in the order of the pipeline.
        latency: from capture to sink.
        gauges: latest values by name: ``age_ms`` of the frame that was shown last, ``agreement``
            of carried masks with new ones, 0..1, ``shown_fps`` and ``inferred_fps``.
        agreement: mean mask IoU, 0..1, of what was carried with what was then found, over the run;
            None where nothing was carried.
    """

    wall_s: float
    counts: dict[str, int]
    stages: tuple[StageSnapshot, ...]
    latency: Timing
    gauges: dict[str, float] = field(default_factory=dict)
    agreement: float | None = None


class Metrics:
    """Counters and histograms of one run."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._stages: dict[str, Histogram] = {}
        self._busy: dict[str, float] = defaultdict(float)
        self._latency = Histogram()
        self._last_end: dict[str, float] = {}
        self._gauges: dict[str, float] = {}
        self._agreement, self._agreements = 0.0, 0
        self._rates: dict[str, Rate] = defaultdict(Rate)
        self._began = time.perf_counter()
        self._ended: float | None = None

    def begin(self) -> None:
        """The wall time counts from here."""
        self._began = time.perf_counter()

    def end(self) -> None:
        """The wall time stands still from here."""
        self._ended = time.perf_counter()

    def add_stage(self, name: str) -> None:
        """Make a stage known, in the order of the pipeline."""
        with self._lock:
            self._stages.setdefault(name, Histogram())

    def count(self, name: str, n: int = 1) -> None:
        """Add to a counter."""
        with self._lock:
            self._counts[name] += n

    def observe(self, stage: str, seconds: float) -> None:
        """A stage has worked on one item for so long."""
        with self._lock:
            self._stages[stage].add(seconds)
            self._busy[stage] += seconds

    def observe_span(self, stage: str, start: float, end: float) -> None:
        """A stage has worked on one item from ``start`` to ``end`` (``time.perf_counter()``).

        Unlike `observe`, spans may overlap, as those of infer requests in flight do: the time that
        several share counts once as busy. Spans come in the order in which they started.
        """
        with self._lock:
            self._stages[stage].add(end - start)
            last = self._last_end.get(stage, -math.inf)
            self._busy[stage] += max(0.0, end - max(start, last))
            self._last_end[stage] = max(end, last)

    def observe_latency(self, seconds: float) -> None:
        """One frame took so long from capture to sink."""
        with self._lock:
            self._latency.add(seconds)

    def gauge(self, name: str, value: float) -> None:
        """A value that changes, as it is now."""
        with self._lock:
            self._gauges[name] = value

    def observe_agreement(self, agreement: float) -> None:
        """Carried masks and the new ones of one result overlap by so much, 0..1."""
        with self._lock:
            self._agreement += agreement
            self._agreements += 1
            before = self._gauges.get("agreement", agreement)
            self._gauges["agreement"] = before + _SHARE_OF_NEW * (agreement - before)

    def tick(self, name: str) -> None:
        """Something has happened whose rate is the gauge ``name``."""
        with self._lock:
            self._rates[name].tick(time.perf_counter())

    def snapshot(self, queues: dict[str, tuple[int, int]] | None = None) -> Snapshot:
        """All figures as they are now; ``queues`` are (queued, size) by stage."""
        queues = queues or {}
        with self._lock:
            now = time.perf_counter() if self._ended is None else self._ended
            wall = max(now - self._began, 1e-9)
            stages = tuple(
                StageSnapshot(
                    name,
                    Timing.of(histogram),
                    min(self._busy[name] / wall, 1.0),
                    *queues.get(name, (0, 0)),
                )
                for name, histogram in self._stages.items()
            )
            rates = {name: rate.at(now) for name, rate in self._rates.items()}
            gauges = self._gauges | rates
            mean = self._agreement / self._agreements if self._agreements else None
            latency = Timing.of(self._latency)
            return Snapshot(wall, dict(self._counts), stages, latency, gauges, mean)
