"""The page in a real browser."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import aiohttp
import numpy as np
import pytest

from streamer.frame import Color
from streamer.sources.base import Health
from streamer.web import pictures
from tests.chromium import MISSING, Browser, chromium, installed
from tests.clips import picture_of
from tests.web.running import HEIGHT, WIDTH, running

pytestmark = pytest.mark.skipif(not installed(), reason=MISSING)

_LIVE = "document.getElementById('state').textContent === 'live'"
_PIXEL = """[...document.getElementById('picture').getContext('2d')
    .getImageData(arguments[0], arguments[1], 1, 1).data].slice(0, 3)"""
_MOVES = f"String({_PIXEL}) !== String(arguments[2])"
_PRESSED = "document.querySelector(arguments[0]).getAttribute('aria-pressed') === arguments[1]"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("chromium")) as window:
        yield window


@pytest.fixture(autouse=True)
def nothing_to_complain_of(browser: Browser) -> Iterator[None]:
    browser.complaints()
    yield
    browser.open("about:blank")
    # What a test has refused or ended itself is told as a failed load or connection, and it is the
    # tests that read pixels back.
    ours = ("Failed to load resource", "WebSocket connection to", "willReadFrequently")
    assert [line for line in browser.complaints() if not any(word in line for word in ours)] == []


def _pixel(browser: Browser) -> list[int]:
    value: list[int] = browser.run(f"return {_PIXEL}", WIDTH // 2, HEIGHT // 2)
    return value


def _moves(browser: Browser) -> None:
    browser.wait(_MOVES, WIDTH // 2, HEIGHT // 2, _pixel(browser))


def test_the_picture_moves_and_the_numbers_change(browser: Browser) -> None:
    with running() as run:
        browser.open(run.sink.url)
        browser.wait(_LIVE)
        for _ in range(3):
            _moves(browser)
        for selector in ("#shown", "#counts"):
            before = browser.text(selector)
            browser.wait(
                "document.querySelector(arguments[0]).innerText !== arguments[1]", selector, before
            )
        assert float(browser.text("#shown")) >= 30
        assert "sink" in browser.text("#stages")
        assert browser.text("#source") == "camera"
        browser.wait("/\\d+ ms/.test(document.getElementById('age-here').textContent)")


def test_colours_are_right(browser: Browser) -> None:
    rgb = (200, 40, 60)
    y, cb, cr = Color("bt709").from_rgb(rgb)

    def paint(_: int) -> object:
        picture = picture_of(np.full((HEIGHT, WIDTH), y, np.uint8), cb, cr)
        picture.colorspace = 1
        return picture

    with running(paint) as run:  # type: ignore[arg-type]
        browser.open(run.sink.url)
        browser.wait(f"{_PIXEL}[0] > 100", WIDTH // 2, HEIGHT // 2)
        assert np.abs(np.array(_pixel(browser)) - rgb).max() <= 6


def test_buttons_work_the_controls(browser: Browser) -> None:
    with running() as run:
        browser.open(run.sink.url)
        browser.wait(_LIVE)
        for name, before in (
            ("boxes", True),
            ("labels", True),
            ("masks", True),
            ("hud", False),
            ("recording", False),
        ):
            button = f"[data-switch={name}]"
            for on in (not before, before):
                browser.click(button)
                browser.wait(_PRESSED, button, str(on).lower())
                assert getattr(run.controls, name) is on
        browser.click("#snapshot")
        run.controls.said = "saved a.png"
        browser.wait("document.getElementById('said').textContent.includes('saved a.png')")
        assert run.controls.take_snapshot()


def test_stopping_takes_a_confirmation(browser: Browser) -> None:
    with running() as run:
        browser.open(run.sink.url)
        browser.wait(_LIVE)
        browser.click("#stop")
        browser.click("#sure [value=no]")
        browser.click("[data-switch=hud]")  # what comes later has arrived, so would this have
        browser.wait(_PRESSED, "[data-switch=hud]", "true")
        assert not run.stopped.is_set()
        browser.click("#stop")
        browser.click("#sure [value=stop]")
        assert run.stopped.wait(20)
    browser.wait("document.getElementById('notice').textContent === 'The run is over.'")
    assert browser.run("return document.getElementById('stop').disabled")


def test_a_paused_view_stands_still_while_the_figures_go_on(browser: Browser) -> None:
    with running() as run:
        browser.open(run.sink.url)
        browser.wait(_LIVE)
        _moves(browser)
        browser.click("#pause")
        browser.wait("document.getElementById('state').textContent === 'paused'")
        still, figures = _pixel(browser), browser.text("#counts")
        for _ in range(2):
            browser.wait("document.getElementById('counts').innerText !== arguments[0]", figures)
            figures = browser.text("#counts")
        assert _pixel(browser) == still
        browser.click("#pause")
        _moves(browser)


def test_two_viewers_one_of_them_stalled(browser: Browser) -> None:
    async def scenario(url: str) -> None:
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(f"{url}live") as stalled,
        ):
            await stalled.receive()  # and nothing more, nor a word of what it has seen
            browser.wait("/viewers\\s+2/.test(document.getElementById('counts').innerText)")
            for _ in range(5):
                _moves(browser)

    with running() as run:
        browser.open(run.sink.url)
        browser.wait(_LIVE)
        asyncio.run(scenario(run.sink.url))
    assert run.error is None


def test_the_token_opens_the_page_and_leaves_the_address(browser: Browser) -> None:
    with running(web_token="sesame") as run:
        for query in ("", "?token=wrong"):
            browser.open(run.sink.url + query)
            assert "token" in browser.text("body")
            assert browser.run("return document.getElementById('picture')") is None
        browser.open(f"{run.sink.url}?token=sesame")
        browser.wait(_LIVE)
        _moves(browser)
        assert browser.run("return location.href") == run.sink.url
        assert browser.run("return document.cookie") == ""


def test_a_page_finds_its_run_again(browser: Browser) -> None:
    with running() as run:
        browser.open(run.sink.url)
        browser.wait(_LIVE)
        port = int(run.sink.url.rstrip("/").rpartition(":")[2])
    browser.wait("document.getElementById('state').dataset.state === 'bad'")
    with running(port=port):
        browser.wait(_LIVE)
        _moves(browser)


@pytest.mark.parametrize(("width", "height"), [(360, 740), (844, 390), (1024, 768), (1920, 1080)])
def test_it_fits_every_screen(browser: Browser, width: int, height: int) -> None:
    with running() as run:
        browser.screen(width, height, phone=width < 1000)
        browser.open(run.sink.url)
        browser.wait(_LIVE)
        browser.wait("document.getElementById('stages').children.length > 0")
        assert browser.run("return document.documentElement.scrollWidth") <= width
        assert (
            browser.run(
                "return [...document.querySelectorAll('.bar button')].filter((button) => "
                "button.checkVisibility() && button.scrollWidth > button.clientWidth).length"
            )
            == 0
        )
        assert (
            browser.run("return document.getElementById('picture').getBoundingClientRect().bottom")
            <= height
        )


def test_pictures_stop_coming_and_it_is_said(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running() as run:
        browser.open(run.sink.url)
        browser.wait(_LIVE)
        monkeypatch.setattr(pictures, "_INTERVAL_S", 1e9)
        browser.wait("document.getElementById('notice').textContent.startsWith('No new picture')")
        assert browser.text("#state") == "no picture"


def test_a_source_that_is_lost_is_told_until_it_is_back(browser: Browser) -> None:
    health = Health()
    with running(health=health) as run:
        browser.open(run.sink.url)
        browser.wait(_LIVE)
        health.state = "source lost, trying again in 3 s"
        browser.wait("document.getElementById('notice').textContent === arguments[0]", health.state)
        assert browser.text("#state") == "no picture"
        assert browser.text("#notice") == "Source lost, trying again in 3 s"
        health.state = None
        browser.wait(_LIVE)
        assert browser.run("return document.getElementById('notice').hidden")
