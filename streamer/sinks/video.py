"""VideoSink: an MP4, MOV, Matroska or WebM file.

While it grows it lies beside its place as a file that plays up to its last second, whatever stops
the run, be it a full disk or a ``kill -9``: an MP4 as a chain of fragments, Matroska as it is. At
the end FFmpeg makes the fragments an ordinary MP4, and its index is moved to the front.
"""

from __future__ import annotations

import contextlib
import io
from fractions import Fraction
from pathlib import Path
from typing import Self

import av

from streamer.errors import SinkError, StreamerError, WriteError
from streamer.frame import Frame
from streamer.instances import Instances
from streamer.sinks.audio import AudioCopy, rehearse
from streamer.sinks.encoder import choose_encoder, codecs_of
from streamer.sinks.faststart import move_index_to_front
from streamer.sinks.movie import Movie, container_of, containers_with
from streamer.sinks.options import SinkOptions
from streamer.sinks.target import Target, reason
from streamer.sources.base import AudioFeed, StreamInfo

_REHEARSED_SECONDS = 10
"""Within so many seconds most audio has begun, so that its first packets can be tried."""


class VideoSink:
    """Encodes frames into a file, each at its own presentation time, and copies the audio.

    Args:
        path: the file; its suffix says the format.
        info: of the frames to come.
        options: how it is written.
        tried: the same worked before, so nothing is encoded and copied for a trial.

    Attributes:
        url: the file.
        draws: True.
        frames: how many were taken.
        warnings: what is less than perfect about the finished file, one line each.

    Raises:
        SinkError: the file cannot be made, or encoder, container and audio do not fit together.
        SourceError: the source's audio cannot be opened.
    """

    draws = True
    on_main_thread = False

    def __init__(
        self, path: Path, info: StreamInfo, options: SinkOptions, *, tried: bool = False
    ) -> None:
        self.url = str(path)
        self.frames = 0
        self.warnings: list[str] = []
        self._container = container_of(path)
        self._encoder = choose_encoder(self._container.encoder, options)
        self._check(path, self._encoder.name, f"{self._encoder.codec} video", "another --encoder")
        self._info = info
        self._threads = options.threads
        self._movie: Movie | None = None
        self._size = (0, 0)
        self._failed = self._closed = False
        self._audio: AudioCopy | None = None
        self._target = Target(path, overwrite=options.overwrite)
        try:
            if options.audio and info.open_audio:
                self._audio = AudioCopy(info.open_audio())
                for codec in self._audio.codecs:
                    self._check(path, codec, f"{codec} audio", "--no-audio")
                if not tried:
                    self._rehearse_audio(info.open_audio())
            if not tried:
                self._rehearse_video()
        except BaseException:
            self._target.discard()
            self._close_audio()
            raise

    def write(self, frame: Frame, instances: Instances) -> None:  # noqa: ARG002
        """Take one frame. See `Sink.write`."""
        size = frame.width, frame.height
        if self._movie and size != self._size:
            name = frame.name or f"frame {frame.seq}"
            raise self._failure(
                f"{name} is {size[0]}x{size[1]}, not {self._size[0]}x{self._size[1]} as the first "
                "frame; name a folder to write images of any size"
            )
        try:
            if not self._movie:
                part = _file_url(self._target.part)
                self._movie, self._size = self._open(part, frame, self._audio), size
            self._movie.encode(frame)
        except (av.FFmpegError, OSError) as error:
            raise self._failure(reason(error)) from error
        self.frames += 1

    def close(self, until: Fraction | None = None) -> None:
        """Finish the file and move it into place. See `Sink.close` and, for ``until``, `Movie`."""
        if self._closed:
            return
        self._closed = True
        try:
            if self._movie and not self._failed:
                self._finish(self._movie, until)
                self._publish()
            elif not self._failed:
                self._target.discard()
        finally:
            self._close_audio()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _check(self, path: Path, codec: str, what: str, way_out: str) -> None:
        if codec not in codecs_of(self._container.format):
            ways = ", ".join([*containers_with(codec), way_out])
            raise SinkError(f"{path}: {path.suffix} cannot hold {what}; choose one of {ways}")

    def _open(self, file: str | io.BytesIO, first: Frame, audio: AudioCopy | None) -> Movie:
        return Movie(file, self._container, self._encoder, self._info, first, audio, self._threads)

    def _rehearse_audio(self, feed: AudioFeed) -> None:
        """Copy the first packets into memory, so that what cannot work fails before any work."""
        container, until = self._container, self._info.start + _REHEARSED_SECONDS
        try:
            rehearse(AudioCopy(feed), container.format, container.options, until)
        except (av.FFmpegError, OSError, ValueError) as error:
            raise SinkError(
                f"{self.url}: {container.format} does not take the audio of {self._info.url} "
                f"({', '.join(self._audio.codecs if self._audio else ())}: {reason(error)}); "
                f"give --no-audio{' or choose .mkv' if container.is_mp4 else ''}"
            ) from error
        finally:
            feed.close()

    def _rehearse_video(self) -> None:
        """Open the encoder once, into memory."""
        info = self._info
        try:
            blank = av.VideoFrame(info.width, info.height, "yuv420p")
            self._open(io.BytesIO(), Frame(blank, 0, 0, info.time_base), None).close()
        except (av.FFmpegError, OSError) as error:
            raise SinkError(
                f"{self.url}: encoder {self._encoder.name} does not start for "
                f"{info.width}x{info.height} pictures here ({reason(error)}); try --encoder h264"
            ) from error

    def _finish(self, movie: Movie, until: Fraction | None) -> None:
        try:
            movie.finish(until)
        except (av.FFmpegError, OSError, StreamerError) as error:  # the last: of the audio's source
            raise self._failure(reason(error)) from error
        if self._audio and self._audio.lost:
            self.warnings.append(
                f"{self.url}: {self._audio.lost} broken audio packets were left out"
            )
        if movie.crowded:
            self.warnings.append(
                f"{self.url}: {movie.crowded} pictures have the time of the one before them, as "
                f"{self._container.format} counts milliseconds; .mp4 keeps them apart"
            )

    def _publish(self) -> None:
        self._target.publish(self._with_index_first() if self._container.is_mp4 else None)

    def _with_index_first(self) -> Path | None:
        """A copy of the finished file whose index comes first; None where there can be none."""
        copy = None
        try:
            copy = self._target.spare()
            if move_index_to_front(self._target.part, copy):
                return copy
        except OSError as error:
            self.warnings.append(
                f"{self.url} is complete, but its index is at its end, so that browsers load all "
                f"of it before they play ({reason(error)})"
            )
        if copy:
            copy.unlink(missing_ok=True)
        return None

    def _failure(self, why: str) -> WriteError:
        """Save what can be saved and say what became of it."""
        self._failed = True
        for save in (self._movie.finish, self._movie.close) if self._movie else ():
            with contextlib.suppress(av.FFmpegError, OSError, StreamerError):
                save()
        frames = _playable_frames(self._target.part)
        if not frames:
            self._target.discard()
            return WriteError(f"{self.url}: {why}; no frame was written")
        return WriteError(
            f"{self.url}: {why}; its first {frames} frames are in {self._target.part}, which plays"
        )

    def _close_audio(self) -> None:
        if self._audio:
            self._audio.close()


def _file_url(path: Path) -> str:
    """The name that FFmpeg takes for the file even if it has a colon, like ``12:30.mp4``."""
    return f"file:{path}"


def _playable_frames(path: Path) -> int:
    """How many whole pictures a file holds that may break off anywhere."""
    frames = 0
    with contextlib.suppress(av.FFmpegError, OSError), av.open(_file_url(path)) as container:
        for packet in container.demux(video=0):
            frames += packet.size > 0 and not packet.is_corrupt
    return frames
