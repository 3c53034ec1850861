"""RTSP from a real server, and what becomes of it when the server misbehaves."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from itertools import islice, pairwise

import numpy as np
import pytest

from streamer.errors import SourceError
from streamer.frame import Frame
from streamer.sources.live import Limits
from streamer.sources.network import NetworkSource
from streamer.sources.options import SourceOptions
from tests.rtsp import RtspServer
from tests.servers import free_port

QUICK = Limits(first=10, picture=2, retry=0.1, longest_retry=0.2)


@pytest.fixture
def server() -> Iterator[RtspServer]:
    with RtspServer() as running:
        yield running


def watch(source: NetworkSource, frames: list[Frame]) -> threading.Thread:
    """Collect the frames of a source on a thread, until it ends."""
    thread = threading.Thread(target=lambda: frames.extend(source))
    thread.start()
    return thread


def wait_for(frames: list[Frame], count: int) -> None:
    until = time.monotonic() + 30
    while len(frames) < count:
        assert time.monotonic() < until, f"{len(frames)} frames came, {count} were expected"
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("codec", "transport"), [("h264", "tcp"), ("h264", "udp"), ("h264-b", "tcp"), ("jpeg", "udp")]
)
def test_it_plays(codec: str, transport: str) -> None:
    options = SourceOptions(transport=transport)  # type: ignore[arg-type]
    with RtspServer(codec=codec) as server, NetworkSource(server.url, options=options) as source:
        frames = list(islice(source, 20))
    info = source.info
    assert (info.url, info.width, info.height, info.rate) == (server.url, 320, 240, Fraction(30))
    assert (info.live, info.duration) == (True, None)
    assert all(a.pts < b.pts for a, b in pairwise(frames))
    steps = [float(b.time - a.time) for a, b in pairwise(frames)]
    assert np.median(steps) == pytest.approx(1 / 30, abs=0.005)
    assert np.ptp([frame.y.mean() for frame in frames]) < 5
    assert any(not np.array_equal(frames[0].y, frame.y) for frame in frames[1:])  # the ball moves


def test_the_first_picture_comes_at_once_and_is_whole() -> None:
    # One keyframe in 10 s: what FFmpeg reads ahead to know the stream must not be thrown away.
    with RtspServer(keyframes=300) as server:
        began = time.monotonic()
        with NetworkSource(server.url) as source:
            first = next(iter(source))
        assert time.monotonic() - began < 5
    assert (first.y > 200).sum() > 100  # the ball, on black
    assert np.median(first.y) == 16


def test_it_is_back_each_time_the_server_is(server: RtspServer) -> None:
    frames: list[Frame] = []
    with NetworkSource(server.url, limits=QUICK) as source:
        thread = watch(source, frames)
        for _ in range(5):
            wait_for(frames, len(frames) + 3)
            server.kill()
            server.start()
            wait_for(frames, len(frames) + 1)
        source.interrupt()
        thread.join(10)
        assert not thread.is_alive()
    assert source.health.reconnects == 5
    assert all(a.pts < b.pts for a, b in pairwise(frames))
    passed = frames[-1].captured_at - frames[0].captured_at
    assert float(frames[-1].time) == pytest.approx(passed, abs=0.5)


def test_a_server_that_is_off_is_waited_for(server: RtspServer) -> None:
    frames: list[Frame] = []
    with NetworkSource(server.url, limits=QUICK) as source:
        thread = watch(source, frames)
        wait_for(frames, 5)
        server.kill()
        before = len(frames)
        time.sleep(0.7)  # several attempts, all refused
        server.start()
        wait_for(frames, before + 5)
        source.interrupt()
        thread.join(10)
    gap = max(float(b.time - a.time) for a, b in pairwise(frames))
    assert gap > 0.6
    assert source.health.reconnects == 1


@pytest.mark.parametrize("after", [{"size": "640x360"}, {"codec": "jpeg"}, {"rate": 10}])
def test_a_stream_that_comes_back_different_keeps_its_form(
    server: RtspServer, after: dict[str, object]
) -> None:
    with NetworkSource(server.url, limits=QUICK) as source:
        frames = list(islice(source, 5))
        server.kill()
        server.start(**after)
        later = list(islice(source, 12))
    frames += later
    assert {(frame.width, frame.height, frame.picture.format.name) for frame in frames} == {
        (320, 240, "yuv420p")
    }
    assert {(frame.color.matrix, frame.color.full_range) for frame in frames} == {("bt601", False)}
    assert all(a.pts < b.pts for a, b in pairwise(frames))
    if "size" in after:
        assert later[-1].y[:29].max() == 16  # a bar
        assert any("320x240 to 640x360" in warning for warning in source.health.warnings)


def test_a_server_that_stalls_without_closing_is_left(server: RtspServer) -> None:
    limits = Limits(first=3, picture=0.8, retry=0.1, longest_retry=0.2)
    frames: list[Frame] = []
    with NetworkSource(server.url, limits=limits) as source:
        thread = watch(source, frames)
        wait_for(frames, 10)
        server.freeze()
        time.sleep(1.5)
        before = len(frames)
        server.thaw()
        wait_for(frames, before + 3)
        source.interrupt()
        thread.join(10)
    assert source.health.reconnects == 1
    assert source.health.warnings == [f"{server.url}: no picture came for 0.8 s; connected anew"]


def test_a_frozen_server_does_not_hold_up_the_end(server: RtspServer) -> None:
    frames: list[Frame] = []
    with NetworkSource(server.url, limits=Limits(picture=3)) as source:
        thread = watch(source, frames)
        wait_for(frames, 5)
        server.freeze()
        began = time.monotonic()
        source.interrupt()
        thread.join(10)
        assert time.monotonic() - began < 1
    assert time.monotonic() - began < 2


def test_corrupt_packets_do_not_end_it() -> None:
    with RtspServer(corrupt=0.005) as server, NetworkSource(server.url, limits=QUICK) as source:
        frames = list(islice(source, 30))
    assert len(frames) == 30
    assert source.health.corrupt_packets or any(frame.picture.is_corrupt for frame in frames)
    assert all(a.pts < b.pts for a, b in pairwise(frames))


def test_a_password_that_is_right() -> None:
    with RtspServer(user="admin", password="s3cret@:/") as server:
        url = server.url.replace("//", "//admin:s3cret%40%3A%2F@")
        with NetworkSource(url) as source:
            assert next(iter(source)).seq == 0
        assert source.info.url == server.url.replace("//", "//admin:***@")


@pytest.mark.parametrize(
    ("login", "words"),
    [
        ("", "asks for a password; give rtsp://USER:PASSWORD@127.0.0.1:"),
        ("admin:wr0ng@", "refuses this user or password; in it, write @ as %40"),
        ("admin:wr0ng/1@", "its password cuts the URL short; in it, write @ as %40"),
    ],
)
def test_a_password_that_is_missing_or_wrong(login: str, words: str) -> None:
    with (
        RtspServer(user="admin", password="s3cret") as server,
        pytest.raises(SourceError) as caught,
    ):
        NetworkSource(server.url.replace("//", f"//{login}"))
    assert words in str(caught.value)
    assert "wr0ng" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_stream_that_is_not_there(server: RtspServer) -> None:
    with pytest.raises(SourceError, match=r"has no such stream; check the path"):
        NetworkSource(server.url + "/y")


def test_a_server_that_is_not_there() -> None:
    url = f"rtsp://127.0.0.1:{free_port()}/x"
    began = time.monotonic()
    with pytest.raises(SourceError, match=r"^rtsp://127.* nothing listens at 127\.0\.0\.1:"):
        NetworkSource(url)
    assert time.monotonic() - began < 5
