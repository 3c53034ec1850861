"""Compositor: puts figures into a picture, and knows whose each pixel is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.demo.scenes.camera import View
from tools.demo.scenes.figure import SPARE, Bounds, Easel, Figure, Moment
from tools.demo.scenes.light import Light
from tools.demo.scenes.pen import Patch

_LARGE = 75.0
"""Pixels a metre from which smooth edges alone are fine enough."""

_SHADOW_STEP = 2
"""Picture pixels a pixel of the shadow map; shadows are soft."""


@dataclass(frozen=True)
class Placed:
    """A figure at a place, at one moment.

    Attributes:
        ids: track id of each of its objects, from 1 on.
        z: metres from the camera.
        mirrored: looks to the left.
        lift: metres above the ground of the figure's origin.
    """

    figure: Figure
    ids: tuple[int, ...]
    x: float
    z: float
    mirrored: bool
    moment: Moment
    lift: float = 0.0


@dataclass(frozen=True)
class Cut:
    """A layer of a sprite, cut down to where something is.

    Attributes:
        number: track id of the object, 0 for none.
        patch: BGRA u8[h, w, 4] with premultiplied alpha.
        cover: u8[h, w], over 127 where the object is.
        left, top: its place in the picture.
    """

    number: int
    patch: Patch
    cover: Patch
    left: int
    top: int


@dataclass(frozen=True)
class Sprite:
    """A figure, drawn.

    Attributes:
        layers: the farthest first.
        left, top: of `alpha` in the picture.
        whole: pixels that each object would cover, were nothing in front of it.
        alpha: u8[h, w] of all its objects together.
        base: column and row, in `alpha`, of the point on the ground below its origin.
    """

    placed: Placed
    layers: list[Cut]
    left: int
    top: int
    whole: dict[int, int]
    alpha: Patch
    base: tuple[float, float]


def draw(placed: Placed, view: View, light: Light) -> Sprite | None:
    """Draw a figure for a view; None where no part of it can be in the picture."""
    scale = view.scale(placed.z)
    x, y = view.point(placed.x, placed.lift, placed.z)
    left, bottom, right, top = _turned(placed.figure.bounds, placed.mirrored)
    spare = SPARE * scale + 1
    x1, x2 = int(np.floor(x + left * scale - spare)), int(np.ceil(x + right * scale + spare))
    y1, y2 = int(np.floor(y - top * scale - spare)), int(np.ceil(y - bottom * scale + spare))
    if x2 <= 0 or y2 <= 0 or x1 >= view.width or y1 >= view.height_px:
        return None
    # Small objects are drawn twice as fine and reduced, so that thin parts stay whole.
    fine = 2 if scale < _LARGE and placed.ids else 1
    side = -1 if placed.mirrored else 1
    matrix = np.asarray(
        [[side * fine * scale, 0, (x - x1) * fine], [0, -fine * scale, (y - y1) * fine]]
    )
    easel = Easel(((y2 - y1) * fine, (x2 - x1) * fine), matrix, light.sun)
    placed.figure.draw(easel, placed.moment)
    haze = float(np.clip((placed.z - 8) / 110, 0, 0.6))
    alpha = np.zeros((y2 - y1, x2 - x1), np.uint8)
    layers: list[Cut] = []
    covers: dict[int, NDArray[np.bool_]] = {}
    for layer in easel.layers:
        number = 0 if layer.member is None else placed.ids[layer.member]
        patch = _reduced(layer.patch, fine)
        inside = _filled(patch)
        patch = np.ascontiguousarray(patch[inside])
        cover = np.ascontiguousarray(patch[:, :, 3])
        if number or not placed.ids:
            np.maximum(alpha[inside], cover, out=alpha[inside])
        if layer.pen.cover is not None:
            cover = np.maximum(cover, _reduced(layer.pen.cover, fine)[inside])
        if number:
            whole = covers.setdefault(number, np.zeros(alpha.shape, np.bool_))
            whole[inside] |= cover > 127
        _light_edges(patch, light, scale)
        if haze > 0.02:
            patch = _hazy(patch, light, haze)
        layers.append(Cut(number, patch, cover, x1 + inside[1].start, y1 + inside[0].start))
    areas = {number: int(np.count_nonzero(cover)) for number, cover in covers.items()}
    ground = y + placed.lift * scale
    return Sprite(placed, layers, x1, y1, areas, alpha, (x - x1, ground - y1))


def paste(picture: Patch, ids: Patch, sprite: Sprite) -> None:
    """Put a sprite in front of all that is in the picture u8[H, W, 3] and the id map u8[H, W]."""
    height, width = ids.shape
    for cut in sprite.layers:
        rows, columns = cut.cover.shape
        y1, x1 = max(cut.top, 0), max(cut.left, 0)
        y2, x2 = min(cut.top + rows, height), min(cut.left + columns, width)
        if y1 >= y2 or x1 >= x2:
            continue
        inside = np.s_[y1 - cut.top : y2 - cut.top, x1 - cut.left : x2 - cut.left]
        blend(picture[y1:y2, x1:x2], cut.patch[inside])
        if cut.number or not sprite.placed.ids:
            ids[y1:y2, x1:x2][cut.cover[inside] > 127] = cut.number


def blend(region: Patch, patch: Patch) -> None:
    """Put a premultiplied BGRA patch over a BGR region, in place."""
    rest = cv2.bitwise_not(patch[:, :, 3])
    cv2.multiply(region, cv2.merge([rest, rest, rest]), dst=region, scale=1 / 255)
    cv2.add(region, patch[:, :, :3], dst=region)


def cast_shadows(picture: Patch, sprites: Sequence[Sprite], view: View, light: Light) -> None:
    """Darken the ground by the shadows of all sprites, in place."""
    rows, columns = picture.shape[0] // _SHADOW_STEP + 1, picture.shape[1] // _SHADOW_STEP + 1
    shadows = np.zeros((rows, columns), np.uint8)
    for sprite in sprites:
        if sprite.placed.figure.footprint > 0:
            _cast(shadows, sprite, light)
    contact = np.zeros_like(shadows)
    for sprite in sprites:
        _touch(contact, sprite, view)
    shadows = np.asarray(cv2.blur(shadows, (5, 3)), np.uint8)
    contact = np.asarray(cv2.blur(contact, (7, 3)), np.uint8)
    cv2.addWeighted(shadows, light.shadow, contact, 0.45, 0, dst=shadows)
    _, far = view.point(0, 0, 60.0)
    shadows[: max(int(far / _SHADOW_STEP), 0)] = 0
    # Shadows are lit by the sky: blue is darkened least.
    tint = np.arange(256, dtype=np.float64)[:, None] * (0.82, 0.95, 1.0)
    table = np.clip(255 - tint, 0, 255).astype(np.uint8)[:, None, :]
    factor = cv2.LUT(cv2.merge([shadows, shadows, shadows]), table)
    size = columns * _SHADOW_STEP, rows * _SHADOW_STEP
    factor = cv2.resize(factor, size, interpolation=cv2.INTER_LINEAR)
    cv2.multiply(
        picture, factor[: picture.shape[0], : picture.shape[1]], dst=picture, scale=1 / 255
    )


def _cast(shadows: Patch, sprite: Sprite, light: Light) -> None:
    """Lay a sprite's silhouette flat on the ground, away from the sun."""
    step = _SHADOW_STEP
    size = sprite.alpha.shape[1] // step + 1, sprite.alpha.shape[0] // step + 1
    small = cv2.resize(sprite.alpha, size, interpolation=cv2.INTER_AREA)
    y0 = sprite.base[1] / step
    aside, away = light.cast
    # A pixel h above the base falls h * aside to the side and h * away farther off.
    left, top = sprite.left / step, sprite.top / step
    matrix = np.asarray(
        [[1, -aside, left + aside * y0], [0, away, top + y0 - away * y0]], np.float64
    )
    corners = np.asarray([[0, 0], [size[0], 0], [0, size[1]], size], np.float64)
    cast = corners @ matrix[:, :2].T + matrix[:, 2]
    rows, columns = shadows.shape
    x1, y1 = (int(v) for v in np.clip(np.floor(cast.min(0)) - 1, 0, (columns, rows)))
    x2, y2 = (int(v) for v in np.clip(np.ceil(cast.max(0)) + 1, 0, (columns, rows)))
    if x2 <= x1 or y2 <= y1:
        return
    matrix[:, 2] -= (x1, y1)
    flat = cv2.warpAffine(small, matrix, (x2 - x1, y2 - y1), flags=cv2.INTER_LINEAR)
    np.maximum(shadows[y1:y2, x1:x2], flat, out=shadows[y1:y2, x1:x2])


