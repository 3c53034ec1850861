"""Downloads from a server that misbehaves."""

from __future__ import annotations

import errno
import io
import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from streamer.errors import WriteError
from streamer.models import download as module
from streamer.models.download import download
from streamer.models.requesting import place
from tests.models.serving import (
    QUICK,
    Caller,
    Fault,
    Site,
    cut,
    refuse,
    send,
    silence,
    stall,
    trickle,
    well,
)

CONTENT = np.random.default_rng(0).bytes(300_000)
NAME = "model.tar.gz"
# What is silent stays silent, so that no machine is too slow for this.
IMPATIENT = replace(QUICK, silence_s=0.5)


def part_of(get: Caller) -> Path:
    return get.folder / f"{NAME}.part"


def test_file_comes_whole_and_is_reported(site: Site, get: Caller) -> None:
    path = get(site.add(NAME, CONTENT))
    assert path == get.folder / NAME
    assert path.read_bytes() == CONTENT
    assert get.names == [NAME]
    assert get.reports == sorted(get.reports)
    assert (get.reports[0], get.reports[-1]) == (0, len(CONTENT))
    assert site.ranges_asked == [None]


def test_what_is_there_is_verified_and_not_asked_for(site: Site, get: Caller) -> None:
    file = site.add(NAME, CONTENT)
    (get.folder / NAME).write_bytes(CONTENT)
    assert get(file).read_bytes() == CONTENT
    assert site.asked == []
    (get.folder / NAME).write_bytes(CONTENT[::-1])
    assert get(file).read_bytes() == CONTENT
    assert len(site.asked) == 1


def test_ten_interruptions_in_one_go(site: Site, get: Caller) -> None:
    at = [0, 1, 2, 100, 8_191, 8_192, 65_536, 100_000, 200_001, 299_998, 299_999]
    counts = [after - before for before, after in itertools.pairwise(at)]
    file = site.add(NAME, CONTENT, *map(cut, counts), well)
    assert get(file).read_bytes() == CONTENT
    assert site.ranges_asked == [None, *(f"bytes={begin}-" for begin in at[1:])]


@pytest.mark.parametrize("at", [1, 2, 100, 8_192, 65_535, 65_536, 150_000, 262_144, 299_999])
def test_interrupted_and_started_again(site: Site, get: Caller, at: int) -> None:
    file = site.add(NAME, CONTENT, cut(at), cut(0))
    assert f"model.tar.gz could not be downloaded, {at} bytes of it are kept" in get.problem(file)
    assert part_of(get).read_bytes() == CONTENT[:at]
    site.faults.clear()
    assert get(file).read_bytes() == CONTENT
    assert site.ranges_asked[-1] == f"bytes={at}-"
    assert get.names == [NAME]


def test_without_ranges_it_starts_anew(site: Site, get: Caller) -> None:
    site.ranges = False
    file = site.add(NAME, CONTENT, cut(1000), cut(2000), well)
    assert get(file).read_bytes() == CONTENT
    assert site.ranges_asked == [None, "bytes=1000-", "bytes=2000-"]
    assert [at for at in get.reports if at == 0] == [0, 0, 0]


def test_without_ranges_a_server_that_gets_no_further_is_given_up(site: Site, get: Caller) -> None:
    site.ranges = False
    file = site.add(NAME, CONTENT, cut(1000), mirrors=2)
    assert get(file).read_bytes() == CONTENT
    assert [path[:2] for path, _, _ in site.asked] == ["/0", "/0", "/1"]
    assert "it broke off at 1000 of 300000 bytes" in get.lines[0]


def test_a_server_that_breaks_off_for_ever_is_given_up(site: Site, get: Caller) -> None:
    file = site.add(NAME, CONTENT, cut(1))
    text = get.problem(file, replace(QUICK, attempts=5))
    assert "it broke off at 5 of 300000 bytes, at the end of 5 attempts" in text
    assert len(site.asked) == 5


def test_next_mirror_goes_on_where_the_first_stopped(site: Site, get: Caller) -> None:
    file = site.add(NAME, CONTENT, cut(1000), refuse(503), mirrors=2)
    assert get(file).read_bytes() == CONTENT
    assert site.asked[-1][:2] == (f"/1/{NAME}", "bytes=1000-")


@pytest.mark.parametrize("status", [401, 403, 404, 416, 429, 500, 503])
def test_a_mirror_that_refuses(site: Site, get: Caller, status: int) -> None:
    file = site.add(NAME, CONTENT, refuse(status), mirrors=2)
    assert get(file).read_bytes() == CONTENT
    assert len(get.lines) == 1
    assert get.lines[0].startswith(f"{place(site.url)}: {status} ")


def test_nobody_has_it(site: Site, get: Caller) -> None:
    file = site.add(NAME, CONTENT, refuse(404))
    gone = "http://127.0.0.1:1/model.tar.gz"
    file = file.model_copy(update={"sources": (*file.sources, gone)})
    text = get.problem(file)
    assert "404 Not Found" in text
    assert "127.0.0.1:1: Connection refused" in text
    assert "name another place with --from" in text
    assert get.names == []


def test_wrong_checksum_is_set_aside_and_the_next_mirror_asked(site: Site, get: Caller) -> None:
    wrong = CONTENT[:-1] + b"!"
    file = site.add(NAME, CONTENT, send(wrong), mirrors=2)
    assert get(file).read_bytes() == CONTENT
    aside = get.folder / f"{NAME}.wrong"
    assert aside.read_bytes() == wrong
    assert f"set aside as {aside}, its SHA-384 is " in get.lines[0]


