"""From a made-up catalogue and a server of this machine to models that run."""

from __future__ import annotations

import tarfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from streamer.cli import main
from streamer.errors import ModelError, RunError, SettingsError, WriteError
from streamer.models import fetch as module
from streamer.models import mask_rcnn
from streamer.models.mask_rcnn import notes_of
from streamer.models.meter import Meter
from streamer.models.registry import open_model
from streamer.models.requesting import place
from tests.models.fakes import save_fake_yolo
from tests.models.serving import cut, redirect, refuse, send
from tests.models.zoo import ARCHIVE, FOLDER, NAME, Zoo, entry, files_of, release
from tests.network.parts import TINY, random_arrays
from tests.network.test_reader import PIPELINE, write_graph

READY = "ready-made"


@pytest.fixture
def local(tmp_path: Path) -> Path:
    """The release's archive on this machine, under another name."""
    path = tmp_path / "copied.tar.gz"
    path.write_bytes(release())
    return path


@pytest.fixture
def ready(zoo: Zoo, tmp_path: Path) -> Path:
    """A model of two files, and the folder that they come from."""
    path = save_fake_yolo(tmp_path / "made" / f"{READY}.xml", (64, 64))
    files = [path, path.with_suffix(".bin")]
    served = [zoo.site.add(file.name, file.read_bytes()) for file in files]
    zoo.catalogue[READY] = entry(*served)
    return path.parent


def test_from_the_release_to_a_model(zoo: Zoo) -> None:
    folder = zoo.fetch()
    assert folder == zoo.target
    assert files_of(folder) == sorted(
        f"{NAME}{end}" for end in (".bin", ".masks.bin", ".masks.xml", ".xml")
    )
    model = open_model(folder, threshold=0.05)
    assert (model.name, model.contract) == (NAME, mask_rcnn.CONTRACT)
    assert notes_of(model.graph)["licence"] == "Apache-2.0"
    clip = ["lavfi:testsrc2=size=160x120:rate=10", "--frames", "3", "-o", "null", "--quiet"]
    assert main(["run", *clip, "--model", str(folder)]) == 0
    assert files_of(zoo.models) == [NAME]
    assert files_of(zoo.downloads) == ["lock"]
    size = zoo.catalogue[NAME].size
    host = place(zoo.site.url)
    assert f"a small network; downloading {size / 1000:.1f} kB from {host}, licence" in zoo.said
    assert zoo.said.endswith(f"{NAME} is in {folder}, licence Apache-2.0\n")


def test_who_has_it_does_not_ask_again(zoo: Zoo) -> None:
    assert zoo.fetch() == zoo.fetch()
    assert len(zoo.site.asked) == 1
    assert zoo.said.count(f"is in {zoo.target}") == 2


def test_archive_is_kept_where_it_is_wanted(zoo: Zoo) -> None:
    zoo.fetch(keep_archive=True)
    kept = zoo.downloads / ARCHIVE
    assert kept.read_bytes() == release()
    assert f"the archive is kept as {kept}" in zoo.said
    for file in zoo.target.iterdir():
        file.unlink()
    zoo.fetch()
    assert len(zoo.site.asked) == 1
    assert not kept.exists()


