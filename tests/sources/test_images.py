from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from streamer.errors import SourceError
from streamer.sources.images import ImageSource, natural_key
from streamer.sources.window import Window

RED = (200, 30, 60)


def write_image(path: Path, image: np.ndarray) -> Path:
    ok, data = cv2.imencode(path.suffix, image)
    assert ok
    path.write_bytes(data.tobytes())
    return path


def red(width: int = 63, height: int = 45) -> np.ndarray:
    image = np.empty((height, width, 3), np.uint8)
    image[:] = RED[::-1]
    image[: height // 3, : width // 3] = 255
    return image


def near(pixel: np.ndarray, rgb: tuple[int, int, int]) -> bool:
    return bool((np.abs(pixel[::-1].astype(int) - rgb) <= 3).all())


@pytest.mark.parametrize("name", ["a.jpg", "a.JPEG", "a.png", "a.bmp", "a.webp", "a.tif", "a.tiff"])
def test_one_image(tmp_path: Path, name: str) -> None:
    path = write_image(tmp_path / name, red())
    with ImageSource(path) as source:
        (frame,) = source
        assert (source.info.width, source.info.height) == (63, 45)
        assert source.info.frames == 1
        assert source.info.url == str(path)
    assert (frame.seq, frame.pts, frame.name) == (0, 0, name)
    image = frame.to_bgr()
    assert image.shape == (45, 63, 3)
    assert near(image[30, 40], RED)
    assert near(image[4, 4], (255, 255, 255))


def test_jpeg_keeps_its_samples(tmp_path: Path) -> None:
    path = write_image(tmp_path / "a.jpg", red())
    with ImageSource(path) as source:
        (frame,) = source
    assert frame.picture.format.name == "yuvj420p"
    assert frame.color.full_range
    assert frame.color.matrix == "bt601"


@pytest.mark.parametrize(
    "image",
    [
        np.full((45, 63), 90, np.uint8),
        np.full((45, 63), 90 * 257, np.uint16),
        np.full((45, 63, 3), 90 * 257, np.uint16),
        np.full((45, 63, 4), 90, np.uint8),
    ],
    ids=["grey", "grey16", "rgb48", "rgba"],
)
def test_png_depths(tmp_path: Path, image: np.ndarray) -> None:
    with ImageSource(write_image(tmp_path / "a.png", image)) as source:
        (frame,) = source
    assert np.abs(frame.to_bgr().astype(int) - 90).max() <= 2


def with_exif(jpeg: bytes, orientation: int) -> bytes:
    entry = struct.pack("<HHIHH", 0x0112, 3, 1, orientation, 0)
    block = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 1) + entry + b"\0\0\0\0"
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + jpeg[2:]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_as_opencv_sees_it(tmp_path: Path, orientation: int) -> None:
    path = write_image(tmp_path / "a.jpg", red(96, 48))
    path.write_bytes(with_exif(path.read_bytes(), orientation))
    expected = cv2.imread(str(path))
    assert expected is not None
    with ImageSource(path) as source:
        (frame,) = source
    assert frame.to_bgr().shape == expected.shape
    assert np.abs(frame.to_bgr().astype(int) - expected).mean() < 3


def test_folder_in_natural_order_each_its_own_size(tmp_path: Path) -> None:
    for index in (10, 9, 1, 2, 100):
        write_image(tmp_path / f"img{index}.png", np.full((20 + index, 31, 3), index, np.uint8))
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / ".hidden.png").write_text("no image")
    (tmp_path / "sub.png").mkdir()
    with ImageSource(tmp_path) as source:
        frames = list(source)
        assert source.info.frames == 5
        assert source.info.height == 21
        assert source.health.warnings == []
    assert [f.name for f in frames] == [f"img{i}.png" for i in (1, 2, 9, 10, 100)]
    assert [f.height for f in frames] == [21, 22, 29, 30, 120]
    assert [f.time for f in frames] == [Fraction(i, 25) for i in range(5)]
    assert [f.seq for f in frames] == list(range(5))


def test_names_that_look_like_patterns_or_urls(tmp_path: Path) -> None:
    for name in ("a%03d.png", "b:c.png", "-d.jpg", "e[1].png", "f g.png"):
        write_image(tmp_path / name, red())
    with ImageSource(tmp_path) as source:
        assert len(list(source)) == 5


@pytest.mark.parametrize(
    ("window", "names"),
    [
        (Window(), "01345"),
        (Window(start=Fraction(2, 25)), "345"),  # number 2 is broken
        (Window(start=Fraction(2, 25), duration=Fraction(2, 25)), "3"),
        (Window(duration=Fraction(3, 25)), "01"),
        (Window(frames=4), "0134"),
    ],
)
def test_window_over_a_folder_with_a_broken_image(
    tmp_path: Path, window: Window, names: str
) -> None:
    for index in range(6):
        write_image(tmp_path / f"{index}.png", red())
    (tmp_path / "2.png").write_bytes(b"broken")
    with ImageSource(tmp_path, window) as source:
        frames = list(source)
        health = source.health
    assert [f.name for f in frames] == [f"{n}.png" for n in names]
    assert [f.seq for f in frames] == list(range(len(names)))
    assert [f.time for f in frames] == [Fraction(int(n), 25) for n in names]
    assert health.corrupt_packets == 1
    (warning,) = health.warnings
    assert warning.endswith("skipped 1 of 6 images, as they cannot be read: 2.png")


def test_bad_folders(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="the folder holds no images"):
        ImageSource(tmp_path)
    for index in range(5):
        (tmp_path / f"{index}.jpg").write_text("no image")
    with pytest.raises(SourceError, match="none of its images could be read"):
        ImageSource(tmp_path)


def test_bad_images(tmp_path: Path) -> None:
    for content, message in ((b"", "empty"), (b"text\n" * 50, "not an image")):
        path = tmp_path / "a.png"
        path.write_bytes(content)
        with pytest.raises(SourceError, match=message) as caught:
            ImageSource(path)
        assert str(path) in str(caught.value)
    with pytest.raises(SourceError, match="no such file"):
        ImageSource(tmp_path / "none.png")
    good = write_image(tmp_path / "good.png", red())
    with pytest.raises(SourceError, match="holds nothing from 1 s on"):
        ImageSource(good, Window(start=Fraction(1)))


def test_absurd_image(tmp_path: Path) -> None:
    path = write_image(tmp_path / "huge.bmp", red())
    data = bytearray(path.read_bytes())
    data[18:26] = struct.pack("<ii", 30000, 30000)
    path.write_bytes(data)
    with pytest.raises(SourceError, match=r"huge\.bmp"):
        ImageSource(path)


def test_natural_key() -> None:
    names = ["img10", "img2", "IMG1", "img2b", "2", "10", "a", "img02"]
    assert sorted(names, key=natural_key) == [
        "2", "10", "a", "IMG1", "img02", "img2", "img2b", "img10",
    ]  # fmt: skip
