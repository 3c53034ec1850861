"""Video files: times, sound, sizes, colours, tags."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from streamer.errors import SinkError, WriteError
from streamer.frame import Color, Frame
from streamer.instances import Instances
from streamer.sinks.options import SinkOptions
from streamer.sinks.video import VideoSink
from tests.clips import times_in
from tests.sinks.footage import OPTIONS, frame, frames, info, write

NOTHING = Instances.empty()
MILLI = Fraction(1, 1000)
VFR = (0, 1, 3, 4, 9, 10, 11, 30, 31, 60, 61, 62, 100, 180, 181, 182)
MP4_FAMILY = (".mp4", ".mov")
MATROSKAS = (".mkv", ".webm")
CODERS = [
    ("h264", ".mp4"),
    ("h264", ".mov"),
    ("h264", ".mkv"),
    ("h265", ".mp4"),
    ("h265", ".mkv"),
    ("av1", ".mp4"),
    ("av1", ".webm"),
    ("vp9", ".webm"),
    ("vp9", ".mp4"),
]


def decoded(path: Path) -> list[Frame]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return [
            Frame(picture, i, picture.pts or 0, stream.time_base or Fraction(0))
            for i, picture in enumerate(container.decode(stream))
        ]


def packets_of_pictures(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(video=0) if packet.size]


@pytest.mark.parametrize("suffix", MP4_FAMILY)
@pytest.mark.parametrize(
    ("times", "time_base"),
    [
        (range(60), Fraction(1, 25)),
        ([i * 1001 for i in range(60)], Fraction(1, 30000)),
        (range(60), Fraction(1001, 30000)),
        (range(40), Fraction(2, 25)),
        (VFR, Fraction(1, 30)),
        ([t * 3003 + t % 7 for t in VFR], Fraction(1, 90000)),
        ([t * 33_367 for t in VFR], Fraction(1, 1_000_000)),
    ],
)
def test_every_frame_keeps_its_time(
    tmp_path: Path, suffix: str, times: list[int], time_base: Fraction
) -> None:
    path = tmp_path / f"a{suffix}"
    write(path, list(frames(list(times), time_base)), rate=Fraction(30000, 1001))
    assert times_in(path) == [t * time_base for t in times]


@pytest.mark.parametrize("suffix", MATROSKAS)
def test_pictures_within_a_millisecond_are_told(tmp_path: Path, suffix: str) -> None:
    pictures = list(frames([0, 10, 12, 13, 30, 40], Fraction(1, 10000)))
    sink = write(tmp_path / f"a{suffix}", pictures)
    (warning,) = sink.warnings
    assert "2 pictures have the time of the one before" in warning
    assert len(packets_of_pictures(tmp_path / f"a{suffix}")) == 6
    assert write(tmp_path / "a.mp4", pictures).warnings == []


def test_units_below_a_microsecond_are_rounded_to_it(tmp_path: Path) -> None:
    times = [t * 33_366_667 for t in VFR]
    write(tmp_path / "a.mp4", list(frames(times, Fraction(1, 10**9))))
    assert times_in(tmp_path / "a.mp4") == [Fraction(round(t / 1000), 10**6) for t in times]


@pytest.mark.parametrize("suffix", MATROSKAS)
def test_matroska_rounds_times_to_milliseconds(tmp_path: Path, suffix: str) -> None:
    path, time_base = tmp_path / f"a{suffix}", Fraction(1001, 30000)
    write(path, list(frames(VFR, time_base)))
    assert times_in(path) == [Fraction(round(t * time_base * 1000), 1000) for t in VFR]


def test_with_a_start_the_output_begins_with_the_first_frame(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    write(path, list(frames([1000, 1001, 1005], Fraction(1, 25))), start=Fraction(39))
    assert times_in(path) == [0, Fraction(1, 25), Fraction(5, 25)]


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm"])
@pytest.mark.parametrize(
    ("first", "time_base"),
    [
        (21, MILLI),
        (512, Fraction(1, 12800)),
        (1001, Fraction(1, 30000)),
        (1_234_567, Fraction(1, 1_000_000)),
        (7 * 90000 + 1, Fraction(1, 90000)),
    ],
)
def test_without_a_start_the_output_keeps_the_sources_clock(
    tmp_path: Path, suffix: str, first: int, time_base: Fraction
) -> None:
    path, step = tmp_path / f"a{suffix}", round(Fraction(1, 25) / time_base)
    times = [first + n * step for n in (0, 1, 2, 5, 6, 7, 8, 20)]
    write(path, list(frames(times, time_base)))
    unit = time_base if suffix in MP4_FAMILY else MILLI
    assert times_in(path) == [round(t * time_base / unit) * unit for t in times]


def test_the_last_frame_is_shown_as_long_as_the_rate_says(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    pictures = list(frames([0, 3003, 9009], Fraction(1, 90000)))
    for picture in pictures:
        picture.picture.duration = 77777  # a decoder's idea
    write(path, pictures, rate=Fraction(30000, 1001))
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.duration is not None
        assert stream.duration * (stream.time_base or 0) == Fraction(9009 + 3003, 90000)


@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_reordered_pictures_at_the_end_are_all_shown(tmp_path: Path, suffix: str) -> None:
    """With B-frames the last picture is not the last packet, however long the pauses are."""
    noise = np.random.default_rng(0)
    still = noise.integers(0, 256, (96, 128), np.uint8)
    for count in range(2, 9):
        times = [0, *np.cumsum(noise.integers(1, 4000, count - 1)).tolist()]
        path = tmp_path / f"{count}{suffix}"
        with VideoSink(path, info((128, 96), time_base=MILLI), SinkOptions()) as sink:
            for index, pts in enumerate(times):
                moving = frame(index, pts=pts, time_base=MILLI, size=(128, 96))
                moving.y[:] = np.roll(still, index, axis=1)
                sink.write(moving, NOTHING)
        assert times_in(path) == [pts * MILLI for pts in times]


def test_the_index_comes_first_and_nothing_is_left_beside(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    sink = write(path, list(frames(range(60), Fraction(1, 25))))
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    assert list(tmp_path.iterdir()) == [path]
    assert (sink.frames, sink.warnings) == (60, [])


@pytest.mark.parametrize(("encoder", "suffix"), CODERS)
@pytest.mark.parametrize("size", [(64, 64), (97, 71)])
def test_coders_and_odd_sizes(
    tmp_path: Path, encoder: str, suffix: str, size: tuple[int, int]
) -> None:
    path = tmp_path / f"a{suffix}"
    pictures = [frame(i, size=size) for i in range(12)]
    write(path, pictures, SinkOptions(encoder=encoder, preset="ultrafast", threads=1))
    got = decoded(path)
    padded = encoder in ("h264", "h265")
    width, height = (n + n % 2 if padded else n for n in size)
    assert [(g.width, g.height) for g in got] == [(width, height)] * 12
    for was, now in zip(pictures, got, strict=True):
        assert abs(float(was.y.mean()) - float(now.y.mean())) < 2
        assert float(np.median(np.abs(now.y[:, -1].astype(int) - now.y[:, -2]))) < 8
        assert float(np.median(np.abs(now.y[-1].astype(int) - now.y[-2]))) < 8


@pytest.mark.parametrize(("encoder", "suffix"), CODERS)
@pytest.mark.parametrize("count", [1, 2, 3])
def test_very_short_films(tmp_path: Path, encoder: str, suffix: str, count: int) -> None:
    path = tmp_path / f"a{suffix}"
    write(path, [frame(i) for i in range(count)], SinkOptions(encoder=encoder, threads=1))
    assert times_in(path) == [Fraction(i, 25) for i in range(count)]


def test_the_suffix_chooses_the_coder(tmp_path: Path) -> None:
    for suffix, codec in ((".mp4", "h264"), (".mov", "h264"), (".mkv", "h264"), (".webm", "vp9")):
        path = tmp_path / f"a{suffix}"
        write(path, [frame(0)])
        with av.open(str(path)) as container:
            assert container.streams.video[0].codec_context.codec.canonical_name == codec
            assert container.streams.video[0].codec_context.pix_fmt == "yuv420p"


def test_hevc_in_mp4_has_the_tag_that_apple_knows(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    write(path, [frame(0)], SinkOptions(encoder="hevc"))
    with av.open(str(path)) as container:
        assert container.streams.video[0].codec_context.codec_tag == "hvc1"


@pytest.mark.parametrize(
    ("pix_fmt", "full_range"), [("yuv420p", False), ("yuv420p", True), ("yuvj420p", True)]
)
@pytest.mark.parametrize("matrix", [1, 5, 9])
@pytest.mark.parametrize(("encoder", "suffix"), CODERS)
def test_colours_and_their_tags_stay(
    tmp_path: Path, encoder: str, suffix: str, matrix: int, full_range: bool, pix_fmt: str
) -> None:
    path = tmp_path / f"a{suffix}"
    pictures = [frame(i, pix_fmt=pix_fmt) for i in range(3)]
    for picture in pictures:
        picture.y[:, :32], picture.y[:, 32:] = 2 if full_range else 17, 233
        picture.u[:], picture.v[:] = 90, 170
        picture.picture.colorspace = matrix
        picture.picture.color_primaries = 1
        picture.picture.color_trc = 1
        picture.picture.color_range = 2 if full_range else 1
    write(path, pictures, SinkOptions(encoder=encoder, crf=8, preset="ultrafast", threads=1))
    got = decoded(path)[0]
    assert got.color == Color({1: "bt709", 5: "bt601", 9: "bt2020"}[matrix], full_range)
    assert (int(got.picture.color_primaries), int(got.picture.color_trc)) == (1, 1)
    for plane, was in ((got.u, 90), (got.v, 170), (got.y[:, :24], pictures[0].y[0, 0])):
        assert abs(float(np.median(plane)) - float(was)) <= 2


def test_pixel_aspect_and_metadata_are_carried_over(tmp_path: Path) -> None:
    metadata = {"title": "Two fish", "date": "1999", "major_brand": "qt  ", "encoder": "old"}
    for suffix in (".mp4", ".mkv"):
        path = tmp_path / f"a{suffix}"
        write(path, [frame(0)], metadata=metadata, pixel_aspect=Fraction(16, 11))
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            tags = {key.lower(): value for key, value in container.metadata.items()}
            assert (tags["title"], tags["date"]) == ("Two fish", "1999")
            assert tags["encoder"] != "old"
            assert stream.sample_aspect_ratio == Fraction(16, 11)


def test_a_decoders_picture_types_are_no_orders(tmp_path: Path) -> None:
    pictures = [frame(0, pts=i) for i in range(30)]
    for picture in pictures:
        picture.picture.pict_type = 1
    path = tmp_path / "a.mp4"
    write(path, pictures)
    with av.open(str(path)) as container:
        assert sum(packet.is_keyframe for packet in container.demux(video=0)) == 1


def test_two_sinks_share_a_picture(tmp_path: Path) -> None:
    pictures = list(frames([t + 7 for t in VFR], Fraction(1, 30)))
    before = [picture.y.copy() for picture in pictures]
    paths = [tmp_path / "a.mp4", tmp_path / "b.mkv"]
    about = info(time_base=Fraction(1, 30), start=Fraction(1, 5))
    with VideoSink(paths[0], about, OPTIONS) as a, VideoSink(paths[1], about, OPTIONS) as b:
        for picture in pictures:
            a.write(picture, NOTHING)
            b.write(picture, NOTHING)
    assert times_in(paths[0]) == [Fraction(t, 30) for t in VFR]
    assert len(times_in(paths[1])) == len(VFR)
    for was, picture in zip(before, pictures, strict=True):
        np.testing.assert_array_equal(was, picture.y)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("a.avi", SinkOptions(), r"a\.avi: .* use \.mp4, \.mov, \.mkv, \.webm"),
        ("a.webm", SinkOptions("h264"), r"\.webm cannot hold h264 video; .* \.mp4, \.mov, \.mkv"),
        (
            "a.mp4",
            SinkOptions("nonsense"),
            "no video encoder 'nonsense' here; there are h264, h265",
        ),
        ("a.mp4", SinkOptions("aac"), "no video encoder 'aac'"),
        ("a.mp4", SinkOptions("gif"), "gif takes no 8-bit 4:2:0"),
        ("a.mp4", SinkOptions(crf=52), "--crf 52: libx264 takes 0 to 51"),
        (
            "a.mp4",
            SinkOptions(preset="quick"),
            "--preset quick: libx264 knows ultrafast, superfast",
        ),
        ("a.webm", SinkOptions(preset="12"), "--preset 12: libvpx-vp9 knows 0, 1"),
        ("a.mp4", SinkOptions("mpeg4", crf=20), "--crf: encoder mpeg4 has no such setting"),
        ("a.mp4", SinkOptions("mpeg4", preset="fast"), "--preset: encoder mpeg4 has no"),
        ("missing/a.mp4", SinkOptions(), "there is no folder .*missing; make it first"),
    ],
)
def test_what_cannot_work_is_said_before_any_work(
    tmp_path: Path, name: str, options: SinkOptions, message: str
) -> None:
    with pytest.raises(SinkError, match=message) as caught:
        VideoSink(tmp_path / name, info(), options)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_an_encoder_that_does_not_start_is_said(tmp_path: Path) -> None:
    with pytest.raises(SinkError, match=r"libx264 does not start for 40000x40000 .*--encoder"):
        VideoSink(tmp_path / "a.mp4", info((40000, 40000)), OPTIONS)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["file:x.mp4", "12:31.mp4", "x:y.mkv"])
def test_a_name_with_a_colon_is_no_url(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with VideoSink(Path(name), info(), OPTIONS) as sink:
        for index in range(3):
            sink.write(frame(index), NOTHING)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert len(times_in(tmp_path / name)) == 3
    broken = VideoSink(Path(f"2{name}"), info(), OPTIONS)
    broken.write(frame(0), NOTHING)
    with pytest.raises(WriteError, match=r"first 1 frames are in .*\.part"):
        broken.write(frame(1, size=(32, 32)), NOTHING)
    broken.close()


def test_no_frame_no_file(tmp_path: Path) -> None:
    with VideoSink(tmp_path / "a.mp4", info(), OPTIONS):
        assert [path.name for path in tmp_path.iterdir()] == ["a.mp4.part"]
    assert list(tmp_path.iterdir()) == []


def test_a_picture_of_another_size_keeps_what_was_written(tmp_path: Path) -> None:
    sink = VideoSink(tmp_path / "a.mp4", info(), OPTIONS)
    for index in range(3):
        sink.write(frame(index), NOTHING)
    message = r"b\.png is 32x32, not 64x48 .* its first 3 frames are in .*a\.mp4\.part"
    with pytest.raises(WriteError, match=message):
        sink.write(frame(3, size=(32, 32), name="b.png"), NOTHING)
    sink.close()
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4.part"]
    assert len(times_in(tmp_path / "a.mp4.part")) == 3


@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_live_pictures_closer_than_the_format_counts_are_all_kept(
    tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"out{suffix}"
    stamps = [0, 3000, 6000, 6001, 6002, 9000]
    write(path, list(frames(stamps, Fraction(1, 90_000))), live=True)
    times = times_in(path)
    assert len(times) == len(stamps)
    assert [float(t) for t in times] == pytest.approx([s / 90_000 for s in stamps], abs=2.5e-4)
