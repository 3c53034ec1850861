"""The straight line: what a run is made of, from settings to the last frame written."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from streamer import places, stages
from streamer.config import Settings, home
from streamer.devices import is_quantized
from streamer.engine import Engine
from streamer.errors import ModelError, SinkError
from streamer.metrics import Metrics
from streamer.models.base import Model, sample_inputs
from streamer.models.names import Fetch, find, int8_of
from streamer.models.registry import open_model
from streamer.overlay import OverlayStyle
from streamer.pipeline import Pipeline
from streamer.sinks.base import Sink
from streamer.sinks.registry import SinkOptions, open_sink
from streamer.sources.base import Source
from streamer.sources.registry import open_source
from streamer.sources.window import Window
from streamer.threads import encoder_threads, limit_libraries
from streamer.two_pass import start


@dataclass(frozen=True, slots=True)
class Job:
    """A run, ready to go: the pipeline and what it is made of."""

    settings: Settings
    source: Source
    model: Model
    engine: Engine
    sinks: tuple[Sink, ...]
    pipeline: Pipeline
    warnings: tuple[str, ...] = ()


def build(settings: Settings, resources: ExitStack, fetch: Fetch | None = None) -> Job:
    """Open everything and connect it; ``resources`` closes all of it.

    A model that is known and not on this machine is got by ``fetch``, or refused without it.

    Raises:
        RequestError: something that was asked for is not there or does not fit.
    """
    limit_libraries()
    places.check(settings)
    source = resources.enter_context(_open_source(settings))
    model = _open_model(settings, fetch)
    sinks = _open_sinks(settings, source, resources)
    warnings: list[str] = []
    engine = resources.enter_context(_start_engine(settings, model, _cache_dir(warnings)))
    style = OverlayStyle(settings.boxes, settings.labels, settings.masks, settings.alpha)

    metrics = Metrics()
    pipeline = Pipeline(metrics)
    # Who waits for a camera does no work. What it gives is dropped here or nowhere.
    live = source.info.live
    frames = pipeline.source("capture", stages.capture(source, metrics), timed=not live)
    prepared = frames.then(
        "preprocess",
        stages.preprocess(model),
        size=1 if live else 2,
        on_full="drop_oldest" if live else "block",
    )
    submitted = prepared.then("infer", stages.infer(engine), timed=False)
    detected = submitted.then(
        "collect",
        stages.collect(model, metrics),
        size=engine.requests,
        discard=stages.Submitted.discard,
        timed=False,
    )
    if any(sink.draws for sink in sinks):
        detected = detected.then("overlay", stages.overlay(style))
    else:
        metrics.add_stage("overlay")
    detected.then("sink", stages.write(sinks, metrics))
    return Job(settings, source, model, engine, sinks, pipeline, tuple(warnings))


def window(settings: Settings) -> Window:
    """The part of the source that a run takes."""
    return Window(start=settings.start, duration=settings.duration, frames=settings.frames)


def _open_source(settings: Settings) -> Source:
    return open_source(settings.source, window(settings), live=settings.pace == "live")


def _open_model(settings: Settings, fetch: Fetch | None) -> Model:
    models = home() / "models"
    int8 = int8_of(settings.model, models)
    use_int8 = settings.precision == "int8" and int8.is_dir()
    path = int8 if use_int8 else find(settings.model, models, fetch)
    model = open_model(path, threshold=settings.threshold, classes=settings.classes)
    if settings.precision == "int8" and not is_quantized(model.graph):
        raise ModelError(
            f"{model.name} is not quantized, so --precision int8 cannot be had yet; make it with: "
            f"streamer models quantize {settings.model} --data CLIP_OR_IMAGES -o {int8}"
        )
    return model


def _open_sinks(settings: Settings, source: Source, resources: ExitStack) -> tuple[Sink, ...]:
    if not settings.output:
        raise SinkError("nowhere to write; add -o out.mp4, -o out.jsonl, -o FOLDER/ or -o null")
    options = SinkOptions(
        encoder=settings.encoder,
        crf=settings.crf,
        preset=settings.preset,
        overwrite=settings.overwrite,
        audio=settings.audio,
        threads=encoder_threads(),
    )
    return tuple(
        resources.enter_context(open_sink(spec, source.info, options)) for spec in settings.output
    )


def _cache_dir(warnings: list[str]) -> Path | None:
    """The folder for compiled graphs; None, and a warning, where there can be none."""
    folder = home() / "compiled"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or error
        warnings.append(f"{folder} cannot be made ({reason}), so the next start is slow again")
        return None
    return folder


def _start_engine(settings: Settings, model: Model, cache_dir: Path | None) -> Engine:
    engine = start(
        model,
        device=settings.device,
        precision=settings.precision,
        requests=None if settings.requests == "auto" else settings.requests,
        cache_dir=cache_dir,
    )
    engine.check(sample_inputs(model))
    return engine
