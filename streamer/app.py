"""The straight line: what a run is made of, from settings to the last frame written."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from streamer import consistency, places, stages
from streamer.config import Settings, home
from streamer.controls import Controls
from streamer.detector import Detector
from streamer.devices import is_quantized
from streamer.engine import Engine
from streamer.errors import ModelError, SinkError
from streamer.figures import Figures
from streamer.frame import Frame
from streamer.metrics import Metrics
from streamer.models.base import Model, sample_inputs
from streamer.models.names import Fetch, find, int8_of
from streamer.models.registry import open_model
from streamer.overlay import OverlayStyle
from streamer.pipeline import Link, Pipeline
from streamer.propagation.propagator import Propagator
from streamer.sinks.base import Sink
from streamer.sinks.on_demand import OnDemandSink
from streamer.sinks.registry import SinkOptions, is_published, is_viewed, open_sink
from streamer.sinks.web import WebSink
from streamer.sinks.window import WindowSink
from streamer.sources.base import Source
from streamer.sources.options import SourceOptions
from streamer.sources.registry import Pace, kind_of, open_source
from streamer.sources.window import Window
from streamer.stages import Detected
from streamer.threads import encoder_threads, giving_way, limit_libraries
from streamer.tracking import Tracker
from streamer.two_pass import start


@dataclass(frozen=True, slots=True)
class Job:
    """A run, ready to go: the pipeline and what it is made of.

    Attributes:
        invitations: how to reach those who show it, a line each; may hold a token.
    """

    settings: Settings
    source: Source
    model: Model
    engine: Engine
    sinks: tuple[Sink, ...]
    pipeline: Pipeline
    warnings: tuple[str, ...] = ()
    invitations: tuple[str, ...] = ()


def build(settings: Settings, resources: ExitStack, fetch: Fetch | None = None) -> Job:
    """Open everything and connect it; ``resources`` closes all of it.

    A model that is known and not on this machine is got by ``fetch``, or refused without it.

    Raises:
        RequestError: something that was asked for is not there or does not fit.
    """
    limit_libraries()
    places.check(settings)
    consistency.check(settings)
    metrics = Metrics()
    pipeline = Pipeline(metrics)
    source = resources.enter_context(_open_source(settings))
    model = _open_model(settings, fetch)
    controls = _controls(settings, pipeline)
    sinks = _open_sinks(settings, source, controls, pipeline, resources)
    warnings: list[str] = []
    live = source.info.live
    carried = live and settings.every != 1
    # What waits in line for the device is old when its turn comes.
    default = 1 if live else None
    engine_of = partial(_start_engine, settings, model, _cache_dir(warnings), default=default)
    engine = resources.enter_context(giving_way(engine_of) if carried else engine_of())

    # Who waits for a frame to be due does no work. What a camera gives is dropped here or nowhere.
    frames = pipeline.source(
        "capture",
        stages.capture(source, metrics),
        interrupt=source.interrupt,
        timed=not live and _pace(settings) == "lossless",
    )
    every = 1 if settings.every == "auto" else settings.every
    if carried:
        detected = _carried(frames, every, model, engine, metrics)
    else:
        detected = _detected(frames, every, model, engine, metrics, live=live)
        if settings.fill:
            detected = detected.then("fill", stages.fill(settings.fill))
    if any(sink.draws for sink in sinks):
        hud = Figures(pipeline.snapshot, source.health, controls)
        style = partial(_style, settings, controls)
        detected = detected.then("overlay", stages.overlay(style, hud))
    else:
        metrics.add_stage("overlay")
    idle = [sink.idle for sink in sinks if isinstance(sink, WindowSink)]
    detected.then(
        "sink",
        stages.write(sinks, metrics),
        idle=idle[0] if idle else None,
    )
    pages = [sink for sink in sinks if isinstance(sink, WebSink)]
    return Job(
        settings,
        source,
        model,
        engine,
        sinks,
        pipeline,
        tuple(warnings),
        tuple(page.invitation for page in pages),
    )


def _detected(
    frames: Link[Frame],
    every: int,
    model: Model,
    engine: Engine,
    metrics: Metrics,
    *,
    live: bool,
) -> Link[Detected]:
    """Every frame waits for its result, or for those around it."""
    prepared = frames.then(
        "preprocess",
        stages.preprocess(model, every),
        size=1 if live else 2,
        on_full="drop_oldest" if live else "block",
    )
    submitted = prepared.then("infer", stages.infer(engine), size=1 if live else 2, timed=False)
    collected = submitted.then(
        "collect",
        stages.collect(model, metrics),
        size=(engine.requests - 1) * every + 1,
        discard=stages.discard,
        timed=False,
    )
    if every == 1:
        return collected.then("track", stages.identify(Tracker()))
    return collected.then("blend", stages.blend(Tracker(), metrics))


def _carried(
    frames: Link[Frame], every: int, model: Model, engine: Engine, metrics: Metrics
) -> Link[Detected]:
    """Every frame of a live source goes on at once, with the latest results carried onto it."""
    for name in ("preprocess", "infer", "collect"):
        metrics.add_stage(name)
    detector = Detector(model, engine, metrics, workers=engine.requests)
    return frames.then(
        "propagate",
        stages.propagate(detector, Propagator(Tracker()), metrics, every),
        size=1,
        on_full="drop_oldest",
    )


def _controls(settings: Settings, pipeline: Pipeline) -> Controls:
    controls = Controls(pipeline.stop, settings.save_to)
    controls.boxes, controls.labels = settings.boxes, settings.labels
    controls.masks, controls.hud = settings.masks, settings.hud
    return controls


def _style(settings: Settings, controls: Controls) -> OverlayStyle:
    return OverlayStyle(controls.boxes, controls.labels, controls.masks, settings.alpha)


def window(settings: Settings) -> Window:
    """The part of the source that a run takes."""
    return Window(start=settings.start, duration=settings.duration, frames=settings.frames)


def _open_source(settings: Settings) -> Source:
    options = SourceOptions(
        reconnect=settings.reconnect,
        hwaccel=settings.hwaccel,
        transport=settings.rtsp_transport,
        size=settings.camera_size,
        rate=settings.camera_rate,
        pixel_format=settings.camera_format,
    )
    return open_source(settings.source, window(settings), pace=_pace(settings), options=options)


def _pace(settings: Settings) -> Pace:
    """Of a recording."""
    if settings.pace == "live":
        return "live"
    # Viewers of a server see what comes as it comes; photos have no pace.
    published = any(map(is_published, settings.output)) and kind_of(settings.source) != "images"
    return "timely" if published else "lossless"


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


def _open_sinks(
    settings: Settings,
    source: Source,
    controls: Controls,
    pipeline: Pipeline,
    resources: ExitStack,
) -> tuple[Sink, ...]:
    if not settings.output:
        raise SinkError("nowhere to write; add -o window, -o web, -o out.mp4 or -o null")
    options = SinkOptions(
        encoder=settings.encoder,
        crf=settings.crf,
        preset=settings.preset,
        overwrite=settings.overwrite,
        audio=settings.audio,
        threads=encoder_threads(),
        segment=settings.segment,
        controls=controls,
        snapshot=pipeline.snapshot,
        health=source.health,
        web_host=settings.web_host,
        web_token=settings.web_token,
    )
    sinks = [
        resources.enter_context(open_sink(spec, source.info, options)) for spec in settings.output
    ]
    if any(is_viewed(spec) for spec in settings.output):
        sinks.append(resources.enter_context(OnDemandSink(source.info, options)))
    return tuple(sinks)


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


def _start_engine(
    settings: Settings, model: Model, cache_dir: Path | None, *, default: int | None
) -> Engine:
    engine = start(
        model,
        device=settings.device,
        precision=settings.precision,
        requests=default if settings.requests == "auto" else settings.requests,
        cache_dir=cache_dir,
    )
    engine.check(sample_inputs(model))
    return engine