def _touch(contact: Patch, sprite: Sprite, view: View) -> None:
    """Darken where a figure touches the ground."""
    reach = sprite.placed.figure.footprint * view.scale(sprite.placed.z) / _SHADOW_STEP
    if not reach:
        return
    x = (sprite.left + sprite.base[0]) / _SHADOW_STEP
    y = (sprite.top + sprite.base[1]) / _SHADOW_STEP
    flat = np.clip(view.height / sprite.placed.z, 0.1, 0.35)
    for share, level in ((1.12, 120), (0.95, 190), (0.75, 255)):
        axes = (max(int(reach * share * 16), 8), max(int(min(reach, 40) * share * flat * 16), 8))
        cv2.ellipse(
            contact, (int(x * 16), int(y * 16)), axes, 0, 0, 360, (level,), -1, cv2.LINE_AA, 4
        )


def _turned(bounds: Bounds, mirrored: bool) -> Bounds:
    if not mirrored:
        return bounds
    return Bounds(-bounds.right, bounds.bottom, -bounds.left, bounds.top)


def _reduced(patch: Patch, times: int) -> Patch:
    if times == 1:
        return patch
    size = patch.shape[1] // times, patch.shape[0] // times
    return np.asarray(cv2.resize(patch, size, interpolation=cv2.INTER_AREA), np.uint8)


