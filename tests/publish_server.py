"""Servers that take a published stream, each a process that tells what it gets in JSON lines.

``publish_server.py rtsp PORT [USER:PASSWORD]``, run by the system's Python, is GStreamer's RTSP
server, to which ``/live`` may be published. ``publish_server.py rtmp PORT`` is FFmpeg's listener,
which takes one connection. Both print a line when they listen (port 0 takes a free one) and one for
each frame that they have decoded, with its time in seconds and its size.
"""

from __future__ import annotations

import json
import sys
from typing import Any


def say(**what: object) -> None:
    print(json.dumps(what), flush=True)


def rtsp(port: str, login: str = "") -> None:
    import gi

    gi.require_version("Gst", "1.0")
    gi.require_version("GstRtspServer", "1.0")
    from gi.repository import GLib, Gst, GstRtspServer

    Gst.init(None)
    for element in ("rtph264depay", "h264parse", "avdec_h264"):
        if Gst.ElementFactory.find(element) is None:
            sys.exit(f"no {element}")

    def configured(_: Any, media: Any) -> None:
        media.get_element().get_by_name("frames").connect("handoff", handed)

    def handed(_: Any, buffer: Any, pad: Any) -> None:
        shape = pad.get_current_caps().get_structure(0)
        size = [shape.get_int("width")[1], shape.get_int("height")[1]]
        say(time=buffer.pts / Gst.SECOND, size=size)

    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_transport_mode(GstRtspServer.RTSPTransportMode.RECORD)
    factory.set_launch(
        "( rtph264depay name=depay0 ! h264parse ! avdec_h264 ! "
        "fakesink name=frames signal-handoffs=true sync=false )"
    )
    factory.set_latency(0)
    factory.connect("media-configure", configured)
    server = GstRtspServer.RTSPServer(service=port, address="127.0.0.1")
    if login:
        token = GstRtspServer.RTSPToken()
        token.set_string("media.factory.role", "camera")
        permissions = GstRtspServer.RTSPPermissions()
        for what in ("access", "construct"):
            permissions.add_permission_for_role("camera", f"media.factory.{what}", True)
        factory.set_permissions(permissions)
        auth = GstRtspServer.RTSPAuth()
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(*login.split(":")), token)
        server.set_auth(auth)
    server.get_mount_points().add_factory("/live", factory)
    server.attach(None)
    say(listening=server.get_bound_port())
    GLib.MainLoop().run()


def rtmp(port: str) -> None:
    import av

    say(listening=int(port))
    url = f"rtmp://127.0.0.1:{port}/live/x"
    with av.open(url, container_options={"listen": "1"}) as container:
        for frame in container.decode(video=0):
            say(time=float(frame.time or 0), size=[frame.width, frame.height])


if __name__ == "__main__":
    {"rtsp": rtsp, "rtmp": rtmp}[sys.argv[1]](*sys.argv[2:])
