"""A sheet of pictures: the images that a model does worst on, and what is wrong with each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from streamer.errors import SettingsError
from streamer.evaluation.accuracy import Accuracy
from streamer.evaluation.coco import Matches, decode, mask_of
from streamer.evaluation.dataset import Record, Sample
from streamer.lettering import render

Pixels = NDArray[np.uint8]
Color = tuple[int, int, int]

TILES = (4, 3)
"""Across and down."""

_TILE = (480, 360)
_LINE = 24
_CAPITAL = 10
_GAP = 8
_ALPHA = 0.35
_GROUND: Color = (32, 32, 32)
# Okabe and Ito's green, vermilion and yellow in BGR, which the colour-blind can tell apart.
_COLORS: dict[str, Color] = {
    "right": (115, 158, 0),
    "wrong": (0, 94, 213),
    "missed": (66, 228, 240),
}


def worst(accuracy: Accuracy, count: int) -> list[Sample]:
    """The images with the lowest F1 at mask IoU .50, worst first; none where all is right."""
    matches = accuracy.masks.matches
    faulty = [
        sample
        for sample in accuracy.dataset.samples
        if sample.id in matches and (matches[sample.id].wrong or matches[sample.id].missed)
    ]
    return sorted(faulty, key=lambda sample: _rank(matches[sample.id]))[:count]


def _rank(one: Matches) -> tuple[float, int]:
    """By F1; of equal ones, that with more mistakes comes first."""
    right, mistakes = len(one.right), len(one.wrong) + len(one.missed)
    return 2 * right / (2 * right + mistakes), -mistakes


def write_sheet(path: Path, accuracy: Accuracy) -> int:
    """Draw the worst images, and write them as one picture.

    Returns:
        How many there are. None is written where there are none.

    Raises:
        SettingsError: the file cannot be written.
        SourceError: an image can no longer be read.
    """
    samples = worst(accuracy, TILES[0] * TILES[1])
    if not samples:
        return 0
    by_image: dict[int, list[Record]] = defaultdict(list)
    for row in accuracy.dataset.annotations:
        by_image[row["image_id"]].append(row)
    sheet = _arrange([_tile(sample, accuracy, by_image[sample.id]) for sample in samples])
    try:
        encoded = cv2.imencode(path.suffix, sheet)[1]
        path.write_bytes(encoded.tobytes())
    except (OSError, cv2.error) as error:
        raise SettingsError(f"--sheet {path} cannot be written: {error}") from error
    return len(samples)


def _tile(sample: Sample, accuracy: Accuracy, annotations: Sequence[Record]) -> Pixels:
    """An image with what is right, wrong and missed in it, and a line of words below."""
    matches = accuracy.masks.matches[sample.id]
    width, height = sample.size
    scale = min(_TILE[0] / width, _TILE[1] / height)
    size = (max(int(width * scale), 1), max(int(height * scale), 1))
    scaled = cv2.resize(sample.read().pixels, size, interpolation=cv2.INTER_AREA)
    picture = np.asarray(scaled, np.uint8)
    names = accuracy.dataset.categories
    for kind, places in (("right", matches.right), ("wrong", matches.wrong)):
        for place in places:
            found = accuracy.found[place]
            words = f"{names[found.category_id]} {found.score:.2f}"
            _draw(picture, decode(found.segmentation), _COLORS[kind], words)
    for row in annotations:
        if row["id"] in matches.missed:
            _draw(picture, mask_of(row, sample.size), _COLORS["missed"], names[row["category_id"]])
    tile = _ground(_TILE[0], _TILE[1] + _LINE)
    x, y = (_TILE[0] - size[0]) // 2, (_TILE[1] - size[1]) // 2
    tile[y : y + size[1], x : x + size[0]] = picture
    counts = ", ".join(f"{len(getattr(matches, kind))} {kind}" for kind in _COLORS)
    _write(tile, f"{sample.path.name}: {counts}", (0, _TILE[1]), (255, 255, 255))
    return tile


def _draw(picture: Pixels, mask: Pixels, color: Color, words: str) -> None:
    # Whatever is touched counts, so that no small object vanishes.
    scaled = cv2.resize(mask * 255, picture.shape[1::-1], interpolation=cv2.INTER_AREA)
    covered = scaled > 0
    tinted = picture[covered] * (1 - _ALPHA) + np.array(color) * _ALPHA
    picture[covered] = tinted.astype(np.uint8)
    outlines = cv2.findContours(covered.view(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0]
    cv2.drawContours(picture, outlines, -1, color, 2)
    rows, columns = np.nonzero(covered)
    if len(rows):
        _write(picture, words, (int(columns.min()), int(rows.min()) - 2 * _CAPITAL), color)


def _write(picture: Pixels, words: str, at: tuple[int, int], color: Color) -> None:
    """Put words at a place, or as near as they fit; what is too long is cut off."""
    text = render([words], _CAPITAL)[: picture.shape[0], : picture.shape[1]]
    height, width = text.shape
    x, y = (
        min(max(start, 0), room - side)
        for start, room, side in zip(at, picture.shape[1::-1], (width, height), strict=True)
    )
    place = picture[y : y + height, x : x + width]
    share = text[..., None] / 255
    place[:] = (np.array(_GROUND) * (1 - share) + np.array(color) * share).astype(np.uint8)


def _arrange(tiles: Sequence[Pixels]) -> Pixels:
    """Side by side, below a line that explains the colours."""
    across = min(len(tiles), TILES[0])
    down = -(-len(tiles) // across)
    height, width = tiles[0].shape[:2]
    sheet = _ground(across * (width + _GAP) + _GAP, down * (height + _GAP) + _LINE + _GAP)
    for number, (kind, color) in enumerate(_COLORS.items()):
        _write(sheet, kind, (_GAP + 100 * number, 4), color)
    for number, tile in enumerate(tiles):
        row, column = divmod(number, across)
        x, y = _GAP + column * (width + _GAP), _LINE + _GAP + row * (height + _GAP)
        sheet[y : y + height, x : x + width] = tile
    return sheet


def _ground(width: int, height: int) -> Pixels:
    return np.full((height, width, 3), _GROUND, np.uint8)