def _filled(patch: Patch) -> tuple[slice, slice]:
    """Rows and columns of a BGRA patch in which something is."""
    x, y, wide, tall = cv2.boundingRect(np.ascontiguousarray(patch[:, :, 3]))
    return slice(y, y + max(tall, 1)), slice(x, x + max(wide, 1))


def _light_edges(patch: Patch, light: Light, scale: float) -> None:
    """A bright edge towards the sun, a dark one away from it."""
    reach = int(np.clip(round(scale * 0.022), 1, 6))
    side = 1 if light.sun > 0 else -1
    alpha = np.pad(patch[:, :, 3], reach)
    rows, columns = patch.shape[:2]

    def beyond(dx: int, dy: int) -> Patch:
        """Alpha some pixels farther in a direction."""
        return alpha[reach + dy : reach + dy + rows, reach + dx : reach + dx + columns]

    middle = beyond(0, 0)
    lit = cv2.blur(cv2.subtract(middle, beyond(side * reach, -reach)), (reach | 1, reach | 1))
    dim = cv2.blur(cv2.subtract(middle, beyond(-side * reach, reach)), (reach | 1, reach | 1))
    lit = cv2.multiply(lit, middle, scale=light.rim * 0.42 / 255)
    rest = cv2.bitwise_not(cv2.multiply(dim, middle, scale=0.3 / 255))
    warm = [cv2.convertScaleAbs(lit, alpha=0.62), cv2.convertScaleAbs(lit, alpha=0.86), lit]
    color = np.ascontiguousarray(patch[:, :, :3])
    cv2.multiply(color, cv2.merge([rest, rest, rest]), dst=color, scale=1 / 255)
    # Premultiplied colours never exceed their alpha.
    opaque = cv2.merge([middle, middle, middle])
    cv2.min(cv2.add(color, cv2.merge(warm)), opaque, dst=color)
    patch[:, :, :3] = color


def _hazy(patch: Patch, light: Light, share: float) -> Patch:
    matrix = np.diag([1 - share, 1 - share, 1 - share, 1.0])
    matrix[:3, 3] = np.asarray(light.haze) * (share / 255)
    return np.asarray(cv2.transform(patch, matrix), np.uint8)
