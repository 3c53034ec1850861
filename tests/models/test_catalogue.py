"""The catalogue that comes with the program, and others."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from streamer.errors import ModelError
from streamer.models.catalogue import Entry, find_entry, read_catalogue
from streamer.models.convert import NETWORKS
from streamer.models.listing import is_here, list_models

MAIN = "mask_rcnn_resnet50_atrous_coco"


def test_the_programs_own_catalogue() -> None:
    catalogue = read_catalogue()
    assert next(iter(catalogue)) == MAIN
    assert catalogue.keys() >= NETWORKS.keys()
    main = catalogue[MAIN]
    assert (main.box_ap, main.mask_ap, main.size) == (29.75, 27.46, 449_505_463)
    assert main.files[0].sha384.startswith("a61ae308c03f9b95")
    checksums = [file.sha384 for entry in catalogue.values() for file in entry.files]
    assert len(set(checksums)) == len(checksums)
    for name, entry in catalogue.items():
        assert entry.licence == "Apache-2.0"
        for file in entry.files:
            assert file.name.startswith(name)
            assert all(source.endswith(f"/{file.name}") for source in file.sources)


def test_unknown_names() -> None:
    catalogue = read_catalogue()
    assert find_entry(MAIN, catalogue) is catalogue[MAIN]
    with pytest.raises(ModelError, match=f"no model other is known; there are {MAIN}, "):
        find_entry("other", catalogue)
    with pytest.raises(ModelError, match="demo comes with the program"):
        find_entry("demo", catalogue)


ENTRY = """
[tiny]
description = "a network"
licence = "MIT"
box_ap = 1
mask_ap = 2
largest = 1000
[[tiny.files]]
name = "tiny.tar.gz"
size = 10
sha384 = "{checksum}"
sources = ["https://host/tiny.tar.gz"]
""".format(checksum="0a" * 48)


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("box_ap = 1", "box_ap = 101", "tiny.box_ap"),
        ("size = 10", "size = 0", "tiny.files.0.size"),
        ("size = 10", "", "tiny.files.0.size"),
        ("size = 10", "size = 10\nmd5 = 1", "tiny.files.0.md5"),
        ('"0a', '"0', "tiny.files.0.sha384"),
        ("https://", "file://", "tiny.files.0.sources.0"),
        ('"https://host/tiny.tar.gz"', "", "tiny.files.0.sources"),
        ('"tiny.tar.gz"', '"../tiny.tar.gz"', "tiny.files.0.name"),
        ("[tiny]", "['../tiny']\n[tiny]", "../tiny"),
        ("largest = 1000", "", "tiny"),
        ("tiny.tar.gz", "tiny.xml", "tiny"),
        ("[tiny]", "[tiny", "is no catalogue"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, old: str, new: str, named: str) -> None:
    path = tmp_path / "catalogue.toml"
    path.write_text(ENTRY, encoding="utf-8")
    assert read_catalogue(path)["tiny"].size == 10
    assert old in ENTRY
    path.write_text(ENTRY.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ModelError) as error:
        read_catalogue(path)
    assert str(error.value).startswith(f"{path} is no catalogue of models: ")
    assert named in str(error.value)
    assert "\n" not in str(error.value)


def test_no_catalogue(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be read: No such file"):
        read_catalogue(tmp_path / "catalogue.toml")


def listed(models: Path, catalogue: dict[str, Entry] | None = None) -> str:
    out = io.StringIO()
    list_models(models, Console(file=out, width=40), catalogue)
    return out.getvalue()


def test_list(tmp_path: Path) -> None:
    models = tmp_path / "models"
    before = listed(models).splitlines()
    row = f"{MAIN}             449.5 MB   29.75    27.46  Apache-2.0"
    assert row in before
    assert before[1].endswith("comes with the program")
    assert not models.exists()
    for name in (MAIN, "mine", "demo-0123456789ab", ".other.new"):
        (models / name).mkdir(parents=True)
        (models / name / "any.xml").touch()
    (models / "empty").mkdir()
    (models / "loose.xml").touch()
    after = listed(models).splitlines()
    assert f"{row}  on this machine" in after
    assert after[-2:] == [f"also in {models}:", "  mine"]


def test_what_figures_were_measured_on(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.toml"
    path.write_text(ENTRY, encoding="utf-8")
    tiny = read_catalogue(path)["tiny"]
    other = tiny.model_copy(update={"measured_on": "persons"})
    text = listed(tmp_path, {"a": tiny, "b": tiny, "c": other})
    assert "measured on COCO val2017; c on persons\n" in text
    assert listed(tmp_path, {})


def test_a_folder_without_a_model_is_none(tmp_path: Path) -> None:
    assert not is_here(tmp_path / "nothing")
    (tmp_path / "readme.txt").touch()
    assert not is_here(tmp_path)
    (tmp_path / "model.onnx").touch()
    assert is_here(tmp_path)
    assert not is_here(tmp_path / "model.onnx")