def test_interrupted_at_ten_places(zoo: Zoo) -> None:
    size = zoo.catalogue[NAME].size
    places = [size * number // 11 for number in range(1, 11)]
    before = 0
    for at in places:
        zoo.site.faults[f"/0/{ARCHIVE}"] = [cut(at - before), cut(0)]
        assert f"{at} bytes of it are kept" in zoo.problem(RunError)
        before = at
    zoo.site.faults.clear()
    zoo.fetch(keep_archive=True)
    assert (zoo.downloads / ARCHIVE).read_bytes() == release()
    resumed = [f"bytes={at}-" for at in places]
    assert list(dict.fromkeys(zoo.site.ranges_asked)) == [None, *resumed]


def test_wrong_checksum_is_not_unpacked(zoo: Zoo, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = release()[:-1] + b"!"
    zoo.site.faults[f"/0/{ARCHIVE}"] = [send(wrong)]
    monkeypatch.setattr(module, "unpack", None)
    text = zoo.problem(RunError)
    aside = zoo.downloads / f"{ARCHIVE}.wrong"
    assert f"set aside as {aside}, its SHA-384 is " in text
    assert aside.read_bytes() == wrong
    assert files_of(zoo.models) == []


def test_mirrors_are_asked_in_turn(zoo: Zoo) -> None:
    zoo.serve(mirrors=3)
    zoo.site.faults[f"/0/{ARCHIVE}"] = [refuse(404)]
    zoo.site.faults[f"/1/{ARCHIVE}"] = [redirect(f"/1/{ARCHIVE}")]
    zoo.fetch()
    assert "404 Not Found" in zoo.said
    assert "its redirects lead nowhere" in zoo.said


def test_ctrl_c_leaves_the_part_and_no_model(zoo: Zoo, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: Meter, done: int) -> None:
        if done:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Meter, "report", interrupt)
        with pytest.raises(KeyboardInterrupt):
            zoo.fetch()
    part = zoo.downloads / f"{ARCHIVE}.part"
    assert 0 < part.stat().st_size <= zoo.catalogue[NAME].size
    assert f"what came is kept in {zoo.downloads}" in zoo.said
    assert (files_of(zoo.models), zoo.left()) == ([], [])
    zoo.fetch()
    assert files_of(zoo.downloads) == ["lock"]


def test_ctrl_c_while_it_converts(zoo: Zoo, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> Path:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "convert", interrupt)
        with pytest.raises(KeyboardInterrupt):
            zoo.fetch()
    assert (files_of(zoo.models), zoo.left()) == ([], [])
    zoo.fetch()
    assert len(zoo.site.asked) == 1


def test_what_a_killed_process_has_left_is_removed(zoo: Zoo) -> None:
    (zoo.models / f".{NAME}.new" / "model").mkdir(parents=True)
    zoo.target.mkdir()
    zoo.fetch()
    assert files_of(zoo.models) == [NAME]


def test_full_disk_is_told_before_anything_is_asked(
    zoo: Zoo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1000))
    text = zoo.problem(WriteError)
    assert f"at {zoo.home}, where 1.0 kB are free; make room, or set STREAMER_HOME" in text
    assert zoo.site.asked == []


def test_folder_that_cannot_be_written(zoo: Zoo) -> None:
    zoo.home.mkdir()
    zoo.models.touch()
    with pytest.raises(WriteError, match=f"{NAME} cannot be put into {zoo.models}: File exists"):
        zoo.fetch()


def test_something_else_in_its_place(zoo: Zoo) -> None:
    zoo.target.mkdir(parents=True)
    (zoo.target / "notes.txt").touch()
    assert f"{zoo.target} is in the way and holds no model" in zoo.problem(SettingsError)
    assert zoo.site.asked == []


def test_unknown_name(zoo: Zoo) -> None:
    with pytest.raises(ModelError, match=f"no model other is known; there are {NAME}"):
        zoo.fetch("other")


def test_ready_made_model(zoo: Zoo, ready: Path) -> None:
    folder = zoo.fetch(READY)
    assert files_of(folder) == files_of(ready)
    assert open_model(folder).name == READY
    assert files_of(zoo.home / "downloads" / READY) == ["lock"]


@pytest.mark.parametrize("wanted", ["folder", "xml"])
def test_ready_made_model_from_this_machine(zoo: Zoo, ready: Path, wanted: str) -> None:
    zoo.fetch(READY, origin=ready if wanted == "folder" else ready / f"{READY}.xml")
    assert open_model(zoo.models / READY).name == READY
    assert files_of(ready) == [f"{READY}.bin", f"{READY}.xml"]
    assert zoo.site.asked == []


