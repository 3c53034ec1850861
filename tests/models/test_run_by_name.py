"""``streamer run --model NAME`` on a machine that has nothing of that model yet."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import av
import pytest

from streamer.cli import main
from streamer.models import meter
from streamer.models.requesting import place
from tests.clips import write_clip
from tests.models.serving import cut, send
from tests.models.zoo import ARCHIVE, NAME, Zoo, files_of, release

FRAMES = 6


@pytest.fixture
def zoo(zoo: Zoo, monkeypatch: pytest.MonkeyPatch) -> Zoo:
    """All that the program knows, and a home that is empty."""
    monkeypatch.setattr("streamer.models.catalogue.CATALOGUE", zoo.write_catalogue())
    monkeypatch.setenv("STREAMER_HOME", str(zoo.home))
    return zoo


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "clip.mp4", size=(196, 150), frames=FRAMES)


def run(clip: Path, *options: object) -> int:
    return main(["run", str(clip), "--model", NAME, *map(str, options)])


def pictures(path: Path) -> list[Any]:
    with av.open(str(path)) as film:
        return [frame.to_ndarray(format="gray") for frame in film.decode(video=0)]


def test_from_a_release_on_a_server_to_masks_on_video(
    zoo: Zoo,
    clip: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Else a line comes every ten seconds.
    monkeypatch.setattr(meter, "_LINE_EVERY_S", 1e-9)
    film, results = tmp_path / "out.mp4", tmp_path / "out.jsonl"
    assert not zoo.home.exists()
    assert run(clip, "-o", film, "-o", results, "--threshold", 0.1) == 0

    said = capsys.readouterr().err.splitlines()
    kilobytes = f"{len(release()) / 1000:.1f} kB"
    order = [
        f"{NAME}: a small network; downloading {kilobytes} from {place(zoo.site.url)}, "
        "licence Apache-2.0",
        f"100%, {kilobytes} of {kilobytes}, ",
        f"unpacking {ARCHIVE}",
        "converting frozen_inference_graph.pb",
        f"{NAME} is in {zoo.target}, licence Apache-2.0",
        f"{clip}, 196x150 at 30 fps; {NAME} (mask-rcnn) on CPU in ",
        f"{FRAMES} frames",
    ]
    places = [next(n for n, line in enumerate(said) if line.startswith(words)) for words in order]
    assert places == sorted(places)
    assert places[0] == 0

    before, after = pictures(clip), pictures(film)
    assert len(after) == FRAMES
    lines = [json.loads(line) for line in results.read_text("utf-8").splitlines()]
    assert [line["seq"] for line in lines] == list(range(FRAMES))
    drawn = [one for line in lines for one in line["instances"]]
    assert drawn
    assert all(one["segmentation"]["size"] == [150, 196] for one in drawn)
    for old, new, line in zip(before, after, lines, strict=True):
        changed = abs(old.astype(int) - new).max() > 20
        assert changed == bool(line["instances"])
    assert files_of(zoo.models) == [NAME]
    assert files_of(zoo.downloads) == ["lock"]

    assert run(clip, "-o", "null", "--frames", 1) == 0
    assert len(zoo.site.asked) == 1
    assert "downloading" not in capsys.readouterr().err


def test_an_interrupted_download_is_gone_on_with(zoo: Zoo, clip: Path) -> None:
    zoo.site.faults[f"/0/{ARCHIVE}"] = [cut(1000), cut(0)]
    assert run(clip, "-o", "null", "--frames", 1, "--quiet") == 1
    zoo.site.faults.clear()
    assert run(clip, "-o", "null", "--frames", 1, "--quiet") == 0
    assert zoo.site.ranges_asked == [None, "bytes=1000-", "bytes=1000-"]


def test_what_is_not_the_release_never_runs(
    zoo: Zoo, clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    zoo.site.faults[f"/0/{ARCHIVE}"] = [send(release()[:-1] + b"!")]
    assert run(clip, "-o", tmp_path / "out.mp4", "--quiet") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert f"set aside as {zoo.downloads / ARCHIVE}.wrong, its SHA-384 is " in line
    assert files_of(zoo.models) == []
    assert not list(tmp_path.glob("out.mp4*"))
