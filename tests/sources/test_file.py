"""FileSource against files whose every picture and time is known."""

from __future__ import annotations

import gc
from collections import deque
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
import pytest
from av.codec.hwaccel import HWAccel, hwdevices_available
from av.stream import Disposition

from streamer.errors import SettingsError, SourceError
from streamer.frame import Frame
from streamer.sources.file import FileSource
from streamer.sources.hardware import hardware_decoder
from streamer.sources.options import SourceOptions
from streamer.sources.registry import open_source
from streamer.sources.window import Window
from tests.clips import Audio, Video, number_of, picture_of, times_in, write_clip, write_streams


def seen(path: Path, window: Window | None = None, threads: int = 1) -> list[tuple[Fraction, int]]:
    """Time and number of every frame."""
    with FileSource(path, window or Window(), threads=threads) as source:
        frames = [(f.time, f.seq, number_of(f)) for f in source]
        assert not source.health.warnings
        assert not source.health.corrupt_packets
    assert [seq for _, seq, _ in frames] == list(range(len(frames)))
    return [(time, number) for time, _, number in frames]


MEDIUM = {"preset": "medium"}  # has B-frames, unlike the tests' default

MPEG4 = {"g": "12", "qmin": "1", "qmax": "1"}

TIMINGS: dict[str, dict[str, Any]] = {
    "constant": {"rate": Fraction(30), "frames": 40},
    "29.97": {"rate": Fraction(30000, 1001), "frames": 40},
    "12.5": {"rate": Fraction(25, 2), "frames": 20},
    "variable": {
        "time_base": Fraction(1, 1000),
        "pts": [0, 1, 7, 40, 41, 90, 500, 533, 1200, 1201],
    },
    "late start": {"time_base": Fraction(1, 1000), "pts": [700, 733, 767, 800]},
}


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov", ".ts"])
@pytest.mark.parametrize("timing", TIMINGS)
@pytest.mark.parametrize("threads", [1, 3])
def test_every_frame_at_its_own_time(
    tmp_path: Path, timing: str, suffix: str, threads: int
) -> None:
    path = write_clip(tmp_path / f"clip{suffix}", options=MEDIUM, **TIMINGS[timing])
    told = times_in(path)
    frames = seen(path, threads=threads)
    assert [time for time, _ in frames] == [t - told[0] for t in told]
    assert [number for _, number in frames] == list(range(len(told)))
    if suffix == ".mp4":
        unit = TIMINGS[timing].get("time_base") or 1 / TIMINGS[timing]["rate"]
        pts = TIMINGS[timing].get("pts") or range(TIMINGS[timing]["frames"])
        assert [time for time, _ in frames] == [(p - pts[0]) * unit for p in pts]


@pytest.mark.parametrize("timing", ["constant", "29.97", "12.5"])
def test_info_tells_the_rate(tmp_path: Path, timing: str) -> None:
    path = write_clip(tmp_path / "clip.mp4", **TIMINGS[timing])
    rate, count = TIMINGS[timing]["rate"], TIMINGS[timing]["frames"]
    with FileSource(path) as source:
        assert source.info.rate == rate
        assert source.info.frames == count
        assert source.info.duration == pytest.approx(float(count / rate))
        assert source.info.url == str(path)
        assert not source.info.live
        assert source.info.open_audio is None


@pytest.mark.parametrize("suffix", [".mp4", ".ts", ".mkv"])
def test_video_keeps_its_place_against_earlier_audio(tmp_path: Path, suffix: str) -> None:
    path = write_streams(
        tmp_path / f"clip{suffix}",
        [Video(time_base=Fraction(1, 1000), pts=[500, 540, 580])],
        [Audio(codec="aac" if suffix == ".ts" else "flac", seconds=Fraction(1))],
    )
    with av.open(str(path)) as container:
        assert container.start_time is not None
        begin = Fraction(container.start_time, 1_000_000)
    expected = [t - begin for t in times_in(path)]
    assert expected[0] > Fraction(2, 5)
    for (time, _), exact in zip(seen(path), expected, strict=True):
        assert abs(time - exact) <= Fraction(1, 1000)


