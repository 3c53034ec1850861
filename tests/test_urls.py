from __future__ import annotations

import pytest

from streamer.urls import is_url, redact, redact_text


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("clip.mp4", "clip.mp4"),
        ("rtsp://cam/1", "rtsp://cam/1"),
        ("rtsp://cam:554/1", "rtsp://cam:554/1"),
        ("rtsp://me@cam/1", "rtsp://me@cam/1"),
        ("rtsp://me:SECRET@cam:554/1", "rtsp://me:***@cam:554/1"),
        ("RTSP://me:SECRET@cam/1", "RTSP://me:***@cam/1"),
        ("rtsp://:SECRET@cam/1", "rtsp://:***@cam/1"),
        ("rtsp://me:SEC@RET@cam/1", "rtsp://me:***@cam/1"),
        ("rtsp://me:SEC:RET@cam/1", "rtsp://me:***@cam/1"),
        ("rtsp://me:SEC/RET@cam/1", "rtsp://me:***@cam/1"),
        ("rtsp://me:SEC?RET@cam/1", "rtsp://me:***@cam/1"),
        ("rtsp://me:SEC#RET@cam/1", "rtsp://me:***@cam/1"),
        ("https://host:8080/@user/clip.mp4", "https://host:8080/@user/clip.mp4"),
        ("https://h/a?token=SECRET", "https://h/a?token=***"),
        ("https://h/a?x=1&Password=SECRET&y=2", "https://h/a?x=1&Password=***&y=2"),
        ("https://h/a?api_key=SECRET#t=3", "https://h/a?api_key=***#t=3"),
        ("https://h/a?X-Amz-Signature=SECRET", "https://h/a?X-Amz-Signature=***"),
        ("srt://h:9000?mode=caller&passphrase=SECRET", "srt://h:9000?mode=caller&passphrase=***"),
        ("https://me:SECRET@h/?auth=SECRET", "https://me:***@h/?auth=***"),
        ("https://h/a?size=3", "https://h/a?size=3"),
    ],
)
def test_redact(url: str, shown: str) -> None:
    assert redact(url) == shown


def test_redacting_twice_changes_nothing() -> None:
    once = redact("rtsp://me:SECRET@cam/1?token=SECRET")
    assert redact(once) == once


def test_schemes() -> None:
    assert is_url("rtsp://cam")
    for text in ("clip.mp4", "C:/clip.mp4", "12:30.mp4", "lavfi:testsrc", "://x"):
        assert not is_url(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("clip.mp4: no such file", "clip.mp4: no such file"),
        ("no model https:/me:SECRET@h/m.onnx; give", "no model https:/me:***@h/m.onnx; give"),
        ("open 'rtsp://me:SECRET@cam/1': no", "open 'rtsp://me:***@cam/1': no"),
        (r"lavfi:movie=rtsp\://me:SECRET@cam", r"lavfi:movie=rtsp\://me:***@cam"),
        (r"lavfi:movie=rtsp\\://me\\:SEC/RET@cam", r"lavfi:movie=rtsp\\://me\\:***@cam"),
        ("rtsp://a:SECRET@h or RTSP://b:SECRET@i", "rtsp://a:***@h or RTSP://b:***@i"),
        ("file:///me:SECRET@h", "file:///me:***@h"),
        ("rtsp://:SECRET@cam: no", "rtsp://:***@cam: no"),
        ("https://h:8080/@user/a: gone", "https://h:8080/@user/a: gone"),
        ("https://h/a?token=SECRET: gone", "https://h/a?token=***: gone"),
        ("https://h/a?x=1&api_key=SECRET&y=2 is gone", "https://h/a?x=1&api_key=***&y=2 is gone"),
        ("https://me:SECRET@h/?auth=SECRET", "https://me:***@h/?auth=***"),
        ("it is shut; the key=3 opens it", "it is shut; the key=3 opens it"),
        ("https://h/a is at me@h", "https://h/a is at me@h"),
    ],
)
def test_redact_text(text: str, shown: str) -> None:
    assert redact_text(text) == shown
    assert redact_text(shown) == shown
