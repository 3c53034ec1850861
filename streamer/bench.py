"""``streamer bench``: the parts of the pipeline alone, the whole, and how close it gets.

The bound is what the machine could do if no core ever waited: the cores over the sum of the CPU
seconds that decoding, preprocessing and inference, drawing and encoding take for a frame, each
measured alone. Where inference runs on another device, its own rate bounds the whole as well.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from streamer import stages
from streamer.app import Job, build, window
from streamer.config import Settings, load
from streamer.errors import SourceError
from streamer.frame import Frame
from streamer.instances import Instances
from streamer.overlay import OverlayStyle, draw
from streamer.report import write_json
from streamer.sinks.registry import SinkOptions, open_sink
from streamer.sources.registry import is_live, open_source
from streamer.threads import cores
from streamer.urls import redact


@dataclass(frozen=True, slots=True)
class Cost:
    """What one part takes for a frame, in milliseconds: of all cores together, and by the clock."""

    cpu_ms: float
    wall_ms: float


@dataclass(frozen=True, slots=True)
class Bench:
    """The figures of one round.

    Attributes:
        parts: by name: decode, infer, overlay, encode.
        bound_fps: what the machine could do.
        pipeline_fps: what the pipeline does, from the first frame to the finished file.
        ratio: the second over the first.
        pipeline_cpu_ms: CPU time that the whole takes for a frame.
        free_cores: how many cores other programs, and other machines on the same host, left to the
            pipeline meanwhile.
        free_ratio: the same ratio where the bound counts those cores only.
    """

    frames: int
    parts: dict[str, Cost]
    bound_fps: float
    pipeline_fps: float
    ratio: float
    pipeline_cpu_ms: float
    free_cores: float
    free_ratio: float


def bench(source: str, model: str, device: str, frames: int, report: Path | None) -> None:
    """Measure, print, and write the figures as JSON where asked to.

    Raises:
        RequestError: the source, model or device is not there, or the source is live.
    """
    if is_live(source):
        raise SourceError(
            f"{redact(source)} is live, so bench would measure how fast it sends; record or "
            "download it first and give the file"
        )
    with tempfile.TemporaryDirectory() as folder:
        flags = {"source": source, "model": model, "device": device, "frames": frames}
        output = str(Path(folder, "bench.mp4"))
        result = measure(load({**flags, "output": output, "overwrite": True, "audio": False}))
    Console(highlight=False).print(table(result))
    if report is not None:
        write_json(report, asdict(result))


def measure(settings: Settings) -> Bench:
    """One round: each part alone, then the pipeline, on the first ``settings.frames`` frames.

    A part gives its results away while it is measured, as in a run: to keep them would cost fresh
    memory for every frame, and make the bound look lower than it is.
    """
    decode = _decode(settings)
    with ExitStack() as resources:
        job = build(settings, resources)
        frames = list(job.source)
        found, infer = _infer(job, frames)
        drawn, overlay = _draw(frames, found)
        encode = _encode(job, drawn, settings.output[0])
    parts = {"decode": decode, "infer": infer, "overlay": overlay, "encode": encode}
    bound = 1e3 * cores() / sum(part.cpu_ms for part in parts.values())
    if "CPU" not in job.engine.device:
        bound = min(bound, 1e3 / infer.wall_ms)
    whole, free = _whole(settings, len(frames))
    fps = 1e3 / whole.wall_ms
    ratio = fps / bound
    free_ratio = ratio * cores() / free
    return Bench(len(frames), parts, bound, fps, ratio, whole.cpu_ms, free, free_ratio)


def table(result: Bench) -> Table:
    """The figures for people."""
    view = Table(box=None, title=f"{result.frames} frames, {cores()} cores", title_justify="left")
    view.add_column("part")
    for column in ("CPU ms a frame", "alone, fps"):
        view.add_column(column, justify="right")
    for name, cost in result.parts.items():
        view.add_row(name, f"{cost.cpu_ms:.2f}", f"{1e3 / cost.wall_ms:.1f}")
    total = sum(cost.cpu_ms for cost in result.parts.values())
    view.add_row("bound", f"{total:.2f}", f"{result.bound_fps:.1f}")
    view.add_row("pipeline", f"{result.pipeline_cpu_ms:.2f}", f"{result.pipeline_fps:.1f}")
    view.add_row("pipeline / bound", "", f"{result.ratio:.3f}")
    view.add_row(f"of the {result.free_cores:.2f} free cores", "", f"{result.free_ratio:.3f}")
    return view


def _decode(settings: Settings) -> Cost:
    with _cost() as cost, open_source(settings.source, window(settings)) as source:
        frames = sum(1 for _ in source)
    return cost(frames)


def _infer(job: Job, frames: list[Frame]) -> tuple[list[Instances], Cost]:
    """Inference at full throughput. Results are read once more afterwards, outside the clock."""
    with _cost() as cost:
        flying: list[stages.Submitted] = []
        for item in stages.infer(job.engine)(stages.preprocess(job.model)(iter(frames))):
            assert isinstance(item, stages.Submitted)
            flying.append(item)
            if len(flying) == job.engine.requests:
                _land(flying.pop(0))
        for item in flying:
            _land(item)
    spent = cost(len(frames))
    found = []
    for frame in frames:
        tensors, geometry = job.model.preprocess(frame)
        pending = job.engine.submit(tensors)
        found.append(job.model.postprocess(pending.result(), geometry))
        pending.release()
    return found, spent


def _land(item: stages.Submitted) -> None:
    item.pending.result()
    item.pending.release()


def _draw(frames: list[Frame], found: list[Instances]) -> tuple[list[Frame], Cost]:
    style = OverlayStyle()
    with _cost() as cost:
        for frame, instances in zip(frames, found, strict=True):
            draw(frame, instances, style)
    drawn = [draw(*pair, style) for pair in zip(frames, found, strict=True)]
    return drawn, cost(len(frames))


def _encode(job: Job, frames: list[Frame], target: str) -> Cost:
    path = Path(target)
    beside = str(path.with_stem(f"{path.stem}-alone"))
    options = SinkOptions(overwrite=True, audio=False)
    with _cost() as cost, open_sink(beside, job.source.info, options) as sink:
        for frame in frames:
            sink.write(frame, Instances.empty())
    return cost(len(frames))


def _whole(settings: Settings, frames: int) -> tuple[Cost, float]:
    with ExitStack() as resources:
        job = build(settings, resources)
        before = _ticks()
        with _cost() as cost:
            job.pipeline.run()
        after = _ticks()
    return cost(frames), _free_cores(before, after, cost(frames), frames)


def _ticks() -> list[int]:
    """Hundredths of seconds that all cores have spent, by kind; empty where that is not told."""
    try:
        words = Path("/proc/stat").read_text("ascii").splitlines()[0].split()
    except OSError:
        return []
    return [int(word) for word in words[1:9]]


def _free_cores(before: list[int], after: list[int], spent: Cost, frames: int) -> float:
    """Cores less what others took of them meanwhile, other machines on the same host included."""
    if not before:
        return cores()
    user, nice, system, _, _, irq, soft, stolen = (
        (b - a) / 100 for a, b in zip(before, after, strict=True)
    )
    ours, wall = spent.cpu_ms * frames / 1e3, spent.wall_ms * frames / 1e3
    others = max(user + nice + system + irq + soft + stolen - ours, 0.0)
    return max(cores() - others / wall, 0.1)


@contextmanager
def _cost() -> Iterator[Callable[[int], Cost]]:
    """Measures its block; afterwards, what it gave tells the cost for one of so many frames."""
    wall, cpu = time.perf_counter(), time.process_time()
    spent = [0.0, 0.0]
    yield lambda frames: Cost(spent[0] * 1e3 / frames, spent[1] * 1e3 / frames)
    spent[:] = time.process_time() - cpu, time.perf_counter() - wall
