"""``streamer models fetch``: download, verify, unpack, convert.

One process at a time fetches a model; others wait and take what it has made. Everything is made
beside the folder where the model will be, and moved there at the end, so that nobody finds half a
model. Downloads lie in ``downloads/NAME`` beside the models' folder until they are used.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from rich.console import Console
from rich.filesize import decimal

from streamer.errors import ModelError, SettingsError, WriteError
from streamer.models.archive import unpack
from streamer.models.catalogue import Entry, File, find_entry, read_catalogue
from streamer.models.convert import convert
from streamer.models.download import Limits, download, verify
from streamer.models.listing import is_here
from streamer.models.locking import locked
from streamer.models.meter import Meter
from streamer.models.requesting import place
from streamer.urls import is_url, redact

_LIMITS = Limits()


def fetch(
    name: str,
    models: Path,
    *,
    console: Console,
    origin: str | None = None,
    keep_archive: bool = False,
    unverified: bool = False,
    catalogue: Mapping[str, Entry] | None = None,
    limits: Limits = _LIMITS,
) -> Path:
    """Put a model where models are kept, unless it is there.

    Args:
        name: of the model, as in the catalogue.
        models: the folder that models are kept in; made if it is missing.
        console: what is said goes there, with a progress bar on a terminal.
        origin: a URL, a file or a folder to take it from instead of the catalogue's sources.
        keep_archive: whether the downloaded archive stays after its use.
        unverified: whether a local `origin` may be another file than the published one.
        catalogue: the program's own by default.
        limits: when a source is given up.

    Returns:
        The model's folder.

    Raises:
        ModelError: no such model is known, or its file is damaged or not what was published.
        SettingsError: ``origin`` is no such place, or the model is there already.
        RunError: no source gives it.
        WriteError: it cannot be written.
    """
    entry = find_entry(name, read_catalogue() if catalogue is None else catalogue)
    _check_origin(origin, unverified)
    job = _Job(name, entry, models, models.parent / "downloads" / name, console)
    try:
        if not job.is_there(origin):
            models.mkdir(parents=True, exist_ok=True)
            job.downloads.mkdir(parents=True, exist_ok=True)
            with locked(job.downloads / "lock", job.say_waiting):
                if not job.is_there(origin):
                    job.run(origin, keep_archive, unverified, limits)
    except OSError as error:
        raise WriteError(
            f"{name} cannot be put into {models}: {error.strerror or error}; make room, or set "
            "STREAMER_HOME to another folder"
        ) from error
    return job.target


@dataclass(frozen=True, slots=True)
class _Job:
    """One model on its way.

    Attributes:
        name: of the model.
        entry: what is known of it.
        models: where its folder goes.
        downloads: where its files are until they are used.
        console: where to say what happens.
    """

    name: str
    entry: Entry
    models: Path
    downloads: Path
    console: Console

    @property
    def target(self) -> Path:
        return self.models / self.name

    def say(self, line: str) -> None:
        self.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def say_waiting(self) -> None:
        self.say(f"another process is fetching {self.name}; waiting for it")

    def is_there(self, origin: str | None) -> bool:
        """Whether the model is there already; what is no model must not be in its place."""
        if not self.target.exists() or (self.target.is_dir() and not any(self.target.iterdir())):
            return False
        if not is_here(self.target):
            raise SettingsError(f"{self.target} is in the way and holds no model; remove it")
        if origin is not None:
            raise SettingsError(
                f"{self.name} is in {self.target} already; remove that to fetch it again"
            )
        self.say(f"{self.name} is in {self.target}, licence {self.entry.licence}")
        return True

    def run(self, origin: str | None, keep_archive: bool, unverified: bool, limits: Limits) -> None:
        """Get the files, make the model, and move it to its place."""
        made = self.models / f".{self.name}.new"
        # Left by a process that was killed; this one holds the lock.
        shutil.rmtree(made, ignore_errors=True)
        if origin is None or is_url(origin):
            self._check_space()
            files = self._download(origin, limits)
        else:
            files = self._local(Path(origin).expanduser(), unverified)
        made.mkdir()
        try:
            model = self._make(files, made)
            if self.target.exists():
                self.target.rmdir()
            model.rename(self.target)
        finally:
            shutil.rmtree(made, ignore_errors=True)
        self._clean_up(files, keep_archive)
        self.say(f"{self.name} is in {self.target}, licence {self.entry.licence}")

    def _check_space(self) -> None:
        """Twice the size: a graph and what it is converted to are less than their archive."""
        names = [file.name + end for file in self.entry.files for end in ("", ".part")]
        paths = [self.downloads / name for name in names]
        needed = 2 * self.entry.size - sum(path.stat().st_size for path in paths if path.exists())
        free = shutil.disk_usage(self.downloads).free
        if free < needed:
            raise WriteError(
                f"{self.name} needs {decimal(needed)} at {self.models.parent}, where "
                f"{decimal(free)} are free; make room, or set STREAMER_HOME to another folder"
            )

    def _download(self, origin: str | None, limits: Limits) -> list[Path]:
        files = [file if origin is None else self._moved(file, origin) for file in self.entry.files]
        where = place(files[0].sources[0])
        self.say(
            f"{self.name}: {self.entry.description}; downloading {decimal(self.entry.size)} "
            f"from {where}, licence {self.entry.licence}"
        )
        found = []
        try:
            with Meter(self.console, self.name, self.entry.size) as meter:
                for file in files:
                    path = download(
                        file, self.downloads, report=meter.report, say=self.say, limits=limits
                    )
                    found.append(path)
                    meter.begin_next(file.size)
        except KeyboardInterrupt:
            self.say(f"stopped; what came is kept in {self.downloads}, and fetching again goes on")
            raise
        return found

    def _moved(self, file: File, origin: str) -> File:
        """The same file from elsewhere: from a folder, or beside another file of the model."""
        parts = urlsplit(origin)
        path = parts.path
        if path.endswith("/") or len(self.entry.files) > 1:
            path = f"{path.rpartition('/')[0]}/{file.name}"
        return file.model_copy(update={"sources": (parts._replace(path=path).geturl(),)})

    def _local(self, origin: Path, unverified: bool) -> list[Path]:
        """Files of this machine, left where they are."""
        if origin.suffix == ".pb" and self.entry.largest is not None:
            self.say(f"{origin} is taken as it is: no checksum is published for the graph alone")
            return [origin]
        found = []
        for file in self.entry.files:
            alone = len(self.entry.files) == 1 and not origin.is_dir()
            folder = origin if origin.is_dir() else origin.parent
            path = origin if alone else folder / file.name
            if not path.is_file():
                raise ModelError(f"there is no file {path}; {self.name} needs {file.name}")
            fault = None if unverified else verify(path, file)
            if fault is not None:
                raise ModelError(
                    f"{path} is not the {file.name} that was published: {fault}; copy it again, "
                    "or add --unverified if it is what you want"
                )
            found.append(path)
        return found

    def _make(self, files: list[Path], folder: Path) -> Path:
        """The model's folder, inside of ``folder``."""
        model = folder / "model"
        if self.entry.largest is None:
            model.mkdir()
            for path, file in zip(files, self.entry.files, strict=True):
                shutil.copyfile(path, model / file.name)
            return model
        graph = files[0]
        if graph.suffix != ".pb":
            self.say(f"unpacking {graph.name}")
            graph = unpack(graph, folder, self.entry.largest)
        self.say(f"converting {graph.name}")
        stem = convert(graph, model, say=self.say).stem
        # Converted models are called by the folder that the graph came in.
        for path in list(model.iterdir()):
            path.rename(path.with_name(self.name + path.name.removeprefix(stem)))
        return model

    def _clean_up(self, files: list[Path], keep_archive: bool) -> None:
        for path in files:
            if path.parent != self.downloads:
                continue
            if keep_archive and self.entry.largest is not None:
                self.say(f"the archive is kept as {path}")
            else:
                path.unlink()


def _check_origin(origin: str | None, unverified: bool) -> None:
    if unverified and (origin is None or is_url(origin)):
        raise SettingsError(
            "--unverified goes with --from FILE: what comes over a network is always verified"
        )
    if origin is None:
        return
    if is_url(origin):
        if urlsplit(origin).scheme.lower() not in ("http", "https"):
            raise SettingsError(f"--from {redact(origin)}: give a file, or an http or https URL")
    elif not Path(origin).expanduser().exists():
        raise SettingsError(f"--from {origin}: there is no such file; give a file or a URL")
