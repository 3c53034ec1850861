"""Results, images, the null sink, and how specs become sinks."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from pycocotools import mask as coco

from streamer.errors import SinkError, WriteError
from streamer.frame import Frame
from streamer.instances import Instances
from streamer.sinks.base import Sink
from streamer.sinks.images import ImageFolderSink, ImageSink
from streamer.sinks.null import NullSink
from streamer.sinks.registry import FILES, SinkOptions, open_sink
from streamer.sinks.results import ResultsSink
from streamer.sinks.video import VideoSink
from tests.sinks.footage import SIZE, frame, info

NOTHING = Instances.empty()
OPTIONS = SinkOptions(threads=1)
OVERWRITE = SinkOptions(overwrite=True, threads=1)
FILES_AND_FOLDERS = ["a.mp4", "a.mov", "a.mkv", "a.webm", "a.jsonl", "a.png", "a.jpg", "a/", "a"]


def two_instances() -> Instances:
    masks = (np.full((6, 5), 255, np.uint8), np.zeros((3, 4), np.uint8))
    masks[1][1, 2] = 255
    return Instances(
        boxes=np.array([[3.123, 2.0, 8.0, 7.777], [0, 0, 4, 3]], np.float32),
        scores=np.array([0.98765, 0.5], np.float32),
        class_ids=np.array([1, 18], np.int32),
        labels=("person", "Köter"),
        masks=masks,
        track_ids=np.array([3, -1], np.int32),
        inferred=False,
    )


def sink_for(tmp_path: Path, name: str, options: SinkOptions = OPTIONS) -> Sink:
    return open_sink(f"{tmp_path}/{name}", info(), options)


def contents(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


# pycocotools' arrays are older than numpy 2.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_a_line_of_results(tmp_path: Path) -> None:
    picture = frame(12, pts=12012, time_base=Fraction(1, 30000))
    with sink_for(tmp_path, "a.jsonl") as sink:
        sink.write(picture, two_instances())
        sink.write(frame(13, pts=13, time_base=Fraction(1, 3)), NOTHING)
    text = (tmp_path / "a.jsonl").read_text("utf-8")
    first, second = (json.loads(line) for line in text.splitlines())
    assert text.startswith('{"seq": 12, "pts_s": 0.4004, "inferred": false, "instances": [')
    assert second == {"seq": 13, "pts_s": 4.333333, "inferred": True, "instances": []}
    person, dog = first["instances"]
    segmentation = person.pop("segmentation")
    assert list(person.items()) == [
        ("track_id", 3),
        ("category_id", 1),
        ("label", "person"),
        ("score", 0.9876),
        ("box", [3.12, 2.0, 8.0, 7.78]),
    ]
    assert (dog["track_id"], dog["label"]) == (None, "Köter")
    expected = np.zeros(SIZE[::-1], np.uint8)
    expected[2:8, 3:8] = 1
    np.testing.assert_array_equal(coco.decode(segmentation), expected)
    assert np.argwhere(coco.decode(dog["segmentation"])).tolist() == [[1, 2]]


def test_results_can_be_followed(tmp_path: Path) -> None:
    with sink_for(tmp_path, "a.jsonl") as sink:
        for index in range(5):
            sink.write(frame(index), NOTHING)
            lines = (tmp_path / "a.jsonl.part").read_text().splitlines()
            assert [json.loads(line)["seq"] for line in lines] == list(range(index + 1))
    assert contents(tmp_path) == {"a.jsonl"}


def test_a_folder_of_images(tmp_path: Path) -> None:
    names = [None, "cat.jpg", "cat.bmp", "x/dog.png", None]
    pictures = [frame(i, name=name, size=(20 + i, 11)) for i, name in enumerate(names)]
    with sink_for(tmp_path, "out/") as sink:
        for picture in pictures:
            sink.write(picture, NOTHING)
    wanted = ["frame_000000.png", "cat.png", "cat.bmp.png", "dog.png", "frame_000004.png"]
    assert contents(tmp_path / "out") == set(wanted)
    for name, picture in zip(wanted, pictures, strict=True):
        image = cv2.imread(str(tmp_path / "out" / name))
        assert image is not None
        np.testing.assert_array_equal(image, picture.to_bgr())


def test_a_folder_with_files_is_kept(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "notes.txt").write_text("mine")
    with pytest.raises(SinkError, match=r"out is not empty; .*--overwrite"):
        sink_for(tmp_path, "out")
    with sink_for(tmp_path, "out", OVERWRITE) as sink:
        sink.write(frame(0), NOTHING)
    assert contents(tmp_path / "out") == {"notes.txt", "frame_000000.png"}


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.JPEG"])
def test_one_image(tmp_path: Path, name: str) -> None:
    picture = frame(0)
    picture.y[:], picture.u[:], picture.v[:] = 150, 90, 180
    with sink_for(tmp_path, name) as sink:
        sink.write(picture, NOTHING)
        assert contents(tmp_path) == {f"{name}.part"}
    image = cv2.imread(str(tmp_path / name))
    assert image is not None
    assert int(np.abs(image.astype(int) - picture.to_bgr()).max()) <= 3


def test_one_image_takes_one_frame(tmp_path: Path) -> None:
    with sink_for(tmp_path, "a.png") as sink:
        sink.write(frame(0), NOTHING)
        with pytest.raises(WriteError, match=r"a\.png is one image, .* name a folder"):
            sink.write(frame(1), NOTHING)
    assert contents(tmp_path) == set()


@pytest.mark.parametrize("name", ["a.png", "a.jpg"])
def test_one_image_refuses_a_film(tmp_path: Path, name: str) -> None:
    with pytest.raises(SinkError, match=r"is one image, but 12 frames .* name a folder"):
        open_sink(str(tmp_path / name), info(frames=12), OPTIONS)
    assert contents(tmp_path) == set()
    for known in (1, None):
        with open_sink(str(tmp_path / name), info(frames=known), OPTIONS) as sink:
            assert isinstance(sink, ImageSink)


def test_null_counts() -> None:
    with NullSink() as sink:
        sink.write(frame(0), NOTHING)
        sink.write(frame(1), NOTHING)
    assert (sink.frames, sink.draws, sink.url) == (2, True, "null")


@pytest.mark.parametrize(
    ("name", "kind", "draws"),
    [
        *((name, VideoSink, True) for name in ("a.mp4", "a.MOV", "a.mkv", "a.webm")),
        ("a.jsonl", ResultsSink, False),
        ("a.png", ImageSink, True),
        ("a.jpeg", ImageSink, True),
        ("a", ImageFolderSink, True),
        ("a.v2/", ImageFolderSink, True),
    ],
)
def test_specs(tmp_path: Path, name: str, kind: type, draws: bool) -> None:
    with sink_for(tmp_path, name) as sink:
        assert isinstance(sink, kind)
        assert (sink.url, sink.draws) == (f"{tmp_path}/{name.rstrip('/')}", draws) or (
            sink.url == f"{tmp_path}/{name.rstrip('/')}/" and draws
        )
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_exists_may_have_any_name(tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").mkdir()
    with sink_for(tmp_path, "clip.mp4") as sink:
        sink.write(frame(0), NOTHING)
    assert contents(tmp_path) == {"clip.mp4/frame_000000.png"}


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("a.avi", r"output 'a\.avi' is not known; name a file \(\.mp4 .* web, a URL .* or null"),
        ("", "output '' is not known"),
        (".mp4", r"\.mp4 is only a suffix; name a file such as out\.mp4"),
        ("there/.JSONL", r"there/\.JSONL is only a suffix"),
        ("web:x", "'x' is no port"),
        ("rtsp://user:secret@127.0.0.1:9/x", "cannot be published to"),
        ("gopher://user:secret@host/x", "output 'gopher' is not known"),
    ],
)
def test_specs_that_are_refused(spec: str, message: str) -> None:
    with pytest.raises(SinkError, match=message) as caught:
        open_sink(spec, info(), OPTIONS)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", FILES_AND_FOLDERS)
def test_every_sink_keeps_the_contract(tmp_path: Path, name: str) -> None:
    sink = sink_for(tmp_path, name)
    picture = frame(0)
    before = [plane.copy() for plane in (picture.y, picture.u, picture.v)]
    sink.write(picture, two_instances())
    sink.close()
    sink.close()
    for was, plane in zip(before, (picture.y, picture.u, picture.v), strict=True):
        np.testing.assert_array_equal(was, plane)
    left = contents(tmp_path)
    assert len(left) == 1
    assert not left.pop().endswith(".part")


@pytest.mark.parametrize("name", [n for n in FILES_AND_FOLDERS if n.startswith("a.")])
def test_a_file_is_kept_unless_it_may_go(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("mine")
    with pytest.raises(SinkError, match=rf"{name} exists; .*--overwrite"):
        sink_for(tmp_path, name)
    assert contents(tmp_path) == {name}
    with sink_for(tmp_path, name, OVERWRITE) as sink:
        sink.write(frame(0), NOTHING)
        assert path.read_text() == "mine"
    assert path.read_bytes() != b"mine"
    assert contents(tmp_path) == {name}


def test_a_partial_file_is_kept_unless_it_may_go(tmp_path: Path) -> None:
    part = tmp_path / "a.mp4.part"
    part.write_text("hours of work")
    with pytest.raises(SinkError, match=r"a\.mp4\.part is in use or was left .*--overwrite"):
        sink_for(tmp_path, "a.mp4")
    assert part.read_text() == "hours of work"
    with sink_for(tmp_path, "a.mp4", OVERWRITE) as sink:
        sink.write(frame(0), NOTHING)
    assert contents(tmp_path) == {"a.mp4"}


def test_a_file_with_the_name_of_a_step_between_is_kept(tmp_path: Path) -> None:
    (tmp_path / "a.mp4.part2").write_text("mine")
    with sink_for(tmp_path, "a.mp4", OVERWRITE) as sink:
        sink.write(frame(0), NOTHING)
    assert (tmp_path / "a.mp4.part2").read_text() == "mine"
    assert contents(tmp_path) == {"a.mp4", "a.mp4.part2"}


def test_a_name_that_is_taken_meanwhile_is_kept(tmp_path: Path) -> None:
    sink = sink_for(tmp_path, "a.mp4")
    sink.write(frame(0), NOTHING)
    (tmp_path / "a.mp4").write_text("mine")
    with pytest.raises(WriteError, match=r"taken meanwhile; the result is in .*a\.mp4\.part"):
        sink.close()
    assert (tmp_path / "a.mp4").read_text() == "mine"
    assert contents(tmp_path) == {"a.mp4", "a.mp4.part"}
    assert (tmp_path / "a.mp4.part").stat().st_size > 0


@pytest.mark.parametrize("name", FILES_AND_FOLDERS)
def test_a_missing_folder_is_said(tmp_path: Path, name: str) -> None:
    with pytest.raises(SinkError, match=r"there is no folder .*missing; make it first"):
        sink_for(tmp_path, f"missing/{name}")


@pytest.fixture
def closed_folder() -> Iterator[Path]:
    """A folder that may not be written, also where root runs the tests, whom modes do not bind."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o555)
        root = os.geteuid() == 0
        if root:
            os.seteuid(65534)
        try:
            yield folder
        finally:
            if root:
                os.seteuid(0)
            folder.chmod(0o755)


