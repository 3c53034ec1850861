"""What several tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.models.fakes import save_fake_yolo


@pytest.fixture(autouse=True, scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compiled graphs of tests go into a folder of their own, not the user's cache."""
    folder = tmp_path_factory.mktemp("home")
    patch = pytest.MonkeyPatch()
    patch.setenv("STREAMER_HOME", str(folder))
    return folder


@pytest.fixture(scope="session")
def fake_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model file that finds a bright square (a person), a red one and a blue one."""
    return save_fake_yolo(tmp_path_factory.mktemp("model") / "fake.xml", (128, 128))
