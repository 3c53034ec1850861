"""Archives that are what they should be, and such as mean harm."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from streamer.errors import ModelError
from streamer.models.archive import GRAPH, PIPELINE, unpack

LARGEST = 100_000
CONTENT = np.random.default_rng(0).bytes(50_000)
FOLDER = "tiny_2018_01_28"

Member = tuple[tarfile.TarInfo, bytes]


def member(
    name: str, content: bytes = b"", kind: bytes = tarfile.REGTYPE, link: str = ""
) -> Member:
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname = len(content), kind, link
    return info, content


def graph(content: bytes = CONTENT) -> Member:
    return member(f"{FOLDER}/{GRAPH}", content)


CONFIG = member(f"{FOLDER}/{PIPELINE}", b"model {}")


def write(path: Path, *members: Member) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for info, content in members:
            tar.addfile(info, io.BytesIO(content))
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "release.tar.gz"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "inside" / "folder"
    made.mkdir(parents=True)
    return made


def refused(path: Path, folder: Path) -> str:
    """The one line that says why an archive is not unpacked."""
    with pytest.raises(ModelError) as error:
        unpack(path, folder, LARGEST)
    assert "\n" not in str(error.value)
    assert str(path) in str(error.value)
    return str(error.value)


def written(folder: Path) -> list[str]:
    return sorted(found.name for found in folder.iterdir())


def test_graph_and_config_are_all_that_is_written(path: Path, folder: Path) -> None:
    write(
        path,
        member(FOLDER, kind=tarfile.DIRTYPE),
        member(f"{FOLDER}/model.ckpt.index", b"index"),
        graph(),
        member(f"{FOLDER}/saved_model/saved_model.pb", b"another"),
        CONFIG,
        member(f"{FOLDER}/checkpoint", b"late"),
    )
    assert unpack(path, folder, LARGEST) == folder / GRAPH
    assert written(folder) == [GRAPH, PIPELINE]
    assert (folder / GRAPH).read_bytes() == CONTENT
    assert (folder / PIPELINE).read_bytes() == b"model {}"
    assert written(folder.parent) == ["folder"]


@pytest.mark.parametrize("name", [GRAPH, f"./{GRAPH}", f"./{FOLDER}/{GRAPH}"])
def test_folder_and_config_may_be_missing(path: Path, folder: Path, name: str) -> None:
    unpack(write(path, member(name, CONTENT)), folder, LARGEST)
    assert written(folder) == [GRAPH]


def test_nothing_is_read_beyond_what_is_needed(path: Path, folder: Path) -> None:
    write(path, graph(), CONFIG, member("late", bytes(1_000_000)))
    path.write_bytes(path.read_bytes()[:-500])
    unpack(path, folder, LARGEST)
    assert (folder / GRAPH).read_bytes() == CONTENT


def test_the_first_of_two_counts(path: Path, folder: Path) -> None:
    unpack(write(path, graph(), graph(b"another"), CONFIG), folder, LARGEST)
    assert (folder / GRAPH).read_bytes() == CONTENT


@pytest.mark.parametrize(
    "name",
    [
        f"../{GRAPH}",
        f"{FOLDER}/../../{GRAPH}",
        f"/{GRAPH}",
        f"/etc/{GRAPH}",
        f"..\\{GRAPH}",
        f"C:\\{GRAPH}",
        f"\\{GRAPH}",
        "..",
        "../other",
    ],
)
def test_names_that_lead_out(path: Path, folder: Path, name: str) -> None:
    write(path, member(name, b"harm"), graph(), CONFIG)
    assert f"it holds {name!r}, which leads out of the archive" in refused(path, folder)
    assert written(folder) == []


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE]
)
@pytest.mark.parametrize("name", [f"{FOLDER}/{GRAPH}", f"{FOLDER}/other"])
def test_links_and_devices(path: Path, folder: Path, kind: bytes, name: str) -> None:
    write(path, member(name, kind=kind, link="/etc/passwd"), graph(), CONFIG)
    assert "which is neither a file nor a folder" in refused(path, folder)
    assert written(folder) == []


@pytest.mark.parametrize("name", [GRAPH, "other"])
def test_a_bomb(path: Path, folder: Path, name: str) -> None:
    write(path, member(name, bytes(LARGEST + 1)), graph(), CONFIG)
    assert path.stat().st_size < LARGEST
    assert f"has {LARGEST + 1} bytes; {LARGEST} are expected at most" in refused(path, folder)
    assert written(folder) == []


def test_a_config_that_is_no_text(path: Path, folder: Path) -> None:
    write(path, member(PIPELINE, bytes((1 << 20) + 1)), graph())
    with pytest.raises(ModelError, match=r"its pipeline\.config has 1048577 bytes"):
        unpack(path, folder, 1 << 21)


def test_many_entries(path: Path, folder: Path) -> None:
    write(path, *(member(f"{number}") for number in range(1001)), graph())
    assert "it holds '1000', long after the end" in refused(path, folder)


def test_many_large_entries(path: Path, folder: Path) -> None:
    write(path, *(member(f"{number}", bytes(LARGEST)) for number in range(9)), graph())
    assert "it holds '8', long after the end" in refused(path, folder)


def test_a_header_that_fills_the_memory(path: Path, folder: Path) -> None:
    name = "x" * (1 << 21)
    write(path, member(name), graph())
    assert "a header is too long" in refused(path, folder)


def test_headers_upon_headers(path: Path, folder: Path) -> None:
    header = tarfile.TarInfo("x")
    header.type = tarfile.XHDTYPE
    with gzip.open(path, "wb") as file:
        file.write(header.tobuf(tarfile.USTAR_FORMAT) * 5000)
    assert "is damaged or no .tar.gz archive" in refused(path, folder)


def test_no_graph_inside(path: Path, folder: Path) -> None:
    write(path, CONFIG)
    assert f"holds no {GRAPH}" in refused(path, folder)


def _truncated(path: Path) -> None:
    write(path, graph())
    path.write_bytes(path.read_bytes()[:20_000])


def _flipped(path: Path) -> None:
    write(path, graph())
    content = bytearray(gzip.compress(gzip.decompress(path.read_bytes())))
    content[10] = 0b111  # a kind of block that deflate does not have
    path.write_bytes(content)


def _text(path: Path) -> None:
    path.write_text("<html>not here</html>", encoding="utf-8")


def _no_tar(path: Path) -> None:
    path.write_bytes(gzip.compress(CONTENT))


def _empty(path: Path) -> None:
    path.touch()


@pytest.mark.parametrize("damage", [_truncated, _flipped, _text, _no_tar, _empty])
def test_damaged(path: Path, folder: Path, damage: Callable[[Path], None]) -> None:
    damage(path)
    assert "is damaged or no .tar.gz archive" in refused(path, folder)
