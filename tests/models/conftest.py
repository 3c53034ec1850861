"""Servers that misbehave, and what is fetched from them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.models.serving import Caller, Site, serving
from tests.models.zoo import Zoo, open_zoo


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as found:
        yield found


@pytest.fixture
def get(tmp_path: Path) -> Caller:
    return Caller(tmp_path)


@pytest.fixture
def zoo(tmp_path: Path) -> Iterator[Zoo]:
    with open_zoo(tmp_path) as made:
        yield made
