"""Every wrong request: one line that names the thing, the documented exit code, no file left."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from pathlib import Path

import av
import pytest

from streamer.cli import main
from streamer.errors import ModelError
from tests.clips import Audio, times_in, write_clip, write_streams

ROOT = Path(__file__).parents[1]


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "clip.mp4", size=(128, 96), frames=30)


def playable(path: Path) -> int:
    """How many pictures of a file that breaks off can be shown."""
    shown = 0
    with contextlib.suppress(av.FFmpegError), av.open(str(path)) as container:
        for _ in container.decode(video=0):
            shown += 1
    return shown


def refused(capsys: pytest.CaptureFixture[str], *arguments: object, code: int = 2) -> str:
    """Run, check the exit code and that one line was said, and return it."""
    assert main(["run", *map(str, arguments)]) == code
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1 or code == 1, said
    assert said[-1].startswith("streamer: ")
    assert "Traceback" not in " ".join(said)
    return said[-1]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda _: None, "no such file"),
        (lambda path: path.write_bytes(b""), "empty"),
        (lambda path: path.write_text("this is no video\n" * 50), "bad.mp4"),
        (lambda path: path.mkdir(), "image"),
        (lambda path: write_streams(path, [], [Audio()]), "no video"),
    ],
)
def test_bad_sources(
    tmp_path: Path, fake_model: Path, capsys: pytest.CaptureFixture[str], make: object, words: str
) -> None:
    bad = tmp_path / "bad.mp4"
    make(bad)  # type: ignore[operator]
    out = tmp_path / "out.mp4"
    line = refused(capsys, bad, "--model", fake_model, "-o", out)
    assert "bad.mp4" in line
    assert words in line
    assert not out.exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-o", "out.xyz"], ["out.xyz", ".mp4", "folder"]),
        (["-o", "no/such/folder/out.mp4"], ["no/such/folder"]),
        (["-o", "out.mp4", "--encoder", "realvideo"], ["realvideo", "h264"]),
        (["-o", "out.mp4", "--preset", "warp"], ["warp"]),
        (["-o", "out.webm", "--encoder", "h264"], ["webm"]),
        (["-o", "null", "--threshold", "1.5"], ["--threshold", "1.5"]),
        (["-o", "null", "--threshold", "high"], ["--threshold", "high"]),
        (["-o", "null", "--classes", "persn"], ["persn", "person"]),
        (["-o", "null", "--device", "GPU.9"], ["GPU.9", "CPU"]),
        (["-o", "null", "--precision", "int8"], ["int8", "not quantized"]),
        (["-o", "null", "--precision", "f128"], ["f128", "bf16"]),
        (["-o", "null", "--start", "9999"], ["9999"]),
        (["-o", "null", "--frames", "-3"], ["--frames", "-3"]),
        (["-o", "null", "--hwaccel", "steam"], ["--hwaccel steam", "unknown", "auto, off"]),
        (["-o", "null", "--requests", "0"], ["--requests", "0"]),
        (["-o", "null", "--config", "none.toml"], ["none.toml"]),
        (["-o", "rtsp://user:secret@127.0.0.1:9/x"], ["127.0.0.1:9", "cannot be published to"]),
        ([], ["nowhere to write", "-o"]),
    ],
)
def test_bad_options(
    clip: Path,
    fake_model: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    words: list[str],
) -> None:
    monkeypatch.chdir(clip.parent)
    line = refused(capsys, clip, "--model", fake_model, *arguments)
    for word in words:
        assert word in line
    assert "secret" not in line
    assert sorted(path.name for path in clip.parent.iterdir()) == ["clip.mp4"]


def test_an_unknown_option(clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "--speed" in refused(capsys, clip, "--speed", "9")


def test_no_source(fake_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "source" in refused(capsys, "", "--model", fake_model, "-o", "null")


def test_without_a_model_the_usual_one_is_fetched(
    clip: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(name: str, models: Path, **_: object) -> Path:
        raise ModelError(f"asked for {name} in {models.name}")

    monkeypatch.setattr("streamer.models.fetch.fetch", refuse)
    line = refused(capsys, clip, "-o", "null")
    assert "asked for mask_rcnn_resnet50_atrous_coco in models" in line


def test_a_camera_and_a_stream_that_are_not_there(
    fake_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for source, why in (
        ("98", "no such camera"),
        ("rtsp://user:secret@127.0.0.1:9/live", "nothing listens at 127.0.0.1:9"),
    ):
        line = refused(capsys, source, "--model", fake_model, "-o", "null")
        assert why in line
        assert "secret" not in line


@pytest.mark.parametrize("source", ["98", "rtsp://user:secret@127.0.0.1:9/live"])
def test_no_frame_of_what_does_not_wait_can_be_promised(
    tmp_path: Path, fake_model: Path, capsys: pytest.CaptureFixture[str], source: str
) -> None:
    config = tmp_path / "streamer.toml"
    config.write_text('pace = "lossless"')
    for asked in (["--pace", "lossless"], ["--config", config]):
        line = refused(capsys, source, "--model", fake_model, "-o", "null", *asked)
        assert f"--pace lossless: {source.replace('secret', '***')} does not wait" in line
        assert "download it first" in line


@pytest.mark.parametrize("name", ["none.xml", "none.onnx", "model.bin", "folder"])
def test_a_model_that_is_not_there(
    clip: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert name in refused(capsys, clip, "--model", clip.parent / name, "-o", "null")


@pytest.mark.parametrize("name", ["broken.xml", "broken.onnx", "broken.tflite"])
def test_a_broken_model(clip: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    path = clip.parent / name
    path.write_bytes(b"\x00\x01 not a model at all" * 20)
    assert name in refused(capsys, clip, "--model", path, "-o", "null")


def test_a_model_of_no_known_contract(clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import numpy as np
    import openvino as ov
    from openvino import opset13 as ops

    data = ops.parameter([1, 10], np.float32, name="features")
    ov.save_model(ov.Model([ops.relu(data)], [data], "other"), clip.parent / "other.xml")
    line = refused(capsys, clip, "--model", clip.parent / "other.xml", "-o", "null")
    assert "features" in line
    assert "yolo-seg" in line


def test_output_that_exists_is_kept(
    clip: Path, fake_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = clip.with_name("out.mp4")
    out.write_text("precious")
    line = refused(capsys, clip, "--model", fake_model, "-o", out)
    assert "--overwrite" in line
    assert out.read_text() == "precious"
    assert main(["run", str(clip), "--model", str(fake_model), "-o", str(out), "--overwrite"]) == 0
    assert len(times_in(out)) == 30


def test_output_equal_to_input_is_refused_even_with_overwrite(
    clip: Path, fake_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = clip.read_bytes()
    link = clip.with_name("link.mp4")
    link.symlink_to(clip)
    for out in (clip, link):
        line = refused(capsys, clip, "--model", fake_model, "-o", out, "--overwrite")
        assert "source itself" in line
    assert clip.read_bytes() == before


@pytest.mark.skipif(not Path("/sys").is_dir(), reason="needs /sys, where nobody may write")
def test_a_folder_without_permission(
    clip: Path, fake_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = refused(capsys, clip, "--model", fake_model, "-o", "/sys/out.mp4")
    assert "/sys/out.mp4" in line
    assert "ermission" in line


def test_a_truncated_clip_is_written_as_far_as_it_goes(
    tmp_path: Path, fake_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = write_clip(tmp_path / "clip.mp4", frames=60, muxer={"movflags": "faststart"})
    data = clip.read_bytes()
    clip.write_bytes(data[: len(data) * 2 // 3])
    out = tmp_path / "out.mp4"
    assert main(["run", str(clip), "--model", str(fake_model), "-o", str(out)]) == 0
    said = capsys.readouterr().err
    assert 0 < len(times_in(out)) < 60
    assert "Warning" in said
    assert "ends early" in said


def test_corrupt_packets_are_skipped_and_counted(
    tmp_path: Path, fake_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = write_clip(tmp_path / "clip.mp4", frames=60, options={"g": "5"})
    data = bytearray(clip.read_bytes())
    with av.open(str(clip)) as container:
        spoiled = [packet.pos for packet in container.demux(video=0) if packet.size][30:33]
    for position in spoiled:
        assert position is not None
        data[position : position + 8] = b"\xff" * 8
    clip.write_bytes(bytes(data))
    out, summary = tmp_path / "out.mp4", tmp_path / "s.json"
    arguments = ["--model", str(fake_model), "-o", str(out), "--summary", str(summary)]
    assert main(["run", str(clip), *arguments]) == 0
    # The decoder also holds back pictures that refer to a lost one.
    assert 54 <= len(times_in(out)) <= 57
    assert "3 corrupt packets were skipped" in capsys.readouterr().err
    assert json.loads(summary.read_text())["corrupt_packets"] == 3


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on a file's size")
def test_a_full_disk_names_the_file_and_loses_nothing(tmp_path: Path, fake_model: Path) -> None:
    """A limit on the size of files stands in for the disk's end; the write fails the same way."""
    out, results = tmp_path / "out.mp4", tmp_path / "out.jsonl"
    program = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000));"
        "from streamer.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    source = "lavfi:testsrc2=size=640x480:rate=30"
    command = [sys.executable, "-c", program, "run", source, "--model", str(fake_model)]
    command += ["-o", str(out), "-o", str(results), "--quiet", "--crf", "10", "--frames", "900"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1, done.stderr
    said = done.stderr.strip().splitlines()
    assert len(said) == 1
    assert "out.mp4" in said[0]
    assert not out.exists()
    kept = tmp_path / "out.mp4.part"
    assert str(kept) in said[0]
    assert playable(kept) > 10
    assert results.exists(), "the other output is finished"


@pytest.mark.parametrize("command", [["run.py"], ["-m", "streamer"]])
def test_the_program_has_two_more_names(command: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, *command, "--help"], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0
    assert "examples:" in done.stdout


def test_debug_shows_where(clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(clip), "--model", "none.xml", "-o", "null", "--debug"]) == 2
    assert "Traceback" in capsys.readouterr().err


def test_debug_hides_passwords(capsys: pytest.CaptureFixture[str]) -> None:
    twice = ["-o", "rtsp://user:secret@host/x"] * 2
    assert main(["run", "demo", *twice, "--debug"]) == 2
    said = capsys.readouterr().err
    assert "named twice" in said
    assert "secret" not in said


def test_a_token_in_a_file_is_not_repeated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "streamer.toml"
    config.write_text("web_token = 471100")
    assert main(["run", "demo", "-o", "null", "--config", str(config)]) == 2
    said = capsys.readouterr().err
    assert "web_token: input should be a valid string" in said
    assert "471100" not in said