@pytest.mark.skipif(os.name != "posix", reason="modes are those of POSIX")
@pytest.mark.parametrize("name", FILES_AND_FOLDERS)
def test_a_closed_folder_is_said(closed_folder: Path, name: str) -> None:
    with pytest.raises(SinkError, match="cannot be written: permission denied"):
        sink_for(closed_folder, name if name != "a/" else "inner/")


def test_a_file_where_a_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("mine")
    with pytest.raises(SinkError, match="a is a file; name a folder"):
        sink_for(tmp_path, "a")
    with pytest.raises(SinkError, match="there is no folder"):
        sink_for(tmp_path, "a/b.mp4")


def test_pictures_of_any_size_fit_a_folder(tmp_path: Path) -> None:
    with sink_for(tmp_path, "a/") as sink:
        for index, size in enumerate([(1, 1), (33, 17), (2, 300)]):
            sink.write(frame(index, size=size), NOTHING)
    assert len(contents(tmp_path)) == 3


def test_every_suffix_opens() -> None:
    assert set(FILES) == {".mp4", ".mov", ".mkv", ".webm", ".jsonl", ".png", ".jpg", ".jpeg"}


def test_frames_are_not_kept(tmp_path: Path) -> None:
    picture: Frame = frame(0)
    with sink_for(tmp_path, "a.mp4") as sink:
        for index in range(30):
            picture = frame(index)
            sink.write(picture, NOTHING)
            picture.y[:] = 0
    capture = cv2.VideoCapture(str(tmp_path / "a.mp4"))
    good, image = capture.read()
    assert good
    assert image.mean() > 10
