"""Redirects and logins."""

from __future__ import annotations

import io

import numpy as np
import pytest

from streamer.models import requesting
from streamer.models.requesting import place
from tests.models.serving import Caller, Site, redirect

CONTENT = np.random.default_rng(0).bytes(30_000)
NAME = "model.tar.gz"


def test_redirects_are_followed_and_keep_the_range(site: Site, get: Caller) -> None:
    file = site.add(NAME, CONTENT, mirrors=2)
    site.faults[f"/0/{NAME}"] = [redirect(file.sources[1])]
    (get.folder / f"{NAME}.part").write_bytes(CONTENT[:1000])
    assert get(file.model_copy(update={"sources": file.sources[:1]})).read_bytes() == CONTENT
    assert site.ranges_asked == ["bytes=1000-", "bytes=1000-"]


@pytest.mark.parametrize("length", [1, 2, 30])
def test_redirects_in_a_circle(site: Site, get: Caller, length: int) -> None:
    for number in range(length):
        site.faults[f"/loop/{number}"] = [redirect(f"/loop/{(number + 1) % length}")]
    file = site.add(NAME, CONTENT, redirect("/loop/0"), mirrors=2)
    assert get(file).read_bytes() == CONTENT
    assert "its redirects lead nowhere" in get.lines[0]
    assert len(site.asked) < 9


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://h/x"])
def test_redirects_away_from_http_are_not_followed(site: Site, get: Caller, url: str) -> None:
    file = site.add(NAME, CONTENT, redirect(url), mirrors=2)
    assert get(file).read_bytes() == CONTENT
    assert "redirects" in get.lines[0]


def test_redirects_from_https_to_http_are_not_followed() -> None:
    handler = requesting._Redirects()
    for old, new, taken in [
        ("https://a/x", "http://a/x", False),
        ("https://a/x", "https://b/x", True),
        ("http://a/x", "https://a/x", True),
    ]:
        request = requesting._request(old, 0)
        if taken:
            followed = handler.redirect_request(request, io.BytesIO(), 302, "Found", {}, new)
            assert followed is not None
            assert followed.full_url == new
        else:
            with pytest.raises(requesting.SourceError, match="from https to http"):
                handler.redirect_request(request, io.BytesIO(), 302, "Found", {}, new)


def test_passwords_are_used_and_not_shown(site: Site, get: Caller) -> None:
    file = site.add(NAME, CONTENT)
    host = place(site.url)
    login = f"http://ann:hush%21@{host}"
    moved = file.model_copy(update={"sources": (f"{login}/none", f"{login}/0/{NAME}")})
    assert get(moved).read_bytes() == CONTENT
    assert [auth for _, _, auth in site.asked] == ["Basic YW5uOmh1c2gh"] * 2
    assert get.lines == [f"{host}: 404 Not Found; trying {host}"]
    (get.folder / NAME).unlink()
    for broken in ("http://ann:hush@host:port/x", "http://ann:hush@/x", "http://ann:hush@[::/x"):
        text = get.problem(file.model_copy(update={"sources": (broken,)}))
        assert "hush" not in text


def test_passwords_do_not_follow_a_redirect(site: Site, get: Caller) -> None:
    file = site.add(NAME, CONTENT, mirrors=2)
    site.faults[f"/0/{NAME}"] = [redirect(file.sources[1])]
    first = f"http://ann:hush@{place(site.url)}/0/{NAME}"
    get(file.model_copy(update={"sources": (first,)}))
    assert [auth is None for _, _, auth in site.asked] == [False, True]
