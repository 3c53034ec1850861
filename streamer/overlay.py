"""Overlay: draws instances on a frame, straight on its YUV 4:2:0 planes.

    mask crop --blur--> nearness of its edge --table--> transparency --blend--> Y; halved --> U, V

One transparency map holds a mask's inside, its opaque outline and the smooth steps between them,
so each plane is blended once, and only where the instance is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np

from streamer import lettering, palette
from streamer.frame import Color, Frame, Plane
from streamer.instances import Instances
from streamer.lettering import Rect

Planes = tuple[Plane, Plane, Plane]
YCC = tuple[int, int, int]

_SMALL = 4
"""Instances of less than so many times their label's area would be hidden by a label on them."""


@dataclass(frozen=True, slots=True)
class OverlayStyle:
    """What is drawn.

    Attributes:
        boxes: a rectangle around each instance.
        labels: class name and score.
        masks: translucent masks with their outlines.
        alpha: opacity of a mask inside its outline, 0 to 1.

    Raises:
        ValueError: alpha is out of range.
    """

    boxes: bool = True
    labels: bool = True
    masks: bool = True
    alpha: float = 0.45

    def __post_init__(self) -> None:
        if not 0 <= self.alpha <= 1:
            raise ValueError(f"alpha is {self.alpha}, must be 0 to 1")


class _Item(NamedTuple):
    """One instance, ready to be drawn."""

    rect: Rect
    mask: Plane
    words: tuple[str, str]
    color: YCC
    ink: YCC


def draw(frame: Frame, instances: Instances, style: OverlayStyle) -> Frame:
    """A copy of the frame with instances drawn on it; the frame itself if there are none.

    Large instances are drawn before small ones, which stay visible in front of them. That order,
    unlike the order of scores, is steady from frame to frame.
    """
    if not len(instances):
        return frame
    canvas = frame.copy()
    planes = (canvas.y, canvas.u, canvas.v)
    line = line_width(frame.width, frame.height)
    items = sorted(_items(instances, frame.color), key=lambda item: -item.rect.area)
    if style.masks:
        for item in items:
            _draw_mask(planes, item, line, style.alpha)
    if style.boxes:
        for item in items:
            _draw_box(planes, item, line)
    if style.labels:
        _draw_labels(planes, items, capital_height(frame.width, frame.height))
    return canvas


def line_width(width: int, height: int) -> int:
    """Pixels that outlines and boxes are wide in a picture of that size."""
    return max(round(min(width, height) / 480), 1)


def capital_height(width: int, height: int) -> int:
    """Pixels that capital letters are tall in a picture of that size; even.

    They grow more slowly than the picture: 6 at 240 lines, 14 at 1080, 24 at 2160. In proportion,
    they would be too small to read in the first or take too much room in the last.
    """
    return 2 * max(round((min(width, height) + 300) / 200), 3)


def _items(instances: Instances, color: Color) -> Iterator[_Item]:
    for rect, mask, label, score, class_id, track_id in zip(
        instances.rects.tolist(),
        instances.masks,
        instances.labels,
        instances.scores.tolist(),
        instances.class_ids.tolist(),
        instances.track_ids.tolist(),
        strict=True,
    ):
        rgb = palette.color_of(class_id, track_id)
        ink = _to_ycc(color, palette.ink_on(rgb))
        yield _Item(Rect(*rect), mask, (label, f"{score:.0%}"), _to_ycc(color, rgb), ink)