@pytest.mark.parametrize("suffix", [".h264", ".avi"])
def test_missing_times_are_filled_in(tmp_path: Path, suffix: str) -> None:
    codec = "libx264" if suffix == ".h264" else "mpeg4"
    options = MPEG4 if codec == "mpeg4" else {}
    path = write_clip(
        tmp_path / f"clip{suffix}", codec=codec, frames=40, rate=Fraction(30), options=options
    )
    frames = seen(path)
    assert [number for _, number in frames] == list(range(40))
    assert [time for time, _ in frames] == [Fraction(i, 30) for i in range(40)]


@pytest.mark.parametrize("turned", [0, 90, 180, 270])
@pytest.mark.parametrize("threads", [1, 3])
def test_rotation_is_applied(tmp_path: Path, turned: int, threads: int) -> None:
    path = write_clip(
        tmp_path / "clip.mp4", rotation=turned, size=(66, 48), pixel_aspect=Fraction(4, 3)
    )
    with FileSource(path, threads=threads) as source:
        frame = list(source)[-1]
        info = source.info
    assert (info.width, info.height) == ((66, 48) if turned % 180 == 0 else (48, 66))
    assert (frame.width, frame.height) == (info.width, info.height)
    assert info.pixel_aspect == (Fraction(4, 3) if turned % 180 == 0 else Fraction(3, 4))
    y = frame.y
    corners = [y[3, 3], y[-4, 3], y[-4, -4], y[3, -4]]  # as a turn to the left passes them
    assert [corner > 200 for corner in corners].index(True) == turned // 90
    assert sum(corner > 200 for corner in corners) == 1
    assert frame.picture.rotation == 0


@pytest.mark.parametrize(("flip", "corner"), [("hflip", (3, -4)), ("vflip", (-4, 3))])
def test_flips_are_applied(tmp_path: Path, flip: str, corner: tuple[int, int]) -> None:
    with FileSource(write_clip(tmp_path / "clip.mp4", **cast(Any, {flip: True}))) as source:
        frame = next(iter(source))
    assert frame.y[corner] > 200
    assert frame.y[3, 3] < 200


@pytest.mark.parametrize(
    ("suffix", "codec", "pix_fmt", "size"),
    [
        (".mp4", "libx264", "yuv420p10le", (64, 48)),
        (".mp4", "libx264", "yuv422p", (64, 48)),
        (".mp4", "libx264", "yuv444p", (63, 47)),
        (".mp4", "libx264", "gray", (64, 48)),
        (".mkv", "ffv1", "yuv420p", (63, 47)),
        (".mkv", "ffv1", "gray", (63, 47)),
        (".mkv", "ffv1", "bgr0", (64, 48)),
        (".mov", "png", "rgb24", (63, 47)),
        (".mov", "png", "rgba", (64, 48)),
        (".mov", "prores_ks", "yuv422p10le", (64, 48)),
        (".avi", "mjpeg", "yuvj422p", (64, 48)),
        (".webm", "libvpx-vp9", "yuv444p", (63, 47)),
    ],
)
def test_formats(
    tmp_path: Path, suffix: str, codec: str, pix_fmt: str, size: tuple[int, int]
) -> None:
    grey = [60, 120, 180]

    def paint(index: int) -> av.VideoFrame:
        image = np.full((size[1], size[0], 3), grey[index % 3], np.uint8)
        return av.VideoFrame.from_ndarray(image, "rgb24").reformat(format=pix_fmt)

    path = write_clip(
        tmp_path / f"clip{suffix}",
        codec=codec,
        pix_fmt=pix_fmt,
        size=size,
        paint=paint,
        full_range=True if pix_fmt == "gray" else None,
    )
    with FileSource(path) as source:
        assert (source.info.width, source.info.height) == size
        frames = list(source)
    assert len(frames) == 10
    for index, frame in enumerate(frames):
        assert frame.picture.format.name in ("yuv420p", "yuvj420p")
        assert (frame.width, frame.height) == size
        image = frame.to_bgr().astype(int)
        assert np.abs(image - grey[index % 3]).max() <= 3


