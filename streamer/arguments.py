"""Parsing of command lines, and of what is written in them. Errors are one line."""

from __future__ import annotations

import argparse
from typing import Any, NoReturn

from streamer.errors import SettingsError


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line.

    Options are not to be abbreviated: a new option must not break a script.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"allow_abbrev": False, **options})

    def error(self, message: str) -> NoReturn:
        """Refuse the command line.

        Raises:
            SettingsError: always.
        """
        raise SettingsError(f"{message}; see {self.prog} --help")


def count(text: str) -> int:
    """A number of things, 1 or more."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no count; give 1 or more")
    return int(text)


def count_or_auto(text: str) -> int | None:
    """A count; None for auto."""
    return None if text == "auto" else count(text)


def size(text: str) -> tuple[int, int]:
    """Rows and columns, as 480x820."""
    rows, times, columns = text.lower().partition("x")
    if not (times and rows.isdecimal() and columns.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r} is no size; give rows x columns as 480x820")
    return int(rows), int(columns)
