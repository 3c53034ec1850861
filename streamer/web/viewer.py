"""Viewer: one page that is open, served over its WebSocket.

    to the page      an introduction, figures twice a second (text), pictures (binary)
    from the page    "seen" for every picture that is drawn, and what its buttons ask for

A page that has not seen its last two pictures gets no other, so that what waits for it, here and on
the way, never grows; then it gets the newest.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from aiohttp import ClientError, WSCloseCode, WSMsgType, web

from streamer.controls import Controls
from streamer.web.figures import apply
from streamer.web.pictures import Pictures

_IN_FLIGHT = 2
"""Pictures on the way to one page: while one is drawn, the next one travels."""

_FIGURES_EVERY_S = 0.5
_HEARTBEAT_S = 20.0
"""A page that is silent for so long is asked, and given up after half as long again."""

_FAREWELL_S = 1.0
_LONGEST_WISH = 1024


class Viewer:
    """Serves one page until it leaves.

    Args:
        pictures: where pictures come from.
        figures: gives the run's figures as they are now.
        controls: what the page's buttons work; None where it may only look.
        worked: called after a button was.

    Attributes:
        socket: its connection.
    """

    def __init__(
        self,
        pictures: Pictures,
        figures: Callable[[], dict[str, Any]],
        controls: Controls | None,
        worked: Callable[[], None],
    ) -> None:
        self.socket = web.WebSocketResponse(
            heartbeat=_HEARTBEAT_S, compress=False, max_msg_size=_LONGEST_WISH
        )
        self._pictures = pictures
        self._figures = figures
        self._controls = controls
        self._worked = worked
        self._room = asyncio.Semaphore(_IN_FLIGHT)
        self._unseen: deque[float] = deque()
        self._age_ms: float | None = None
        self._news = asyncio.Event()
        self._over = asyncio.Event()

    async def serve(self, request: web.Request, first: dict[str, Any]) -> None:
        """Open the WebSocket, greet the page, and serve it until it leaves or is dismissed."""
        await self.socket.prepare(request)
        transport = request.transport
        try:
            with contextlib.suppress(ConnectionError, ClientError, TimeoutError):
                await self.socket.send_json(first)
                await self._converse()
                async with asyncio.timeout(_FAREWELL_S):
                    await self.socket.close(code=WSCloseCode.OK, message=b"over")
        finally:
            told = self.socket.closed and self.socket.close_code != WSCloseCode.ABNORMAL_CLOSURE
            if transport is not None and not told:
                transport.abort()  # what it has not taken would wait for it for minutes

    def refresh(self) -> None:
        """Send the figures now."""
        self._news.set()

    def dismiss(self) -> None:
        """Tell the page that the run is over, if it listens, and end."""
        self._over.set()

    async def _converse(self) -> None:
        tasks = [
            asyncio.create_task(work())
            for work in (self._listen, self._send_pictures, self._send_figures, self._over.wait)
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            # All of them: aiohttp lets senders wait by one future, which the first one cancels.
            for task in tasks:
                task.cancel()
            ends = await asyncio.gather(*tasks, return_exceptions=True)
        for end in ends:
            if isinstance(end, Exception):
                raise end

    async def _send_pictures(self) -> None:
        number = 0
        while True:
            await self._room.acquire()
            picture = await self._pictures.after(number)
            number = picture.number
            self._unseen.append(picture.captured_at)
            await self.socket.send_bytes(picture.jpeg)

    async def _send_figures(self) -> None:
        while True:
            self._news.clear()
            await self.socket.send_json(self._figures() | {"age_here_ms": self._age_ms})
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_FIGURES_EVERY_S):
                    await self._news.wait()

    async def _listen(self) -> None:
        async for message in self.socket:
            if message.type is not WSMsgType.TEXT:
                break
            try:
                self._hear(json.loads(message.data))
            except (ValueError, RecursionError):
                await self.socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"what?")

    def _hear(self, wish: object) -> None:
        if wish == {"do": "seen"}:
            if self._unseen:
                # The way back included: the page shows pictures that are a little younger.
                self._age_ms = round((time.monotonic() - self._unseen.popleft()) * 1e3, 1)
                self._room.release()
        elif self._controls is not None:
            apply(wish, self._controls)
            self._worked()
