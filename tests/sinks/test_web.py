"""The page's server, seen from outside: who gets in, what comes, and what a viewer cannot do."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from fractions import Fraction
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import cv2
import numpy as np
import pytest

from streamer.errors import SinkError, WriteError
from streamer.instances import Instances
from streamer.web import pictures, server, viewer
from streamer.web.access import Access
from streamer.web.server import MOST_VIEWERS, Server
from tests.web.running import INFO, Run, flat, frame_of, noise, open_run, running

_ANSWER_S = 20.0
_CONTENT = (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY)

Socket = aiohttp.ClientWebSocketResponse


@contextlib.asynccontextmanager
async def _session() -> AsyncIterator[aiohttp.ClientSession]:
    # An unsafe jar keeps cookies of addresses without a name.
    jar = aiohttp.CookieJar(unsafe=True)
    timeout = aiohttp.ClientTimeout(_ANSWER_S)
    async with aiohttp.ClientSession(cookie_jar=jar, timeout=timeout) as session:
        yield session


async def _status(session: aiohttp.ClientSession, url: str, **headers: str) -> int:
    async with session.get(url, headers=headers, allow_redirects=False) as answer:
        return answer.status


async def _figures(page: Socket) -> dict[str, Any]:
    """The next figures; pictures before them are taken."""
    while True:
        message = await page.receive(_ANSWER_S)
        if message.type is aiohttp.WSMsgType.BINARY:
            await page.send_json({"do": "seen"})
        elif message.type is aiohttp.WSMsgType.TEXT:
            told: dict[str, Any] = json.loads(message.data)
            if told["kind"] == "figures":
                return told
        else:
            raise AssertionError(message)


async def _picture(page: Socket) -> bytes:
    """The next picture, which is taken."""
    while True:
        message = await page.receive(_ANSWER_S)
        if message.type is aiohttp.WSMsgType.BINARY:
            await page.send_json({"do": "seen"})
            return bytes(message.data)
        assert message.type is aiohttp.WSMsgType.TEXT, message


async def _until(page: Socket, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    async with asyncio.timeout(_ANSWER_S):
        while not condition(told := await _figures(page)):
            pass
    return told


def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _ANSWER_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _live(run: Run) -> str:
    return f"{run.sink.url}live"


def test_pictures_and_figures_come() -> None:
    async def scenario(run: Run) -> None:
        async with _session() as session, session.ws_connect(_live(run)) as page:
            first = await page.receive_json()
            assert first["kind"] == "introduction"
            assert first["source"] == INFO.url
            levels = set()
            for _ in range(5):
                picture = cv2.imdecode(np.frombuffer(await _picture(page), np.uint8), 1)
                assert picture is not None
                assert picture.shape == (INFO.height, INFO.width, 3)
                levels.add(int(picture[90, 160, 0]))
            assert len(levels) == 5
            told = await _figures(page)
            later = await _until(page, lambda now: now["counts"] != told["counts"])
            assert later["counts"]["written"] > told["counts"]["written"]
            assert later["viewers"] == 1
            assert later["age_here_ms"] >= 0

    with running() as run:
        asyncio.run(scenario(run))
    assert run.error is None
    assert run.sink.warnings == []


def test_buttons_act_and_every_page_shows_it() -> None:
    async def scenario(run: Run) -> None:
        async with (
            _session() as session,
            session.ws_connect(_live(run)) as one,
            session.ws_connect(_live(run)) as two,
        ):
            await one.send_json({"do": "switch", "name": "boxes", "on": False})
            for page in (one, two):
                await _until(page, lambda now: not now["controls"]["boxes"])
            assert run.controls.boxes is False
            await two.send_json({"do": "snapshot"})
            await two.send_json({"do": "stop"})
            await _figures(two)
            assert await asyncio.to_thread(run.stopped.wait, _ANSWER_S)
            assert run.controls.take_snapshot()

    with running() as run:
        asyncio.run(scenario(run))


def test_nonsense_ends_the_connection_that_sends_it_and_no_other() -> None:
    async def scenario(run: Run) -> None:
        async with _session() as session, session.ws_connect(_live(run)) as good:
            for nonsense in ("{", '"stop"', '{"do": "fly"}', "[" * 1000, "x" * 5000, "[]"):
                async with session.ws_connect(_live(run)) as bad:
                    await bad.send_str(nonsense)
                    async with asyncio.timeout(_ANSWER_S):
                        while (await bad.receive()).type in _CONTENT:
                            pass
                    assert bad.close_code in (1008, 1009)
            await _picture(good)
            assert (await _until(good, lambda now: now["viewers"] == 1))["controls"]["boxes"]

    with running() as run:
        asyncio.run(scenario(run))
    assert run.error is None
    assert not run.stopped.is_set()


def test_files_forbid_whatever_they_do_not_need() -> None:
    async def scenario(run: Run) -> None:
        async with _session() as session:
            for path in ("", "app.js", "style.css", "icon.svg"):
                async with session.get(run.sink.url + path) as answer:
                    assert answer.status == 200
                    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
                    assert answer.headers["X-Content-Type-Options"] == "nosniff"
                    assert answer.headers["Cache-Control"] == "no-store"
                    text = await answer.text()
                    assert "https://" not in text
                    assert "http://" not in text.replace("http://www.w3.org/2000/svg", "")
            for path in ("../server.py", "%2e%2e/server.py", "page", "live/x"):
                assert await _status(session, run.sink.url + path) == 404
            assert await _status(session, _live(run)) == 426

    with running() as run:
        asyncio.run(scenario(run))


def test_names_and_pages_of_others_are_refused() -> None:
    async def scenario(run: Run) -> None:
        port = urlsplit(run.sink.url).port
        async with _session() as session:
            for path in ("", "app.js", "live"):
                assert await _status(session, run.sink.url + path, Host=f"evil.org:{port}") == 403
            assert await _status(session, run.sink.url, Host=f"localhost:{port}") == 200
            with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
                await session.ws_connect(_live(run), headers={"Origin": "http://evil.org"})
            own = {"Origin": run.sink.url.rstrip("/")}
            async with session.ws_connect(_live(run), headers=own) as page:
                await _picture(page)

    with running() as run:
        asyncio.run(scenario(run))


def test_a_token_is_asked_for_and_kept_in_a_cookie() -> None:
    async def scenario(run: Run) -> None:
        async with _session() as stranger:
            for query in ("", "?token=", "?token=open", "?token=open%20sesame%20"):
                for path in ("", "app.js", "live"):
                    assert await _status(stranger, run.sink.url + path + query) == 403
            with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
                await stranger.ws_connect(f"{_live(run)}?token=open")
        async with _session() as guest:
            link = f"{run.sink.url}?token=open%20sesame"
            async with guest.get(link, allow_redirects=False) as answer:
                assert answer.status == 303
                assert answer.headers["Location"] == "/"
                cookie = answer.headers["Set-Cookie"]
                assert "HttpOnly" in cookie
                assert "SameSite=Lax" in cookie
            assert await _status(guest, run.sink.url) == 200
            async with guest.ws_connect(_live(run)) as page:
                await _picture(page)
            assert await _status(guest, f"{run.sink.url}?token=wrong") == 403
            # The cookie comes along from a page of another origin, which may not connect.
            with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
                await guest.ws_connect(_live(run), headers={"Origin": "http://evil.org"})

    with running(web_token="open sesame") as run:
        assert run.sink.invitation.endswith("?token=open%20sesame")
        asyncio.run(scenario(run))
        assert "sesame" not in run.sink.url
        assert not any("sesame" in warning for warning in run.sink.warnings)


def test_a_page_open_to_others_has_a_token_of_its_own() -> None:
    with running(web_host="0.0.0.0") as run:
        token = run.sink.invitation.partition("?token=")[2]
        assert len(token) >= 20
        assert token not in run.sink.url

        async def scenario() -> None:
            local = f"http://127.0.0.1:{urlsplit(run.sink.url).port}/"
            async with _session() as session:
                assert await _status(session, local) == 403
                assert await _status(session, local, Host="camera.lan") == 403
                assert await _status(session, f"{local}?token={token}") == 303
                assert await _status(session, local, Host="camera.lan") == 200

        asyncio.run(scenario())


def test_there_is_room_for_so_many_viewers() -> None:
    async def scenario(run: Run) -> None:
        async with _session() as session, contextlib.AsyncExitStack() as pages:
            open_pages = [
                await pages.enter_async_context(session.ws_connect(_live(run)))
                for _ in range(MOST_VIEWERS)
            ]
            with pytest.raises(aiohttp.WSServerHandshakeError, match="503"):
                await session.ws_connect(_live(run))
            assert await _status(session, _live(run)) == 503
            await open_pages[0].close()
            await _until(open_pages[1], lambda now: now["viewers"] == MOST_VIEWERS - 1)
            async with session.ws_connect(_live(run)) as page:
                await _picture(page)

    with running() as run:
        asyncio.run(scenario(run))


def _stalled(url: str) -> socket.socket:
    """A viewer that opens a WebSocket and never reads from it."""
    address = urlsplit(url)
    stalled = socket.socket()
    stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    stalled.settimeout(_ANSWER_S)
    stalled.connect((address.hostname, address.port))
    lines = [
        "GET /live HTTP/1.1",
        f"Host: {address.netloc}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {base64.b64encode(bytes(16)).decode()}",
        "Sec-WebSocket-Version: 13",
    ]
    stalled.sendall("\r\n".join([*lines, "", ""]).encode())
    return stalled


def test_a_stalled_viewer_costs_nobody_anything() -> None:
    """Its window is full, and what waits for it does not grow, although it claims to see all."""
    listening = socket.create_server(("127.0.0.1", 0))
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
    told = {"kind": "figures"}
    serving = Server(listening, Access(None), told, lambda: told, None, Fraction(1))
    frames = [frame_of(noise(seq), seq) for seq in range(4)]
    most = max(len(pictures.encode(frame)) for frame in frames)
    claim = b'{"do": "seen"}'
    claim = bytes([0x81, 0x80 | len(claim), 0, 0, 0, 0]) + claim
    held: list[int] = []
    write_s: list[float] = []

    async def scenario(transport: asyncio.Transport) -> None:
        async with _session() as session, session.ws_connect(f"{url}live") as page:
            for number in range(25):
                await asyncio.sleep(pictures._INTERVAL_S)
                began = time.perf_counter()
                serving.show(frames[number % 4])
                write_s.append(time.perf_counter() - began)
                await _picture(page)
                stalled.sendall(claim)
                held.append(transport.get_write_buffer_size())

    with _stalled(url) as stalled:
        try:
            _wait_until(lambda: len(serving._viewers) == 1)
            [served] = serving._viewers
            _wait_until(lambda: served.socket.prepared)
            transport = served.socket._req.transport  # type: ignore[union-attr]
            assert transport is not None
            asyncio.run(scenario(transport))
            assert held[-1] > 100_000  # it has stalled
            assert max(held) < 4 * most
            assert max(write_s) < 1
        finally:
            began = time.monotonic()
            serving.stop()
            took = time.monotonic() - began
    assert took < 5
    assert not serving._thread.is_alive()
    assert serving.error is None
    assert serving.complaints == []


def test_a_stalled_viewer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(viewer, "_HEARTBEAT_S", 0.1)
    with running(noise) as run, _stalled(run.sink.url):
        viewers = run.sink._server._viewers
        _wait_until(lambda: len(viewers) == 1)
        _wait_until(lambda: not viewers)
    assert run.error is None
    assert run.sink.warnings == []


def test_without_controls_a_page_may_only_look() -> None:
    async def scenario(run: Run) -> None:
        async with _session() as session, session.ws_connect(_live(run)) as page:
            await page.send_json({"do": "stop"})
            assert (await _figures(page))["controls"] is None
            await _picture(page)

    with running(controls=None) as run:
        asyncio.run(scenario(run))
    assert not run.stopped.is_set()


def test_the_end_is_told_to_viewers() -> None:
    async def scenario(run: Run) -> None:
        async with _session() as session, session.ws_connect(_live(run)) as page:
            await _picture(page)
            closing = asyncio.create_task(asyncio.to_thread(run.sink.close))
            async with asyncio.timeout(_ANSWER_S):
                while (message := await page.receive()).type is not aiohttp.WSMsgType.CLOSE:
                    pass
            assert (message.data, message.extra) == (1000, "over")
            await asyncio.wait_for(closing, _ANSWER_S)
            run.sink.close()
            with pytest.raises(aiohttp.ClientConnectorError):
                await _status(session, run.sink.url)

    run = open_run()
    run.sink.write(frame_of(flat(0)), Instances.empty())

    async def feeding() -> None:
        task = asyncio.create_task(scenario(run))
        while not task.done():
            run.sink._server.show(frame_of(flat(0)))
            await asyncio.sleep(0.02)
        await task

    asyncio.run(feeding())
    assert not run.sink._server._thread.is_alive()


def test_what_breaks_the_server_ends_the_run_with_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(frame: object, aspect: Fraction) -> bytes:  # noqa: ARG001
        raise ValueError("no such picture")

    async def scenario(run: Run) -> None:
        async with _session() as session, session.ws_connect(_live(run)) as page:
            async with asyncio.timeout(_ANSWER_S):
                while (message := await page.receive()).type is aiohttp.WSMsgType.TEXT:
                    pass
            assert message.type is aiohttp.WSMsgType.CLOSE

    monkeypatch.setattr(pictures, "encode", broken)
    with running() as run:
        asyncio.run(scenario(run))
        _wait_until(lambda: run.error is not None)
        assert isinstance(run.error, WriteError)
        assert "the page's server broke: ValueError: no such picture" in str(run.error)


def test_what_breaks_for_a_viewer_is_reported_and_the_run_goes_on() -> None:
    def broken() -> Any:
        raise KeyError("figures")

    async def scenario(run: Run) -> None:
        async with _session() as session, session.ws_connect(_live(run)) as page:
            async with asyncio.timeout(_ANSWER_S):
                while (await page.receive()).type in _CONTENT:
                    pass
            assert await _status(session, run.sink.url) == 200

    with running(snapshot=broken) as run:
        asyncio.run(scenario(run))
        asyncio.run(scenario(run))
    assert run.error is None
    assert run.sink.warnings == [f"{run.sink.url}: a viewer met: KeyError: 'figures'"]


def test_requests_that_are_no_http_say_nothing_on_the_terminal(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with running() as run:
        address = urlsplit(run.sink.url)
        for garbage in (
            b"\x16\x03\x01\x02\x00\x01\x00",
            b"GET / HTTP/9\r\n\r\n",
            b"\0" * 100 + b"\r\n\r\n",
        ):
            with socket.create_connection((address.hostname, address.port), _ANSWER_S) as stranger:
                stranger.sendall(garbage)
                stranger.shutdown(socket.SHUT_WR)
                with contextlib.suppress(ConnectionError):
                    while stranger.recv(4096):
                        pass
    assert run.error is None
    assert capfd.readouterr() == ("", "")


def test_a_taken_port_is_told_apart() -> None:
    with running() as run:
        port = urlsplit(run.sink.url).port
        with pytest.raises(SinkError, match=f"web:{port}: the port is taken"):
            open_run(port)


def test_the_default_port_gives_way_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from streamer.sinks import web
    from streamer.web import listening

    with running() as run:
        taken = urlsplit(run.sink.url).port
        assert taken is not None
        for module in (web, listening):
            monkeypatch.setattr(module, "DEFAULT_PORT", taken)
        with open_run(None).sink as other:
            assert other.url in other.invitation
            assert other.invitation.endswith(f"(port {taken} is taken)")


def test_a_server_that_does_not_start_is_a_request_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object) -> None:  # noqa: ARG001
        raise OSError("no page here")

    monkeypatch.setattr(server, "application", broken)
    with pytest.raises(SinkError, match="does not start: OSError: no page here"):
        open_run()


def test_runs_without_a_page_do_not_load_the_server() -> None:
    code = "import sys, streamer.sinks.web; sys.exit('aiohttp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=120, check=False).returncode == 0
