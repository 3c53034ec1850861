"""Publishing to real servers: GStreamer's for RTSP, FFmpeg's listener for RTMP; and to bad ones."""

from __future__ import annotations

import json
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any, Self

import av
import pytest

from streamer.cli import main
from streamer.controls import Controls
from streamer.errors import SinkError, WriteError
from streamer.frame import Frame
from streamer.instances import Instances
from streamer.sinks.low_delay import LowDelay
from streamer.sinks.options import SinkOptions
from streamer.sinks.publish import PublishSink
from tests.clips import write_clip
from tests.sinks.footage import frame, info

SIZE = (97, 71)
CODED = [98, 72]
PICTURES = [frame(i, size=SIZE) for i in range(30)]
LARGE = (640, 360)
LARGE_PICTURES = [frame(i, size=LARGE) for i in range(3)]
SYSTEM_PYTHON = "/usr/bin/python3"
SERVER = Path(__file__).parents[1] / "publish_server.py"
PACKAGES = (
    "needs python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-good "
    "gstreamer1.0-plugins-bad gstreamer1.0-libav"
)
DEADLINE_S = 60
NUMBERS = count()


class Server:
    """A process of `publish_server`.

    Attributes:
        port: where it listens; None where it does not start.
        got: what it says of each frame, once `frames` has waited for it.
    """

    def __init__(self, python: str, *args: str) -> None:
        self.got: list[dict[str, Any]] = []
        self._lines: queue.Queue[str] = queue.Queue()
        self._process = subprocess.Popen(
            [python, str(SERVER), *args],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={"PATH": "/usr/bin:/bin"},
        )
        threading.Thread(target=self._read, daemon=True).start()
        first = self._lines.get(timeout=DEADLINE_S)
        self.port: int | None = json.loads(first)["listening"] if first else None

    def has(self, frames: int) -> bool:
        """Whether it has decoded so many frames."""
        while not self._lines.empty():
            if line := self._lines.get():
                self.got.append(json.loads(line))
        return len(self.got) >= frames

    def pause(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._process.kill()
        self._process.wait()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                self._lines.put(line)
        self._lines.put("")


def rtsp(*args: str) -> Server:
    try:
        server = Server(SYSTEM_PYTHON, "rtsp", *args)
    except FileNotFoundError:
        pytest.skip(PACKAGES)
    if server.port is None:
        server.__exit__()
        pytest.skip(PACKAGES)
    return server


@pytest.fixture
def closer() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def publish(url: str, **options: Any) -> PublishSink:
    limit_s = options.pop("limit_s", 10.0)
    about = info(options.pop("size", SIZE), live=True)
    return PublishSink(url, about, SinkOptions(threads=1, **options), limit_s=limit_s)


def pump(
    sink: PublishSink, done: Callable[[], bool], pictures: Sequence[Frame] = PICTURES
) -> float:
    """Write frames, about 100 a second, until ``done``; gives the longest time of one write."""
    longest, end = 0.0, time.monotonic() + DEADLINE_S
    for index in NUMBERS:
        began = time.monotonic()
        picture = pictures[index % len(pictures)]
        sink.write(replace(picture, seq=index, pts=index), Instances.empty())
        longest = max(longest, time.monotonic() - began)
        if done():
            return longest
        assert began < end, "it did not happen in time"
        time.sleep(0.01)
    raise AssertionError


def test_rtsp_and_a_server_that_comes_back(closer: ExitStack) -> None:
    server = closer.enter_context(rtsp("0"))
    controls = Controls(lambda: None)
    url = f"rtsp://127.0.0.1:{server.port}/live"
    sink = closer.enter_context(publish(url, controls=controls))
    pump(sink, lambda: server.has(40))
    times = [got["time"] for got in server.got]
    assert times == sorted(times)
    assert all(got["size"] == CODED for got in server.got)
    assert controls.said is None
    server.__exit__()
    pump(sink, lambda: controls.said is not None)
    assert str(controls.said).endswith("; trying again")
    again = closer.enter_context(rtsp(str(server.port)))
    pump(sink, lambda: again.has(10))
    assert controls.said == f"{url}: publishing again"
    sink.close()
    assert sink.reconnects == 1
    (warning,) = sink.warnings
    assert warning.endswith(" frames were not sent; connected anew 1 times")


def test_a_server_that_stops_reading_holds_nothing_up(closer: ExitStack) -> None:
    server = closer.enter_context(rtsp("0"))
    controls = Controls(lambda: None)
    url = f"rtsp://127.0.0.1:{server.port}/live"
    sink = publish(url, controls=controls, limit_s=1.0, crf=0, size=LARGE)
    pump(sink, lambda: server.has(5), LARGE_PICTURES)
    server.pause()
    longest = pump(sink, lambda: controls.said is not None, LARGE_PICTURES)
    assert "takes no data for 1 s; trying again" in str(controls.said)
    assert longest < 2
    began = time.monotonic()
    sink.close()
    assert time.monotonic() - began < 15
    assert sink.dropped > 0


def test_rtsp_with_a_password(closer: ExitStack) -> None:
    server = closer.enter_context(rtsp("0", "cam:s3cret"))
    place = f"127.0.0.1:{server.port}/live"
    with publish(f"rtsp://cam:s3cret@{place}") as sink:
        assert sink.url == f"rtsp://cam:***@{place}"
        pump(sink, lambda: server.has(3))
        with pytest.raises(WriteError, match="is 32x32, not 97x71"):
            sink.write(frame(0, size=(32, 32)), Instances.empty())
    for login in ("", "cam:wr0ng@"):
        with pytest.raises(SinkError, match="401 unauthorized") as caught:
            publish(f"rtsp://{login}{place}")
        assert "wr0ng" not in str(caught.value)
        assert "\n" not in str(caught.value)


def test_rtmp(closer: ExitStack) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    server = closer.enter_context(Server(sys.executable, "rtmp", str(port)))
    end = time.monotonic() + DEADLINE_S
    while True:
        try:
            sink = publish(f"rtmp://127.0.0.1:{port}/live/x")
            break
        except SinkError as error:  # it says that it listens before it does
            assert "connection refused" in str(error)  # noqa: PT017
            assert time.monotonic() < end
    with sink:
        pump(sink, lambda: server.has(20))
    assert all(got["size"] == CODED for got in server.got)
    assert sink.reconnects == 0


def test_a_server_that_says_nothing() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as mute:
        port = mute.getsockname()[1]
        for scheme in ("rtsp", "rtmp"):
            message = rf"{scheme}://127\.0\.0\.1:{port}/x: .*no answer within 0\.5 s"
            with pytest.raises(SinkError, match=message):
                publish(f"{scheme}://127.0.0.1:{port}/x", limit_s=0.5)


def test_no_server() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    with pytest.raises(SinkError, match=r"connection refused.*check that it runs"):
        publish(f"rtsp://u:pa55@127.0.0.1:{port}/x")


def test_srt_where_ffmpeg_was_built_without_it() -> None:
    try:
        av.open("srt://127.0.0.1:1?connect_timeout=1")
    except av.error.ProtocolNotFoundError:
        pass
    except (av.FFmpegError, OSError):
        pytest.skip("this FFmpeg has SRT")
    with pytest.raises(SinkError, match="built without that protocol; publish to rtsp:// or"):
        publish("srt://127.0.0.1:1")


def test_other_coders_are_refused() -> None:
    with pytest.raises(SinkError, match=r"takes H\.264; leave --encoder out"):
        publish("rtsp://127.0.0.1:1/x", encoder="vp9")


def test_little_delay_and_a_keyframe_a_second() -> None:
    coder = LowDelay(info(SIZE), SinkOptions(threads=2))
    packets = [coder.encode(replace(PICTURES[0], pts=1000 + i)) for i in range(60)]
    assert [len(each) for each in packets] == [1] * 60  # each comes at once
    assert [i for i, (packet,) in enumerate(packets) if packet.is_keyframe] == [0, 25, 50]
    assert [packet.pts for (packet,) in packets] == [i * 3600 for i in range(60)]
    coder.reset()
    (packet,) = coder.encode(PICTURES[3])
    assert packet.is_keyframe
    assert packet.pts == 0


@pytest.mark.parametrize("pace", [[], ["--pace", "lossless"]])
def test_a_file_is_published_as_fast_as_it_plays(
    closer: ExitStack, tmp_path: Path, fake_model: Path, pace: list[str]
) -> None:
    server = closer.enter_context(rtsp("0"))
    clip = write_clip(tmp_path / "clip.mp4", size=(128, 96), frames=45)
    url, summary = f"rtsp://127.0.0.1:{server.port}/live", tmp_path / "s.json"
    arguments = ["run", str(clip), "--model", str(fake_model), "-o", url, "--quiet", *pace]
    assert main([*arguments, "--summary", str(summary)]) == 0
    figures = json.loads(summary.read_text())
    assert figures["wall_s"] >= 44 / 30
    assert (figures["frames"]["written"], figures["frames"]["dropped"]) == (45, 0)
    assert figures["stages"]["capture"]["busy"] == 0, "to wait is no work"
    assert figures["source"]["live"] is False


class _Nowhere:
    """A connection to nobody."""

    def __init__(self, _: object) -> None:
        pass

    def open(self, sample: bytes) -> None:
        pass

    def send(self, packet: object) -> None:
        pass

    def kill(self) -> None:
        pass

    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("step_s", "live", "told"), [(0.04, False, False), (0.2, False, True), (0.2, True, False)]
)
def test_a_film_that_came_too_slowly_is_told(
    monkeypatch: pytest.MonkeyPatch, step_s: float, live: bool, told: bool
) -> None:
    now = [100.0]
    monkeypatch.setattr("streamer.sinks.publish.Connection", _Nowhere)
    monkeypatch.setattr("streamer.sinks.publish.time.monotonic", lambda: now[0])
    sink = PublishSink("rtsp://host/x", info(SIZE, live=live), SinkOptions(threads=1))
    for index in range(51):  # 2 s of film
        sink.write(replace(PICTURES[0], seq=index, pts=index + 500), Instances.empty())
        now[0] += step_s
    sink.close()
    words = "rtsp://host/x: viewers saw 2 s of film in 10 s; this machine is no faster"
    assert [w.startswith(words) for w in sink.warnings if "viewers" in w] == [True] * told
