"""Textures: small tiles that repeat, made once a process; u8[N, N], 128 being no change."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

Tile = NDArray[np.uint8]

TILE = 512
"""Pixels of a tile in each direction."""

METRES = 4.0
"""What a tile covers on the ground."""


@lru_cache(maxsize=8)
def tile(material: str) -> Tile:
    """The tile of grass, asphalt, paving, sand, brick or noise.

    Raises:
        KeyError: there is no such material.
    """
    return _MAKERS[material]()


@lru_cache(maxsize=64)
def fractal(seed: int, largest: int = 64, smallest: int = 2) -> Tile:
    """Noise of several octaves that repeats; `largest` and `smallest` are its grains in pixels."""
    rng = np.random.default_rng([77, seed])
    total = np.zeros((TILE, TILE), np.float32)
    grain, weight = largest, 1.0
    while grain >= smallest:
        cells = TILE // grain
        small = rng.normal(0, 1, (cells, cells)).astype(np.float32)
        wrapped = np.pad(small, 2, mode="wrap")
        large = cv2.resize(wrapped, None, fx=grain, fy=grain, interpolation=cv2.INTER_CUBIC)
        inside = slice(2 * grain, 2 * grain + TILE)
        total += np.asarray(weight * large[inside, inside], np.float32)
        grain, weight = grain // 2, weight * 0.62
    total *= 40 / float(total.std())
    return _tile(total)


def _tile(change: NDArray[np.float32]) -> Tile:
    return np.clip(change + 128, 0, 255).astype(np.uint8)


def _change(texture: Tile) -> NDArray[np.float32]:
    return texture.astype(np.float32) - 128


def _grass() -> Tile:
    """Blades: noise drawn out upwards, over light and dark patches."""
    rng = np.random.default_rng(1)
    blades = rng.normal(0, 1, (TILE, TILE)).astype(np.float32)
    wrapped = np.pad(blades, 16, mode="wrap")
    blurred = cv2.GaussianBlur(wrapped, (0, 0), sigmaX=0.9, sigmaY=4.5)
    blades = np.asarray(blurred[16:-16, 16:-16], np.float32)
    return _tile(blades * (26 / float(blades.std())) + 0.45 * _change(fractal(1, 128, 16)))


def _asphalt() -> Tile:
    rng = np.random.default_rng(2)
    grain = rng.normal(0, 11, (TILE, TILE)).astype(np.float32)
    return _tile(cv2.blur(grain, (2, 2)) + 0.22 * _change(fractal(2, 256, 8)))


def _paving() -> Tile:
    """Slabs of 0.5 m by 0.5 m, each of its own shade, every second row shifted."""
    rng = np.random.default_rng(3)
    shades = rng.normal(0, 7, (8, 8)).astype(np.float32)
    change = np.kron(shades, np.ones((64, 64), np.float32))
    change[::64] = change[1::64] = -42
    for row in range(8):
        shift = 32 * (row % 2)
        for column in range(8):
            x = (64 * column + shift) % TILE
            change[64 * row : 64 * row + 64, x : x + 2] = -42
    return _tile(change + 0.12 * _change(fractal(3, 64, 2)))


def _sand() -> Tile:
    return _tile(0.4 * _change(fractal(4, 32, 1)))


def _brick() -> Tile:
    """Courses of 32 by 16 pixels."""
    rng = np.random.default_rng(5)
    change = np.zeros((TILE, TILE), np.float32)
    for row in range(TILE // 16):
        shades = np.repeat(rng.normal(0, 13, TILE // 32), 32).astype(np.float32)
        shift = 16 * (row % 2)
        course = np.tile(np.roll(shades, shift), (16, 1))
        course[:, (np.arange(TILE // 32) * 32 + shift) % TILE] = 30
        course[0] = 30
        change[16 * row : 16 * row + 16] = course
    return _tile(change + 0.1 * _change(fractal(5, 16, 1)))


def _noise() -> Tile:
    """White noise of one standard deviation for 32 steps, as a sensor's."""
    rng = np.random.default_rng(6)
    return _tile(rng.normal(0, 32, (TILE, TILE)).astype(np.float32))


_MAKERS = {
    "grass": _grass,
    "asphalt": _asphalt,
    "paving": _paving,
    "sand": _sand,
    "brick": _brick,
    "noise": _noise,
}
