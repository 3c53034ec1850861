from __future__ import annotations

from fractions import Fraction

import av
import pytest

from streamer.errors import SourceError
from streamer.sources.synthetic import SyntheticSource
from streamer.sources.window import Window


def test_frames_and_info() -> None:
    with SyntheticSource("testsrc2=size=64x48:rate=30000/1001", Window(frames=5)) as source:
        frames = list(source)
        info = source.info
    assert [f.time for f in frames] == [Fraction(1001 * i, 30000) for i in range(5)]
    assert [f.seq for f in frames] == list(range(5))
    assert info.url == "lavfi:testsrc2=size=64x48:rate=30000/1001"
    assert (info.width, info.height, info.frames) == (64, 48, 5)
    assert info.rate == Fraction(30000, 1001)
    assert not info.live
    assert info.open_audio is None


def test_window_ends_an_endless_graph() -> None:
    window = Window(start=Fraction(1), duration=Fraction(1, 2))
    with SyntheticSource("testsrc2=size=64x48:rate=30", window) as source:
        assert source.info.frames == 15
        times = [f.time for f in source]
    assert times == [1 + Fraction(i, 30) for i in range(15)]


def test_a_graph_that_ends() -> None:
    with SyntheticSource("testsrc2=size=64x48:rate=10:duration=1") as source:
        assert source.info.frames is None
        assert len(list(source)) == 10


@pytest.mark.parametrize(
    ("rgb", "name"), [((200, 30, 60), "yuv444p"), ((20, 90, 160), "rgb24"), ((9, 9, 9), "gray")]
)
def test_any_format(rgb: tuple[int, int, int], name: str) -> None:
    color = "0x{:02x}{:02x}{:02x}".format(*rgb)
    graph = f"color={color}:size=63x45,format={name}"
    with SyntheticSource(graph, Window(frames=1)) as source:
        (frame,) = source
    assert frame.picture.format.name == "yuv420p"
    assert abs(frame.to_bgr()[20, 30][::-1].astype(int) - rgb).max() <= 3


def test_sound_is_left_alone() -> None:
    graph = "testsrc2=size=64x48:rate=30[out0];sine=frequency=440[out1]"
    with SyntheticSource(graph, Window(frames=40)) as source:
        assert source.info.open_audio is None
        assert len(list(source)) == 40


@pytest.mark.parametrize(
    ("graph", "reason"),
    [
        ("nosuchfilter", "nosuchfilter"),
        ("testsrc2=size=abc", 'Unable to parse "size" option value "abc" as image size'),
        ("testsrc2=size=64x48[nowhere", "refuses"),
        ("", "refuses"),
    ],
)
def test_wrong_graphs(graph: str, reason: str, capfd: pytest.CaptureFixture[str]) -> None:
    level = av.logging.get_level()
    with pytest.raises(SourceError) as caught:
        SyntheticSource(graph)
    message = str(caught.value)
    assert message.startswith(f"lavfi:{graph}: FFmpeg refuses this graph: ")
    assert reason in message
    assert "\n" not in message
    assert av.logging.get_level() == level
    printed = capfd.readouterr()
    assert printed.out + printed.err == ""


@pytest.mark.parametrize("colon", [":", r"\:"])
def test_passwords_are_hidden(colon: str) -> None:
    with pytest.raises(SourceError) as caught:
        SyntheticSource(rf"movie=nosuch\://me{colon}SECRET@h/x")
    message = str(caught.value)
    assert "SECRET" not in message
    assert message.startswith(rf"lavfi:movie=nosuch\://me{colon}***@h/x: FFmpeg refuses")


def test_passwords_are_hidden_in_info() -> None:
    graph = r"testsrc2=size=64x48,metadata=add:key=a:value=rtsp\\://me\\:SECRET@h"
    with SyntheticSource(graph, Window(frames=1)) as source:
        assert source.info.url == f"lavfi:{graph}".replace("SECRET", "***")


def test_graphs_without_pictures() -> None:
    with pytest.raises(SourceError, match="holds no video"):
        SyntheticSource("sine")
    with pytest.raises(SourceError, match="makes no picture in the time"):
        SyntheticSource("testsrc2=size=64x48:duration=1", Window(start=Fraction(2)))
