"""Options that do not fit together are refused in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from streamer import consistency
from streamer.config import load
from streamer.errors import SettingsError


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"source": "a.png", "every": 4}, "--every: photos"),
        ({"source": "a.png", "pace": "live"}, "--pace live: photos"),
        (
            {"source": "0", "pace": "lossless"},
            "--pace lossless: 0 does not wait, .* record or download it",
        ),
        ({"source": "HTTP://x/a.mp4", "pace": "lossless"}, "--pace lossless: HTTP://x/a.mp4 does"),
        ({"source": "a.png", "hwaccel": "cuda"}, "--hwaccel cuda: .* and a.png is neither"),
        ({"source": "lavfi:testsrc2", "hwaccel": "cuda"}, "--hwaccel cuda: .* lavfi:testsrc2 is"),
        ({"source": "0", "hwaccel": "cuda"}, "--hwaccel cuda: .* and 0 is neither"),
        ({"source": "0", "fill": 1}, "--fill looks at the frames to come"),
        ({"pace": "live", "fill": "0.5"}, "--fill looks at the frames to come"),
        ({"every": 4, "fill": 1}, "--fill is for files of which the model sees every frame"),
        ({"source": "a.png", "fill": 1}, "--fill: photos"),
        ({"output": "x.jsonl", "segment": "10m"}, "--segment cuts video files"),
        ({"output": "rtsp://host/a.mp4", "segment": "10m"}, "--segment cuts video files"),
        ({"output": "web", "save_to": "none"}, "--save-to none: there is no such folder"),
        ({"output": "web:1", "quiet": True, "web_host": "0.0.0.0"}, "--web-host 0.0.0.0 makes up"),
    ],
)
def test_refused(flags: dict[str, object], message: str) -> None:
    with pytest.raises(SettingsError, match=message) as caught:
        consistency.check(load({"source": "clip.mp4", "output": "null", **flags}))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "flags",
    [
        {"source": "a.png"},
        {"source": "a.png", "every": 1},
        {"every": 4, "pace": "live"},
        {"pace": "lossless"},
        {"fill": "0.5", "every": 1},
        {"source": "0", "fill": 0},
        {"source": "0"},
        {"source": "0", "pace": "live"},
        {"source": "rtsp://host/x", "pace": "live"},
        {"hwaccel": "cuda"},
        {"source": "demo", "hwaccel": "cuda"},
        {"source": "rtsp://host/x", "hwaccel": "cuda"},
        *({"source": source, "hwaccel": "auto"} for source in ("0", "a.png", "lavfi:testsrc2")),
        {"output": ("x.jsonl", "x.MKV"), "segment": "10m"},
        {"output": "null", "save_to": "none"},
        {"output": "web", "quiet": True, "web_host": "127.0.0.1"},
        {"output": "web", "quiet": True, "web_host": "0.0.0.0", "web_token": "word"},
    ],
)
def test_accepted(flags: dict[str, object]) -> None:
    consistency.check(load({"source": "clip.mp4", "output": "null", **flags}))


def test_a_photo_that_is_a_folder_too(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="photos"):
        consistency.check(load({"source": str(tmp_path), "output": "null", "every": 2}))


def test_passwords_are_not_repeated() -> None:
    for source, flags in (
        ("rtsp://me:SECRET@host/x", {"pace": "lossless"}),
        ("lavfi:movie=rtsp\\://me\\:SECRET@host/x", {"hwaccel": "cuda"}),
    ):
        with pytest.raises(SettingsError, match=r"\*\*\*") as caught:
            consistency.check(load({"source": source, "output": "null", **flags}))
        assert "SECRET" not in str(caught.value)
