"""Variations of a scene: flipped, cropped, scaled, and in another light.

They are cheap, for a batch must not wait for them: one warp and one colour transform of a picture
at the network's own size.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.demo.training.scenes import GRID, Bytes, Floats, Scene

_LEAST_PIXELS = 40.0
"""Visible pixels, at the network's size, that an object needs to be worth finding."""

_LEAST_SHARE = 0.25
"""Share of an object that a crop must leave for it to be worth finding."""

_MOST_NOISE = 9.0


def vary(scene: Scene, noise: np.random.Generator) -> Scene:
    """A variation of ``scene``, the same for the same state of ``noise``."""
    if noise.random() < 0.5:
        scene = mirrored(scene)
    if noise.random() < 0.6:
        scene = _zoomed(scene, noise)
    picture = _relit(scene.picture, noise)
    return Scene(picture, scene.boxes, scene.classes, scene.masks, scene.ignored)


def mirrored(scene: Scene) -> Scene:
    """The scene with left and right exchanged."""
    width = scene.picture.shape[1]
    boxes = scene.boxes.copy()
    boxes[:, 1], boxes[:, 3] = width - scene.boxes[:, 3], width - scene.boxes[:, 1]
    picture = np.asarray(cv2.flip(scene.picture, 1), np.uint8)
    return Scene(picture, boxes, scene.classes, scene.masks[:, :, ::-1], scene.ignored)


def moved(scene: Scene, scale: tuple[float, float], shift: tuple[float, float]) -> Scene:
    """The scene scaled, then shifted by pixels, down and across each; what leaves is cut off."""
    height, width = scene.picture.shape[:2]
    # Middles of pixels, not their corners, are what a warp maps.
    (down, across), (y, x) = scale, shift
    matrix = np.array([[across, 0, x + across / 2 - 0.5], [0, down, y + down / 2 - 0.5]])
    grey = (124, 117, 104)
    picture = cv2.warpAffine(
        scene.picture, matrix, (width, height), flags=cv2.INTER_LINEAR, borderValue=grey
    )
    boxes = scene.boxes * np.array([*scale, *scale], np.float32)
    boxes += np.array([*shift, *shift], np.float32)
    whole = Scene(np.asarray(picture, np.uint8), boxes, scene.classes, scene.masks, scene.ignored)
    return _cut(whole)


def _zoomed(scene: Scene, noise: np.random.Generator) -> Scene:
    height, width = scene.picture.shape[:2]
    zoom = np.exp(noise.uniform(np.log(0.8), np.log(1.5)))
    stretch = np.exp(noise.uniform(-0.1, 0.1))
    down, across = float(zoom * stretch), float(zoom / stretch)
    y, x = (
        float(noise.uniform(min(room, 0), max(room, 0)))
        for room in (height * (1 - down), width * (1 - across))
    )
    return moved(scene, (down, across), (y, x))


def _cut(scene: Scene) -> Scene:
    """Boxes and masks cut off at the picture's edges; drops objects of which nothing is left."""
    limits = np.array(scene.picture.shape[:2] * 2, np.float32)
    boxes, masks, ignored = scene.boxes.copy(), scene.masks, scene.ignored.copy()
    leaves = ((boxes < 0) | (boxes > limits)).any(1)
    kept = np.ones(len(boxes), bool)
    if leaves.any():
        masks = masks.copy()
    for index in np.flatnonzero(leaves):
        cut = _cut_object(boxes[index], masks[index], limits)
        if cut is None:
            kept[index] = False
            continue
        before = int(masks[index].sum(dtype=np.int64))
        boxes[index], masks[index], left = cut
        ignored[index] |= left < _LEAST_SHARE * before
    tile_areas = (boxes[:, 2:] - boxes[:, :2]).prod(1) / GRID**2
    ignored |= masks.mean((1, 2)) / 255 * GRID**2 * tile_areas < _LEAST_PIXELS
    return Scene(scene.picture, boxes[kept], scene.classes[kept], masks[kept], ignored[kept])


def _cut_object(box: Floats, mask: Bytes, limits: Floats) -> tuple[Floats, Bytes, int] | None:
    """The box of what is left, its mask, and how much of the old one that is; None if nothing."""
    low, size = box[:2], box[2:] - box[:2]
    middles = low[:, None] + size[:, None] * (np.arange(GRID, dtype=np.float32) + 0.5) / GRID
    inside = (middles >= 0) & (middles < limits[:2, None])
    seen = mask * (inside[0][:, None] & inside[1][None])
    rows, columns = (np.flatnonzero(seen.max(axis) > 127) for axis in (1, 0))
    if not len(rows):
        return None
    first = np.array([rows[0], columns[0]], np.float32)
    past = np.array([rows[-1] + 1, columns[-1] + 1], np.float32)
    tight = np.concatenate([low + size * first / GRID, low + size * past / GRID])
    tight = np.clip(tight, 0, limits).astype(np.float32)
    # Tiles of the new box, put over those of the old one.
    start = (tight[:2] - low) / size * GRID
    step = (tight[2:] - tight[:2]) / size
    matrix = np.array(
        [[step[1], 0, start[1] + step[1] / 2 - 0.5], [0, step[0], start[0] + step[0] / 2 - 0.5]]
    )
    tiles = cv2.warpAffine(
        mask,
        matrix,
        (GRID, GRID),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return tight, np.asarray(tiles, np.uint8), int(seen.sum(dtype=np.int64))


def _relit(picture: Bytes, noise: np.random.Generator) -> Bytes:
    """Other colours, brightness and contrast, then perhaps blur and grain."""
    if noise.random() < 0.15:
        sigma = float(noise.uniform(0.3, 0.9))
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.uint8)
    matrix = _colour_matrix(noise)
    lit = np.asarray(cv2.transform(picture, matrix), np.uint8)
    if noise.random() < 0.3:
        grain = noise.standard_normal(lit.shape, np.float32) * noise.uniform(0, _MOST_NOISE)
        lit = np.clip(lit + grain, 0, 255).astype(np.uint8)
    return lit


def _colour_matrix(noise: np.random.Generator) -> NDArray[np.float64]:
    """An affine map f64[3, 4] of R, G and B."""
    gain = noise.uniform(0.75, 1.25) * noise.uniform(0.93, 1.07, 3)
    saturation, offset = noise.uniform(0.7, 1.3), noise.uniform(-18, 18)
    grey = np.full((3, 3), 1 / 3)
    mixing = (saturation * np.eye(3) + (1 - saturation) * grey) * gain[:, None]
    pivot = 118.0
    offsets = pivot - mixing.sum(1) * pivot + offset
    return np.column_stack([mixing, offsets])
