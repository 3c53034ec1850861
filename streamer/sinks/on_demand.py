"""OnDemandSink: recordings and snapshots that whoever watches asks for."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import partial
from itertools import chain, count
from pathlib import Path
from typing import Self

from streamer.controls import Controls
from streamer.errors import StreamerError
from streamer.frame import Frame
from streamer.instances import Instances
from streamer.sinks.aside import Aside
from streamer.sinks.images import encoded
from streamer.sinks.options import SinkOptions
from streamer.sinks.target import Target, reason
from streamer.sinks.video import VideoSink
from streamer.sources.base import StreamInfo

_MOST_WARNINGS = 10


class OnDemandSink:
    """Looks at `Controls` with every frame and keeps what is wanted in their folder.

    A recording is ``streamer-YYYYMMDD-HHMMSS.mp4``, begins at 0 and has no sound; while it grows it
    is ``NAME.part``, which plays. A snapshot is the frame as a PNG file. No file is ever written
    over. What fails is said to the viewer and in the report, and the run goes on.

    Args:
        info: of the frames to come.
        options: how recordings are written; `SinkOptions.controls` must be there.

    Attributes:
        url: what it is, for messages.
        draws: True.
        frames: how many were recorded.
        warnings: what failed, the first few.
    """

    draws = True
    on_main_thread = False

    def __init__(self, info: StreamInfo, options: SinkOptions) -> None:
        assert options.controls is not None
        self.url = "recordings on demand"
        self.frames = 0
        self.warnings: list[str] = []
        self._controls: Controls = options.controls
        self._info = replace(info, open_audio=None)
        self._options = replace(options, overwrite=False)
        self._aside = Aside(live=info.live)
        self._recording: VideoSink | None = None

    def write(self, frame: Frame, instances: Instances) -> None:
        """Do what is wanted with one frame; never raises. See `Sink.write`."""
        if not self._aside.busy and self._controls.take_snapshot():
            self._aside.do(partial(self._snapshot, frame.copy()))
        if self._recording and not self._controls.recording:
            self._end()
        if self._controls.recording:
            self._record(frame, instances)

    def close(self) -> None:
        """Finish the recording, if there is one. See `Sink.close`."""
        self._end()
        self._aside.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _record(self, frame: Frame, instances: Instances) -> None:
        try:
            if self._recording is None:
                info = replace(self._info, start=frame.time)
                path = _free_name(self._controls.folder, ".mp4")
                self._recording = VideoSink(path, info, self._options, tried=True)
                self._controls.recorded = path.name
            self._recording.write(frame, instances)
            self.frames += 1
        except (StreamerError, OSError) as error:
            self._controls.recording = False
            self._fail(error)
            self._end()

    def _end(self) -> None:
        recording, self._recording = self._recording, None
        self._controls.recorded = None
        if recording:
            self._aside.do(partial(self._finish, recording))

    def _finish(self, recording: VideoSink) -> None:
        try:
            recording.close()
        except StreamerError as error:
            self._fail(error)
            return
        self._warn(*recording.warnings)
        if Path(recording.url).exists():
            self._controls.said = f"saved {Path(recording.url).name}"

    def _snapshot(self, frame: Frame) -> None:
        try:
            target = Target(_free_name(self._controls.folder, ".png"), overwrite=False)
            try:
                target.part.write_bytes(encoded(frame, ".png"))
                target.publish()
            except BaseException:
                target.discard()
                raise
        except (StreamerError, OSError) as error:
            self._fail(error)
        else:
            self._controls.said = f"saved {target.path.name}"

    def _fail(self, error: StreamerError | OSError) -> None:
        message = str(error) if isinstance(error, StreamerError) else f"not saved: {reason(error)}"
        self._controls.said = message
        self._warn(message)

    def _warn(self, *messages: str) -> None:
        self.warnings.extend(messages[: _MOST_WARNINGS - len(self.warnings)])


def _free_name(folder: Path, suffix: str) -> Path:
    """A file named by the present time that is not there, nor being written."""
    stem = datetime.now().astimezone().strftime("streamer-%Y%m%d-%H%M%S")
    ends = chain([""], (f"-{number}" for number in count(2)))
    names = (folder / f"{stem}{end}{suffix}" for end in ends)
    return next(
        path
        for path in names
        if not path.exists() and not path.with_name(f"{path.name}.part").exists()
    )
