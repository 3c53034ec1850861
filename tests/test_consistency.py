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
