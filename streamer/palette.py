"""Colours that instances are drawn in, told apart with every kind of colour vision."""

from __future__ import annotations

from functools import lru_cache

RGB = tuple[int, int, int]

BLACK: RGB = (0, 0, 0)
WHITE: RGB = (255, 255, 255)

# Found by a search over sRGB for the eight vivid colours (Oklab lightness 0.55 to 0.93, chroma over
# 0.12) whose two nearest are farthest apart, where the distance of two is the least that normal,
# protanopic, deuteranopic and tritanopic eyes see. It is 0.12 in Oklab; the seven colours of Okabe
# and Ito, which were made for print, reach 0.076, and the best twelve 0.09.
# Sources: B. Ottosson, "A perceptual color space for image processing" (2020); G. Machado et al.,
# "A physiologically-based model for simulation of color vision deficiency" (2009).
COLORS: tuple[RGB, ...] = (
    (195, 165, 255),
    (255, 135, 0),
    (150, 0, 255),
    (0, 195, 150),
    (105, 255, 255),
    (210, 30, 15),
    (255, 225, 15),
    (45, 135, 195),
)
"""RGB in 0..255."""


def color_of(class_id: int, track_id: int) -> RGB:
    """The colour of an instance: its track's, or its class's where it is not tracked (-1).

    Nothing else stays the same from frame to frame: colours by position in the list would flicker,
    because an untracked list is sorted anew in every frame.
    """
    return COLORS[(class_id if track_id < 0 else track_id) % len(COLORS)]


@lru_cache(maxsize=64)
def ink_on(background: RGB) -> RGB:
    """Black or white, whichever is read more easily on ``background``.

    Source: WCAG 2.2, contrast ratio; one of the two always reaches 4.5, what it asks of text.
    """
    return max(BLACK, WHITE, key=lambda ink: contrast(ink, background))


def contrast(one: RGB, other: RGB) -> float:
    """Contrast ratio of two colours, 1 to 21. Source: WCAG 2.2."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(color: RGB) -> float:
    shares = [v / 255 for v in color]
    red, green, blue = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
