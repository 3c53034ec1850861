"""Server: the page and its WebSocket, served from a thread with an event loop of its own.

Whatever a viewer does ends at most that viewer's connection. An error of the server itself ends the
server, and is there for whoever shows the next frame.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import threading
import time
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from aiohttp import web

from streamer.controls import Controls
from streamer.errors import one_line
from streamer.frame import Frame
from streamer.web.access import Access
from streamer.web.pictures import Pictures
from streamer.web.site import application
from streamer.web.viewer import Viewer

MOST_VIEWERS = 16

_FIGURES_KEPT_S = 0.1
"""Figures that are so young serve another viewer too: it takes a while to compute percentiles."""

_MOST_COMPLAINTS = 5
_START_S = 10.0
_STOP_S = 5.0
_REQUESTS_END_S = 2.0

# Its own: aiohttp's would print tracebacks to the terminal for what strangers send.
_LOG = logging.getLogger(__name__)
_LOG.addHandler(logging.NullHandler())


class Server:
    """Serves the page until it is stopped.

    Args:
        listening: the socket; closed in the end.
        access: who may see the page.
        introduction: the first message to every page.
        figures: gives the run's figures as they are now.
        controls: what the page's buttons work; None where it may only look.
        pixel_aspect: width of a pixel over its height.

    Attributes:
        error: what has ended the server before it was stopped.
        complaints: what went wrong with viewers, one line each, none twice.

    Raises:
        RuntimeError: it does not start.
    """

    def __init__(
        self,
        listening: socket.socket,
        access: Access,
        introduction: dict[str, Any],
        figures: Callable[[], dict[str, Any]],
        controls: Controls | None,
        pixel_aspect: Fraction,
    ) -> None:
        self.error: BaseException | None = None
        self.complaints: list[str] = []
        self._listening = listening
        self._access = access
        self._introduction = introduction
        self._compute_figures = figures
        self._figures: tuple[float, dict[str, Any]] | None = None
        self._controls = controls
        self._pixel_aspect = pixel_aspect
        self._viewers: set[Viewer] = set()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="web", daemon=True)
        self._thread.start()
        if not self._ready.wait(_START_S) or self.error is not None:
            raise RuntimeError(one_line(self.error) if self.error else "it took too long to start")

    def show(self, frame: Frame) -> None:
        """Show a frame to whoever looks; returns at once."""
        self._pictures.offer(frame)

    def stop(self) -> None:
        """Tell the viewers that the run is over, and end; takes a few seconds at most."""
        with contextlib.suppress(RuntimeError):  # it has just ended by itself
            self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(_STOP_S)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            self.error = error
        finally:
            self._listening.close()
            self._ready.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(lambda _, context: _LOG.debug("%s", context))
        self._over = asyncio.Event()
        self._pictures = Pictures(self._pixel_aspect)
        cookie = f"streamer-{self._listening.getsockname()[1]}"  # as cookies know no ports
        site = application(self._access, cookie, self._live)
        runner = web.AppRunner(site, access_log=None, logger=_LOG, shutdown_timeout=_REQUESTS_END_S)
        await runner.setup()
        try:
            await web.SockSite(runner, self._listening).start()
            self._ready.set()
            await self._until_over()
        finally:
            for viewer in self._viewers:
                viewer.dismiss()
            await runner.cleanup()

    async def _until_over(self) -> None:
        """Encode pictures until the server is stopped, or encoding fails."""
        encoding = asyncio.create_task(self._pictures.encode())
        over = asyncio.create_task(self._over.wait())
        try:
            done, _ = await asyncio.wait([encoding, over], return_when=asyncio.FIRST_COMPLETED)
            if encoding in done:
                encoding.result()
        finally:
            encoding.cancel()
            over.cancel()

    async def _live(self, request: web.Request) -> web.StreamResponse:
        if len(self._viewers) >= MOST_VIEWERS:
            raise web.HTTPServiceUnavailable(
                text=f"{MOST_VIEWERS} pages are open already.\n", headers={"Retry-After": "10"}
            )
        if request.headers.get("Upgrade", "").lower() != "websocket":
            raise web.HTTPUpgradeRequired(text="This is for WebSockets.\n")
        viewer = Viewer(self._pictures, self._latest_figures, self._controls, self._refresh)
        self._viewers.add(viewer)
        self._pictures.watched = True
        try:
            await viewer.serve(request, self._introduction)
        except web.HTTPException:
            raise
        except Exception as error:
            self._complain(error)
        finally:
            self._viewers.discard(viewer)
            if not self._viewers:
                self._pictures.forget()
        return viewer.socket

    def _latest_figures(self) -> dict[str, Any]:
        now = time.monotonic()
        if self._figures is None or now - self._figures[0] > _FIGURES_KEPT_S:
            self._figures = now, self._compute_figures() | {"viewers": len(self._viewers)}
        return self._figures[1]

    def _refresh(self) -> None:
        """A button was worked: every page is to show it."""
        self._figures = None
        for viewer in self._viewers:
            viewer.refresh()

    def _complain(self, error: Exception) -> None:
        line = one_line(error)
        if line not in self.complaints and len(self.complaints) < _MOST_COMPLAINTS:
            self.complaints.append(line)
