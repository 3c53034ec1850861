"""What is known of models that can be downloaded, read from ``catalogue.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from streamer.assets import DEMO
from streamer.errors import ModelError

CATALOGUE = Path(__file__).with_name("catalogue.toml")

# Names become those of files and folders.
_Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
_Url = Annotated[str, Field(pattern=r"^https?://")]
_Percent = Annotated[float, Field(ge=0, le=100)]
_STRICT = ConfigDict(extra="forbid", frozen=True)


class File(BaseModel):
    """A file to download.

    Attributes:
        name: of the file.
        size: in bytes.
        sha384: as published, 96 hexadecimal digits.
        sources: URLs, in the order in which to try them.
    """

    model_config = _STRICT

    name: _Name
    size: int = Field(gt=0)
    sha384: str = Field(pattern=r"^[0-9a-f]{96}$")
    sources: tuple[_Url, ...] = Field(min_length=1)


class Entry(BaseModel):
    """A model.

    Attributes:
        description: what it is, in a few words.
        licence: of the weights, as an SPDX identifier.
        box_ap: published coco_orig_precision, percent.
        mask_ap: published coco_orig_segm_precision, percent.
        measured_on: pictures that those were measured on.
        largest: what no file in an archive exceeds, bytes; None where there is no archive.
        files: an archive with a frozen graph, or a model in OpenVINO's format.
    """

    model_config = _STRICT

    description: str
    licence: str
    box_ap: _Percent
    mask_ap: _Percent
    measured_on: str = "COCO val2017"
    largest: int | None = Field(None, gt=0)
    files: tuple[File, ...] = Field(min_length=1)

    @property
    def size(self) -> int:
        """Of all files, bytes."""
        return sum(file.size for file in self.files)

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        suffixes = sorted(Path(file.name).suffix for file in self.files)
        if suffixes != ([".bin", ".xml"] if self.largest is None else [".gz"]):
            raise ValueError("give an .xml and a .bin, or one .tar.gz and the largest file in it")
        return self


_ENTRIES = TypeAdapter(dict[_Name, Entry])


def read_catalogue(path: Path | None = None) -> Mapping[str, Entry]:
    """Models by name, in the order of the file.

    Args:
        path: of the file; the program's own by default.

    Raises:
        ModelError: it cannot be read, or is no catalogue.
    """
    path = CATALOGUE if path is None else path
    try:
        return _ENTRIES.validate_python(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror or error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ModelError(f"{path} is no catalogue of models: {where}: {first['msg']}") from error
    except ValueError as error:
        raise ModelError(f"{path} is no catalogue of models: {error}") from error


def find_entry(name: str, catalogue: Mapping[str, Entry]) -> Entry:
    """The entry of a model.

    Raises:
        ModelError: there is none of that name.
    """
    if name in catalogue:
        return catalogue[name]
    if name == DEMO:
        raise ModelError(f"{DEMO} comes with the program; there is nothing to download")
    raise ModelError(f"no model {name} is known; there are {', '.join(catalogue)}")