def ycbcr(rgb: tuple[int, int, int], kr: float, kb: float, full: bool) -> tuple[int, int, int]:
    """H.273, equations 38 ff., written from the standard and not from the code under test."""
    r, g, b = (v / 255 for v in rgb)
    y = kr * r + (1 - kr - kb) * g + kb * b
    cb, cr = (b - y) / (2 - 2 * kb), (r - y) / (2 - 2 * kr)
    if full:
        return round(255 * y), round(255 * cb + 128), round(255 * cr + 128)
    return round(219 * y + 16), round(224 * cb + 128), round(224 * cr + 128)


PATCHES = [(180, 40, 60), (30, 160, 70), (40, 60, 200), (255, 255, 255), (0, 0, 0), (128, 128, 128)]


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv444p"])
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize(
    ("tag", "kr", "kb"), [(1, 0.2126, 0.0722), (5, 0.299, 0.114), (9, 0.2627, 0.0593)]
)
def test_colours_of_known_patches(
    tmp_path: Path, tag: int, kr: float, kb: float, full: bool, pix_fmt: str
) -> None:
    def paint(index: int) -> av.VideoFrame:
        y, cb, cr = ycbcr(PATCHES[index], kr, kb, full)
        picture = picture_of(np.full((48, 64), y, np.uint8), cb, cr)
        if pix_fmt != "yuv420p":
            picture = picture.reformat(format=pix_fmt)
        return picture

    path = write_clip(
        tmp_path / "clip.mp4",
        paint=paint,
        frames=len(PATCHES),
        matrix=tag,
        full_range=full,
        pix_fmt=pix_fmt,
        options={"qp": "0"},
    )
    with FileSource(path) as source:
        for frame, rgb in zip(source, PATCHES, strict=True):
            assert frame.color.full_range is full
            assert int(frame.picture.colorspace) == tag
            assert np.abs(frame.to_bgr()[..., ::-1].astype(int) - rgb).max() <= 2


