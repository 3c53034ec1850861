"""Live runs from the command line: a real server in, a page and a recording out."""

from __future__ import annotations

import json
import re
import threading
import time
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import av
import pytest

from streamer import running
from streamer.app import Job, build
from streamer.cli import main
from streamer.config import Settings
from streamer.errors import StageError
from streamer.models.yolo_seg import YoloSeg
from tests.rtsp import RtspServer

LIMIT = 60


def eventually(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def times_of(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        return [float(frame.time or 0) for frame in container.decode(video=0)]


def test_masks_are_carried_at_the_cameras_rate(fake_model: Path, tmp_path: Path) -> None:
    film, lines, summary = (tmp_path / name for name in ("out.mp4", "out.jsonl", "s.json"))
    arguments = ["run", "demo", "--pace", "live", "--duration", "3", "--hud", "--quiet"]
    arguments += ["--model", str(fake_model), "-o", str(film), "-o", str(lines)]
    assert main([*arguments, "--summary", str(summary)]) == 0
    figures = json.loads(summary.read_text())
    counts = figures["frames"]
    assert figures["source"]["live"] is True
    assert counts["captured"] == counts["written"] + counts["dropped"] == 90
    assert counts["propagated"] == counts["written"] > 0
    assert 0 < counts["inferred"] <= counts["written"]
    written = [json.loads(line) for line in lines.read_text().splitlines()]
    assert len(written) == counts["written"]
    # A drop leaves a gap: what is shown keeps its time.
    recorded = times_of(film)
    shift = written[0]["pts_s"] - recorded[0]
    assert [t + shift for t in recorded] == pytest.approx([w["pts_s"] for w in written], abs=1e-3)


def test_from_a_server_that_is_killed_to_a_page_and_a_recording(
    fake_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs: list[Job] = []

    def noting(settings: Settings, resources: ExitStack, fetch: object = None) -> Job:
        jobs.append(build(settings, resources, fetch))  # type: ignore[arg-type]
        return jobs[-1]

    monkeypatch.setattr(running, "build", noting)
    problems: list[BaseException] = []

    def outside(server: RtspServer) -> None:
        try:
            eventually(lambda: bool(jobs))
            job = jobs[0]

            def shown() -> int:
                return job.pipeline.snapshot().counts.get("written", 0)

            eventually(lambda: shown() > 10)
            page = next(re.search(r"http://\S+", line) for line in job.invitations)
            assert page is not None
            with urllib.request.urlopen(page[0], timeout=LIMIT) as answer:
                assert b"<title>" in answer.read()
            server.kill()
            before = shown()
            server.start()
            eventually(lambda: shown() > before + 10)
        except BaseException as error:
            problems.append(error)
        finally:
            eventually(lambda: bool(jobs))
            jobs[0].pipeline.stop()

    film, summary = tmp_path / "rec.mp4", tmp_path / "s.json"
    with RtspServer() as server:
        viewer = threading.Thread(target=outside, args=(server,))
        viewer.start()
        arguments = ["run", server.url, "--model", str(fake_model), "-o", "web:0", "-o", str(film)]
        assert main([*arguments, "--quiet", "--summary", str(summary)]) == 0
        viewer.join()
    assert not problems
    figures = json.loads(summary.read_text())
    assert (figures["reconnects"], figures["exit"]) == (1, "stopped")
    assert len(times_of(film)) == figures["frames"]["written"]


def test_a_device_that_fails_ends_a_live_run(
    fake_model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise ValueError("made to")

    monkeypatch.setattr(YoloSeg, "postprocess", broken)
    arguments = ["run", "demo", "--pace", "live", "--model", str(fake_model), "-o", "null"]
    assert main([*arguments, "--quiet"]) == StageError.exit_code
    assert "propagate: ValueError: made to" in capsys.readouterr().err
