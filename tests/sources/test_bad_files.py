"""Files that are broken, hostile or not what they are called: one line each, and never a hang."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from streamer.errors import SourceError
from streamer.sources import container, decoding
from streamer.sources.container import check_readable
from streamer.sources.file import FileSource
from streamer.sources.registry import open_source
from streamer.sources.window import Window
from tests.clips import Audio, number_of, write_clip, write_streams

INTRA = {"g": "1"}


def refusal(path: Path) -> str:
    with pytest.raises(SourceError) as caught:
        open_source(str(path))
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    assert caught.value.exit_code == 2
    return message


def packets_of(path: Path) -> list[tuple[int, int]]:
    """Position and size in bytes of every packet of the first video stream."""
    with av.open(str(path)) as file:
        return [(p.pos or 0, p.size) for p in file.demux(video=0) if p.size]


def spoil(path: Path, *indexes: int) -> None:
    """Overwrite whole packets with noise."""
    places = packets_of(path)
    data = bytearray(path.read_bytes())
    noise = np.random.default_rng(1)
    for index in indexes:
        at, size = places[index]
        data[at : at + size] = noise.integers(0, 256, size, np.uint8).tobytes()
    path.write_bytes(data)


def test_missing(tmp_path: Path) -> None:
    assert "no such file" in refusal(tmp_path / "none.mp4")


def test_empty(tmp_path: Path) -> None:
    path = tmp_path / "empty.mp4"
    path.touch()
    assert "empty" in refusal(path)


def test_text_called_video(tmp_path: Path) -> None:
    path = tmp_path / "text.mp4"
    path.write_text("This is no video.\n" * 100)
    assert "not a video that FFmpeg can read" in refusal(path)


def test_noise_called_video(tmp_path: Path) -> None:
    path = tmp_path / "noise.mkv"
    path.write_bytes(np.random.default_rng(0).integers(0, 256, 20000, np.uint8).tobytes())
    refusal(path)


def test_audio_only(tmp_path: Path) -> None:
    path = write_streams(tmp_path / "song.mp4", [], [Audio()])
    assert "holds no video (audio only)" in refusal(path)


def test_unreadable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_clip(tmp_path / "secret.mp4")
    monkeypatch.setattr(os, "access", lambda *_: False)  # permissions do not bind root
    assert "permission denied" in refusal(path)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "pipe.mp4"
    os.mkfifo(path)
    assert "is not a file" in refusal(path)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="is not a file"):
        check_readable(tmp_path)


def test_index_cut_off(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", frames=40)  # its index is at the end
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"moov") - 4])
    assert "cut short" in refusal(path)


def test_unknown_codec(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4")
    path.write_bytes(path.read_bytes().replace(b"avc1", b"zzz9"))
    assert "no decoder" in refusal(path)


def test_no_frame_that_can_be_decoded(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", codec="mpeg4", frames=5)
    spoil(path, *range(5))
    assert "holds no picture that can be decoded" in refusal(path)


def test_header_without_pictures(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mkv", frames=5)
    first, _ = packets_of(path)[0]
    path.write_bytes(path.read_bytes()[: first - 8])
    refusal(path)


@pytest.mark.parametrize("side", [16385, 32000, 2**31 - 1])
def test_absurd_size_in_the_header(tmp_path: Path, side: int) -> None:
    path = write_clip(tmp_path / "clip.avi", codec="rawvideo", size=(64, 48), frames=1)
    data = bytearray(path.read_bytes())
    at = data.index(b"strf") + 8
    data[at + 4 : at + 12] = side.to_bytes(4, "little") * 2
    path.write_bytes(data)
    refusal(path)


def test_more_pixels_than_are_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container, "MAX_PIXELS", 64 * 48 - 1)
    path = write_clip(tmp_path / "clip.mp4")
    assert "pictures of 64x48 are too large" in refusal(path)


def test_more_pixels_than_the_header_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "MAX_PIXELS", 64 * 48 - 1)  # the header passes, pictures do not
    path = write_clip(tmp_path / "clip.mp4")
    assert "holds no picture that can be decoded" in refusal(path)


@pytest.mark.parametrize("threads", [1, 4])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi"])
def test_cut_off_in_the_middle(tmp_path: Path, suffix: str, threads: int) -> None:
    codec = "mpeg4" if suffix == ".avi" else "libx264"
    path = write_clip(
        tmp_path / f"clip{suffix}",
        codec=codec,
        options=INTRA | ({"qmin": "1", "qmax": "1"} if codec == "mpeg4" else {}),
        frames=100,
        rate=Fraction(25),
        muxer={"movflags": "faststart"} if suffix == ".mp4" else {},
    )
    at, size = packets_of(path)[57]
    path.write_bytes(path.read_bytes()[: at + size + 4])  # into the next packet's beginning
    with FileSource(path, threads=threads) as source:
        numbers = [number_of(frame) for frame in source]
        health = source.health
    assert numbers[:58] == list(range(58))
    assert len(numbers) <= 59
    (warning,) = health.warnings
    assert warning.startswith(f"{path} ends early")
    if suffix == ".mp4":
        assert f"{len(numbers)} of 100 frames could be read" in warning
    elif suffix == ".mkv":
        assert "of 4.0 s could be read" in warning


@pytest.mark.parametrize("threads", [1, 4])
@pytest.mark.parametrize("codec", ["libx264", "mpeg4", "png"])
@pytest.mark.parametrize("bad", [(20,), (10, 11, 25), (37,), (38,), (39,), (36, 38)])
def test_corrupt_packets_are_skipped_and_counted(
    tmp_path: Path, codec: str, threads: int, bad: tuple[int, ...]
) -> None:
    path = write_clip(
        tmp_path / "clip.mov",
        codec=codec,
        pix_fmt="rgb24" if codec == "png" else "yuv420p",
        options={} if codec == "png" else INTRA | {"qmin": "1", "qmax": "1"},
        frames=40,
    )
    spoil(path, *bad)
    with FileSource(path, threads=threads) as source:
        frames = list(source)
        assert source.health.corrupt_packets == len(bad)
        assert source.health.warnings == []
    good = [index for index in range(40) if index not in bad]
    assert [frame.time for frame in frames] == [Fraction(index, 30) for index in good]
    assert [frame.seq for frame in frames] == list(range(len(good)))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_flipped_bytes_never_break_out(tmp_path: Path, suffix: str, seed: int) -> None:
    path = write_clip(
        tmp_path / f"clip{suffix}", frames=40, options={"preset": "medium"}, audio=[Audio()]
    )
    data = bytearray(path.read_bytes())
    noise = np.random.default_rng(seed)
    for at in noise.integers(0, len(data), 30):
        data[at] ^= int(noise.integers(1, 256))
    path.write_bytes(data)
    try:
        source = FileSource(path, Window(frames=200), threads=1 + seed % 3)
    except SourceError:
        return
    with source:
        times = [frame.time for frame in source]
        assert times == sorted(set(times))
        if source.info.open_audio:
            feed = source.info.open_audio()
            list(feed.rest())
            feed.close()


def test_ffmpeg_prints_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = write_clip(tmp_path / "clip.mp4", frames=40, options=INTRA)
    capfd.readouterr()
    spoil(path, 5, 6)
    with FileSource(path) as source:
        list(source)
    printed = capfd.readouterr()
    assert printed.out + printed.err == ""
