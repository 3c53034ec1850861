"""The window: its keys and its geometry without a display, the rest on a virtual one."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.controls import Controls
from streamer.errors import SinkError
from streamer.sinks import display
from streamer.sinks.window import HELP_LINES, Area, WindowSink, fit, press, scaled
from tests.display import Desktop, needs_display, virtual_display, xauthority
from tests.fakes import grey_frame
from tests.sinks.footage import OPTIONS, frame, info
from tests.sinks.viewer import SWITCHES

ROOT = Path(__file__).parents[2]
LIMIT_S = 20.0


@pytest.mark.parametrize(
    ("key", "switch"),
    [
        ("b", "boxes"),
        ("B", "boxes"),
        ("l", "labels"),
        ("m", "masks"),
        ("h", "hud"),
        ("r", "recording"),
        (" ", "paused"),
    ],
)
def test_a_key_turns_its_switch_and_back(key: str, switch: str) -> None:
    controls = Controls(lambda: None)
    before = {name: getattr(controls, name) for name in SWITCHES}
    assert press(ord(key), controls) == key.lower()
    changed = {name: getattr(controls, name) for name in SWITCHES}
    assert changed == before | {switch: not before[switch]}
    press(ord(key), controls)
    assert {name: getattr(controls, name) for name in SWITCHES} == before


@pytest.mark.parametrize("code", [ord("q"), ord("Q"), 27])
def test_keys_that_end_the_run(code: int) -> None:
    ends: list[bool] = []
    press(code, Controls(lambda: ends.append(True)))
    assert ends == [True]


def test_s_asks_for_one_snapshot() -> None:
    controls = Controls(lambda: None)
    press(ord("s"), controls)
    assert controls.take_snapshot()
    assert not controls.take_snapshot()


@pytest.mark.parametrize("code", [-1, 0, 0xFF51, 0xFFBE, 0xE9, 0x110000 + ord("q"), ord("x")])
def test_other_keys_mean_nothing(code: int) -> None:
    """0xFF51 is the left arrow, whose lowest byte is that of Q."""

    def stop() -> None:
        pytest.fail("it ended the run")

    controls = Controls(stop)
    before = {name: getattr(controls, name) for name in SWITCHES}
    assert press(code, controls) is None
    assert {name: getattr(controls, name) for name in SWITCHES} == before
    assert not controls.take_snapshot()


def test_every_key_is_in_the_help() -> None:
    shown = " ".join(line.partition(":")[0].lower() for line in HELP_LINES)
    named = {" ": "space", "\x1b": "esc"}
    for character in map(chr, range(128)):
        if press(ord(character), Controls(lambda: None)):
            assert named.get(character, character.lower()) in shown


@pytest.mark.parametrize(
    ("size", "room", "area"),
    [
        ((1280, 720), (1280, 720), (0, 0, 1280, 720)),
        ((1280, 720), (640, 640), (0, 140, 640, 360)),
        ((640, 480), (1280, 480), (320, 0, 640, 480)),
        ((100, 50), (400, 400), (0, 100, 400, 200)),
        ((1000, 1), (10, 10), (0, 4, 10, 1)),
    ],
)
def test_a_picture_fits_in_the_middle(
    size: tuple[int, int], room: tuple[int, int], area: tuple[int, int, int, int]
) -> None:
    assert fit(*size, room) == Area(*area)


sides = st.integers(1, 5000)


@given(sides, sides, sides, sides)
def test_a_fitted_picture_stays_inside_and_touches_two_edges(
    width: int, height: int, wide: int, high: int
) -> None:
    area = fit(width, height, (wide, high))
    assert area.left >= 0
    assert area.top >= 0
    assert area.left + area.width <= wide
    assert area.top + area.height <= high
    assert area.width == wide or area.height == high


@pytest.mark.parametrize("size", [(32, 24), (33, 25), (16, 10), (128, 96), (1, 1)])
def test_scaling_keeps_what_is_seen(size: tuple[int, int]) -> None:
    given_frame = grey_frame(0, (64, 48), luma=120)
    given_frame.u[:], given_frame.v[:] = 90, 200
    small = scaled(given_frame, *size)
    assert (small.width, small.height) == size
    assert small.color == given_frame.color
    for plane, value in ((small.y, 120), (small.u, 90), (small.v, 200)):
        assert np.unique(plane).tolist() == [value]


def test_a_frame_of_the_right_size_is_not_copied() -> None:
    same = frame()
    assert scaled(same, same.width, same.height) is same


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("size", [(64, 48), (1280, 720), (33, 25)])
def test_what_is_shown_has_the_right_colours(size: tuple[int, int], full: bool) -> None:
    given_frame = grey_frame(0, size, luma=120)
    given_frame.u[:], given_frame.v[:] = 90, 200
    given_frame.picture.color_range = 2 if full else 1
    exact, quick = given_frame.to_bgr().astype(int), given_frame.to_bgr(exact=False).astype(int)
    assert quick.shape == exact.shape
    assert np.abs(quick - exact).max() <= 3


LINUX = pytest.mark.skipif(sys.platform != "linux", reason="displays have names on Linux")


@LINUX
@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({}, "there is no display"),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "start Xwayland"),
        ({"DISPLAY": ":9999"}, "the display :9999 cannot be reached"),
    ],
)
def test_without_a_display_one_line_says_the_way_out(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], words: str
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SinkError, match=words) as error:
        WindowSink(info(), OPTIONS)
    assert str(error.value).endswith("-o web")
    assert "\n" not in str(error.value)


def test_an_opencv_without_windows_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2, "currentUIFramework", lambda: "")
    with pytest.raises(SinkError, match="opencv-python-headless"):
        display.require_display()


@pytest.fixture(scope="module")
def desktop() -> Iterator[Desktop]:
    with virtual_display() as shown:
        yield shown


@needs_display
def test_a_display_admits_who_has_its_cookie(
    desktop: Desktop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = desktop.name.removeprefix(":").encode()
    right = desktop.cookies.read_bytes()
    wrong = xauthority(number, b"0123456789abcdef")
    cookies = tmp_path / "cookies"
    monkeypatch.setenv("XAUTHORITY", str(cookies))
    assert not display.admits(desktop.name)
    for data, admitted in (
        (wrong, False),
        (wrong + right, True),
        (xauthority(b"77", right[-16:]), False),
        (wrong[:-1], False),
        (right + b"\0", True),
    ):
        cookies.write_bytes(data)
        assert display.admits(desktop.name) is admitted
        assert display.admits(f"{desktop.name}.0") is admitted


@needs_display
def test_libraries_that_would_hang_are_refused(desktop: Desktop) -> None:
    """As where a program imports PyAV, and only then `streamer`; another PyAV may be harmless."""
    program = (
        "import av\n"
        "from streamer.errors import SinkError\n"
        "from streamer.sinks.display import require_display\n"
        "import cv2\n"
        "try:\n"
        "    require_display()\n"
        "except SinkError as error:\n"
        "    assert 'import streamer first' in str(error)\n"
        "else:\n"
        "    cv2.namedWindow('streamer')\n"
    )
    subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=desktop.environment, check=True, timeout=30
    )


class Viewer:
    """The program `tests.sinks.viewer` and its window on a desktop."""

    def __init__(self, desktop: Desktop) -> None:
        self.desktop = desktop
        # A desktop of today names a plugin for Qt that OpenCV does not bring along.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.sinks.viewer"],
            cwd=ROOT,
            env={**desktop.environment, "QT_QPA_PLATFORM": "wayland"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.state: dict[str, Any] = {}
        self.window = ""

    def until(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Read states until one is as wanted."""
        assert self._process.stdout is not None
        limit = threading.Timer(LIMIT_S, self._process.kill)
        limit.start()
        try:
            while not wanted(self.state):
                line = self._process.stdout.readline()
                assert line, f"it ended before that; the last was {self.state}"
                self.state = json.loads(line)
        finally:
            limit.cancel()
        return self.state

    def type(self, key: str, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Press a key and wait for what it does: OpenCV keeps only the last of several."""
        self.desktop.type(self.window, key)
        return self.until(wanted)

    def tell(self, line: str) -> None:
        """Let no picture come, and say why; let them come again where it is empty."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def end(self) -> int:
        """Let it end, and its exit code."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            return self._process.wait(20)
        finally:
            self._process.kill()
            assert self._process.stdout is not None
            self._process.stdout.close()


@pytest.fixture
def viewer(desktop: Desktop) -> Iterator[Viewer]:
    started = Viewer(desktop)
    try:
        started.window = desktop.find("^test$")
        yield started
    finally:
        started.end()


@needs_display
def test_keys_reach_the_controls(viewer: Viewer) -> None:
    viewer.type("b", lambda s: not s.get("boxes", True))
    viewer.desktop.type(viewer.window, "Left")
    viewer.type("m", lambda s: not s["masks"])
    viewer.type("s", lambda s: s["snapshots"])
    last = viewer.type("b", lambda s: s["boxes"])
    assert (last["masks"], last["snapshots"], last["labels"]) == (False, 1, True)
    assert viewer.type("q", lambda s: "stopped" in s) == {"stopped": True, "room": []}
    assert viewer.end() == 0


@needs_display
def test_the_close_button_ends_the_run(viewer: Viewer) -> None:
    viewer.desktop.press_close_button(viewer.window)
    assert viewer.until(lambda s: "stopped" in s) == {"stopped": True, "room": []}
    assert viewer.end() == 0


@needs_display
def test_the_picture_keeps_its_shape_in_a_window_of_any(viewer: Viewer) -> None:
    viewer.desktop.resize(viewer.window, 700, 300)
    viewer.until(lambda s: s.get("room") == [700, 300])
    # 400x300 in the middle; the left half of it is red.
    red = _wait_for(viewer, lambda shown: _is_red(shown[10, 340]) and not shown[10, 20].any())
    assert [_is_red(red[150, x]) for x in (140, 160, 340, 360)] == [False, True, True, False]
    assert [_is_red(red[y, 250]) for y in (2, 297)] == [True, True]
    assert not red[:300, :148].any()
    assert not red[:300, 552:700].any()


@needs_display
def test_a_paused_view_stands_still_and_shows_its_keys(viewer: Viewer) -> None:
    def shows(level: float) -> Callable[[Any], bool]:
        return lambda shown: bool(abs(float(shown[144, 200, 0]) - level) < 4)

    viewer.desktop.resize(viewer.window, 320, 240)
    viewer.until(lambda s: s.get("room") == [320, 240])
    state = viewer.type("space", lambda s: s["still"] is not None)
    grey = (state["still"] - 16) * 255 / 219
    _wait_for(viewer, shows(grey))
    viewer.desktop.type(viewer.window, "question")
    _wait_for(viewer, shows(0.4 * grey))
    viewer.desktop.type(viewer.window, "question")
    _wait_for(viewer, shows(grey))
    viewer.type("space", lambda s: s["still"] is None)
    _wait_for(viewer, lambda shown: not shows(grey)(shown))


@needs_display
def test_why_the_picture_does_not_move_is_said_on_it(viewer: Viewer) -> None:
    def brightest(shown: Any) -> int:
        return int(shown[112:128, 170:300, 0].max())  # its own greys stay below 195

    viewer.desktop.resize(viewer.window, 320, 240)
    viewer.until(lambda s: s.get("room") == [320, 240])
    viewer.tell("source lost, trying again in 3 s")
    _wait_for(viewer, lambda shown: brightest(shown) > 220)
    viewer.desktop.type(viewer.window, "question")
    _wait_for(viewer, lambda shown: int(shown[80:104, 100:220].max()) > 250)
    viewer.desktop.type(viewer.window, "question")
    viewer.tell("")
    _wait_for(viewer, lambda shown: 40 < brightest(shown) < 200)


def _is_red(pixel: Any) -> bool:
    return bool(pixel[2] > 180 and pixel[0] < 90)


def _wait_for(viewer: Viewer, seen: Callable[[Any], bool]) -> Any:
    """The display's picture, as soon as it is as wanted."""
    until = time.monotonic() + LIMIT_S
    while time.monotonic() < until:
        shown = viewer.desktop.picture()
        if seen(shown):
            return shown
        time.sleep(0.05)
    pytest.fail(f"the display did not come to show it in {LIMIT_S} s")
