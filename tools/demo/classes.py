"""What the demo's scenes show and its model finds."""

from __future__ import annotations

CLASSES: tuple[str, ...] = (
    "person",
    "bicycle",
    "car",
    "bus",
    "dog",
    "sports ball",
    "bench",
    "kite",
    "umbrella",
)
"""In the order of the network's classes: the first is class 1, 0 being the background."""

CATEGORY_IDS: dict[str, int] = {
    "person": 1,
    "bicycle": 2,
    "car": 3,
    "bus": 6,
    "dog": 18,
    "sports ball": 37,
    "bench": 15,
    "kite": 38,
    "umbrella": 28,
}
"""COCO's category id of each class."""
