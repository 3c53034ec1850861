"""Settings: flags over file, exact times, one line for each mistake."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from streamer.config import Settings, home, load
from streamer.errors import SettingsError


def test_defaults_are_those_of_the_contract() -> None:
    settings = load({"source": "clip.mp4"})
    assert (settings.device, settings.precision, settings.threshold) == ("AUTO", "auto", 0.5)
    assert settings.requests == "auto"
    assert settings.pace is None
    assert settings.boxes
    assert settings.labels
    assert settings.masks


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ("12.5", Fraction(25, 2)),
        ("0.1", Fraction(1, 10)),
        ("1:02", Fraction(62)),
        ("1:00:00.04", Fraction(360004, 100)),
        (3, Fraction(3)),
    ],
)
def test_times_are_exact(given: object, seconds: Fraction) -> None:
    assert load({"source": "x", "start": given}).start == seconds


def test_numbers_come_as_words_from_a_command_line() -> None:
    settings = load({"source": "x", "requests": "4", "frames": "10", "threshold": "0.25"})
    assert (settings.requests, settings.frames, settings.threshold) == (4, 10, 0.25)


def test_classes_are_parted_by_commas() -> None:
    assert load({"source": "x", "classes": "person, traffic light"}).classes == (
        "person",
        "traffic light",
    )


def test_flags_win_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('source = "a.mp4"\noutput = ["null"]\nthreshold = 0.3\nclasses = ["dog"]\n')
    settings = load({"threshold": "0.9"}, file)
    assert (settings.source, settings.threshold, settings.classes) == ("a.mp4", 0.9, ("dog",))
    assert settings.output == ("null",)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"source": "x", "threshold": "1.5"}, ["--threshold", "1.5", "less than or equal to 1"]),
        ({"source": "x", "threshold": "high"}, ["--threshold", "high", "number"]),
        ({"source": "x", "start": "soon"}, ["--start", "soon", "seconds"]),
        ({"source": "x", "start": "-1"}, ["--start", "-1", "seconds"]),
        ({"source": "x", "start": "1/0"}, ["--start", "1/0", "seconds"]),
        ({"source": "x", "start": "1e99999999"}, ["--start", "seconds"]),
        ({"source": "x", "start": "1:-30"}, ["--start", "1:-30", "seconds"]),
        ({"source": "x", "duration": "0"}, ["--duration", "greater than 0"]),
        ({"source": "x", "frames": "0"}, ["--frames", "greater than or equal to 1"]),
        ({"source": "x", "requests": "none"}, ["--requests", "none", "from 1 to 64, or auto"]),
        ({"source": "x", "requests": "0"}, ["--requests", "from 1 to 64, or auto"]),
        ({"source": "x", "precision": "f64"}, ["--precision", "f64", "bf16"]),
        ({"source": "x", "output": ["a.mp4", "a.mp4"]}, ["--output", "a.mp4 is named twice"]),
        ({"source": "x", "colour": "red"}, ["--colour", "no such setting", "alpha"]),
    ],
)
def test_each_mistake_is_one_line_that_names_it(flags: dict[str, object], words: list[str]) -> None:
    with pytest.raises(SettingsError) as caught:
        load(flags)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message


@pytest.mark.parametrize(
    ("text", "word"), [("threshold = ", "TOML"), ("colour = 1", "colour"), ("frames = 0", "frames")]
)
def test_a_mistake_in_a_file_names_the_file(tmp_path: Path, text: str, word: str) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(text)
    with pytest.raises(SettingsError) as caught:
        load({"source": "x"}, file)
    assert str(file) in str(caught.value)
    assert word in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="No such file"):
        load({"source": "x"}, tmp_path / "none.toml")


def test_nothing_at_all_is_the_demo() -> None:
    settings = load({})
    assert (settings.source, settings.model) == ("demo", "demo")
    assert settings.output == ("demo-annotated.mp4",)
    assert settings.overwrite


def test_the_demo_as_a_source_for_another_model() -> None:
    settings = load({"source": "demo", "model": "m.xml", "output": ["a.mp4"]})
    assert (settings.model, settings.output) == ("m.xml", ("a.mp4",))
    assert not settings.overwrite


def test_other_sources_run_the_real_model() -> None:
    settings = load({"source": "clip.mp4"})
    assert settings.model == "mask_rcnn_resnet50_atrous_coco"
    assert settings.output == ()


def test_home_can_be_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAMER_HOME", str(tmp_path))
    assert home() == tmp_path
    monkeypatch.delenv("STREAMER_HOME")
    assert home().name == "streamer"


def test_every_setting_has_help() -> None:
    assert all(field.description for field in Settings.model_fields.values())
