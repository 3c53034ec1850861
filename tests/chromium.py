"""A real Chromium without a window, driven by the W3C WebDriver protocol."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError

MISSING = "needs Chromium and its driver (Debian: chromium chromium-driver)"

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1440,900",
)
_ANSWER_S = 60.0
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the protocol's own key


def installed() -> bool:
    """Whether Chromium can be driven here."""
    browsers = ("chromium", "chromium-browser", "google-chrome")
    return bool(shutil.which("chromedriver")) and any(map(shutil.which, browsers))


class Browser:
    """One window."""

    def __init__(self, driver: str, profile: Path) -> None:
        self._driver = driver
        options: dict[str, Any] = {"args": [*_FLAGS, f"--user-data-dir={profile}"]}
        if binary := shutil.which("chromium"):
            options["binary"] = binary
        logs = {"goog:loggingPrefs": {"browser": "ALL"}}
        wanted = {"capabilities": {"alwaysMatch": {"goog:chromeOptions": options, **logs}}}
        self._session = f"/session/{_ask(driver + '/session', wanted)['sessionId']}"

    def open(self, url: str) -> None:
        """Go to a page and wait until it is loaded."""
        self._post("/url", {"url": url})

    def new_tab(self) -> None:
        """Open an empty tab and turn to it."""
        handle = self._post("/window/new", {"type": "tab"})["handle"]
        self._post("/window", {"handle": handle})

    def run(self, script: str, *args: object) -> Any:
        """The value that a JavaScript function's body returns."""
        return self._post("/execute/sync", {"script": script, "args": list(args)})

    def text(self, selector: str) -> str:
        """What an element shows."""
        return str(self.run("return document.querySelector(arguments[0]).innerText", selector))

    def click(self, selector: str) -> None:
        """Click on an element, as a person would: it must be visible."""
        found = self._post("/element", {"using": "css selector", "value": selector})
        self._post(f"/element/{found[_ELEMENT]}/click", {})

    def wait(self, condition: str, *args: object, seconds: float = 20.0) -> Any:
        """Wait until a JavaScript expression is true, and give its value."""
        deadline = time.monotonic() + seconds
        while not (value := self.run(f"return {condition}", *args)):
            if time.monotonic() > deadline:
                raise AssertionError(f"{condition} did not come true in {seconds:g} s")
            time.sleep(0.05)
        return value

    def screen(self, width: int, height: int, *, phone: bool = False) -> None:
        """Give the page a screen of that size."""
        size = {"width": width, "height": height}
        params = {**size, "deviceScaleFactor": 2 if phone else 1, "mobile": phone}
        self.devtools("Emulation.setDeviceMetricsOverride", **params)

    def devtools(self, command: str, **params: object) -> Any:
        """A command of Chromium's own protocol."""
        return self._post("/goog/cdp/execute", {"cmd": command, "params": params})

    def screenshot(self) -> bytes:
        """The window as a PNG file."""
        return base64.b64decode(_ask(f"{self._driver}{self._session}/screenshot"))

    def complaints(self) -> list[str]:
        """What the console has said since the last call."""
        return [entry["message"] for entry in self._post("/se/log", {"type": "browser"})]

    def close(self) -> None:
        """Close the window and what belongs to it."""
        _ask(f"{self._driver}{self._session}", method="DELETE")

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        return _ask(f"{self._driver}{self._session}{path}", body)


@contextlib.contextmanager
def chromium(folder: Path) -> Iterator[Browser]:
    """A browser whose profile and log lie in ``folder``."""
    port = _free_port()
    log = folder / "chromedriver.log"
    process = subprocess.Popen(
        ["chromedriver", f"--port={port}", f"--log-path={log}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        driver = f"http://127.0.0.1:{port}"
        _wait_for(driver)
        browser = Browser(driver, folder / "profile")
        try:
            yield browser
        finally:
            browser.close()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


def _wait_for(driver: str) -> None:
    deadline = time.monotonic() + _ANSWER_S
    while True:
        try:
            if _ask(f"{driver}/status")["ready"]:
                return
        except (URLError, ConnectionError):
            if time.monotonic() > deadline:
                raise
        time.sleep(0.05)


def _ask(url: str, body: dict[str, Any] | None = None, method: str | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, method=method)
    try:
        with urllib.request.urlopen(request, timeout=_ANSWER_S) as answer:
            return json.load(answer)["value"]
    except HTTPError as error:
        problem = json.load(error)["value"]
        raise AssertionError(f"{problem['error']}: {problem['message']}") from None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
