"""A made-up catalogue with a release of the tiny network, and a machine that fetches from it."""

from __future__ import annotations

import functools
import io
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from rich.console import Console

from streamer.errors import StreamerError
from streamer.models.catalogue import Entry, File
from streamer.models.fetch import fetch
from tests.models.serving import QUICK, Site, serving
from tests.network.parts import TINY, random_arrays
from tests.network.test_reader import PIPELINE, write_graph

NAME = "tiny_mask_rcnn"
FOLDER = f"{NAME}_2018_01_28"
ARCHIVE = f"{FOLDER}.tar.gz"


@functools.cache
def release() -> bytes:
    """An archive as the releases are, with the tiny network."""
    with TemporaryDirectory() as made:
        folder = Path(made, FOLDER)
        (folder / "saved_model").mkdir(parents=True)
        write_graph(folder / "frozen_inference_graph.pb", random_arrays(TINY))
        (folder / "pipeline.config").write_text(PIPELINE, encoding="utf-8")
        for name in ("checkpoint", "model.ckpt.index", "saved_model/saved_model.pb"):
            (folder / name).write_text(name, encoding="utf-8")
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as tar:
            tar.add(folder, FOLDER)
        return packed.getvalue()


def entry(*files: File) -> Entry:
    """An archive, or the two files of a model that needs no conversion."""
    return Entry(
        description="a small network",
        licence="Apache-2.0",
        box_ap=1,
        mask_ap=2,
        largest=10_000_000 if len(files) == 1 else None,
        files=files,
    )


@dataclass
class Zoo:
    """A made-up catalogue, its server, and the folder that models go to."""

    site: Site
    home: Path
    catalogue: dict[str, Entry] = field(default_factory=dict)
    out: io.StringIO = field(default_factory=io.StringIO)

    @property
    def models(self) -> Path:
        return self.home / "models"

    @property
    def target(self) -> Path:
        return self.models / NAME

    @property
    def downloads(self) -> Path:
        return self.home / "downloads" / NAME

    @property
    def said(self) -> str:
        return self.out.getvalue()

    def serve(self, *, mirrors: int = 1) -> None:
        self.catalogue[NAME] = entry(self.site.add(ARCHIVE, release(), mirrors=mirrors))

    def write_catalogue(self) -> Path:
        """The entry of the release as a file."""
        made = self.catalogue[NAME]
        (file,) = made.files
        path = self.home.with_name("catalogue.toml")
        path.write_text(
            f'[{NAME}]\ndescription = "{made.description}"\nlicence = "{made.licence}"\n'
            f"box_ap = {made.box_ap}\nmask_ap = {made.mask_ap}\nlargest = {made.largest}\n"
            f'[[{NAME}.files]]\nname = "{file.name}"\nsize = {file.size}\n'
            f'sha384 = "{file.sha384}"\nsources = {list(file.sources)}\n',
            encoding="utf-8",
        )
        return path

    def fetch(self, name: str = NAME, *, origin: Path | str | None = None, **how: bool) -> Path:
        return fetch(
            name,
            self.models,
            console=Console(file=self.out, width=60),
            origin=None if origin is None else str(origin),
            catalogue=self.catalogue,
            limits=QUICK,
            **how,
        )

    def problem(self, kind: type[StreamerError], *, origin: Path | str | None = None) -> str:
        """The one line that says why there is no model; nothing half-made is left."""
        there = self.target.exists()
        with pytest.raises(kind) as error:
            self.fetch(origin=origin)
        assert "\n" not in str(error.value)
        assert self.target.exists() == there
        assert self.left() == []
        return str(error.value)

    def left(self) -> list[str]:
        """What is half-made among the models."""
        return [path.name for path in self.models.glob(".*")] if self.models.exists() else []


@contextmanager
def open_zoo(folder: Path) -> Iterator[Zoo]:
    """A zoo whose server goes when it is no longer needed."""
    with serving() as site:
        zoo = Zoo(site, folder / "home")
        zoo.serve()
        yield zoo


def files_of(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())
