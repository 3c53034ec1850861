from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from streamer.errors import SourceError
from streamer.sources.file import FileSource
from streamer.sources.images import ImageSource
from streamer.sources.registry import (
    OPENERS,
    is_decoded_in_hardware,
    is_live,
    kind_of,
    open_source,
)
from streamer.sources.synthetic import SyntheticSource
from streamer.sources.window import Window
from tests.clips import write_clip


def test_kinds(tmp_path: Path) -> None:
    folder = tmp_path / "photos.mp4"
    folder.mkdir()
    kinds = {
        "demo": "demo",
        "demo.mp4": "file",
        "clip.mp4": "file",
        "no-suffix": "file",
        "anim.gif": "file",
        "12:30.mp4": "file",
        "photo.JPG": "images",
        str(folder): "images",
        "lavfi:testsrc2": "synthetic",
        "rtsp://cam/1": "network",
        "HTTPS://host/clip.mp4": "network",
        "0": "camera",
        "/dev/video2": "camera",
    }
    assert {spec: kind_of(spec) for spec in kinds} == kinds
    assert set(kinds.values()) == set(OPENERS)
    assert {kind for spec, kind in kinds.items() if is_live(spec)} == {"network", "camera"}
    decoded = {kind for spec, kind in kinds.items() if is_decoded_in_hardware(spec)}
    assert decoded == {"network", "file", "demo"}


def test_what_is_there_is_no_camera(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("0").mkdir()
    write_clip(tmp_path / "clip.mp4").rename("123")
    assert kind_of("0") == "images"
    assert kind_of("123") == "file"
    assert kind_of("1") == "camera"
    with open_source("123") as source:
        assert len(list(source)) == 10


def test_opens_each_kind(tmp_path: Path) -> None:
    image = tmp_path / "photo.png"
    assert cv2.imwrite(str(image), np.zeros((48, 64, 3), np.uint8))
    clip = write_clip(tmp_path / "12:30.mp4")
    window = Window(frames=1)
    for spec, kind in (
        (str(clip), FileSource),
        (str(image), ImageSource),
        (str(tmp_path), ImageSource),
        ("lavfi:testsrc2=size=64x48", SyntheticSource),
    ):
        with open_source(spec, window) as source:
            assert type(source) is kind
            assert source.info.url == spec
            (frame,) = source
            assert (frame.width, frame.height) == (64, 48)


@pytest.mark.parametrize("live", [False, True])
def test_the_demo_is_a_source(live: bool) -> None:
    with open_source("demo", Window(frames=2), pace="live" if live else "lossless") as source:
        assert (source.info.url, source.info.live) == ("demo", live)
        assert [(frame.width, frame.height) for frame in source] == [(1280, 720)] * 2


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("rtsp://me:SECRET@127.0.0.1:9/1?token=SECRET", "nothing listens at 127.0.0.1:9"),
        ("98", "there is no such camera"),
        ("/dev/video98", "there is no such camera"),
        ("", "no source is given"),
        ("none.mp4", "no such file"),
        ("none.png", "no such file"),
    ],
)
def test_refuses_in_one_line(spec: str, message: str) -> None:
    with pytest.raises(SourceError, match=message) as caught:
        open_source(spec)
    assert "SECRET" not in str(caught.value)
    assert "\n" not in str(caught.value)
