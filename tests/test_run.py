"""``streamer run`` from source to sinks, as a user calls it, with a model that finds squares."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from pycocotools import mask as coco_mask

from streamer.cli import main
from tests.clips import Audio, packets_in, picture_of, times_in, write_clip

SIZE = (128, 96)
ROOT = Path(__file__).parents[1]


def square_at(index: int) -> tuple[int, int, int, int]:
    """Where the square of picture ``index`` lies: x1, y1, x2, y2."""
    left, top = 4 + 2 * index % 80, 8 + index % 40
    return left, top, left + 32, top + 24


def square_moving(index: int) -> av.VideoFrame:
    luma = np.full(SIZE[::-1], 16, np.uint8)
    x1, y1, x2, y2 = square_at(index)
    luma[y1:y2, x1:x2] = 235
    return picture_of(luma)


def run(*arguments: object) -> int:
    return main(["run", *map(str, arguments)])


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def times_are_kept(clip: Path, fake_model: Path) -> None:
    out, results = clip.with_name("out.mp4"), clip.with_name("out.jsonl")
    assert run(clip, "--model", fake_model, "-o", out, "-o", results) == 0
    expected = times_in(clip)
    assert times_in(out) == [seconds - expected[0] for seconds in expected]
    assert [line["pts_s"] for line in lines_of(results)] == [round(float(t), 6) for t in expected]


@pytest.mark.parametrize(
    ("rate", "time_base"),
    [
        (Fraction(25), Fraction(1, 25)),
        (Fraction(30000, 1001), Fraction(1001, 30000)),
        (Fraction(25, 2), Fraction(1, 25000)),
    ],
)
def test_constant_rates_keep_every_time(
    tmp_path: Path, fake_model: Path, rate: Fraction, time_base: Fraction
) -> None:
    step = 1 / (rate * time_base)
    pts = [int(index * step) for index in range(30)]
    clip = write_clip(tmp_path / "clip.mp4", size=SIZE, rate=rate, pts=pts, time_base=time_base)
    times_are_kept(clip, fake_model)


def test_a_variable_rate_keeps_every_time(tmp_path: Path, fake_model: Path) -> None:
    pts = [0, 400, 1000, 1033, 1900, 5000, 5040, 9000]
    clip = write_clip(tmp_path / "clip.mp4", size=SIZE, pts=pts, time_base=Fraction(1, 1000))
    times_are_kept(clip, fake_model)


def test_each_frame_carries_its_own_result(tmp_path: Path, fake_model: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", size=SIZE, frames=60, paint=square_moving)
    results, summary = tmp_path / "out.jsonl", tmp_path / "summary.json"
    arguments = ("--model", fake_model, "--summary", summary, "--requests", 4)
    assert run(clip, "-o", results, "-o", "null", *arguments) == 0
    lines = lines_of(results)
    assert [line["seq"] for line in lines] == list(range(60))
    for index, line in enumerate(lines):
        (instance,) = line["instances"]
        assert (instance["label"], instance["category_id"]) == ("person", 1)
        assert instance["box"] == pytest.approx(square_at(index), abs=2)
        pixels = coco_mask.decode(instance["segmentation"])
        x1, y1, x2, y2 = square_at(index)
        truth = np.zeros(SIZE[::-1], np.uint8)
        truth[y1:y2, x1:x2] = 1
        assert (pixels & truth).sum() / (pixels | truth).sum() > 0.8
    figures = json.loads(summary.read_text())
    assert figures["frames"] == {
        "captured": 60, "dropped": 0, "inferred": 60, "propagated": 0, "hurried": 0,
        "written": 60,
    }  # fmt: skip
    assert list(figures["stages"]) == [
        "capture", "preprocess", "infer", "collect", "track", "overlay", "sink",
    ]  # fmt: skip
    assert all(stage["count"] == 60 for stage in figures["stages"].values())
    assert all(0 <= stage["busy"] <= 1 for stage in figures["stages"].values())
    assert (figures["exit"], figures["error"], figures["requests"]) == ("end", None, 4)
    assert figures["source"]["rate"] == "30/1"
    assert figures["model"]["contract"] == "yolo-seg"
    assert figures["device"] == "CPU"


def test_the_film_shows_the_square_drawn_over(tmp_path: Path, fake_model: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", size=SIZE, frames=5, paint=square_moving)
    out = tmp_path / "out.mp4"
    assert run(clip, "--model", fake_model, "-o", out, "--no-labels", "--crf", 1) == 0
    with av.open(str(out)) as container:
        drawn = [picture.to_ndarray(format="rgb24") for picture in container.decode(video=0)]
    for index, picture in enumerate(drawn):
        x1, y1, x2, y2 = square_at(index)
        middle = picture[(y1 + y2) // 2, (x1 + x2) // 2].astype(int)
        assert middle.max() - middle.min() > 40, "the mask tints the white square"
        corner = picture[-4, -4].astype(int)
        assert corner.max() < 24, "the rest stays black"


def test_sound_is_copied_packet_for_packet(tmp_path: Path, fake_model: Path) -> None:
    sounds = [Audio(seconds=Fraction(2)), Audio(seconds=Fraction(2), hertz=880)]
    clip = write_clip(tmp_path / "clip.mp4", size=SIZE, frames=60, audio=sounds)
    out = tmp_path / "out.mp4"
    assert run(clip, "--model", fake_model, "-o", out) == 0
    for index in (0, 1):
        assert packets_in(out, index) == packets_in(clip, index)


def test_sound_stays_in_sync_with_a_later_start(tmp_path: Path, fake_model: Path) -> None:
    clip = write_clip(
        tmp_path / "clip.mp4", size=SIZE, frames=90, audio=[Audio(seconds=Fraction(3))],
        options={"g": "30"},
    )  # fmt: skip
    out = tmp_path / "out.mp4"
    assert run(clip, "--model", fake_model, "-o", out, "--start", "1.5", "--duration", "1") == 0
    video = times_in(out)
    assert video == [Fraction(index, 30) for index in range(30)]
    whole = {data: seconds for seconds, _, data in packets_in(clip)}
    part = packets_in(out)
    assert len(part) > 40
    for seconds, _, data in part:
        assert abs(seconds - (whole[data] - Fraction(3, 2))) < Fraction(1, 10_000)


def test_part_of_a_clip(tmp_path: Path, fake_model: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", size=SIZE, frames=60)
    out = tmp_path / "out.jsonl"
    assert run(clip, "--model", fake_model, "-o", out, "--start", 1, "--frames", 7) == 0
    lines = lines_of(out)
    assert [line["seq"] for line in lines] == list(range(7))
    assert lines[0]["pts_s"] == 1.0


def test_a_folder_of_images_to_a_folder_of_images(tmp_path: Path, fake_model: Path) -> None:
    photos, out = tmp_path / "photos", tmp_path / "out"
    photos.mkdir()
    for name in ("p2", "p10", "p1"):
        square_moving(3).save(photos / f"{name}.png")
    assert run(photos, "--model", fake_model, "-o", f"{out}/") == 0
    assert sorted(path.name for path in out.iterdir()) == ["p1.png", "p10.png", "p2.png"]


def test_a_made_source(tmp_path: Path, fake_model: Path) -> None:
    out = tmp_path / "out.mp4"
    source = "lavfi:testsrc2=size=160x120:rate=10"
    assert run(source, "--model", fake_model, "-o", out, "--frames", 12) == 0
    assert times_in(out) == [Fraction(index, 10) for index in range(12)]


def test_classes_and_threshold_choose(tmp_path: Path, fake_model: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", size=SIZE, frames=3, paint=square_moving)
    out = tmp_path / "out.jsonl"
    assert run(clip, "--model", fake_model, "-o", out, "--classes", "car,dog") == 0
    assert all(line["instances"] == [] for line in lines_of(out))


def test_settings_from_a_file(tmp_path: Path, fake_model: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", size=SIZE, frames=5)
    out, file = tmp_path / "out.jsonl", tmp_path / "settings.toml"
    file.write_text(f'source = "{clip}"\nmodel = "{fake_model}"\noutput = "{out}"\nframes = 4\n')
    assert run("--config", file, "--frames", 2) == 0
    assert len(lines_of(out)) == 2


def test_quiet_says_nothing(
    tmp_path: Path, fake_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = write_clip(tmp_path / "clip.mp4", size=SIZE, frames=3)
    assert run(clip, "--model", fake_model, "-o", "null", "--quiet") == 0
    assert capsys.readouterr() == ("", "")


def test_the_report_names_the_bottleneck(
    tmp_path: Path, fake_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = write_clip(tmp_path / "clip.mp4", size=SIZE, frames=20)
    assert run(clip, "--model", fake_model, "-o", "null") == 0
    first, *_, last = capsys.readouterr().err.strip().splitlines()
    assert first.startswith(f"{clip}, 128x96 at 30 fps; fake (yolo-seg) on CPU in ")
    assert "bottleneck" in last or "busiest" in last


@pytest.mark.skipif(os.name != "posix", reason="signals are sent as POSIX has them")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_finalizes_the_film(
    tmp_path: Path, fake_model: Path, number: signal.Signals, code: int
) -> None:
    out, results, summary = (tmp_path / name for name in ("o.mp4", "o.jsonl", "s.json"))
    command = [sys.executable, "-m", "streamer", "run", "lavfi:testsrc2=size=320x240:rate=30"]
    command += ["--model", str(fake_model), "-o", str(out), "-o", str(results)]
    command += ["--summary", str(summary), "--quiet"]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    part = results.with_name("o.jsonl.part")
    deadline = time.monotonic() + 60
    while not (part.exists() and part.read_text().count("\n") > 5):
        assert process.poll() is None, process.stderr and process.stderr.read()
        assert time.monotonic() < deadline, "no frame was written"
        time.sleep(0.02)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (code, "")
    written = len(lines_of(results))
    assert len(times_in(out)) == written > 5
    figures = json.loads(summary.read_text())
    assert (figures["exit"], figures["frames"]["written"]) == ("stopped", written)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["o.jsonl", "o.mp4", "s.json"]
