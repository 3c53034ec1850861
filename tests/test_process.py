"""What only shows from outside the process: signals, closed terminals, what else is touched."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.clips import times_in, write_clip

ROOT = Path(__file__).parents[1]
SIGNALS = pytest.mark.skipif(os.name != "posix", reason="signals and pipes are those of POSIX")


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "clip.mp4", size=(128, 96), frames=20)


def command(clip: Path, model: Path, out: Path) -> list[str]:
    run = [sys.executable, "-m", "streamer", "run", str(clip), "--model", str(model)]
    return [*run, "-o", str(out)]


@SIGNALS
def test_a_reader_that_leaves_does_not_stop_the_work(clip: Path, fake_model: Path) -> None:
    out, summary = clip.with_name("out.mp4"), clip.with_name("s.json")
    reading, writing = os.pipe()
    os.close(reading)
    arguments = [*command(clip, fake_model, out), "--summary", str(summary)]
    done = subprocess.run(arguments, cwd=ROOT, stderr=writing, timeout=60)
    os.close(writing)
    assert done.returncode == 0
    assert len(times_in(out)) == 20
    assert summary.exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize(("source", "code"), [("clip.mp4", 0), ("none.mp4", 2)])
def test_a_full_log_does_not_change_the_exit_code(
    clip: Path, fake_model: Path, source: str, code: int
) -> None:
    with Path("/dev/full").open("w") as full:
        arguments = command(clip.with_name(source), fake_model, clip.with_name("out.mp4"))
        done = subprocess.run(arguments, cwd=ROOT, stderr=full, timeout=60)
    assert done.returncode == code


@SIGNALS
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_while_everything_is_opened_leaves_no_file(
    clip: Path, fake_model: Path, number: signal.Signals, code: int
) -> None:
    program = (
        "import sys, time, streamer.app as app; real = app._start_engine\n"
        "def slow(*arguments, **options):\n"
        "    print('compiling', flush=True)\n"
        "    for _ in range(600): time.sleep(0.05)\n"
        "app._start_engine = slow\n"
        "from streamer.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    arguments = [sys.executable, "-c", program]
    arguments += command(clip, fake_model, clip.with_name("out.mp4"))[3:]
    process = subprocess.Popen(
        arguments, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "compiling\n"
    process.send_signal(number)
    _, said = process.communicate(timeout=30)
    assert (process.returncode, said) == (code, "")
    assert [path.name for path in clip.parent.iterdir()] == ["clip.mp4"]


def test_nothing_is_written_where_nobody_asked(clip: Path, fake_model: Path) -> None:
    home = clip.parent / "home"
    home.mkdir()
    environment = {**os.environ, "HOME": str(home), "STREAMER_HOME": str(home / "streamer")}
    arguments = command(clip, fake_model, clip.with_name("out.mp4"))
    subprocess.run(arguments, cwd=ROOT, env=environment, check=True, timeout=60)
    time.sleep(0.1)
    assert [path.name for path in home.iterdir()] == ["streamer"]


def test_openvino_reports_nothing() -> None:
    program = (
        "import streamer, openvino, sys\n"
        "assert not any(name.startswith('openvino_telemetry.') for name in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, timeout=60)


def test_a_home_that_cannot_be_is_a_warning(clip: Path, fake_model: Path) -> None:
    environment = {**os.environ, "STREAMER_HOME": str(clip / "inside-a-file")}
    arguments = command(clip, fake_model, clip.with_name("out.mp4"))
    done = subprocess.run(
        arguments, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0
    assert "Warning" in done.stderr
    assert "inside-a-file" in done.stderr
