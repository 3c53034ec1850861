"""Cameras through FFmpeg's own Video4Linux reader, with a driver in place of the kernel's."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
COMPILER = shutil.which("cc")
pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="Video4Linux is Linux's"),
    pytest.mark.skipif(COMPILER is None, reason="needs the system packages gcc libc6-dev"),
]


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    library = tmp_path_factory.mktemp("driver") / "driver.so"
    source = Path(__file__).with_name("v4l2_driver.c")
    flags = ["-shared", "-fPIC", "-O1", "-w"]
    subprocess.run([str(COMPILER), *flags, "-o", library, source, "-ldl"], check=True, timeout=60)
    return library


@pytest.fixture
def camera(tmp_path: Path) -> Path:
    (tmp_path / "video7").touch()
    for width, height in ((1280, 720), (640, 480)):
        picture = np.zeros((height, width, 3), np.uint8)
        picture[..., 1] = 255
        assert cv2.imwrite(str(tmp_path / f"{width}.jpg"), picture)
    return tmp_path


def use(driver: Path, camera: Path, **asked: Any) -> dict[str, Any]:
    """What `tests.sources.camera_user` tells."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.sources.camera_user", json.dumps(asked)],
        cwd=ROOT,
        env={**os.environ, "LD_PRELOAD": str(driver), "V4L2_DRIVER": str(camera)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_raw_pictures_of_the_cameras_own_choice(driver: Path, camera: Path) -> None:
    told = use(driver, camera)
    assert told["modes"] == ["mjpeg 1280x720", "mjpeg 640x480", "yuyv 1280x720", "yuyv 640x480"]
    assert told["size"] == [640, 480]
    assert told["pixels"] == [pytest.approx([0, 0, 254], abs=2)] * 2
    assert told["times"] == sorted(set(told["times"]))
    assert (told["corrupt"], told["reconnects"], told["warnings"]) == (0, 0, [])
    assert told["threads"] == 1


@pytest.mark.parametrize(("wanted", "pixel"), [("mjpeg", [0, 255, 0]), ("yuyv", [0, 0, 254])])
def test_a_size_that_the_driver_changes(
    driver: Path, camera: Path, wanted: str, pixel: list[int]
) -> None:
    """Whoever takes the size asked for as the one given sees no picture, or torn ones."""
    told = use(driver, camera, size=[1920, 1080], pixel_format=wanted)
    assert told["size"] == [1280, 720]
    assert told["pixels"] == [pytest.approx(pixel, abs=3)] * 2
    assert told["corrupt"] == 0
    (warning,) = told["warnings"]
    assert warning.endswith("asked for 1920x1080, the camera gives 1280x720")


@pytest.mark.parametrize(
    ("trouble", "words"),
    [("unplugged", "was pulled out"), ("stalled", "no picture came for 1 s")],
)
def test_trouble_for_a_while_is_waited_for(
    driver: Path, camera: Path, trouble: str, words: str
) -> None:
    """The pictures of the lost connection outlive the camera's memory."""
    told = use(driver, camera, script={5: f"{trouble}~"})
    assert len(told["times"]) == 12
    assert told["times"][-1] > 1
    assert told["reconnects"] == 1
    assert words in told["warnings"][0]


def test_a_camera_that_is_not_waited_for(driver: Path, camera: Path) -> None:
    told = use(driver, camera, reconnect=0, script={5: "unplugged"})
    assert told["error"].endswith("it was pulled out or switched off")
    assert told["threads"] == 1


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        ("busy", "another program uses it"),
        ("forbidden", "the group video"),
        ("unplugged", "was pulled out"),
        ("stalled", "no picture came for 3 s"),
    ],
)
def test_a_camera_that_cannot_be_opened(
    driver: Path, camera: Path, trouble: str, words: str
) -> None:
    (camera / trouble).touch()
    assert words in use(driver, camera)["error"]
