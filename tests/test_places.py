"""Nothing that a run reads, and no other output, is ever written over."""

from __future__ import annotations

from pathlib import Path

import pytest

from streamer import places
from streamer.config import load
from streamer.errors import RequestError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("clip.mp4", "out.mp4.part", "m.xml", "m.bin", "m.tflite"):
        (tmp_path / name).write_text(name)
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.png").write_text("cat")
    (tmp_path / "link.mp4").symlink_to(tmp_path / "clip.mp4")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"source": "clip.mp4", "output": ["clip.mp4"]}, "is the source itself"),
        ({"source": "clip.mp4", "output": ["./clip.mp4"]}, "is the source itself"),
        ({"source": "link.mp4", "output": ["clip.mp4"]}, "is the source itself"),
        ({"source": "out.mp4.part", "output": ["out.mp4"]}, "is the source itself"),
        ({"source": "photos", "output": ["photos/"]}, "is the source itself"),
        ({"source": "photos/cat.png", "output": ["photos"]}, "is the source's folder itself"),
        ({"source": "clip.mp4", "output": ["m.bin"], "model": "m.xml"}, "file of weights"),
        ({"source": "clip.mp4", "output": ["a.mp4", "./a.mp4"]}, "named already"),
        ({"source": "clip.mp4", "output": ["d", "d/"]}, "named already"),
        ({"source": "clip.mp4", "summary": "clip.mp4"}, "is the source itself"),
        ({"source": "clip.mp4", "summary": "m.tflite", "model": "m.tflite"}, "is the model"),
        ({"source": "clip.mp4", "output": ["a.jsonl"], "summary": "a.jsonl"}, "output already"),
        ({"source": "clip.mp4", "summary": "none/s.json"}, "cannot be written there"),
        ({"source": "clip.mp4", "summary": "photos"}, "cannot be written there"),
    ],
)
def test_what_would_be_lost_is_refused(folder: Path, flags: dict[str, object], words: str) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(RequestError, match=words):
        places.check(load(flags))
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    "flags",
    [
        {"source": "clip.mp4", "output": ["out.jsonl", "b.mp4", "null", "null"]},
        {"source": "photos", "output": ["annotated/"], "summary": "s.json"},
        {"source": "photos/cat.png", "output": ["annotated"], "model": "m.xml"},
        {"source": "lavfi:testsrc", "output": ["a.mp4"]},
        {"source": "rtsp://camera/live", "output": ["a.mp4"]},
        {"source": "missing.mp4", "output": ["a.mp4"]},
    ],
)
@pytest.mark.usefixtures("folder")
def test_what_harms_nothing_passes(flags: dict[str, object]) -> None:
    places.check(load(flags))
