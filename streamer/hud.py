"""HUD: the figures of a run as lines of text in a dark box, drawn on a frame's YUV planes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np

from streamer import lettering, palette
from streamer.frame import Color, Frame, Plane
from streamer.metrics import Snapshot
from streamer.overlay import capital_height
from streamer.sources.base import Health

_OPACITY = 0.6
"""Of the box: what lies behind stays visible, and white on it is read on any picture."""


class _Layer(NamedTuple):
    """What a plane becomes under the box: ``plane * kept / 255 + added``."""

    kept: Plane
    added: Plane


def hud_lines(snapshot: Snapshot, health: Health) -> list[str]:
    """The figures of a run, a short line for each subject; those not known are left out."""
    gauges, counts = snapshot.gauges, snapshot.counts
    rates = [
        f"{gauges[name]:.1f} {words}"
        for name, words in (("shown_fps", "fps shown"), ("inferred_fps", "inferred"))
        if name in gauges
    ]
    age = [f"age {gauges['age_ms']:.0f} ms"] if "age_ms" in gauges else []
    lost = [f"dropped {counts.get('dropped', 0)}", f"reconnects {health.reconnects}"]
    if health.corrupt_packets:
        lost.append(f"corrupt packets {health.corrupt_packets}")
    agreement = [f"agreement {gauges['agreement']:.2f}"] if "agreement" in gauges else []
    return [", ".join(parts) for parts in (rates, age, lost, agreement) if parts]


def draw_hud(canvas: Frame, lines: Sequence[str], *, centred: bool = False) -> None:
    """Draw lines of text on a frame's own picture, in a translucent box.

    The box is kept, so that text that stays the same costs no more than mixing it in; what sticks
    out of a very small picture is cut off.

    Args:
        canvas: drawn on in place, so it must not be a source's; see `Frame.copy`.
        lines: from top to bottom; nothing is drawn if there are none.
        centred: in the middle of the picture rather than its top left corner.
    """
    if not lines:
        return
    capital = capital_height(canvas.width, canvas.height)
    layers = _render(tuple(lines), capital, canvas.color)
    height, width = layers[0].kept.shape
    top = left = capital
    if centred:
        top = max((canvas.height - height) // 4 * 2, 0)
        left = max((canvas.width - width) // 4 * 2, 0)
    for plane, layer, step in zip((canvas.y, canvas.u, canvas.v), layers, (1, 2, 2), strict=True):
        part = plane[top // step :, left // step :][: height // step, : width // step]
        kept, added = (each[: part.shape[0], : part.shape[1]] for each in layer)
        if part.size:
            cv2.multiply(part, kept, dst=part, scale=1 / 255)
            cv2.add(part, added, dst=part)


@lru_cache(maxsize=8)
def _render(lines: tuple[str, ...], capital: int, color: Color) -> tuple[_Layer, _Layer, _Layer]:
    """The box with its text, for Y, U and V."""
    texts = [lettering.render(line.split(), capital) for line in lines]
    # The letters of a line lie in the middle half of its height.
    ink = np.zeros((2 * capital * len(texts), max(text.shape[1] for text in texts)), np.uint8)
    for index, text in enumerate(texts):
        ink[2 * capital * index :, : text.shape[1]][: 2 * capital] = text
    half = np.asarray(cv2.resize(ink, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8)
    white, black = color.from_rgb(palette.WHITE), color.from_rgb(palette.BLACK)
    y, u, v = (
        _mix(share, front, back)
        for share, front, back in zip((ink, half, half), white, black, strict=True)
    )
    return y, u, v


def _mix(ink: Plane, front: int, back: int) -> _Layer:
    """Text of value ``front`` where ``ink`` is 255, over a box of value ``back``."""
    share = ink / 255
    box = _OPACITY * (1 - share)
    kept = np.rint(255 * (1 - share - box))
    return _Layer(kept.astype(np.uint8), np.rint(share * front + box * back).astype(np.uint8))
