"""ImageSource: one image, or a folder of images as a film of 25 frames a second.

Each image keeps its own size: people segment folders of photographs, and none of them should come
back scaled to the first. A sink that needs one size for all must see to that itself.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from fractions import Fraction
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import Self

import av

from streamer.errors import ReadError, SourceError
from streamer.frame import Frame
from streamer.sources.base import Health, StreamInfo
from streamer.sources.container import best_video, check_readable, reason
from streamer.sources.decoding import Decoder
from streamer.sources.orientation import exif_turn
from streamer.sources.pictures import Normalizer
from streamer.sources.window import Window

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})
"""What a file is called that holds one picture."""

_FOLDER_SUFFIXES = SUFFIXES | {".gif"}
_RATE = Fraction(25)
"""Images have no rate; this is FFmpeg's for a series of them."""

_TIME_BASE = 1 / _RATE
_NAMED = 3
_WHOLE = Window()


class ImageSource:
    """One image, or the images of a folder in natural order: img2 before img10. See `Source`.

    Frames have `name`, and each the size of its image, upright by EXIF. In a folder images that
    cannot be read are skipped and counted; their places in time stay empty.
    """

    info: StreamInfo
    health: Health

    def __init__(self, path: Path, window: Window = _WHOLE) -> None:
        """List the images and decode the first.

        Args:
            path: an image or a folder.
            window: the part of the series to give.

        Raises:
            SourceError: there is no image that can be read.
        """
        self.health = Health()
        self._path, self._window = path, window
        self._lenient = path.is_dir()
        self._images = _images_in(path) if self._lenient else [path]
        self._skipped: list[str] = []
        frames = self._read()
        first = next(frames, None)
        if first is None:
            raise SourceError(self._why_empty())
        self._frames = chain([first], frames)
        count, seconds = window.expect(len(self._images), len(self._images) / _RATE, _RATE)
        self.info = StreamInfo(
            url=str(path),
            width=first.width,
            height=first.height,
            rate=_RATE,
            time_base=_TIME_BASE,
            start=window.start,
            frames=count,
            duration=None if seconds is None else float(seconds),
        )

    def __iter__(self) -> Iterator[Frame]:
        """The images of the window."""
        return self._frames

    def interrupt(self) -> None:
        """Nothing here waits for long."""

    def close(self) -> None:
        """Nothing is open between two images."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _read(self) -> Iterator[Frame]:
        # An image is read when its turn has come, and only inside the window; one that cannot be
        # read must not count for it.
        places = ((index * _TIME_BASE, index) for index in range(len(self._images)))
        within = Window(self._window.start, self._window.duration)
        seq = 0
        for index in within.select(places):
            picture = self._decode(self._images[index])
            if picture is None:
                continue
            yield Frame(picture, seq, index, _TIME_BASE, time.monotonic(), self._images[index].name)
            seq += 1
            if seq == self._window.frames:
                break
        self._report_skipped()

    def _decode(self, path: Path) -> av.VideoFrame | None:
        try:
            return read_image(path)
        except SourceError:
            if not self._lenient:
                raise
            self.health.corrupt_packets += 1
            self._skipped.append(path.name)
            return None

    def _why_empty(self) -> str:
        if self._skipped:
            return f"{self._path}: none of its images could be read"
        return (
            f"{self._path}: holds nothing from {float(self._window.start):g} s on; "
            f"{len(self._images)} images last {float(len(self._images) / _RATE):g} s"
        )

    def _report_skipped(self) -> None:
        if self._skipped:
            names = ", ".join(self._skipped[:_NAMED])
            more = ", ..." if len(self._skipped) > _NAMED else ""
            self.health.warnings.append(
                f"{self._path}: skipped {len(self._skipped)} of {len(self._images)} images, "
                f"as they cannot be read: {names}{more}"
            )


def read_image(path: Path) -> av.VideoFrame:
    """The (first) picture of an image file: upright 8-bit YUV 4:2:0 of the image's own size.

    JPEG keeps its samples, at full range. Alpha is dropped.

    Raises:
        SourceError: it is no image that FFmpeg can decode.
    """
    check_readable(path)
    try:
        # FFmpeg gets the bytes, as it would take a name such as "shot%03d.png" for a whole series.
        image = path.read_bytes()
        with av.open(BytesIO(image), "r", metadata_errors="replace") as container:
            stream = best_video(container, str(path))
            picture = next(iter(Decoder(container, stream, Health())), None)
        if picture is not None:
            picture.pts = 0
            normalizer = Normalizer(_TIME_BASE, turn=exif_turn(image))
            return (normalizer.push(picture) + normalizer.flush())[0]
    except (av.FFmpegError, OSError, MemoryError, ReadError) as error:
        raise SourceError(f"{path}: not an image that can be decoded: {reason(error)}") from error
    raise SourceError(f"{path}: not an image that can be decoded")


def natural_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """Sorts names as people do: runs of digits by their value, letters whatever their case."""
    parts = re.split(r"(\d+)", name)
    return tuple((0, int(p), p) if p.isdecimal() else (1, 0, p.casefold()) for p in parts if p)


def _images_in(folder: Path) -> list[Path]:
    try:
        entries = list(folder.iterdir())
    except OSError as error:
        raise SourceError(f"{folder}: cannot be listed: {reason(error)}") from error
    images = [
        entry
        for entry in entries
        if entry.suffix.lower() in _FOLDER_SUFFIXES
        and not entry.name.startswith(".")
        and entry.is_file()
    ]
    if not images:
        kinds = " ".join(sorted(_FOLDER_SUFFIXES))
        raise SourceError(f"{folder}: the folder holds no images ({kinds})")
    return sorted(images, key=lambda image: (natural_key(image.name), image.name))
