"""The embedded demo, as a newcomer runs it: the clip's own truth says what must be found."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from streamer.assets import asset
from streamer.cli import main
from tests.clips import packets_in, times_in
from tools.demo.check import Sighting, read, sightings

ROOT = Path(__file__).parents[1]
FRAMES = 360
MOST = 0.97
"""Share of what is large enough and in sight that must be found; 0.985 was measured."""


@dataclass(frozen=True)
class Ran:
    """What one run has left behind."""

    code: int
    words: str
    folder: Path


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """``python run.py run``, and nothing else."""
    folder = tmp_path_factory.mktemp("demo")
    command = [sys.executable, str(ROOT / "run.py"), "run"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    return Ran(done.returncode, done.stderr, folder)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("results") / "found.jsonl"
    assert main(["run", "demo", "-o", str(path), "--quiet"]) == 0
    return path


def test_the_clip_comes_out_whole(ran: Ran) -> None:
    assert ran.code == 0, ran.words
    assert [path.name for path in ran.folder.iterdir()] == ["demo-annotated.mp4"]
    film, clip = ran.folder / "demo-annotated.mp4", asset("demo.mp4")
    assert times_in(film) == times_in(clip)
    assert len(times_in(film)) == FRAMES
    assert packets_in(film) == packets_in(clip)
    assert packets_in(film)


def test_it_says_what_it_was_and_where_to_go_next(ran: Ran) -> None:
    assert f"{FRAMES} frames" in ran.words
    assert "demo-annotated.mp4" in ran.words
    assert "knows drawn scenes only" in ran.words
    assert "streamer run clip.mp4 -o out.mp4" in ran.words


def test_again_replaces_its_own_film_only(ran: Ran, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ran.folder)
    (ran.folder / "mine.mp4").write_text("mine")
    assert main(["run", "--frames", "3", "--quiet"]) == 0
    assert len(times_in(ran.folder / "demo-annotated.mp4")) == 3
    assert main(["run", "--frames", "3", "--quiet", "-o", "mine.mp4"]) == 2
    assert (ran.folder / "mine.mp4").read_text() == "mine"


def test_every_frame_has_its_line(results: Path) -> None:
    lines = read(results)
    assert [line["seq"] for line in lines] == list(range(FRAMES))
    assert [line["pts_s"] for line in lines] == [round(n / 30, 6) for n in range(FRAMES)]
    assert all(line["inferred"] for line in lines)


def test_it_finds_what_the_clip_shows(results: Path) -> None:
    seen = sightings(read(asset("demo-truth.jsonl")), read(results))
    assert len(seen) >= 10
    assert len({sighting.label for sighting in seen.values()}) >= 7
    frames = sum(sighting.frames for sighting in seen.values())
    assert sum(sighting.found for sighting in seen.values()) >= MOST * frames
    assert all(sighting.found for sighting in seen.values()), "each is found at least now and then"


def test_gaps_are_filled_where_that_is_asked_for(results: Path, tmp_path: Path) -> None:
    path = tmp_path / "filled.jsonl"
    wanted = ["--fill", "0.3", "--frames", "60"]
    assert main(["run", "demo", *wanted, "-o", str(path), "--quiet"]) == 0
    plain, filled = read(results)[:60], read(path)
    assert any("filled" in i for line in filled for i in line["instances"])
    for before, after in zip(plain, filled, strict=True):
        assert [i for i in after["instances"] if "filled" not in i] == before["instances"]
    assert not any("filled" in i for line in plain for i in line["instances"])


def test_the_check_counts_what_is_lost_and_what_is_wrong() -> None:
    thing = {
        "track_id": 7,
        "category_id": 3,
        "label": "car",
        "visible": 1.0,
        "box": [0, 0, 64, 64],
        # 64 x 64 pixels, all set: no zeros, then 4096 ones.
        "segmentation": {"size": [64, 64], "counts": "0PP4"},
    }
    truth = [{"seq": seq, "instances": [thing]} for seq in range(4)]
    bus = {**thing, "category_id": 6}
    answers = [[thing], [bus], [bus, thing], []]
    found = [{"seq": seq, "instances": answer} for seq, answer in enumerate(answers)]
    assert sightings(truth, found) == {7: Sighting("car", frames=4, found=2, overlap=2.0, lost=2)}
    hidden = [{"seq": 0, "instances": [{**thing, "visible": 0.4}]}]
    assert sightings(hidden, found) == {}


def test_as_a_camera_it_goes_on_after_its_end(tmp_path: Path) -> None:
    summary = tmp_path / "summary.json"
    arguments = ["run", "demo", "--pace", "live", "--frames", "10", "-o", "null", "--quiet"]
    assert main([*arguments, "--summary", str(summary)]) == 0
    figures = json.loads(summary.read_text())
    assert figures["source"]["url"] == "demo"
    assert figures["source"]["live"] is True
    frames = figures["frames"]
    assert frames["captured"] == 10
    assert frames["written"] + frames["dropped"] == 10
    assert frames["propagated"] == frames["written"]
