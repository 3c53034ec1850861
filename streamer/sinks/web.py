"""WebSink: a live page for browsers, on this machine or, with a token, on others."""

from __future__ import annotations

from typing import Self

from streamer.errors import SinkError, WriteError, one_line
from streamer.frame import Frame
from streamer.instances import Instances
from streamer.sinks.options import SinkOptions
from streamer.sources.base import StreamInfo
from streamer.web.access import Access
from streamer.web.figures import figures, introduction
from streamer.web.listening import DEFAULT_PORT, address_of, listen


class WebSink:
    """Shows frames and the figures of the run to whoever opens the page, and takes their wishes.

    Pictures are lost wherever a viewer is slower than the run; the run waits for none.

    Args:
        port: to listen on, 0 for any that is free; None for 8080 or the next that is free.
        info: of the frames to come.
        options: how outputs are written.

    Attributes:
        url: the page, without the token.
        invitation: one line for a person: where to open the page, token included. It belongs on
            the terminal, once, and nowhere else.
        draws: True.
        on_main_thread: False.
        frames: how many were taken.

    Raises:
        SinkError: the port is taken, or the host is not an address of this machine.
    """

    draws = True
    on_main_thread = False

    def __init__(self, port: int | None, info: StreamInfo, options: SinkOptions) -> None:
        # Imported where it is needed: a web server takes a third of a second to import.
        from streamer.web.server import Server

        access = Access.of(options.web_host, options.web_token)
        listening = listen(options.web_host, port)
        self.url = address_of(listening)
        taken = port is None and listening.getsockname()[1] != DEFAULT_PORT
        self.invitation = (
            f"Watch at {self.url}"
            + (f"?token={access.quoted}" if access.quoted else "")
            + (f" (port {DEFAULT_PORT} is taken)" if taken else "")
        )
        self.frames = 0
        self.warnings: list[str] = []
        self._closed = False

        def now() -> dict[str, object]:
            snapshot = options.snapshot() if options.snapshot else None
            return figures(snapshot, options.health, options.controls)

        try:
            self._server = Server(
                listening, access, introduction(info), now, options.controls, info.pixel_aspect
            )
        except RuntimeError as error:
            listening.close()
            raise SinkError(f"web: the page's server does not start: {error}") from error

    def write(self, frame: Frame, instances: Instances) -> None:  # noqa: ARG002
        """Take one frame. See `Sink.write`."""
        if self._server.error is not None:
            raise WriteError(f"{self.url}: the page's server broke: {one_line(self._server.error)}")
        self._server.show(frame)
        self.frames += 1

    def close(self) -> None:
        """Tell the viewers that the run is over. See `Sink.close`."""
        if self._closed:
            return
        self._closed = True
        self._server.stop()
        self.warnings += [f"{self.url}: a viewer met: {line}" for line in self._server.complaints]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
