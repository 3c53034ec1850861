"""WindowSink: shows frames in a window of the desktop and takes its keys.

    frame --scale planes to fit--> BGR --> middle of the window;   keys --> `Controls`

Only the program's main thread may touch a window, so `WindowSink.on_main_thread` is set.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, Self

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from streamer.controls import Controls
from streamer.errors import WriteError
from streamer.frame import Frame, copy_tags
from streamer.hud import draw_hud
from streamer.instances import Instances
from streamer.sinks.display import require_display
from streamer.sinks.options import SinkOptions
from streamer.sinks.target import reason
from streamer.sources.base import Health, StreamInfo

_NAME = "streamer"
_FLAGS = cv2.WINDOW_NORMAL | cv2.WINDOW_FREERATIO | cv2.WINDOW_GUI_NORMAL
_FIRST_SIZE = (1280, 720)
"""The window is at most so large when it opens."""
_SHORTEST_S = 0.012
"""No frame is shown sooner after the one before: screens are not faster, and files may be."""


class Area(NamedTuple):
    """A rectangle of a window in pixels."""

    left: int
    top: int
    width: int
    height: int


def _toggle(name: str) -> Callable[[Controls], None]:
    def toggle(controls: Controls) -> None:
        setattr(controls, name, not getattr(controls, name))

    return toggle


_ESCAPE = "\x1b"
_HELP = "?"
_ACTIONS: dict[str, Callable[[Controls], None]] = {
    "q": Controls.stop,
    _ESCAPE: Controls.stop,
    " ": _toggle("paused"),
    "s": Controls.snapshot,
    "b": _toggle("boxes"),
    "l": _toggle("labels"),
    "m": _toggle("masks"),
    "h": _toggle("hud"),
    "r": _toggle("recording"),
}
HELP_LINES = (
    "q or Esc: quit",
    "Space: pause the view",
    "s: save a snapshot",
    "b, l, m: boxes, labels, masks",
    "h: figures of the run",
    "r: record",
    "?: these keys",
)


def press(code: int, controls: Controls) -> str | None:
    """Do what a key stands for.

    Args:
        code: as ``cv2.waitKeyEx`` gives it; -1 for no key.
        controls: changed by it.

    Returns:
        The key's character, small, if it stands for anything, else None.
    """
    # Above are arrows and the like: the lowest byte of the left one is that of Q.
    character = chr(code).lower() if 0 <= code < 128 else ""
    if character == _HELP:
        return character
    action = _ACTIONS.get(character)
    if action is None:
        return None
    action(controls)
    return character


def fit(width: float, height: float, room: tuple[int, int]) -> Area:
    """The largest rectangle of the shape ``width`` to ``height``, in the middle of a room."""
    factor = min(room[0] / width, room[1] / height)
    wide, high = (max(round(side * factor), 1) for side in (width, height))
    return Area((room[0] - wide) // 2, (room[1] - high) // 2, wide, high)


def scaled(frame: Frame, width: int, height: int) -> Frame:
    """The frame in another size; itself where it has that size."""
    if (frame.width, frame.height) == (width, height):
        return frame
    picture = av.VideoFrame(width, height, frame.picture.format.name)
    copy_tags(frame.picture, picture)
    small = Frame(picture, frame.seq, frame.pts, frame.time_base)
    # Between half and full size, averaging looks the same and takes four times as long.
    shrinks = 2 * width < frame.width or 2 * height < frame.height
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    for source, target in ((frame.y, small.y), (frame.u, small.u), (frame.v, small.v)):
        cv2.resize(source, target.shape[::-1], dst=target, interpolation=how)
    return small


class WindowSink:
    """Shows what is written in a resizable window, until the viewer closes it.

    The keys are those of `HELP_LINES`; the close button ends the run as q does. The window opens
    with the first frame.

    Attributes:
        url: ``"window"``.
        draws: True.
        on_main_thread: True: all methods are for the main thread only.
        shown: how many frames were shown.

    Raises:
        SinkError: no window can be opened here.
    """

    url = "window"
    draws = True
    on_main_thread = True

    def __init__(self, info: StreamInfo, options: SinkOptions) -> None:
        require_display()
        self.shown = 0
        self.warnings: list[str] = []
        self._source, self._pixel_aspect = info.url, float(info.pixel_aspect)
        self._controls = options.controls or Controls(stop=lambda: None)
        self._health = options.health or Health()
        self._open = self._left = self._helps = False
        self._title = ""
        self._still: Frame | None = None
        self._latest: Frame | None = None
        self._shown_at = 0.0
        self._shown_as: tuple[tuple[int, int], Sequence[str]] | None = None

    def write(self, frame: Frame, instances: Instances) -> None:  # noqa: ARG002
        """Take one frame. See `Sink.write`."""
        now = time.monotonic()
        if self._left or now - self._shown_at < _SHORTEST_S:
            return
        self._shown_at = now
        try:
            if not self._open:
                self._begin(frame)
            if not self._controls.paused:
                self._still = None
                self._show(frame)
            elif self._still is None:
                self._still = frame.copy()
                self._show(self._still)
        except cv2.error as error:
            raise WriteError(f"window: it cannot be shown ({reason(error)})") from error
        self.idle()

    def idle(self) -> None:
        """Take keys and redraw; call some twenty times a second while no frame comes."""
        if not self._open:
            return
        pressed = press(cv2.waitKeyEx(1), self._controls)
        if not _is_there():
            self._controls.stop()
        if pressed in ("q", _ESCAPE) or not _is_there():
            self._leave()
            return
        if pressed == _HELP:
            self._helps = not self._helps
        if self._latest is not None and self._shown_as != (self._room(), self._lines()):
            self._show(self._latest)
        self._say()

    def close(self) -> None:
        """Close the window. See `Sink.close`."""
        self._leave()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _begin(self, first: Frame) -> None:
        width, height = first.width * self._pixel_aspect, first.height
        cv2.namedWindow(_NAME, _FLAGS)
        self._open = True
        room = fit(width, height, (min(round(width), _FIRST_SIZE[0]), _FIRST_SIZE[1]))
        cv2.resizeWindow(_NAME, room.width, room.height)
        self._say()

    def _leave(self) -> None:
        self._left = True
        if self._open:
            self._open = False
            # Where the viewer has closed it, there is nothing left to destroy.
            with contextlib.suppress(cv2.error):
                cv2.destroyWindow(_NAME)
                cv2.waitKeyEx(1)

    def _show(self, frame: Frame) -> None:
        room = self._room()
        area = fit(frame.width * self._pixel_aspect, frame.height, room)
        picture = scaled(frame, area.width, area.height)
        lines = self._lines()
        if lines:
            picture = picture.copy() if picture is frame else picture
            draw_hud(picture, lines, centred=True)
        cv2.imshow(_NAME, _framed(picture.to_bgr(exact=False), area, room))
        self._latest, self._shown_as = frame, (room, lines)
        self.shown += 1

    def _lines(self) -> Sequence[str]:
        """What stands in the middle of the picture: the keys, or why it does not move."""
        state = self._health.state
        return HELP_LINES if self._helps else (state,) if state else ()

    def _room(self) -> tuple[int, int]:
        """Columns and rows that the window has for the picture."""
        _, _, width, height = cv2.getWindowImageRect(_NAME)
        return (width, height) if width > 0 and height > 0 else _FIRST_SIZE

    def _say(self) -> None:
        """Keep the title up to date."""
        controls = self._controls
        recording = f"recording {controls.recorded}" if controls.recorded else None
        parts = [self._source, "paused" if controls.paused else None, recording, controls.said]
        title = " - ".join(part for part in parts if part)
        if title != self._title:
            self._title = title
            cv2.setWindowTitle(_NAME, title)


def _is_there() -> bool:
    try:
        return cv2.getWindowProperty(_NAME, cv2.WND_PROP_VISIBLE) > 0
    except cv2.error:  # without any window, OpenCV 5 has nothing left to ask
        return False


def _framed(picture: NDArray[np.uint8], area: Area, room: tuple[int, int]) -> NDArray[np.uint8]:
    """The picture with black around it, as large as the room."""
    if (area.width, area.height) == room:
        return picture
    framed = np.zeros((room[1], room[0], 3), np.uint8)
    framed[area.top : area.top + area.height, area.left : area.left + area.width] = picture
    return framed
