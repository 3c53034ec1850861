"""Help, version, doctor, bench: what the command line says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from streamer import __version__
from streamer.cli import main
from streamer.config import Settings
from streamer.devices import available_devices
from tests.clips import write_clip


def output_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    assert ended.value.code == 0
    return capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert output_of(capsys, "--version").strip() == f"streamer {__version__}"


def test_help_names_every_command_and_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    text = output_of(capsys, "--help")
    for word in ("run", "bench", "doctor", "examples:"):
        assert word in text


def test_help_of_run_is_grouped_and_names_every_setting(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = output_of(capsys, "run", "--help")
    for group in ("Model:", "Part:", "Overlay:", "Live:", "Output:", "Report:"):
        assert group in text
    for name, field in Settings.model_fields.items():
        words = name.replace("_", "-")
        flag = f"--no-{words}" if field.default is True else f"--{words}"
        assert name == "source" or flag in text
    assert "examples:" in text


def test_no_command_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_doctor_finds_every_device_right(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    text = capsys.readouterr().out
    for device in available_devices():
        assert device in text
    assert "right" in text
    assert "libx264" in text


def test_doctor_says_where_a_device_computes_wrongly(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streamer.evaluation.agreement.mask_iou", lambda *_: 0.3)
    assert main(["doctor"]) == 1
    assert "wrong masks: they overlap with the CPU's by 30%" in capsys.readouterr().out


def test_bench_prints_parts_bound_and_ratio(
    tmp_path: Path, fake_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = write_clip(tmp_path / "clip.mp4", size=(128, 96), frames=12)
    report = tmp_path / "bench.json"
    arguments = ["--model", str(fake_model), "--source", str(clip), "--json", str(report)]
    assert main(["bench", *arguments]) == 0
    text = capsys.readouterr().out
    for word in ("decode", "infer", "overlay", "encode", "bound", "pipeline / bound"):
        assert word in text
    figures = json.loads(report.read_text())
    assert figures["frames"] == 12
    assert figures["ratio"] == pytest.approx(figures["pipeline_fps"] / figures["bound_fps"])
    assert all(cost["cpu_ms"] > 0 for cost in figures["parts"].values())


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--source", "none.mp4"], "none.mp4"),
        (["--frames", "0"], "--frames"),
        (["--source", "98"], "98 is live, so bench would measure how fast it sends; record or"),
        (["--source", "rtsp://me:SECRET@127.0.0.1:9/x"], "rtsp://me:***@127.0.0.1:9/x is live"),
    ],
)
def test_bench_on_nothing_is_one_line(
    fake_model: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], word: str
) -> None:
    assert main(["bench", "--model", str(fake_model), *arguments]) == 2
    said = capsys.readouterr().err
    assert word in said
    assert "SECRET" not in said
    assert len(said.splitlines()) == 1