def test_ordinary_frames_are_the_decoders_own(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", options=MEDIUM)
    with FileSource(path) as source, av.open(str(path)) as container:
        for frame, picture in zip(source, container.decode(video=0), strict=True):
            assert frame.picture.format.name == "yuv420p"
            # Decoders pad their lines; a filter or a copy would have lines of its own.
            assert frame.picture.planes[0].line_size == picture.planes[0].line_size
            assert np.array_equal(frame.y, Frame(picture, 0, 0, Fraction(1)).y)


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv444p"])
@pytest.mark.parametrize("rotation", [0, 90])
def test_frames_are_freed_without_the_garbage_collector(
    tmp_path: Path, pix_fmt: str, rotation: int
) -> None:
    path = write_clip(tmp_path / "clip.mp4", frames=60, pix_fmt=pix_fmt, rotation=rotation)
    gc.collect()
    gc.disable()
    before = alive_pictures()
    try:
        with FileSource(path) as source:
            for _ in source:
                pass
        alive = alive_pictures()
    finally:
        gc.enable()
    assert alive - before < 10


@pytest.mark.parametrize("read", [0, 5, 20])
def test_a_closed_file_leaves_nothing_to_the_garbage_collector(tmp_path: Path, read: int) -> None:
    path = write_clip(tmp_path / "clip.mp4", frames=20, options=MEDIUM)
    gc.collect()
    gc.disable()
    before = alive_pictures()
    try:
        for _ in range(3):
            with FileSource(path) as source:
                deque(islice(source, read), maxlen=0)
            del source
        alive = alive_pictures()
    finally:
        gc.enable()
    assert alive == before


def alive_pictures() -> int:
    """Pictures in memory, but for such of some pixels as side data was read from."""
    return sum(type(thing) is av.VideoFrame and thing.width > 2 for thing in gc.get_objects())


def test_interlaced_frames_are_woven_one_for_one(tmp_path: Path) -> None:
    def paint(index: int) -> av.VideoFrame:
        luma = np.full((64, 96), 60, np.uint8)
        for later, first_line in enumerate((1, 0)):  # a bar that moves between fields leaves a comb
            left = 8 * index + 4 * later
            luma[first_line::2, left : left + 12] = 220
        return picture_of(luma)

    path = write_clip(
        tmp_path / "clip.mp4", size=(96, 64), paint=paint, frames=9, interlaced=True, options=MEDIUM
    )
    with FileSource(path) as source:
        frames = list(source)
    assert [f.time for f in frames] == [Fraction(i, 30) for i in range(9)]
    for index, frame in enumerate(frames):
        assert not frame.picture.interlaced_frame
        bar = frame.y[16:48].astype(int)
        comb = np.abs(bar[1:-1] - (bar[:-2] + bar[2:]) / 2).max()
        assert comb < 60, f"frame {index}"
        assert abs(float(np.argwhere(bar > 140)[:, 1].mean()) - (8 * index + 5.5)) < 1


def test_default_stream_wins_then_the_largest(tmp_path: Path) -> None:
    small, large = Video(size=(32, 24)), Video(size=(96, 64))
    path = write_streams(tmp_path / "clip.mkv", [small, large])
    with FileSource(path) as source:
        assert source.info.width == 96
    chosen = Video(size=(32, 24), disposition=int(Disposition.default))
    path = write_streams(tmp_path / "chosen.mkv", [large, chosen])
    with FileSource(path) as source:
        assert source.info.width == 32


COVER = Video(
    codec="mjpeg",
    pix_fmt="yuvj420p",
    frames=1,
    size=(320, 240),
    disposition=int(Disposition.attached_pic),
)


def test_cover_art_is_not_the_film(tmp_path: Path) -> None:
    path = write_streams(tmp_path / "clip.mp4", [COVER, Video()])
    assert len(seen(path)) == 10
    song = write_streams(tmp_path / "song.mp4", [COVER], [Audio()])
    with pytest.raises(SourceError, match=r"song\.mp4: holds no video"):
        FileSource(song)


def test_metadata_without_the_technical(tmp_path: Path) -> None:
    path = write_streams(tmp_path / "clip.mp4", [Video()], metadata={"title": "A walk"})
    with FileSource(path) as source:
        assert source.info.metadata == {"title": "A walk"}


@pytest.mark.parametrize("promised", [0, 7, 5000])
def test_wrong_counts_in_the_header_do_no_harm(tmp_path: Path, promised: int) -> None:
    path = write_clip(tmp_path / "clip.avi", codec="mjpeg", pix_fmt="yuvj420p", frames=20)
    data = bytearray(path.read_bytes())
    for mark, offset in ((b"avih", 8 + 16), (b"strh", 8 + 32)):
        at = data.index(mark) + offset
        assert int.from_bytes(data[at : at + 4], "little") == 20
        data[at : at + 4] = promised.to_bytes(4, "little")
    path.write_bytes(data)
    with FileSource(path) as source:
        assert len(list(source)) == 20


def test_no_counts_in_the_header(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mkv", frames=20, muxer={"live": "1"})
    with FileSource(path) as source:
        assert source.info.frames is None
        assert source.info.duration is None
        assert len(list(source)) == 20
        assert source.health.warnings == []


GOPS: dict[str, Any] = {"frames": 60, "rate": Fraction(30), "options": MEDIUM | {"g": "12"}}


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts", ".avi"])
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize(
    ("window", "inside"),
    [
        (Window(start=Fraction(1)), range(30, 60)),
        (Window(start=Fraction(1, 30)), range(1, 60)),
        (Window(start=Fraction(49, 30)), range(49, 60)),
        (Window(start=Fraction(59, 30)), range(59, 60)),
        (Window(duration=Fraction(1)), range(30)),
        (Window(frames=7), range(7)),
        (Window(start=Fraction(13, 30), duration=Fraction(1, 3), frames=100), range(13, 23)),
        (Window(start=Fraction(13, 30), duration=Fraction(1, 3), frames=5), range(13, 18)),
        (Window(duration=Fraction(99)), range(60)),
    ],
)
def test_windows(tmp_path: Path, window: Window, inside: range, suffix: str, threads: int) -> None:
    video = GOPS if suffix != ".avi" else {**GOPS, "codec": "mpeg4", "options": MPEG4}
    path = write_clip(tmp_path / f"clip{suffix}", **video)
    exact = suffix != ".mkv"  # Matroska's times are whole milliseconds
    wanted = list(inside)
    if not exact:
        told = times_in(path)
        wanted = list(window.select((t, i) for i, t in enumerate(told)))
    frames = seen(path, window, threads)
    assert [number for _, number in frames] == wanted
    if exact:
        assert [time for time, _ in frames] == [Fraction(i, 30) for i in wanted]


def test_start_beyond_the_end_is_refused(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", frames=30)
    with pytest.raises(SourceError, match=r"holds nothing from 5 s on; it ends at 1 s"):
        FileSource(path, Window(start=Fraction(5)))


def test_start_where_seeking_is_impossible(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.h264", frames=60, rate=Fraction(30), options={"g": "12"})
    frames = seen(path, Window(start=Fraction(1)))
    assert [number for _, number in frames] == list(range(30, 60))


def test_size_that_changes_in_the_middle(tmp_path: Path) -> None:
    parts = [
        write_clip(tmp_path / f"{w}.ts", size=(w, h), frames=6, rate=Fraction(30)).read_bytes()
        for w, h in ((64, 48), (96, 64))
    ]
    path = tmp_path / "both.ts"
    path.write_bytes(b"".join(parts))
    with FileSource(path) as source:
        frames = list(source)
    assert len(frames) == 12
    assert {(f.width, f.height) for f in frames} == {(64, 48)}
    times = [f.time for f in frames]
    assert times == sorted(set(times))


@pytest.mark.parametrize("name", ["auto", *map(str, hwdevices_available())])
@pytest.mark.parametrize("start", [Fraction(0), Fraction(1, 2)])
def test_hardware_changes_no_time_and_leaves_it_to_software(
    tmp_path: Path, name: str, start: Fraction
) -> None:
    path = write_clip(tmp_path / "clip.mp4", options=MEDIUM, frames=40)
    window, options = Window(start=start), SourceOptions(hwaccel=name)
    with open_source(str(path), window, options=options) as source:
        assert [(f.time, number_of(f)) for f in source] == seen(path, window)
    works = hardware_decoder(name, []) is not None
    told = [w for w in source.health.warnings if "does not decode on this machine" in w]
    assert bool(told) == (name != "auto" and not works)


def test_what_the_hardware_does_not_know_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every device takes H.264, so `hardware_decoder` finds one; none takes FFV1."""
    path = write_clip(tmp_path / "clip.mkv", codec="ffv1", frames=20)
    device = HWAccel(str(hwdevices_available()[0]), allow_software_fallback=True)
    monkeypatch.setattr("streamer.sources.file.hardware_decoder", lambda *_: device)
    window = Window(start=Fraction(1, 2))
    with FileSource(path, window, hwaccel="auto") as source:
        assert [number_of(frame) for frame in source] == list(range(15, 20))
    assert source.health.warnings == [f"{path}: the hardware cannot decode it; software does"]


@pytest.mark.parametrize("spec", ["demo", "clip.mp4"])
def test_hardware_that_is_unknown_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spec: str
) -> None:
    write_clip(tmp_path / "clip.mp4")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingsError, match=r"--hwaccel steam: unknown .*; give auto, off"):
        open_source(spec, options=SourceOptions(hwaccel="steam"))
