"""Finish: what light and a real camera add to a clean picture."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from tools.demo.scenes.color import BGR
from tools.demo.scenes.pen import Patch
from tools.demo.scenes.textures import TILE, tile


@dataclass(frozen=True)
class Finish:
    """How a picture is finished.

    Attributes:
        exposure: what light is multiplied by.
        balance: what blue, green and red are multiplied by.
        contrast: about the middle, 1 for none.
        defocus: standard deviation of the blur, as a share of the picture's height.
        motion: length of the horizontal blur, as a share of the picture's height.
        noise: standard deviation, in steps of 255.
        vignette: how much darker the corners are, 0 to 1.
    """

    exposure: float = 1.0
    balance: BGR = (1.0, 1.0, 1.0)
    contrast: float = 1.0
    defocus: float = 0.0
    motion: float = 0.0
    noise: float = 0.0
    vignette: float = 0.0

    @staticmethod
    def random(rng: np.random.Generator) -> Finish:
        """Any camera, most of them good ones."""
        warm = rng.normal(0, 0.035)
        return Finish(
            exposure=float(np.exp(rng.normal(0, 0.11))),
            balance=(1 - warm, 1 + rng.normal(0, 0.012), 1 + warm),
            contrast=rng.uniform(0.88, 1.12),
            defocus=rng.uniform(0.0006, 0.0022) if rng.random() < 0.35 else 0.0,
            motion=rng.uniform(0.003, 0.007) if rng.random() < 0.12 else 0.0,
            noise=rng.uniform(0.5, 6.0) if rng.random() < 0.7 else 0.0,
            vignette=rng.uniform(0, 0.3),
        )

    def apply(self, picture: Patch, gain: BGR, seed: int) -> Patch:
        """A finished copy of a BGR picture; `gain` is the light's, `seed` the noise's."""
        height, width = picture.shape[:2]
        if self.defocus:
            picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), self.defocus * height), np.uint8)
        reach = int(self.motion * height) | 1
        if reach > 1:
            picture = np.asarray(cv2.blur(picture, (reach, 1)), np.uint8)
        picture = np.asarray(cv2.LUT(picture, self._curve(gain)), np.uint8)
        if self.vignette:
            cv2.multiply(
                picture, _vignette(width, height, self.vignette), dst=picture, scale=1 / 255
            )
        if self.noise:
            _add_noise(picture, self.noise, np.random.default_rng([5, seed]))
        return picture

    def _curve(self, gain: BGR) -> Patch:
        level = np.arange(256)[:, None] * (np.asarray(gain) * self.balance * self.exposure)
        level = (level - 118) * self.contrast + 118
        # Highlights roll off instead of clipping.
        high = level > 225
        level[high] = 225 + 30 * np.tanh((level[high] - 225) / 40)
        return np.clip(level, 0, 255).astype(np.uint8)[:, None]


def _vignette(width: int, height: int, strength: float) -> Patch:
    x, y = np.linspace(-1, 1, width // 16)[None], np.linspace(-1, 1, height // 16)[:, None]
    small = (255 * (1 - strength * np.clip((x**2 + y**2) / 2, 0, 1) ** 1.3)).astype(np.float32)
    shade = np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
    return np.asarray(cv2.merge([shade, shade, shade]), np.uint8)


def _add_noise(picture: Patch, strength: float, rng: np.random.Generator) -> None:
    """Add noise, a tile of it at a place of its own for each 512 pixels."""
    height, width = picture.shape[:2]
    grain = np.roll(tile("noise"), rng.integers(0, TILE, 2), (0, 1))
    across, down = -(-width // TILE), -(-height // TILE)
    grain = np.tile(grain, (down, across))[:height, :width]
    share = strength / 32
    noise = cv2.merge([grain, grain, grain])
    cv2.addWeighted(picture, 1, noise, share, -128 * share, dst=picture)
