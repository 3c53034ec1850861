"""ImageFolderSink and ImageSink: frames as image files."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Self

import cv2

from streamer.errors import SinkError, WriteError
from streamer.frame import Frame
from streamer.instances import Instances
from streamer.sinks.options import SinkOptions
from streamer.sinks.target import Target, reason
from streamer.sources.base import StreamInfo

_QUALITY = [cv2.IMWRITE_JPEG_QUALITY, 95]


class ImageFolderSink:
    """Writes each frame as a PNG file into a folder.

    A frame that was read from ``cat.jpg`` becomes ``cat.png``, others ``frame_000000.png`` and so
    on by their numbers. Files appear under their names only when they are whole.

    Attributes:
        url: the folder; made if it is missing.
        draws: True.
        frames: how many were taken.

    Raises:
        SinkError: the folder cannot be made, or holds files that may not go.
    """

    draws = True
    on_main_thread = False

    def __init__(self, path: Path, options: SinkOptions) -> None:
        self.url = f"{path}{os.sep}"
        self.frames = 0
        self.warnings: list[str] = []
        self._path = path
        self._names: set[str] = set()
        if path.exists() and not path.is_dir():
            raise SinkError(f"{path} is a file; name a folder for the images")
        try:
            self._made = not path.exists()
            path.mkdir(exist_ok=True)
            if next(path.iterdir(), None) and not options.overwrite:
                raise SinkError(f"{path} is not empty; choose another folder or give --overwrite")
            if not os.access(path, os.W_OK | os.X_OK):
                raise SinkError(f"{path} cannot be written: permission denied")
        except FileNotFoundError:
            raise SinkError(f"{path}: there is no folder {path.parent}; make it first") from None
        except OSError as error:
            raise SinkError(f"{path} cannot be written: {reason(error)}") from error

    def write(self, frame: Frame, instances: Instances) -> None:  # noqa: ARG002
        """Take one frame. See `Sink.write`."""
        path = self._path / self._name(frame)
        part = path.with_name(path.name + ".part")
        try:
            part.write_bytes(encoded(frame, ".png"))
            part.replace(path)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise WriteError(
                f"{path}: {reason(error)}; {self.frames} images before it are written"
            ) from error
        self.frames += 1

    def close(self) -> None:
        """Everything is in place already; a folder made for nothing goes. See `Sink.close`."""
        if self._made and not self.frames:
            with contextlib.suppress(OSError):
                self._path.rmdir()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _name(self, frame: Frame) -> str:
        if frame.name is None:
            return f"frame_{frame.seq:06d}.png"
        source = Path(frame.name)
        name = f"{source.stem}.png"
        if name in self._names:  # cat.jpg after cat.bmp
            name = f"{source.name}.png"
        self._names.add(name)
        return name


class ImageSink:
    """Writes the one frame of a run as an image file, PNG or JPEG by its suffix.

    Attributes:
        url: the file.
        draws: True.
        frames: how many were taken.

    Raises:
        SinkError: the file cannot be made, or more frames than one are to come.
    """

    draws = True
    on_main_thread = False

    def __init__(self, path: Path, info: StreamInfo, options: SinkOptions) -> None:
        self.url = str(path)
        if info.frames is not None and info.frames > 1:
            raise SinkError(
                f"{path} is one image, but {info.frames} frames are to come; "
                "name a folder, or give --frames 1"
            )
        self.frames = 0
        self.warnings: list[str] = []
        self._suffix = path.suffix.lower()
        self._failed = self._closed = False
        self._target = Target(path, overwrite=options.overwrite)

    def write(self, frame: Frame, instances: Instances) -> None:  # noqa: ARG002
        """Take the frame. See `Sink.write`."""
        if self.frames:
            self._failed = True
            raise WriteError(
                f"{self.url} is one image, but there are more frames; "
                "name a folder, or give --frames 1"
            )
        try:
            self._target.part.write_bytes(encoded(frame, self._suffix))
        except OSError as error:
            self._failed = True
            raise WriteError(f"{self.url}: {reason(error)}; no image was written") from error
        self.frames += 1

    def close(self) -> None:
        """Move the file into place. See `Sink.close`."""
        if self._closed:
            return
        self._closed = True
        if self._failed or not self.frames:
            self._target.discard()
        else:
            self._target.publish()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def encoded(frame: Frame, suffix: str) -> bytes:
    """The frame as the bytes of an image file.

    Raises:
        WriteError: the format cannot hold it.
    """
    try:
        done, data = cv2.imencode(suffix, frame.to_bgr(), _QUALITY if suffix != ".png" else [])
    except cv2.error as error:
        raise WriteError(f"frame {frame.seq} as {suffix}: {reason(error)}") from error
    if not done:
        raise WriteError(f"frame {frame.seq}, {frame.width}x{frame.height}, does not fit {suffix}")
    return data.tobytes()
