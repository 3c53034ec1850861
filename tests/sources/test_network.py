"""Network streams other than RTSP, and servers that are none."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from av.codec.hwaccel import hwdevices_available

from streamer.errors import SettingsError, SourceError
from streamer.sources.hardware import hardware_decoder
from streamer.sources.live import Limits
from streamer.sources.network import NetworkSource, is_fetched
from streamer.sources.options import SourceOptions
from streamer.sources.refusals import why
from tests.clips import Video, number_of, write_clip, write_streams
from tests.servers import (
    Answer,
    file_server,
    free_port,
    mjpeg_server,
    say_nothing,
    send_garbage,
    tcp_server,
)

QUICK = Limits(first=3, picture=0.5, retry=0.05, longest_retry=0.1)
SCHEMES = ["rtsp", "rtsps", "rtmp", "http", "https", "tcp"]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("answer", [say_nothing, send_garbage])
def test_a_server_that_is_none_is_refused_in_time(scheme: str, answer: Answer) -> None:
    with tcp_server(answer) as port:
        url = f"{scheme}://user:hidden@127.0.0.1:{port}/x"
        began = time.monotonic()
        with pytest.raises(SourceError) as caught:
            NetworkSource(url, limits=QUICK)
        assert time.monotonic() - began < 4
    message = str(caught.value)
    assert message.startswith(f"{scheme}://user:***@127.0.0.1:{port}/x: ")
    assert "hidden" not in "".join(traceback.format_exception(caught.value))
    assert "\n" not in message
    if answer is say_nothing:
        assert f"nothing came from 127.0.0.1:{port} for 0.5 s" in message


@pytest.mark.parametrize("scheme", SCHEMES)
def test_where_nothing_listens(scheme: str) -> None:
    place = f"127.0.0.1:{free_port()}"
    with pytest.raises(SourceError, match=f": nothing listens at {place}; check the port"):
        NetworkSource(f"{scheme}://{place}/x")


@pytest.mark.parametrize("scheme", ["udp", "rtp"])
def test_where_nothing_is_sent(scheme: str) -> None:
    url = f"{scheme}://127.0.0.1:{free_port(socket.SOCK_DGRAM)}"
    with pytest.raises(SourceError, match=r"nothing came from 127\.0\.0\.1:\d+ for 0\.5 s"):
        NetworkSource(url, limits=QUICK)


def test_a_host_that_is_unknown() -> None:
    with pytest.raises(SourceError, match=r"no host is called camera\.invalid; check its name"):
        NetworkSource("rtsp://camera.invalid/x")


def test_a_scheme_that_is_unknown() -> None:
    with pytest.raises(SourceError, match="this build of FFmpeg cannot read gopher2; use rtsp"):
        NetworkSource("gopher2://127.0.0.1/x")


@pytest.mark.parametrize(
    "url", ["rtsp://", "http://[::1", "rtsp://:@/", "udp://x:y:z", "http://\n"]
)
def test_what_is_no_url_at_all(url: str) -> None:
    with pytest.raises(SourceError) as caught:
        NetworkSource(url, limits=QUICK)
    assert "\n" not in str(caught.value).replace(url, "")


def test_a_refused_transport_names_the_other() -> None:
    error = av.error.HTTPOtherClientError(0, "4XX", "x")
    assert "try --rtsp-transport tcp" in why("rtsp://camera/1", error, transport="udp", seconds=1)
    assert "try --rtsp-transport udp" in why("rtsp://camera/1", error, transport="tcp", seconds=1)


def test_mjpeg_over_http() -> None:
    with mjpeg_server((64, 48), 0.05, 100) as url, NetworkSource(url) as source:
        frames = list(islice(source, 12))
    levels = [int(np.median(frame.y[16:32])) for frame in frames]
    assert levels == sorted(levels)
    assert len(set(levels)) == 12
    # Such streams have no times, and FFmpeg makes up 25 a second.
    span = frames[-1].captured_at - frames[-7].captured_at
    assert float(frames[-1].time - frames[-7].time) == pytest.approx(span, abs=0.03)


def test_mjpeg_over_http_that_ends_is_connected_anew() -> None:
    with mjpeg_server((64, 48), 0.01, 6) as url, NetworkSource(url, limits=QUICK) as source:
        frames = list(islice(source, 15))
    assert source.health.reconnects >= 2
    assert all(a.pts < b.pts for a, b in pairwise(frames))


def test_a_recording_over_http_plays_at_its_own_pace_and_ends(tmp_path: Path) -> None:
    write_clip(tmp_path / "clip.mp4", frames=20)
    with file_server(tmp_path) as url, NetworkSource(f"{url}/clip.mp4") as source:
        assert source.info.duration == pytest.approx(20 / 30, abs=0.01)
        frames = list(source)
    assert [number_of(frame) for frame in frames] == list(range(20))
    assert [float(frame.time) for frame in frames] == pytest.approx(
        [n / 30 for n in range(20)], abs=0.1
    )
    assert frames[-1].captured_at - frames[0].captured_at > 19 / 30 - 0.05
    assert source.health.reconnects == 0


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with (
        file_server(tmp_path) as url,
        pytest.raises(SourceError, match=r"has no such stream; check the path"),
    ):
        NetworkSource(f"{url}/clip.mp4")


def test_a_page_that_is_no_video(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<h1>camera</h1>" * 100)
    with (
        file_server(tmp_path) as url,
        pytest.raises(SourceError, match=r"sends no video that can be read"),
    ):
        NetworkSource(f"{url}/index.html")


@pytest.mark.parametrize("finished", [True, False])
def test_hls_is_shown_at_its_own_pace(tmp_path: Path, finished: bool) -> None:
    flags = {} if finished else {"hls_flags": "omit_endlist"}
    video = Video(frames=60, options={"g": "15"})
    muxer = {"hls_time": "0.5", "hls_list_size": "0"} | flags
    write_streams(tmp_path / "live.m3u8", [video], muxer=muxer)
    with file_server(tmp_path) as url, NetworkSource(f"{url}/live.m3u8") as source:
        frames = list(islice(source, 25))
        assert (source.info.duration is not None) == finished
    span = frames[-1].captured_at - frames[0].captured_at
    assert span == pytest.approx(24 / 30, abs=0.2)
    assert float(frames[-1].time) == pytest.approx(24 / 30, abs=0.1)


@contextmanager
def sending(port: int, *sizes: tuple[int, int]) -> Iterator[None]:
    """Send MPEG-TS by UDP: a second of each size in turn, for ever."""
    done = threading.Event()

    def send() -> None:
        url = f"udp://127.0.0.1:{port}?pkt_size=1316"
        turn = 0
        while not done.is_set():
            size = sizes[turn % len(sizes)]
            turn += 1
            with av.open(url, "w", format="mpegts") as output:
                stream = output.add_stream("libx264", rate=30)
                stream.width, stream.height = size
                stream.codec_context.options = {"tune": "zerolatency", "g": "10"}
                for index in range(30):
                    picture = av.VideoFrame(*size, "yuv420p")
                    picture.pts, picture.time_base = index, Fraction(1, 30)
                    output.mux(stream.encode(picture))
                    if done.wait(1 / 60):
                        return

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def test_udp_whose_size_and_times_change_on_the_way() -> None:
    port = free_port(socket.SOCK_DGRAM)
    with sending(port, (64, 48), (128, 64)), NetworkSource(f"udp://127.0.0.1:{port}") as source:
        frames = list(islice(source, 70))
    assert {(frame.width, frame.height) for frame in frames} == {
        (source.info.width, source.info.height)
    }
    assert all(a.pts < b.pts for a, b in pairwise(frames))
    assert any("its pictures changed from" in warning for warning in source.health.warnings)
    span = frames[-1].captured_at - frames[0].captured_at
    assert float(frames[-1].time) == pytest.approx(span, abs=1.5)


def test_a_server_that_is_out_of_order() -> None:
    def cut(connection: socket.socket, _: threading.Event) -> None:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 500 Broken\r\n\r\n")

    with (
        tcp_server(cut) as port,
        pytest.raises(SourceError, match="answers with an error of its own"),
    ):
        NetworkSource(f"http://127.0.0.1:{port}/x", limits=QUICK)


def test_no_hardware_is_asked_for_by_default() -> None:
    assert SourceOptions().hwaccel == "off"
    assert hardware_decoder("off", []) is None


def test_hardware_that_is_unknown_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"--hwaccel steam: unknown .*; give auto, off, "):
        NetworkSource("rtsp://127.0.0.1/x", options=SourceOptions(hwaccel="steam"))


@pytest.mark.parametrize("name", ["auto", *map(str, hwdevices_available())])
def test_hardware_that_does_not_work_leaves_it_to_software(tmp_path: Path, name: str) -> None:
    write_clip(tmp_path / "clip.mp4", frames=5)
    options = SourceOptions(hwaccel=name)
    with file_server(tmp_path) as url, NetworkSource(f"{url}/clip.mp4", options=options) as source:
        assert [number_of(frame) for frame in source] == list(range(5))
    works = hardware_decoder(name, []) is not None
    told = [w for w in source.health.warnings if "does not decode on this machine" in w]
    assert bool(told) == (name != "auto" and not works)


def test_a_program_ends_though_its_stream_hangs() -> None:
    script = (
        "import sys\n"
        "from streamer.errors import SourceError\n"
        "from streamer.sources.network import NetworkSource\n"
        "from streamer.sources.live import Limits\n"
        "try:\n"
        "    NetworkSource(sys.argv[1], limits=Limits(first=0.3, picture=60))\n"
        "except SourceError as error:\n"
        "    sys.exit(str(error))\n"
    )
    with tcp_server(say_nothing) as port:
        done = subprocess.run(
            [sys.executable, "-c", script, f"rtsp://127.0.0.1:{port}/x"],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.endswith("no picture came for 0.3 s\n")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("url", "fetched"),
    [
        ("https://host/clip.mp4", True),
        ("HTTP://host/live.m3u8", True),
        ("rtsp://host/clip.mp4", False),
        ("rtmp://host/app/clip", False),
        ("udp://239.0.0.1:1234", False),
    ],
)
def test_only_what_is_fetched_may_be_a_recording(url: str, fetched: bool) -> None:
    assert is_fetched(url) == fetched
