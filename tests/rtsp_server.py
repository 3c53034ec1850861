"""An RTSP server by GStreamer, run by the system's Python: it alone has the bindings.

    /usr/bin/python3 rtsp_server.py PORT [--size 320x240] [--user NAME --password WORD] ...

Serves one live stream of a moving ball at ``rtsp://127.0.0.1:PORT/x``. Says ``ready`` once it
listens, and ends when its standard input does, so that it never outlives a test.
"""

from __future__ import annotations

import argparse
import sys
import threading

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

PAYLOADERS = {
    "h264": "x264enc tune=zerolatency speed-preset=ultrafast key-int-max={keyframes} bframes=0"
    " ! video/x-h264,profile=baseline{break_} ! rtph264pay name=pay0 pt=96 config-interval=1",
    "h264-b": "x264enc speed-preset=veryfast rc-lookahead=5 key-int-max={keyframes} bframes=3"
    " b-adapt=false ! video/x-h264,profile=main{break_}"
    " ! rtph264pay name=pay0 pt=96 config-interval=1",
    "jpeg": "jpegenc{break_} ! rtpjpegpay name=pay0 pt=26",
}


def main() -> int:
    """Serve until standard input ends."""
    arguments = parse()
    Gst.init(None)
    missing = [
        name
        for name in ("x264enc", "jpegenc", "rtph264pay", "videotestsrc", "breakmydata")
        if Gst.ElementFactory.find(name) is None
    ]
    if missing:
        print("missing", *missing, flush=True)
        return 3
    server = GstRtspServer.RTSPServer(address="127.0.0.1", service=str(arguments.port))
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(launch(arguments))
    factory.set_shared(True)
    if arguments.user:
        protect(server, factory, arguments.user, arguments.password)
    server.get_mount_points().add_factory("/x", factory)
    if not server.attach(None):
        print("port", arguments.port, "is taken", flush=True)
        return 4
    loop = GLib.MainLoop()

    def end_with_input() -> None:
        sys.stdin.read()
        GLib.idle_add(loop.quit)  # at once it would be lost on a loop that does not run yet

    threading.Thread(target=end_with_input, daemon=True).start()
    print("ready", flush=True)
    loop.run()
    return 0


def parse() -> argparse.Namespace:
    """What to serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("--size", default="320x240")
    parser.add_argument("--rate", type=int, default=30)
    parser.add_argument("--codec", choices=PAYLOADERS, default="h264")
    parser.add_argument("--keyframes", type=int, default=15, help="pictures from one to the next")
    parser.add_argument("--corrupt", type=float, default=0.0, help="share of bytes that are wrong")
    parser.add_argument("--pattern", default="ball")
    parser.add_argument("--user")
    parser.add_argument("--password")
    return parser.parse_args()


def launch(arguments: argparse.Namespace) -> str:
    """The pipeline, in GStreamer's notation."""
    width, height = arguments.size.split("x")
    broken = f" ! breakmydata probability={arguments.corrupt} skip=400" if arguments.corrupt else ""
    encoder = PAYLOADERS[arguments.codec].format(keyframes=arguments.keyframes, break_=broken)
    return (
        f"( videotestsrc is-live=true pattern={arguments.pattern}"
        f" ! video/x-raw,format=I420,width={width},height={height},framerate={arguments.rate}/1"
        f" ! {encoder} )"
    )


def protect(
    server: GstRtspServer.RTSPServer,
    factory: GstRtspServer.RTSPMediaFactory,
    user: str,
    password: str,
) -> None:
    """Let in only who knows the password."""
    auth = GstRtspServer.RTSPAuth()
    auth.set_supported_methods(2)  # GstRtspAuthMethod.DIGEST
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "viewer")
    auth.add_digest(user, password, token)
    server.set_auth(auth)
    permissions = GstRtspServer.RTSPPermissions()
    permissions.add_permission_for_role("viewer", "media.factory.access", True)
    permissions.add_permission_for_role("viewer", "media.factory.construct", True)
    factory.set_permissions(permissions)


if __name__ == "__main__":
    sys.exit(main())