def test_wrong_checksum_everywhere(site: Site, get: Caller) -> None:
    file = site.add(NAME, CONTENT, send(CONTENT[::-1]))
    assert f"set aside as {get.folder / NAME}.wrong" in get.problem(file)
    assert get.names == [f"{NAME}.wrong"]


def test_a_wrong_part_does_not_spoil_a_right_source(site: Site, get: Caller) -> None:
    file = site.add(NAME, CONTENT)
    part_of(get).write_bytes(b"x" * 1000)
    assert get(file).read_bytes() == CONTENT
    assert site.ranges_asked == ["bytes=1000-", None]
    assert get.lines == []


@pytest.mark.parametrize("size", [len(CONTENT), len(CONTENT) + 1])
def test_a_part_that_is_wrong_and_complete_is_dropped(site: Site, get: Caller, size: int) -> None:
    part_of(get).write_bytes(bytes(size))
    assert get(site.add(NAME, CONTENT)).read_bytes() == CONTENT
    assert site.ranges_asked == [None]


def test_a_part_that_is_complete_needs_no_request(site: Site, get: Caller) -> None:
    part_of(get).write_bytes(CONTENT)
    assert get(site.add(NAME, CONTENT)).read_bytes() == CONTENT
    assert site.asked == []


@pytest.mark.parametrize("size", [1, 1000, len(CONTENT) - 1, len(CONTENT) + 1])
def test_wrong_size_is_refused_before_it_is_read(site: Site, get: Caller, size: int) -> None:
    file = site.add(NAME, CONTENT, send(bytes(size), Content_Length=str(size)), mirrors=2)
    assert get(file).read_bytes() == CONTENT
    assert f"it has {size} bytes instead of {len(CONTENT)}" in get.lines[0]


def test_more_than_the_file_is_refused_where_no_length_is_told(site: Site, get: Caller) -> None:
    file = site.add(NAME, CONTENT, send(CONTENT * 2))
    assert f"it gives more than {len(CONTENT)} bytes" in get.problem(file)
    assert part_of(get).stat().st_size <= len(CONTENT)


@pytest.mark.parametrize(
    ("told", "problem"),
    [
        ("bytes 999-299999/300000", "it was asked for what follows byte 1000, and gave 999"),
        ("bytes 1001-299999/300000", "it was asked for what follows byte 1000, and gave 1001"),
        ("bytes 1000-299999/300001", "it has 300001 bytes instead of 300000"),
        ("nonsense", "it does not say which part of the file it gives"),
    ],
)
def test_another_part_than_was_asked_for(site: Site, get: Caller, told: str, problem: str) -> None:
    file = site.add(NAME, CONTENT, send(CONTENT[1000:], status="206", Content_Range=told))
    part_of(get).write_bytes(CONTENT[:1000])
    assert problem in get.problem(file)
    assert part_of(get).read_bytes() == CONTENT[:1000]


def test_a_part_of_unknown_whole_is_taken(site: Site, get: Caller) -> None:
    told = "bytes 1000-299999/*"
    file = site.add(NAME, CONTENT, send(CONTENT[1000:], status="206", Content_Range=told))
    part_of(get).write_bytes(CONTENT[:1000])
    assert get(file).read_bytes() == CONTENT


@pytest.mark.parametrize("fault", [stall(0), stall(1000)], ids=["at once", "later"])
def test_a_server_that_falls_silent(site: Site, get: Caller, fault: Fault) -> None:
    file = site.add(NAME, CONTENT, fault, mirrors=2)
    limits = replace(IMPATIENT, attempts=1)
    assert get(file, limits).read_bytes() == CONTENT
    assert site.asked[-1][0].startswith("/1/")
    assert len(get.lines) == 1


def test_a_server_that_never_answers(site: Site, get: Caller) -> None:
    file = site.add(NAME, CONTENT, silence)
    assert "no answer within 0.5 s" in get.problem(file, IMPATIENT)


def test_a_server_that_crawls(site: Site, get: Caller) -> None:
    file = site.add(NAME, CONTENT, trickle(1_000, pause_s=0.02), mirrors=2)
    limits = replace(IMPATIENT, slowest=20_000)
    assert get(file, limits).read_bytes() == CONTENT
    assert "it gave " in get.lines[0]


def test_full_disk_leaves_what_fits(
    site: Site, get: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = site.add(NAME, CONTENT, mirrors=2)
    room = 10_000
    write = module._write

    def fill(out: io.FileIO, piece: bytes) -> None:
        write(out, piece[: room - out.tell()])
        if out.tell() >= room:
            raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(module, "_write", fill)
        with pytest.raises(WriteError, match=r"part cannot be written: No space left.*make room"):
            get(file)
    assert len(site.asked) == 1
    assert part_of(get).read_bytes() == CONTENT[:room]
    assert get(file).read_bytes() == CONTENT
    assert site.ranges_asked[-1] == f"bytes={room}-"


def test_ctrl_c_leaves_what_came(site: Site, get: Caller) -> None:
    file = site.add(NAME, CONTENT)

    def interrupt(at: int) -> None:
        if at > 1000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download(file, get.folder, report=interrupt, say=get.lines.append, limits=QUICK)
    kept = part_of(get).read_bytes()
    assert len(kept) > 1000
    assert CONTENT.startswith(kept)
    assert get(file).read_bytes() == CONTENT
    assert site.ranges_asked[-1] == f"bytes={len(kept)}-"