@pytest.mark.parametrize("end", ["", f"{READY}.xml"])
def test_ready_made_model_from_another_url(zoo: Zoo, ready: Path, end: str) -> None:
    for path in ready.iterdir():
        zoo.site.files[f"/moved/{path.name}?key=1"] = path.read_bytes()
    zoo.fetch(READY, origin=f"{zoo.site.url}/moved/{end}?key=1")
    assert [path for path, _, _ in zoo.site.asked] == [
        f"/moved/{READY}.xml?key=1",
        f"/moved/{READY}.bin?key=1",
    ]
    assert open_model(zoo.models / READY).name == READY


def test_archive_from_this_machine_stays(zoo: Zoo, local: Path) -> None:
    zoo.fetch(origin=local)
    assert open_model(zoo.target).name == NAME
    assert local.exists()
    assert zoo.site.asked == []


@pytest.mark.parametrize("path", ["/moved/", f"/moved/{ARCHIVE}"])
def test_archive_from_another_url(zoo: Zoo, path: str) -> None:
    zoo.site.files[f"/moved/{ARCHIVE}"] = release()
    zoo.fetch(origin=zoo.site.url.replace("://", "://ann:hush@") + path)
    assert [asked for asked, _, _ in zoo.site.asked] == [f"/moved/{ARCHIVE}"]
    assert "hush" not in zoo.said


def test_another_url_is_verified(zoo: Zoo) -> None:
    zoo.site.files["/moved.tar.gz"] = release()[::-1]
    assert "its SHA-384 is " in zoo.problem(RunError, origin=f"{zoo.site.url}/moved.tar.gz")


def test_another_archive_is_taken_only_on_request(zoo: Zoo, local: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.tar.gz"
    with tarfile.open(local) as whole, tarfile.open(other, "w:gz") as tar:
        for name in ("frozen_inference_graph.pb", "pipeline.config"):
            found = whole.getmember(f"{FOLDER}/{name}")
            found.mtime = 1
            tar.addfile(found, whole.extractfile(found))
    text = zoo.problem(ModelError, origin=other)
    assert f"{other} is not the {ARCHIVE} that was published: " in text
    assert "--unverified" in text
    zoo.fetch(origin=other, unverified=True)
    assert open_model(zoo.target).name == NAME


def test_archive_that_is_refused_leaves_nothing(zoo: Zoo, tmp_path: Path) -> None:
    other = tmp_path / "other.tar.gz"
    with tarfile.open(other, "w:gz") as tar:
        tar.addfile(tarfile.TarInfo("../frozen_inference_graph.pb"))
    with pytest.raises(ModelError, match="which leads out of the archive"):
        zoo.fetch(origin=other, unverified=True)
    assert (files_of(zoo.models), zoo.left()) == ([], [])


def test_graph_from_this_machine(zoo: Zoo, tmp_path: Path) -> None:
    graph = write_graph(tmp_path / "graph.pb", random_arrays(TINY))
    (tmp_path / "pipeline.config").write_text(PIPELINE, encoding="utf-8")
    zoo.fetch(origin=graph)
    assert open_model(zoo.target).name == NAME
    assert "no checksum is published for the graph alone" in zoo.said
    assert graph.exists()


def test_origins_that_are_none(zoo: Zoo, ready: Path) -> None:
    assert "there is no such file" in zoo.problem(SettingsError, origin="nothing.tar.gz")
    text = zoo.problem(SettingsError, origin="ftp://ann:hush@host/x.tar.gz")
    assert "--from ftp://ann:***@host/x.tar.gz: give a file, or an http" in text
    assert f"{ready / ARCHIVE}; {NAME} needs {ARCHIVE}" in zoo.problem(ModelError, origin=ready)
    for origin in (None, f"{zoo.site.url}/x"):
        with pytest.raises(SettingsError, match="--unverified goes with --from FILE"):
            zoo.fetch(origin=origin, unverified=True)


def test_origin_of_what_is_there(zoo: Zoo, local: Path) -> None:
    zoo.fetch()
    text = zoo.problem(SettingsError, origin=local)
    assert f"is in {zoo.target} already; remove that" in text