def _draw_mask(planes: Planes, item: _Item, line: int, alpha: float) -> None:
    """Blend a mask and its outline into the planes."""
    rect, mask = item.rect, item.mask
    kernel = (line + 2) | 1
    rows, columns = _span(rect.y1, rect.y2, kernel // 2), _span(rect.x1, rect.x2, kernel // 2)
    luma = planes[0][rows, columns]
    crop = np.zeros(luma.shape, np.uint8)
    top, left = rect.y1 - rows.start, rect.x1 - columns.start
    crop[top : top + mask.shape[0], left : left + mask.shape[1]] = mask
    # At the picture's own edge the object goes on, so there is no outline there.
    share = cv2.blur(crop, (kernel, kernel), borderType=cv2.BORDER_REPLICATE)
    kept = np.asarray(cv2.LUT(share, _transparencies(kernel, line, alpha)), np.uint8)
    _blend(luma, kept, item.color[0])
    kept = _halve(kept)
    for plane, value in zip(planes[1:], item.color[1:], strict=True):
        _blend(plane[_halved(rows), _halved(columns)], kept, value)


@lru_cache(maxsize=16)
def _transparencies(kernel: int, line: int, alpha: float) -> Plane:
    """How much of the picture is kept, u8[256], by how much around a pixel is masked, 0..255.

    Across a straight edge that share grows evenly over the kernel's width, so it tells how far the
    edge is: the outline is where it is near, the mask where the share is over a half.
    """
    distance = (np.arange(256) / 255 - 0.5) * kernel
    outline = np.clip(line / 2 + 0.5 - np.abs(distance), 0, 1)
    inside = np.where(distance > 0, alpha, 0)
    return np.asarray(np.rint(255 * (1 - np.maximum(outline, inside))), np.uint8)


def _blend(target: Plane, kept: Plane, value: int) -> None:
    """Mix a constant into ``target``, in place, where ``kept`` is below 255; within one level."""
    cv2.multiply(target, kept, dst=target, scale=1 / 255)
    cv2.add(target, cv2.convertScaleAbs(kept, alpha=-value / 255, beta=value), dst=target)


def _draw_box(planes: Planes, item: _Item, line: int) -> None:
    """Set the pixels along the inner side of the rectangle."""
    x1, y1, x2, y2 = item.rect
    for bar in (
        Rect(x1, y1, x2, min(y1 + line, y2)),
        Rect(x1, max(y2 - line, y1), x2, y2),
        Rect(x1, y1, min(x1 + line, x2), y2),
        Rect(max(x2 - line, x1), y1, x2, y2),
    ):
        for part, value in zip(_views(planes, bar), item.color, strict=True):
            part[:] = value


def _draw_labels(planes: Planes, items: Sequence[_Item], capital: int) -> None:
    """Draw all labels where they hide as little as can be of each other and of small instances."""
    height, width = planes[0].shape
    texts = [lettering.render(item.words, capital) for item in items]
    taken = np.zeros((2 * len(items), 4), np.int_)
    places = []
    for i, (item, text) in enumerate(zip(items, texts, strict=True)):
        if item.rect.area < _SMALL * text.size:
            taken[i] = item.rect
    for i, (item, text) in enumerate(zip(items, texts, strict=True), start=len(items)):
        size = (text.shape[1], text.shape[0])
        places.append(lettering.find_room(size, item.rect, (width, height), taken))
        taken[i] = places[-1]
    # Small instances are often details of large ones, whose labels say more: those lie on top.
    for item, text, place in reversed(list(zip(items, texts, places, strict=True))):
        _draw_label(_views(planes, place), text, item.color, item.ink)


def _draw_label(parts: Planes, text: Plane, paper: YCC, ink: YCC) -> None:
    """Set the pixels of a label; what sticks out of a very small picture is cut off."""
    shares = (text, *[_halve(text)] * 2)
    for part, share, back, front in zip(parts, shares, paper, ink, strict=True):
        mixed = cv2.convertScaleAbs(share, alpha=(front - back) / 255, beta=back)
        part[:] = mixed[: part.shape[0], : part.shape[1]]


def _views(planes: Planes, rect: Rect) -> Planes:
    """The part of each plane that a rectangle of luma pixels touches."""
    rows, columns = slice(rect.y1, rect.y2), slice(rect.x1, rect.x2)
    y, u, v = planes
    halves = _halved(rows), _halved(columns)
    return y[rows, columns], u[halves], v[halves]


def _span(first: int, last: int, margin: int) -> slice:
    """Pixels from ``first`` to ``last``, a margin around them, grown to even numbers."""
    return slice(max(first - margin, 0) // 2 * 2, (last + margin + 1) // 2 * 2)


def _halved(span: slice) -> slice:
    """The chroma samples that lie on a span of luma pixels."""
    return slice(span.start // 2, (span.stop + 1) // 2)


def _halve(shares: Plane) -> Plane:
    """Averages on the chroma grid, of pixels that begin on an even row and column.

    They end on an odd one only where the picture does, and the last sample lies on that one alone.
    """
    height, width = shares.shape
    if height % 2 or width % 2:
        shares = np.pad(shares, ((0, height % 2), (0, width % 2)), mode="edge")
    size = ((width + 1) // 2, (height + 1) // 2)
    return np.asarray(cv2.resize(shares, size, interpolation=cv2.INTER_AREA), np.uint8)


@lru_cache(maxsize=256)
def _to_ycc(color: Color, rgb: palette.RGB) -> YCC:
    return color.from_rgb(rgb)
