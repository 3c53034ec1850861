"""Runs a job with all that a person at a terminal expects around it."""

from __future__ import annotations

import contextlib
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from rich.console import Console

from streamer.app import Job, build
from streamer.config import Settings
from streamer.console import Lenient
from streamer.dashboard import Dashboard
from streamer.errors import SettingsError, StreamerError
from streamer.report import next_steps, summary, words, write_summary
from streamer.signals import stopping


def run(settings: Settings) -> int:
    """Run a job to its end and report it.

    Returns:
        The exit code: 0, or 130 and the like where a signal has stopped it.

    Raises:
        StreamerError: it broke, or what was asked for cannot be done.
        Interrupted: a signal came before the run had begun.
    """
    console = Console(file=Lenient.stderr(), quiet=settings.quiet, soft_wrap=True, highlight=False)
    with stopping() as stopper:
        with ExitStack() as resources:
            job = build(settings, resources, partial(_fetch, console))
            stopper.pipeline = job.pipeline
            console.print(headline(job), markup=False)
            for invitation in job.invitations:
                console.print(invitation, markup=False)
            _run(job, console)
        snapshot = job.pipeline.snapshot()
        ending = "stopped" if job.pipeline.stopped else "end"
        if settings.summary is not None:
            write_summary(settings.summary, summary(job, snapshot, ending, None))
        for line in [*words(job, snapshot, ending), *next_steps(settings)]:
            console.print(line, markup=False)
    return stopper.exit_code


def _fetch(console: Console, name: str, models: Path) -> Path:
    # Imported where it is needed: what speaks HTTP takes a tenth of a second to import.
    from streamer.models.fetch import fetch

    return fetch(name, models, console=console)


def _run(job: Job, console: Console) -> None:
    try:
        with Dashboard(job, console):
            job.pipeline.run(last_here=any(sink.on_main_thread for sink in job.sinks))
    except StreamerError as error:
        if job.settings.summary is not None:
            figures = summary(job, job.pipeline.snapshot(), "error", error)
            with contextlib.suppress(SettingsError):  # what broke matters more
                write_summary(job.settings.summary, figures)
        raise


def headline(job: Job) -> str:
    """What is about to happen, in one line."""
    info, engine = job.source.info, job.engine
    picture = f"{info.width}x{info.height} at {float(info.rate):.5g} fps"
    return (
        f"{info.url}, {picture}; {job.model.name} ({job.model.contract}) "
        f"on {engine.device} in {engine.precision}, {engine.requests} requests in flight"
    )
